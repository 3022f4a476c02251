package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** {@link Ecdsa} beside the JDK's own. */
class EcdsaTest {

    private static final byte[] CONTENT = {1, 2, 3};

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384", "RSA_2048"})
    void whatIsSignedHereTheJdkVerifies(KeyType type) throws Exception {
        KeyPair key = KeyPairs.generate(type);
        ContentSigner signer = Ecdsa.signer(key.getPrivate(), key.getPublic());
        signer.getOutputStream().write(CONTENT);

        Signature verifier = Signature.getInstance(KeyPairs.signatureAlgorithm(key.getPublic()));
        verifier.initVerify(key.getPublic());
        verifier.update(CONTENT);

        assertThat(verifier.verify(signer.getSignature())).isTrue();
    }

    @Test
    void bothNumbersOfASignatureHaveTheirFullLength() throws Exception {
        KeyPair key = KeyPairs.generate(KeyType.P_256);
        Signature verifier = Signature.getInstance("SHA256withECDSAinP1363Format");
        // One number in 256 begins with an octet of zero.
        for (int i = 0; i < 600; i++) {
            byte[] signature = Ecdsa.signP256((ECPrivateKey) key.getPrivate(), CONTENT);
            assertThat(signature).hasSize(64);
            if (i % 100 == 0 || signature[0] == 0 || signature[32] == 0) {
                verifier.initVerify(key.getPublic());
                verifier.update(CONTENT);
                assertThat(verifier.verify(signature)).isTrue();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384"})
    void whatTheJdkSignedIsVerifiedHere(KeyType type) throws Exception {
        KeyPair issuer = KeyPairs.generate(type);
        KeyPair other = KeyPairs.generate(type);
        String algorithm = KeyPairs.signatureAlgorithm(issuer.getPublic());
        X509Certificate certificate = certificate(issuer.getPrivate(), algorithm);

        assertThat(Ecdsa.signed(certificate, (ECPublicKey) issuer.getPublic())).contains(true);
        assertThat(Ecdsa.signed(certificate, (ECPublicKey) other.getPublic())).contains(false);
        assertThat(Ecdsa.signed(altered(certificate), (ECPublicKey) issuer.getPublic()))
                .contains(false);
    }

    @Test
    void otherCurvesAndDigestsAreLeftToTheJdk() throws Exception {
        KeyPair p256 = KeyPairs.generate(KeyType.P_256);
        KeyPair p384 = KeyPairs.generate(KeyType.P_384);
        KeyPair p521 = keyPair("secp521r1");

        assertThat(Ecdsa.signed(certificate(p256.getPrivate(), "SHA384withECDSA"), (ECPublicKey) p256.getPublic()))
                .isEmpty();
        assertThat(Ecdsa.signed(certificate(p384.getPrivate(), "SHA256withECDSA"), (ECPublicKey) p384.getPublic()))
                .isEmpty();
        assertThat(Ecdsa.signed(certificate(p521.getPrivate(), "SHA512withECDSA"), (ECPublicKey) p521.getPublic()))
                .isEmpty();
        assertThat(Ecdsa.isP256((ECPublicKey) p256.getPublic())).isTrue();
        assertThat(Ecdsa.isP256((ECPublicKey) p384.getPublic())).isFalse();
        assertThat(Ecdsa.isP256((ECPublicKey) p521.getPublic())).isFalse();
    }

    private static KeyPair keyPair(String curve) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new java.security.spec.ECGenParameterSpec(curve));
        return generator.generateKeyPair();
    }

    private static X509Certificate certificate(PrivateKey issuer, String algorithm) throws Exception {
        PublicKey subject = KeyPairs.generate(KeyType.P_256).getPublic();
        Instant from = Instant.parse("2026-11-24T08:00:00Z");
        X500Name name = new X500Name("CN=test");
        return read(new X509v3CertificateBuilder(
                        name,
                        BigInteger.TEN,
                        Date.from(from),
                        Date.from(from.plus(Duration.ofDays(1))),
                        name,
                        SubjectPublicKeyInfo.getInstance(subject.getEncoded()))
                .build(new JcaContentSignerBuilder(algorithm).build(issuer))
                .getEncoded());
    }

    // Another serial number, the signature as it was.
    private static X509Certificate altered(X509Certificate certificate) throws Exception {
        byte[] der = certificate.getEncoded();
        for (int at = 0; at < der.length - 2; at++) {
            if (der[at] == 2 && der[at + 1] == 1 && der[at + 2] == 10) {
                der[at + 2] = 11;
                return read(der);
            }
        }
        throw new IllegalStateException("no serial number");
    }

    private static X509Certificate read(byte[] der) throws Exception {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }
}
