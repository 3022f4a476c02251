package org.ondemandtls.testing;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Ecdsa;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** Makes any certificate a test can think of, right or wrong in one point. */
public final class TestCertificates {

    private static final AtomicLong SERIALS = new AtomicLong(1);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final ECParameterSpec CURVE =
            ((ECPublicKey) KeyPairs.generate(KeyType.P_256).getPublic()).getParams();

    /** What a name begins with that is an IP address. */
    private static final String ADDRESS = "ip:";

    private final KeyPair key;
    private String subject;
    private final List<GeneralName> names = new ArrayList<>();
    private @Nullable BasicConstraints constraints;
    private @Nullable KeyUsage usage;
    private @Nullable KeyPurposeId purpose;
    private boolean unknownCritical;
    private boolean mustStaple;
    private String[] revocationLists = {};
    private @Nullable BigInteger serial;
    private byte @Nullable [] issuerKeyId;
    private Instant notBefore;
    private Instant notAfter;

    private TestCertificates(KeyPair key, String subject, Instant now) {
        this.key = key;
        this.subject = subject;
        notBefore = now.minus(Duration.ofHours(1));
        notAfter = now.plus(Duration.ofDays(90));
    }

    /** A pair on P-256, each time another. */
    public static KeyPair key() {
        try {
            // Of any number below half the order, and its other half by tables: the JDK takes several times as long.
            BigInteger secret = new BigInteger(CURVE.getOrder().bitLength() - 1, RANDOM).setBit(0);
            return KeyPairs.pair(KeyFactory.getInstance("EC").generatePrivate(new ECPrivateKeySpec(secret, CURVE)));
        } catch (GeneralSecurityException failed) {
            throw new AssertionError(failed);
        }
    }

    /** A pair of a kind; of RSA the same each time, for to look for its primes takes seconds. */
    public static KeyPair key(KeyType type) {
        return switch (type) {
            case P_256 -> key();
            case P_384 -> KeyPairs.generate(type);
            case RSA_2048 -> rsa("rsa-2048.der");
            case RSA_3072 -> rsa("rsa-3072.der");
            case RSA_4096 -> rsa("rsa-4096.der");
        };
    }

    private static KeyPair rsa(String resource) {
        try (InputStream pkcs8 = TestCertificates.class.getResourceAsStream(resource)) {
            return KeyPairs.pair(
                    KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8.readAllBytes())));
        } catch (GeneralSecurityException | IOException failed) {
            throw new AssertionError(failed);
        }
    }

    /** A leaf for servers, valid from an hour before {@code now} for 90 days. */
    public static TestCertificates leaf(KeyPair key, Instant now, String... names) {
        TestCertificates made = new TestCertificates(key, "CN=leaf", now);
        for (String name : names) {
            made.names.add(
                    name.startsWith(ADDRESS)
                            ? new GeneralName(GeneralName.iPAddress, name.substring(ADDRESS.length()))
                            : new GeneralName(GeneralName.dNSName, name));
        }
        made.usage = new KeyUsage(KeyUsage.digitalSignature);
        made.purpose = KeyPurposeId.id_kp_serverAuth;
        return made;
    }

    /** A CA with that common name. */
    public static TestCertificates authority(KeyPair key, Instant now, String commonName) {
        TestCertificates made = new TestCertificates(key, "CN=" + commonName, now);
        made.constraints = new BasicConstraints(true);
        made.usage = new KeyUsage(KeyUsage.keyCertSign);
        return made;
    }

    /** With that common name. */
    public TestCertificates commonName(String value) {
        subject = "CN=" + value;
        return this;
    }

    /** With that validity. */
    public TestCertificates valid(Instant from, Instant until) {
        notBefore = from;
        notAfter = until;
        return this;
    }

    /** With those basic constraints. */
    public TestCertificates constraints(@Nullable BasicConstraints value) {
        constraints = value;
        return this;
    }

    /** With that key usage. */
    public TestCertificates usage(@Nullable KeyUsage value) {
        usage = value;
        return this;
    }

    /** With that extended key usage. */
    public TestCertificates purpose(@Nullable KeyPurposeId value) {
        purpose = value;
        return this;
    }

    /** With a critical extension nobody knows. */
    public TestCertificates unknownCritical() {
        unknownCritical = true;
        return this;
    }

    /** Demanding that its server staples. */
    public TestCertificates mustStaple() {
        mustStaple = true;
        return this;
    }

    /** Naming where its CA publishes what it has revoked. */
    public TestCertificates revocationList(String... urls) {
        revocationLists = urls.clone();
        return this;
    }

    /** With that serial number. */
    public TestCertificates serial(BigInteger value) {
        serial = value;
        return this;
    }

    /** Naming its issuer's key by that identifier. */
    public TestCertificates issuerKeyId(byte[] identifier) {
        issuerKeyId = identifier.clone();
        return this;
    }

    /** Signed by that CA. */
    public X509Certificate signedBy(String issuerCommonName, KeyPair issuerKey) {
        try {
            X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                    new X500Name("CN=" + issuerCommonName),
                    serial != null ? serial : BigInteger.valueOf(SERIALS.getAndIncrement()),
                    Date.from(notBefore),
                    Date.from(notAfter),
                    new X500Name(subject),
                    SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()));
            if (!names.isEmpty()) {
                builder.addExtension(
                        Extension.subjectAlternativeName, false, new GeneralNames(names.toArray(GeneralName[]::new)));
            }
            if (constraints != null) {
                builder.addExtension(Extension.basicConstraints, true, constraints);
            }
            if (usage != null) {
                builder.addExtension(Extension.keyUsage, true, usage);
            }
            if (purpose != null) {
                builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
            }
            if (issuerKeyId != null) {
                builder.addExtension(Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(issuerKeyId));
            }
            if (mustStaple) {
                builder.addExtension(
                        new ASN1ObjectIdentifier("1.3.6.1.5.5.7.1.24"), false, new DERSequence(new ASN1Integer(5)));
            }
            if (revocationLists.length > 0) {
                GeneralName[] urls = Arrays.stream(revocationLists)
                        .map(url -> new GeneralName(GeneralName.uniformResourceIdentifier, url))
                        .toArray(GeneralName[]::new);
                builder.addExtension(Extension.cRLDistributionPoints, false, new CRLDistPoint(new DistributionPoint[] {
                    new DistributionPoint(new DistributionPointName(new GeneralNames(urls)), null, null)
                }));
            }
            if (unknownCritical) {
                builder.addExtension(new ASN1ObjectIdentifier("1.2.3.4.5"), true, DERNull.INSTANCE);
            }
            byte[] der = builder.build(Ecdsa.signer(issuerKey.getPrivate(), issuerKey.getPublic()))
                    .getEncoded();
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        } catch (Exception failed) {
            throw new AssertionError(failed);
        }
    }
}
