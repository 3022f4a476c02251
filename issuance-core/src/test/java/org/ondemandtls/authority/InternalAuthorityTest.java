package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.MemorySecretFiles;
import org.ondemandtls.testing.TestCertificates;

/** {@link InternalAuthority}: one root for good, leaves that verify. */
class InternalAuthorityTest {

    private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");
    private static final ServerName NAME = ServerName.parse("shop.example.com");

    private final MemorySecretFiles files = new MemorySecretFiles();
    private final List<Event> seen = new ArrayList<>();
    private final Events events = new Events(seen::add, () -> 0);

    private InternalAuthority open(Instant now) throws IOException {
        return InternalAuthority.open(files, Clock.fixed(now, ZoneOffset.UTC), events);
    }

    private static Authority.Order order(KeyPair key) {
        return new Authority.Order(
                NAME,
                key,
                CertificationRequests.request(key, NAME),
                Optional.empty(),
                Optional.empty(),
                Authority.LONGEST_ORDER);
    }

    private static List<X509Certificate> sign(InternalAuthority authority, KeyPair key) throws Exception {
        return authority.sign(order(key), url -> {
            throw new AssertionError("the internal CA has no orders");
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384", "RSA_2048"})
    void aLeafVerifiesAgainstTheRoot(KeyType type) throws Exception {
        InternalAuthority authority = open(NOW);
        KeyPair key = TestCertificates.key(type);

        List<X509Certificate> chain = sign(authority, key);

        assertThat(chain).hasSize(1);
        X509Certificate leaf = chain.get(0);
        assertThatCode(() -> CertificateVerifier.verify(List.of(leaf, authority.root()), key.getPublic(), NAME, NOW))
                .doesNotThrowAnyException();
        assertThat(leaf.getNotBefore().toInstant()).isEqualTo(NOW.minus(Duration.ofMinutes(5)));
        assertThat(leaf.getNotAfter().toInstant()).isEqualTo(NOW.plus(Duration.ofDays(30)));
        assertThat(leaf.getSubjectAlternativeNames()).containsExactly(List.of(2, NAME.value()));
        assertThat(leaf.getSubjectX500Principal().getName()).isEmpty();
        assertThat(leaf.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.1");
    }

    @Test
    void noTwoLeavesHaveOneSerialNumber() throws Exception {
        InternalAuthority authority = open(NOW);
        KeyPair key = TestCertificates.key();

        assertThat(sign(authority, key).get(0).getSerialNumber())
                .isPositive()
                .isNotEqualTo(sign(authority, key).get(0).getSerialNumber());
    }

    @Test
    void aLeafNeverOutlivesTheRoot() throws Exception {
        Instant end = open(NOW).root().getNotAfter().toInstant();
        InternalAuthority late = open(end.minus(Duration.ofDays(29)));

        X509Certificate leaf = sign(late, TestCertificates.key()).get(0);

        assertThat(leaf.getNotAfter().toInstant()).isEqualTo(end);
    }

    @Test
    void anExpiredRootSignsNothingAndIsNotReplaced() throws Exception {
        MovingClock clock = new MovingClock(NOW);
        InternalAuthority authority = InternalAuthority.open(files, clock, events);
        Instant end = authority.root().getNotAfter().toInstant();

        clock.now = end.plusSeconds(1);

        assertThatThrownBy(() -> sign(authority, TestCertificates.key()))
                .isInstanceOf(IssuanceException.Unavailable.class)
                .hasMessageContaining("remove internal-ca/root.pem");
        assertThatCode(authority::prepare).doesNotThrowAnyException();
        assertThatThrownBy(() -> open(end.plusSeconds(1)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("was valid until");
    }

    @Test
    void theFirstStartMakesARootAndSaysSo() throws Exception {
        X509Certificate root = open(NOW).root();

        assertThat(files.names()).containsExactly("internal-ca/root.key", "internal-ca/root.pem");
        assertThat(files.secrets()).containsExactly("internal-ca/root.key");
        assertThat(seen)
                .singleElement()
                .satisfies(event -> assertThat(event.text()).contains("internal-ca/root.pem"));
        assertThat(root.getSubjectX500Principal().getName()).matches("CN=On-Demand TLS internal CA [0-9a-f]{8}");
        assertThat(root.getBasicConstraints()).isZero();
        root.verify(root.getPublicKey());
    }

    @Nested
    class AtALaterStart {

        @Test
        void theRootIsTheSame() throws Exception {
            X509Certificate root = open(NOW).root();

            assertThat(open(NOW.plus(Duration.ofDays(400))).root()).isEqualTo(root);
            assertThat(seen).hasSize(1);
        }

        @Test
        void aKeyWithoutCertificateGetsOne() throws Exception {
            X509Certificate lost = open(NOW).root();
            files.remove("internal-ca/root.pem");

            InternalAuthority again = open(NOW);

            assertThat(again.root().getPublicKey()).isEqualTo(lost.getPublicKey());
            KeyPair key = TestCertificates.key();
            X509Certificate leaf = sign(again, key).get(0);
            leaf.verify(again.root().getPublicKey());
        }

        @Test
        void aCertificateWithoutKeyStopsTheStart() throws Exception {
            open(NOW);
            files.remove("internal-ca/root.key");

            assertStopped("internal-ca/root.key is missing");
        }

        @Test
        void halvesOfDifferentRootsStopTheStart() throws Exception {
            open(NOW);
            files.write(
                    "internal-ca/root.key",
                    Pem.privateKey(TestCertificates.key().getPrivate()).getBytes(StandardCharsets.US_ASCII),
                    true);

            assertStopped("does not belong to");
        }

        @Test
        void whatCannotBeReadStopsTheStartAndIsLeftAlone() throws Exception {
            open(NOW);
            byte[] garbage = "garbage".getBytes(StandardCharsets.US_ASCII);
            files.write("internal-ca/root.pem", garbage, false);
            assertStopped("internal-ca/root.pem cannot be used");
            files.write("internal-ca/root.key", garbage, true);
            assertStopped("internal-ca/root.key cannot be used");

            assertThat(files.read("internal-ca/root.pem")).hasValue(garbage);
            assertThat(files.read("internal-ca/root.key")).hasValue(garbage);
        }

        @Test
        void aLeafInTheRootsPlaceStopsTheStart() throws Exception {
            KeyPair key = TestCertificates.key();
            files.write(
                    "internal-ca/root.key", Pem.privateKey(key.getPrivate()).getBytes(StandardCharsets.US_ASCII), true);
            X509Certificate leaf =
                    TestCertificates.leaf(key, NOW, "a.example.com").signedBy("leaf", key);
            files.write(
                    "internal-ca/root.pem", Pem.certificates(List.of(leaf)).getBytes(StandardCharsets.US_ASCII), false);

            assertStopped("is no CA");
        }

        private void assertStopped(String reason) {
            assertThatThrownBy(() -> open(NOW))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(reason)
                    .hasMessageContaining("restore it");
        }
    }

    private static final class MovingClock extends Clock {

        Instant now;

        MovingClock(Instant now) {
            this.now = now;
        }

        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }
}
