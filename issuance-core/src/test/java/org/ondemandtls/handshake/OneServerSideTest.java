package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** {@link OneCertificate}, {@link ChallengeTls} and what belongs to them: a server's side, and one certificate. */
class OneServerSideTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final Clock clock = Clock.systemUTC();
    private final KeyedCertificate certificate = TestLeaves.leaf(clock.instant(), Duration.ofDays(1), SHOP.value());
    private final OneCertificate one = new OneCertificate(certificate, certificate.key());

    @Nested
    class OneCertificateOfAContext {

        @Test
        void isShownToWhoeverAsksForItsKindOfKey() {
            String alias = one.chooseEngineServerAlias("EC", null, null);

            assertThat(one.getServerAliases("EC", null)).containsExactly(alias);
            assertThat(alias).isNotEmpty();
            assertThat(one.getCertificateChain(alias)).containsExactly(certificate.leaf());
            assertThat(one.getPrivateKey(alias)).isSameAs(certificate.key());
            assertThat(one.chooseEngineServerAlias("RSA", null, null)).isNull();
        }

        @Test
        void isForNoClientAndNoSocket() {
            for (ServerKeyManager keys : List.of(one, new InventoryKeyManager(new Inventory(1, clock)))) {
                assertThat(keys.chooseServerAlias("EC", null, null)).isNull();
                assertThat(keys.chooseClientAlias(new String[] {"EC"}, null, null))
                        .isNull();
                assertThat(keys.getClientAliases("EC", null)).isNull();
            }
        }
    }

    @Nested
    class AnEngineThatProves {

        @ParameterizedTest
        @EnumSource
        void isAServersSpeaksItsProtocolOnlyAndNothingOlderThanTls12(OnDemandTlsConfig.TlsProvider chosen)
                throws Exception {
            SSLEngine engine = ChallengeTls.engine(new Admission.Prove(SHOP, certificate), TlsProvider.of(chosen));

            assertThat(engine.getUseClientMode()).isFalse();
            assertThat(engine.getNeedClientAuth()).isFalse();
            assertThat(engine.getSSLParameters().getApplicationProtocols()).containsExactly("acme-tls/1");
            assertThat(engine.getEnabledProtocols()).containsExactlyInAnyOrder("TLSv1.3", "TLSv1.2");
        }
    }

    @Nested
    class AProvider {

        @Test
        void isLoadedOnce() throws Exception {
            TlsProvider first = TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT);

            assertThat(TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT))
                    .isNotNull()
                    .isSameAs(first);
            assertThat(first.isJdk()).isFalse();
            assertThat(first.contextSpi()).isNotNull();
            assertThat(TlsProvider.JDK.isJdk()).isTrue();
        }
    }

    @Nested
    class ARefusal {

        @Test
        void isCountedByItsReasonAlsoForWhoReadsFigures() {
            Figures figures = new Figures();
            RefusalCounts counts = new RefusalCounts(figures);

            counts.count(Refusal.TOO_MANY);
            counts.count(Refusal.TOO_MANY);

            assertThat(counts.all()).contains(Map.entry(Refusal.TOO_MANY.word(), 2L));
            assertThat(counts.all()).containsEntry(Refusal.DEADLINE.word(), 0L);
            assertThat(figures.series())
                    .filteredOn(series -> series.figure() == Figure.REFUSED)
                    .singleElement()
                    .satisfies(series -> {
                        assertThat(series.values()).containsExactly(Refusal.TOO_MANY.word());
                        assertThat(series.count()).isEqualTo(2);
                    });
        }
    }

    @Nested
    class AScopeOfSessions {

        @Test
        void isTheSameForTheSameNameAndLeafAndSpreadsByName() {
            SessionScope scope = SessionScope.of(new Admission.Serve(SHOP, certificate, false), "ignored.example");
            KeyedCertificate again = new KeyedCertificate(certificate.key(), certificate.chain());

            assertThat(scope)
                    .isEqualTo(SessionScope.of(new Admission.Serve(SHOP, again, true), null))
                    .hasSameHashCodeAs(SessionScope.of(new Admission.Serve(SHOP, again, true), null))
                    .isNotEqualTo(SessionScope.of(null, SHOP.value()));
            assertThat(SessionScope.of(null, "a.example").hashCode())
                    .isNotEqualTo(SessionScope.of(null, "b.example").hashCode());
        }
    }
}
