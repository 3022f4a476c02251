package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.testing.TestCertificates;

/** {@link Pem}: what it writes it reads, and nothing else. */
class PemTest {

    private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

    private final KeyPair issuerKey = TestCertificates.key();
    private final X509Certificate issuer =
            TestCertificates.authority(issuerKey, NOW, "issuer").signedBy("root", TestCertificates.key());
    private final X509Certificate leaf =
            TestCertificates.leaf(TestCertificates.key(), NOW, "a.example.com").signedBy("issuer", issuerKey);

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384", "RSA_2048"})
    void aKeyIsReadAsItWasWritten(KeyType type) throws Exception {
        KeyPair key = TestCertificates.key(type);

        String text = Pem.privateKey(key.getPrivate());

        assertThat(text).startsWith("-----BEGIN PRIVATE KEY-----\n").endsWith("\n-----END PRIVATE KEY-----\n");
        assertThat(KeyPairs.belongTogether(Pem.readPrivateKey(text), key.getPublic()))
                .isTrue();
    }

    @Test
    void aChainIsReadAsItWasWritten() throws Exception {
        String text = Pem.certificates(List.of(leaf, issuer));

        assertThat(text.lines()).allMatch(line -> line.length() <= 64);
        assertThat(Pem.readCertificates(text)).containsExactly(leaf, issuer);
        assertThat(Pem.readCertificates(text.replace("\n", "\r\n") + "\r\n")).containsExactly(leaf, issuer);
    }

    @Test
    void certificatesAreReadAsOpenSslReadsThem() throws Exception {
        String text = Pem.certificates(List.of(leaf, issuer));
        String glued = Pem.certificates(List.of(leaf)).strip() + Pem.certificates(List.of(issuer));

        assertThat(Pem.readCertificates("subject=a\n" + text.replace("-----BEGIN", "i: b\n-----BEGIN") + "trailing"))
                .containsExactly(leaf, issuer);
        assertThat(Pem.readCertificates(text.replace("\n", "  \t\r\n"))).containsExactly(leaf, issuer);
        assertThat(Pem.readCertificates(glued)).containsExactly(leaf, issuer);
        assertThat(Pem.readCertificates(text.replace("CERTIFICATE", "X509 CERTIFICATE")))
                .containsExactly(leaf, issuer);
    }

    @Test
    void chainsShareTheirIssuers() throws Exception {
        List<X509Certificate> first = parsedAnew();
        List<X509Certificate> second = parsedAnew();
        assertThat(first.get(1)).isNotSameAs(second.get(1));

        List<X509Certificate> firstShared = Pem.sharingIssuers(first);
        List<X509Certificate> secondShared = Pem.sharingIssuers(second);

        assertThat(firstShared).containsExactly(leaf, issuer);
        assertThat(firstShared.get(1)).isSameAs(secondShared.get(1));
        assertThat(firstShared.get(0)).isSameAs(first.get(0));
    }

    // The JDK keeps what generateCertificate made for a while; generateCertificates always makes it anew.
    private List<X509Certificate> parsedAnew() throws Exception {
        byte[] text = Pem.certificates(List.of(leaf, issuer)).getBytes(StandardCharsets.US_ASCII);
        return CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(text)).stream()
                .map(X509Certificate.class::cast)
                .toList();
    }

    @Test
    void blocksBehindTwoCertificatesMayBeAnything() throws Exception {
        String text = Pem.certificates(List.of(leaf, issuer));
        String third = Pem.certificates(List.of(issuer));
        for (String other : List.of(
                block("AAAA"),
                block("no base64"),
                block(""),
                third.replaceFirst("\n[^-\n]{64}\n", "\n"),
                // One without an end takes the next one with it.
                third.replaceFirst("-----END CERTIFICATE-----", "") + third)) {
            assertThat(Pem.readSent(text + other)).isEqualTo(new Pem.SentChain(List.of(leaf, issuer), 1));
            assertThat(Pem.readCertificates(text + other)).containsExactly(leaf, issuer);
        }
        assertThat(Pem.readSent(text + block("AAAA") + third + block("BBBB")))
                .isEqualTo(new Pem.SentChain(List.of(leaf, issuer, issuer), 2));
        assertThat(Pem.readSent(Pem.certificates(List.of(leaf)) + block("AAAA") + third))
                .isEqualTo(new Pem.SentChain(List.of(leaf, issuer), 1));
        assertThat(Pem.readSent(text)).isEqualTo(new Pem.SentChain(List.of(leaf, issuer), 0));
    }

    @Test
    void aBlockThatCannotBeReadIsRefusedWhereItIsTheFirstOrMayBeTheOnlyIssuer() {
        String one = Pem.certificates(List.of(leaf));

        assertRefused(block("AAAA") + Pem.certificates(List.of(leaf, issuer)));
        assertRefused(one + block("AAAA"));
        assertRefused(one + block("AAAA") + block("AAAA"));
        assertRefused(Pem.certificates(List.of(leaf, issuer)) + "-----BEGIN CERTIFICATE-----\nAAAA\n");
    }

    @Test
    void blocksThatCannotBeReadCountAmongAsManyAsAllowed() throws Exception {
        String text = Pem.certificates(List.of(leaf, issuer)) + block("AAAA").repeat(Pem.MAX_CERTIFICATES - 2);

        assertThat(Pem.readSent(text).unreadable()).isEqualTo(Pem.MAX_CERTIFICATES - 2);
        assertRefused(text + block("AAAA"));
    }

    private static String block(String content) {
        return "-----BEGIN CERTIFICATE-----\n" + content + "\n-----END CERTIFICATE-----\n";
    }

    @Test
    void asManyCertificatesAsAllowedAreReadAndNotOneMore() throws Exception {
        String most = Pem.certificates(Collections.nCopies(Pem.MAX_CERTIFICATES, leaf));

        assertThat(Pem.readCertificates(most)).hasSize(Pem.MAX_CERTIFICATES);
        assertRefused(most + Pem.certificates(List.of(leaf)));
    }

    @Test
    void aTextIsReadUpToItsLongestLengthOnly() throws Exception {
        String one = Pem.certificates(List.of(leaf));
        String longest = one + "\n".repeat(Pem.MAX_LENGTH - one.length());

        assertThat(Pem.readCertificates(longest)).containsExactly(leaf);
        assertRefused(longest + "\n");
    }

    @Test
    void whatIsNotACertificateIsRefused() {
        String good = Pem.certificates(List.of(leaf));

        assertRefused("");
        assertRefused("\n");
        assertRefused("subject=a\n");
        assertRefused(good.substring(0, good.length() - 5));
        assertRefused(good.substring(0, good.length() / 2));
        assertRefused(good.replaceFirst("\n[^-\n]{64}\n", "\n"));
        assertRefused(good.replaceFirst("\n.", "\n*"));
        assertRefused(good.replace("CERTIFICATE", "PRIVATE KEY"));
        assertRefused("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    }

    @Test
    void bytesAfterACertificateWithinItsBlockAreRefused() throws Exception {
        byte[] der = leaf.getEncoded();
        byte[] longer = java.util.Arrays.copyOf(der, der.length + 1);

        assertThatThrownBy(() -> Pem.certificate(longer)).isInstanceOf(InvalidPemException.class);
        assertThat(Pem.certificate(der)).isEqualTo(leaf);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-----BEGIN PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
                // An Ed25519 key (RFC 8410 section 10.3).
                "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                        + "-----END PRIVATE KEY-----\n",
            })
    void whatIsNotAPrivateKeyIsRefused(String text) {
        assertThatThrownBy(() -> Pem.readPrivateKey(text)).isInstanceOf(InvalidPemException.class);
    }

    @Test
    void twoPrivateKeysAreRefused() {
        String one = Pem.privateKey(issuerKey.getPrivate());

        assertThatThrownBy(() -> Pem.readPrivateKey(one + one)).isInstanceOf(InvalidPemException.class);
    }

    private static void assertRefused(String text) {
        assertThatThrownBy(() -> Pem.readCertificates(text)).isInstanceOf(InvalidPemException.class);
    }
}
