package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;

/** {@link CertificateVerifier}: a chain is right in every point or refused with the point that is wrong. */
class CertificateVerifierTest {

    private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");
    private static final ServerName NAME = ServerName.parse("shop.example.com");

    private final KeyPair key = TestCertificates.key();
    private final KeyPair issuerKey = TestCertificates.key();
    private final KeyPair rootKey = TestCertificates.key();
    private final X509Certificate root =
            TestCertificates.authority(rootKey, NOW, "root").signedBy("root", rootKey);
    private final X509Certificate issuer =
            TestCertificates.authority(issuerKey, NOW, "issuer").signedBy("root", rootKey);

    private TestCertificates leaf() {
        return TestCertificates.leaf(key, NOW, "shop.example.com");
    }

    private X509Certificate signed(TestCertificates leaf) {
        return leaf.signedBy("issuer", issuerKey);
    }

    private void accepted(X509Certificate... chain) {
        assertThatCode(() -> CertificateVerifier.verify(List.of(chain), key.getPublic(), NAME, NOW))
                .doesNotThrowAnyException();
    }

    private void refused(String reason, X509Certificate... chain) {
        assertThatThrownBy(() -> CertificateVerifier.verify(List.of(chain), key.getPublic(), NAME, NOW))
                .isInstanceOf(InvalidCertificateException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void acceptsAChainWithAndWithoutIssuers() {
        accepted(signed(leaf()));
        accepted(signed(leaf()), issuer);
        accepted(signed(leaf()), issuer, root);
    }

    @Nested
    class TheLeaf {

        @Test
        void mustBeForTheExpectedKey() {
            refused(
                    "another key",
                    TestCertificates.leaf(TestCertificates.key(), NOW, "shop.example.com")
                            .signedBy("issuer", issuerKey));
        }

        @Test
        void mustCoverTheNameExactlyOrByAWildcardOfOneLabel() {
            accepted(signed(TestCertificates.leaf(key, NOW, "other.example.com", "SHOP.example.com")));
            accepted(signed(TestCertificates.leaf(key, NOW, "*.example.com")));
            refused("cover", signed(TestCertificates.leaf(key, NOW, "other.example.com")));
            refused("cover", signed(TestCertificates.leaf(key, NOW, "*.shop.example.com")));
            refused("cover", signed(TestCertificates.leaf(key, NOW, "*.com")));
            refused("cover", signed(TestCertificates.leaf(key, NOW, "example.com")));
            refused("cover", signed(TestCertificates.leaf(key, NOW)));
        }

        @Test
        void mustNotDemandStaplingSinceNobodyStaples() {
            refused("demands OCSP stapling", signed(leaf().mustStaple()));
            accepted(signed(leaf().revocationList("http://crl.example/1.crl")));
        }

        @Test
        void mustNotBeACa() {
            refused("is a CA", signed(leaf().constraints(new BasicConstraints(true))));
            accepted(signed(leaf().constraints(new BasicConstraints(false))));
        }

        @Test
        void mustBeForServersIfItSaysWhatItIsFor() {
            accepted(signed(leaf().purpose(null)));
            accepted(signed(leaf().purpose(KeyPurposeId.anyExtendedKeyUsage)));
            refused("not for servers", signed(leaf().purpose(KeyPurposeId.id_kp_clientAuth)));
        }

        @Test
        void mustBeAllowedToSignIfItSaysWhatItsKeyMayDo() {
            accepted(signed(leaf().usage(null)));
            refused("may not sign handshakes", signed(leaf().usage(new KeyUsage(KeyUsage.keyEncipherment))));
        }

        @Test
        void mustHaveNoCriticalExtensionNobodyKnows() {
            refused("critical extension", signed(leaf().unknownCritical()));
        }

        @Test
        void mustBeValidNowGiveOrTakeTheSkewAtItsBeginning() {
            Duration second = Duration.ofSeconds(1);
            Instant later = NOW.plus(Duration.ofDays(1));
            Instant earliest = NOW.plus(CertificateVerifier.CLOCK_SKEW);

            accepted(signed(leaf().valid(earliest, later)));
            refused("not valid before", signed(leaf().valid(earliest.plus(second), later)));
            accepted(signed(leaf().valid(NOW.minus(second), NOW)));
            refused("was valid until", signed(leaf().valid(NOW.minus(second), NOW.minus(second))));
        }
    }

    @Nested
    class AnIssuer {

        @Test
        void mustHaveSignedTheCertificateBeforeIt() {
            refused("has not signed", leaf().signedBy("issuer", TestCertificates.key()), issuer);
            refused("is not the issuer", leaf().signedBy("somebody", issuerKey), issuer);
            refused("is not the issuer", signed(leaf()), root);
        }

        @Test
        void mustBeACaThatMaySign() {
            refused(
                    "issuer 1 is no CA",
                    signed(leaf()),
                    TestCertificates.authority(issuerKey, NOW, "issuer")
                            .constraints(null)
                            .signedBy("root", rootKey));
            refused(
                    "may not sign certificates",
                    signed(leaf()),
                    TestCertificates.authority(issuerKey, NOW, "issuer")
                            .usage(new KeyUsage(KeyUsage.cRLSign))
                            .signedBy("root", rootKey));
        }

        @Test
        void mustAllowTheIntermediatesBelowIt() {
            X509Certificate narrow = TestCertificates.authority(rootKey, NOW, "root")
                    .constraints(new BasicConstraints(0))
                    .signedBy("root", rootKey);

            refused("intermediates", signed(leaf()), issuer, narrow);
            accepted(leaf().signedBy("root", rootKey), narrow);
        }

        @Test
        void mustBeValidNow() {
            refused(
                    "issuer 1 was valid until",
                    signed(leaf()),
                    TestCertificates.authority(issuerKey, NOW, "issuer")
                            .valid(NOW.minusSeconds(60), NOW.minusSeconds(1))
                            .signedBy("root", rootKey));
        }
    }

    @Nested
    class TheChain {

        @Test
        void mustNotBeEmpty() {
            refused("empty");
        }

        @Test
        void mayHaveTenCertificatesAndNotEleven() {
            List<X509Certificate> chain = new ArrayList<>();
            chain.add(leaf().signedBy("root", rootKey));
            while (chain.size() < CertificateVerifier.MAX_CHAIN) {
                chain.add(root);
            }
            accepted(chain.toArray(X509Certificate[]::new));

            chain.add(root);

            refused("more than 10", chain.toArray(X509Certificate[]::new));
        }
    }
}
