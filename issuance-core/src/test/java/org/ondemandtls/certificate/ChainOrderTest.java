package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;

/** {@link ChainOrder}: what is superfluous stops nothing, what is needed is never dropped. */
class ChainOrderTest {

    private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

    private final KeyPair key = TestCertificates.key();
    private final KeyPair issuerKey = TestCertificates.key();
    private final KeyPair middleKey = TestCertificates.key();
    private final KeyPair rootKey = TestCertificates.key();
    private final X509Certificate root =
            TestCertificates.authority(rootKey, NOW, "root").signedBy("root", rootKey);
    private final X509Certificate middle =
            TestCertificates.authority(middleKey, NOW, "middle").signedBy("root", rootKey);
    private final X509Certificate issuer =
            TestCertificates.authority(issuerKey, NOW, "issuer").signedBy("middle", middleKey);
    private final X509Certificate leaf =
            TestCertificates.leaf(key, NOW, "shop.example.com").signedBy("issuer", issuerKey);

    private ChainOrder order(X509Certificate... sent) {
        return ChainOrder.of(List.of(sent), key.getPublic(), NOW);
    }

    @Test
    void aRightChainIsLeftAloneWithoutAWord() {
        assertThat(order(leaf, issuer, middle).chain()).containsExactly(leaf, issuer, middle);
        assertThat(order(leaf, issuer, middle).remark()).isEmpty();
        assertThat(order(leaf).chain()).containsExactly(leaf);
        assertThat(order(leaf).remark()).isEmpty();
    }

    @Test
    void aWrongOrderIsPutRight() {
        assertThat(order(middle, issuer, leaf).chain()).containsExactly(leaf, issuer, middle);
        assertThat(order(middle, issuer, leaf).remark()).contains("put the certificates in order");
    }

    @Test
    void aRootADuplicateAndAStrangerAreLeftOut() {
        X509Certificate stranger = TestCertificates.authority(TestCertificates.key(), NOW, "stranger")
                .signedBy("nobody", TestCertificates.key());

        ChainOrder order = order(leaf, issuer, issuer, middle, root, stranger);

        assertThat(order.chain()).containsExactly(leaf, issuer, middle);
        assertThat(order.remark()).contains("left out a root, a certificate that belongs to no other one, a duplicate");
    }

    @Test
    void anExpiredCrossSignAtTheEndIsLeftOut() {
        X509Certificate crossSign = TestCertificates.authority(middleKey, NOW, "middle")
                .valid(NOW.minus(Duration.ofDays(900)), NOW.minusSeconds(1))
                .signedBy("old root", rootKey);

        assertThat(order(leaf, issuer, crossSign).chain()).containsExactly(leaf, issuer);
        assertThat(order(leaf, issuer, crossSign, middle).chain()).containsExactly(leaf, issuer, middle);
        assertThat(order(leaf, issuer, crossSign).remark()).contains("left out an issuer that is not valid now");
    }

    @Test
    void theChainEndsBeforeAnUpperIssuerThatTheVerifierWouldRefuse() throws Exception {
        TestCertificates old = crossSign();
        Map<TestCertificates, String> refused = new LinkedHashMap<>();
        // As those of version 1 are.
        refused.put(crossSign().constraints(null).usage(null), "issuer 2 is no CA");
        refused.put(crossSign().constraints(new BasicConstraints(0)), "may not have so many intermediates below it");
        refused.put(crossSign().usage(new KeyUsage(KeyUsage.cRLSign)), "issuer 2 may not sign certificates");
        refused.put(crossSign().unknownCritical(), "issuer 2 has a critical extension that is not understood");
        for (Map.Entry<TestCertificates, String> each : refused.entrySet()) {
            X509Certificate unfit = each.getKey().signedBy("old root", rootKey);

            ChainOrder order = order(leaf, issuer, unfit);

            assertThat(order.chain()).containsExactly(leaf, issuer);
            assertThat(order.remark().orElseThrow())
                    .startsWith("left out a cross-sign that cannot be used (issuer 2 ")
                    .contains(each.getValue());
            CertificateVerifier.verify(order.chain(), key.getPublic(), ServerName.parse("shop.example.com"), NOW);
            // Of two the one that can be used.
            assertThat(order(leaf, issuer, unfit, middle).chain()).containsExactly(leaf, issuer, middle);
        }
        X509Certificate fit = old.constraints(new BasicConstraints(1)).signedBy("old root", rootKey);
        assertThat(order(leaf, issuer, fit).chain()).containsExactly(leaf, issuer, fit);
    }

    private TestCertificates crossSign() {
        return TestCertificates.authority(middleKey, NOW, "middle");
    }

    @Test
    void ofTwoIssuersOfTheLeafTheOneIsTakenThatTheVerifierTakes() {
        X509Certificate unfit = TestCertificates.authority(issuerKey, NOW, "issuer")
                .constraints(null)
                .signedBy("old root", rootKey);

        assertThat(order(leaf, unfit, issuer).chain()).containsExactly(leaf, issuer);
        assertThat(order(leaf, unfit).chain()).containsExactly(leaf, unfit);
    }

    @Test
    void whatCouldNotBeReadIsToldWithTheRest() {
        Pem.SentChain one = new Pem.SentChain(List.of(leaf, issuer), 1);
        Pem.SentChain two = new Pem.SentChain(List.of(leaf, issuer, middle, root), 2);

        assertThat(ChainOrder.of(one, key.getPublic(), NOW).chain()).containsExactly(leaf, issuer);
        assertThat(ChainOrder.of(one, key.getPublic(), NOW).remark()).contains("left out a block that cannot be read");
        assertThat(ChainOrder.of(two, key.getPublic(), NOW).remark())
                .contains("left out a root, 2 blocks that cannot be read");
        assertThat(ChainOrder.of(new Pem.SentChain(List.of(leaf, issuer), 0), key.getPublic(), NOW)
                        .remark())
                .isEmpty();
    }

    @Test
    void theIssuerOfTheLeafIsKeptWhereItIsARoot() {
        X509Certificate direct =
                TestCertificates.leaf(key, NOW, "shop.example.com").signedBy("root", rootKey);

        assertThat(order(direct, root).chain()).containsExactly(direct, root);
        assertThat(order(direct, root).remark()).isEmpty();
    }

    @Test
    void whatTheVerifierHasToRefuseIsLeftToIt() {
        X509Certificate expired = TestCertificates.authority(issuerKey, NOW, "issuer")
                .valid(NOW.minus(Duration.ofDays(900)), NOW.minusSeconds(1))
                .signedBy("middle", middleKey);

        assertThat(order(leaf, expired).chain()).containsExactly(leaf, expired);
        assertThat(order(issuer, middle).chain()).containsExactly(issuer, middle);
    }

    @Test
    void aCertificateIsServedWithTheToleranceItIsAcceptedWith() {
        X509Certificate ahead = TestCertificates.leaf(key, NOW, "shop.example.com")
                .valid(NOW.plus(CertificateVerifier.CLOCK_SKEW), NOW.plus(Duration.ofDays(1)))
                .signedBy("issuer", issuerKey);
        KeyedCertificate certificate = new KeyedCertificate(key.getPrivate(), List.of(ahead, issuer));

        assertThat(certificate.isValidAt(NOW)).isTrue();
        assertThat(certificate.isValidAt(NOW.minusSeconds(1))).isFalse();
    }

    @Test
    void whatIsServedFromTheStoreIsInOrderToo() {
        X509Certificate ended = TestCertificates.authority(middleKey, NOW, "middle")
                .valid(NOW.minus(Duration.ofDays(900)), NOW.minusSeconds(1))
                .signedBy("old root", rootKey);
        for (List<X509Certificate> stored : List.of(
                List.of(leaf, issuer, middle, root),
                List.of(leaf, middle, issuer),
                List.of(leaf, issuer, issuer, middle),
                List.of(leaf, issuer, middle, ended))) {
            assertThat(new KeyedCertificate(key.getPrivate(), stored)
                            .inOrder(NOW)
                            .chain())
                    .containsExactly(leaf, issuer, middle);
        }
    }

    @Test
    void whatIsInOrderIsServedAsItIs() {
        X509Certificate direct =
                TestCertificates.leaf(key, NOW, "shop.example.com").signedBy("root", rootKey);
        for (List<X509Certificate> stored :
                List.of(List.of(leaf), List.of(leaf, issuer), List.of(leaf, issuer, middle), List.of(direct, root))) {
            KeyedCertificate certificate = new KeyedCertificate(key.getPrivate(), stored);

            assertThat(certificate.inOrder(NOW)).isSameAs(certificate);
        }
    }
}
