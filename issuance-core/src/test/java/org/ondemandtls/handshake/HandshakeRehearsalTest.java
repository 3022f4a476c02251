package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link HandshakeRehearsal}: both handshakes are whole ones, with every provider. */
class HandshakeRehearsalTest {

    private static final String SHOP = "shop.example.com";

    private final Clock clock = Clock.systemUTC();

    @ParameterizedTest
    @EnumSource
    void showsTheCertificateToAClientThatAcceptsNoOther(OnDemandTlsConfig.TlsProvider chosen) throws Exception {
        HandshakeRehearsal rehearsal = new HandshakeRehearsal(clock, TlsProvider.of(chosen));
        KeyedCertificate certificate = TestLeaves.leaf(clock.instant(), Duration.ofDays(1), SHOP);

        assertThatCode(() -> rehearsal.perform(certificate)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @EnumSource
    void goesAsFarAsToTheSignature(OnDemandTlsConfig.TlsProvider chosen) throws Exception {
        HandshakeRehearsal rehearsal = new HandshakeRehearsal(clock, TlsProvider.of(chosen));
        // Its key is not the one that is certified.
        KeyedCertificate certificate = TestLeaves.valid(
                TestCertificates.key().getPublic(),
                clock.instant().minus(Duration.ofDays(1)),
                clock.instant().plus(Duration.ofDays(1)),
                SHOP);

        assertThatThrownBy(() -> rehearsal.perform(certificate)).isInstanceOf(IllegalStateException.class);
    }
}
