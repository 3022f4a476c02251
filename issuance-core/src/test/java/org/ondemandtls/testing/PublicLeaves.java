package org.ondemandtls.testing;

import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.KeyPair;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AccessDescription;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.AuthorityInformationAccess;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.CertificatePolicies;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.PolicyInformation;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * Leaves as long as those of a public CA and as different from one another: on P-256, with two signed certificate
 * timestamps, the addresses of the CA's services, and one of its intermediates.
 */
public final class PublicLeaves {

    private static final int LOG_ID_OCTETS = 32;
    private static final int KEY_ID_OCTETS = 20;
    private static final int SERIAL_OCTETS = 18;
    private static final int SHARDS = 100;
    private static final int SIGNATURE_OCTETS = 72;
    // Making one takes longer than all the rest of a leaf; each differs from the example's.
    private static final int KEYS = 64;

    private final SplittableRandom random = new SplittableRandom(1);
    private final byte[] logs = octets(2 * LOG_ID_OCTETS);
    private final byte[] issuerKeyId = octets(KEY_ID_OCTETS);
    private final Instant now;
    private final List<KeyPair> keys;
    private final X509Certificate intermediate;

    /**
     * Makes the CA.
     *
     * @param now from when its leaves are valid, more or less, for ninety days
     */
    public PublicLeaves(Instant now) {
        KeyPair ca = TestCertificates.key();
        this.now = now;
        this.intermediate = TestCertificates.authority(ca, now, "E7").signedBy("ISRG Root X2", ca);
        this.keys = Stream.generate(TestCertificates::key).limit(KEYS).toList();
    }

    /** A leaf for a name, as if it had just been read from a store; its signature is as long as one, and none. */
    public KeyedCertificate leaf(String name) {
        KeyPair key = keys.get(random.nextInt(keys.size()));
        Instant from = now.minus(Duration.ofMinutes(random.nextInt(30_000)));
        try {
            var builder = new X509v3CertificateBuilder(
                    new X500Name("C=US,O=Let's Encrypt,CN=E7"),
                    new BigInteger(1, octets(SERIAL_OCTETS)),
                    Date.from(from),
                    Date.from(from.plus(Duration.ofDays(90))),
                    new X500Name("CN=" + name),
                    SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
            builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(new KeyPurposeId[] {
                KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
            }));
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
            builder.addExtension(Extension.subjectKeyIdentifier, false, new DEROctetString(octets(KEY_ID_OCTETS)));
            builder.addExtension(Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(issuerKeyId));
            builder.addExtension(
                    Extension.authorityInfoAccess,
                    false,
                    new AuthorityInformationAccess(
                            AccessDescription.id_ad_caIssuers,
                            new GeneralName(GeneralName.uniformResourceIdentifier, "http://e7.i.lencr.org/")));
            builder.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(new GeneralName(GeneralName.dNSName, name)));
            builder.addExtension(
                    Extension.certificatePolicies,
                    false,
                    new CertificatePolicies(new PolicyInformation(new ASN1ObjectIdentifier("2.23.140.1.2.1"))));
            builder.addExtension(Extension.cRLDistributionPoints, false, new CRLDistPoint(new DistributionPoint[] {
                new DistributionPoint(
                        new DistributionPointName(new GeneralNames(new GeneralName(
                                GeneralName.uniformResourceIdentifier,
                                "http://e7.c.lencr.org/" + random.nextInt(SHARDS) + ".crl"))),
                        null,
                        null)
            }));
            builder.addExtension(
                    new ASN1ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), false, new DEROctetString(timestamps(from)));
            byte[] der = builder.build(new Unsigned(octets(SIGNATURE_OCTETS))).getEncoded();
            var leaf = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
            return new KeyedCertificate(key.getPrivate(), List.of(leaf, intermediate));
        } catch (Exception failed) {
            throw new AssertionError(failed);
        }
    }

    // Two of 119 octets: a log's identifier, a time, a signature on P-256 (RFC 6962 section 3.3).
    private byte[] timestamps(Instant at) {
        var list = ByteBuffer.allocate(2 + 2 * 121);
        list.putShort((short) (2 * 121));
        for (int log = 0; log < 2; log++) {
            list.putShort((short) 119).put((byte) 0).put(logs, log * LOG_ID_OCTETS, LOG_ID_OCTETS);
            list.putLong(at.toEpochMilli() + random.nextInt(1000)).putShort((short) 0);
            list.putShort((short) 0x0403).putShort((short) SIGNATURE_OCTETS).put(octets(SIGNATURE_OCTETS));
        }
        return list.array();
    }

    private byte[] octets(int count) {
        byte[] octets = new byte[count];
        random.nextBytes(octets);
        return octets;
    }

    /** Gives octets as a signature. */
    private record Unsigned(byte[] octets) implements ContentSigner {

        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA256);
        }

        @Override
        public OutputStream getOutputStream() {
            return OutputStream.nullOutputStream();
        }

        @Override
        public byte[] getSignature() {
            return octets.clone();
        }
    }
}
