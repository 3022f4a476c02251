package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.management.JMRuntimeException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.TlsProbe;

/** A real server with a key store of its own beside names on demand, and that key store changed while it runs. */
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class KeyStoreReloadIT {

    private static final String NAME = "shop.customer.example";
    private static final String OWN = "own.operator.example";
    private static final String NEW = "new.operator.example";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private ServerProcess server;
    private Path served;

    @BeforeEach
    void startServer() throws Exception {
        Path base = directory.resolve("base");
        served = base.resolve("own.p12");
        server = line.layOut(base)
                .servingItself(served, HostFixture.PASSWORD)
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "*.customer.example");
        put(HostFixture.keyStore(directory.resolve("first.p12"), OWN));
        server.start();
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void aChangedKeyStoreIsServedAtOnceAndNamesOnDemandGoOnAsBefore() throws Exception {
        X509Certificate ownBefore = leaf(OWN);
        X509Certificate onDemandBefore = onDemand();
        assertThat(TlsProbe.trustingAnything().handshake(server.tlsPort(), NEW).alert())
                .contains("unrecognized_name");

        put(HostFixture.keyStore(directory.resolve("second.p12"), OWN, NEW));
        server.reload();

        awaitServed(NEW);
        X509Certificate ownAfter = leaf(OWN);
        assertThat(ownAfter.getSubjectX500Principal()).isEqualTo(ownBefore.getSubjectX500Principal());
        assertThat(ownAfter.getPublicKey()).isNotEqualTo(ownBefore.getPublicKey());
        assertThat(leaf(NEW)).isEqualTo(ownAfter);
        assertThat(onDemand()).isEqualTo(onDemandBefore);
        var another = Curl.trusting(server.internalRoot()).http2().get("other.customer.example", server.tlsPort(), "/");
        assertThat(another.status()).as(another.command().stderr()).isEqualTo(200);
        assertThat(another.body()).isEqualTo(ServerProcess.CONTENT);
    }

    // Jetty drops the key store it has before it reads the new one; Tomcat keeps it.
    @Test
    void aBrokenKeyStoreIsWhatTheServerMakesOfItUntilItIsMended() throws Exception {
        X509Certificate onDemandBefore = onDemand();

        put(Files.writeString(directory.resolve("broken.p12"), "no key store"));
        if (line.isJetty()) {
            server.process().awaitOutput("Keystore Reload Failed", PATIENCE);
            assertThat(TlsProbe.trustingAnything()
                            .handshake(server.tlsPort(), NAME)
                            .alert())
                    .contains("internal_error");
        } else {
            assertThatThrownBy(server::reload).isInstanceOf(JMRuntimeException.class);
            assertThat(onDemand()).isEqualTo(onDemandBefore);
        }
        put(HostFixture.keyStore(directory.resolve("mended.p12"), OWN));
        server.reload();

        awaitServed(OWN);
        assertThat(onDemand()).isEqualTo(onDemandBefore);
    }

    private void awaitServed(String name) {
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(TlsProbe.trustingAnything()
                                .handshake(server.tlsPort(), name)
                                .failure())
                        .isEmpty());
    }

    private X509Certificate leaf(String name) {
        return TlsProbe.trustingAnything().handshake(server.tlsPort(), name).leaf();
    }

    private X509Certificate onDemand() {
        return TlsProbe.trusting(server.internalRoot())
                .handshake(server.tlsPort(), NAME)
                .leaf();
    }

    private void put(Path keyStore) throws Exception {
        Files.move(keyStore, served, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
