package org.ondemandtls.challenge;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.ondemandtls.certificate.Ecdsa;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;

/**
 * Makes challenge certificates: self-signed, for one name, with the digest of a key authorization in a critical
 * extension, so that nothing but an ACME validator takes them; and the same without the digest, for proxies.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8737#section-3">RFC 8737 section 3</a>
 */
public final class ChallengeCertificates {

    /** The {@code acmeIdentifier} extension, {@code id-pe 31}. */
    static final String ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";

    private static final int DIGEST_LENGTH = 32;
    private static final Duration BACKDATED = Duration.ofHours(1);
    private static final Duration LIFETIME = Duration.ofDays(1);
    private static final X500Name SUBJECT = new X500Name("CN=ACME challenge");

    private ChallengeCertificates() {}

    // The key proves nothing, the digest does: one pair for the life of the process is enough. Made when first needed.
    private static final class Shared {
        static final KeyPair KEY = KeyPairs.generate(KeyType.P_256);
        static final SecureRandom RANDOM = new SecureRandom();
    }

    /**
     * Makes one.
     *
     * <p><b>Cost.</b> One ECDSA signature, well under a millisecond once warm.
     *
     * @param name the identifier that is being validated
     * @param keyAuthorizationDigest SHA-256 of the key authorization, 32 bytes
     * @param clock tells the time the certificate begins at, less an hour for slow validators' clocks
     * @return the certificate with its key, for {@link ChallengeBoard#displayTlsAlpn}
     * @throws IllegalArgumentException if the digest is not 32 bytes long
     */
    public static KeyedCertificate create(ServerName name, byte[] keyAuthorizationDigest, Clock clock) {
        if (keyAuthorizationDigest.length != DIGEST_LENGTH) {
            throw new IllegalArgumentException("a SHA-256 digest has 32 bytes");
        }
        return signed(name, Optional.of(keyAuthorizationDigest), clock);
    }

    /**
     * Makes a self-signed certificate that proves nothing: for whoever does not look, and is to be shown a proof over HTTP.
     *
     * <p><b>Cost.</b> One ECDSA signature, well under a millisecond once warm.
     *
     * @param name the one name it is for
     * @param clock tells the time the certificate begins at, less an hour; it ends a day later
     * @return the certificate with its key, which is the process's own and in no store
     */
    public static KeyedCertificate selfSigned(ServerName name, Clock clock) {
        return signed(name, Optional.empty(), clock);
    }

    private static KeyedCertificate signed(ServerName name, Optional<byte[]> digest, Clock clock) {
        KeyPair key = Shared.KEY;
        Instant now = clock.instant();
        try {
            X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                            SUBJECT,
                            new BigInteger(128, Shared.RANDOM).setBit(0),
                            Date.from(now.minus(BACKDATED)),
                            Date.from(now.plus(LIFETIME)),
                            SUBJECT,
                            SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()))
                    .addExtension(
                            Extension.subjectAlternativeName,
                            false,
                            new GeneralNames(new GeneralName(GeneralName.dNSName, name.value())));
            if (digest.isPresent()) {
                builder.addExtension(new ASN1ObjectIdentifier(ACME_IDENTIFIER), true, new DEROctetString(digest.get()));
            }
            byte[] der = builder.build(Ecdsa.signer(key.getPrivate(), key.getPublic()))
                    .getEncoded();
            X509Certificate certificate = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
            return new KeyedCertificate(key.getPrivate(), List.of(certificate));
        } catch (IOException | OperatorCreationException | CertificateException e) {
            throw new IllegalStateException("this JDK cannot make a challenge certificate", e);
        }
    }
}
