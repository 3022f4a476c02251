package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.testing.NoServer;

/** {@link TlsSetup}: engines that only a host can have. */
class TlsSetupTest {

    @Test
    void aHostWithoutAnEngineForOpenSslSaysSoBeforeTheStoreIsOpened() {
        assertThatThrownBy(() -> OnDemandTls.open(config(OnDemandTlsConfig.TlsProvider.OPENSSL), new NoServer()))
                .isInstanceOf(StartException.class)
                .hasMessage("onDemandTls.tls.provider: \"openssl\" cannot be used: only Tomcat has an engine for it;"
                        + " write conscrypt, or jdk");
    }

    @Test
    void aHostIsAskedForOpenSslWhereItWasChosenOnly() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        TlsSetup.Engines host = new TlsSetup.Engines() {
            @Override
            public void requireOpenSsl() {
                asked.incrementAndGet();
            }
        };

        TlsSetup.check(config(OnDemandTlsConfig.TlsProvider.JDK), host);
        assertThat(asked).hasValue(0);
        TlsSetup.check(config(OnDemandTlsConfig.TlsProvider.OPENSSL), host);
        assertThat(asked).hasValue(1);
    }

    @Test
    void whatTheHostDoesNotMakeTheJdkMakes() throws Exception {
        assertThat(TlsSetup.provider(config(OnDemandTlsConfig.TlsProvider.OPENSSL)))
                .isSameAs(TlsProvider.JDK);
        assertThatCode(() -> TlsSetup.check(config(OnDemandTlsConfig.TlsProvider.CONSCRYPT), new NoServer()))
                .doesNotThrowAnyException();
    }

    private static OnDemandTlsConfig config(OnDemandTlsConfig.TlsProvider provider) throws Exception {
        return OnDemandTlsConfig.builder()
                .permission(permission -> permission.names("a.example"))
                .tlsProvider(provider)
                .build(Path.of("unused"));
    }
}
