package org.ondemandtls.certificate;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECNamedDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.ECDSASigner;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.StandardDSAEncoding;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * ECDSA by Bouncy Castle's arithmetic, for what a visitor waits for: a dozen signatures for one certificate, and on
 * JDK 17 the JDK takes five times as long for each.
 *
 * <p>Safe for use by many threads.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5480">RFC 5480</a>
 */
public final class Ecdsa {

    private static final SecureRandom RANDOM = new SecureRandom();

    /** A curve and the digest that fits it. Its tables are made when it is first used. */
    private static final class Curve {

        static final Curve P_256 =
                new Curve(SECObjectIdentifiers.secp256r1, X9ObjectIdentifiers.ecdsa_with_SHA256, "SHA-256");
        static final Curve P_384 =
                new Curve(SECObjectIdentifiers.secp384r1, X9ObjectIdentifiers.ecdsa_with_SHA384, "SHA-384");

        final ASN1ObjectIdentifier id;
        final AlgorithmIdentifier signature;
        final String digest;

        Curve(ASN1ObjectIdentifier id, ASN1ObjectIdentifier signature, String digest) {
            this.id = id;
            this.signature = new AlgorithmIdentifier(signature);
            this.digest = digest;
        }

        // Bouncy Castle keeps the curves it has made.
        ECNamedDomainParameters domain() {
            return new ECNamedDomainParameters(id, CustomNamedCurves.getByOID(id));
        }

        static Optional<Curve> of(ECKey key) {
            Curve candidate = key.getParams().getOrder().bitLength() <= 256 ? P_256 : P_384;
            ECNamedDomainParameters domain = candidate.domain();
            // Two curves may have one order; none of them has this generator as well.
            return key.getParams().getOrder().equals(domain.getN())
                            && key.getParams()
                                    .getGenerator()
                                    .getAffineX()
                                    .equals(domain.getG().getAffineXCoord().toBigInteger())
                    ? Optional.of(candidate)
                    : Optional.empty();
        }
    }

    private Ecdsa() {}

    /** Whether a key lies on P-256. */
    public static boolean isP256(ECKey key) {
        return Curve.of(key).filter(Curve.P_256::equals).isPresent();
    }

    /**
     * Signs the SHA-256 digest of something.
     *
     * @param key on P-256, see {@link #isP256}
     * @param content what is signed
     * @return the two numbers of the signature, 32 octets each (RFC 7518 section 3.4)
     */
    public static byte[] signP256(ECPrivateKey key, byte[] content) {
        BigInteger[] numbers = sign(Curve.P_256, key, content);
        return PlainDSAEncoding.INSTANCE.encode(Curve.P_256.domain().getN(), numbers[0], numbers[1]);
    }

    /**
     * Signs what Bouncy Castle builds.
     *
     * @param key the signing key
     * @param publicKey its other half, which decides the algorithm
     * @throws OperatorCreationException if this JDK does not sign with such keys
     */
    public static ContentSigner signer(PrivateKey key, PublicKey publicKey) throws OperatorCreationException {
        Optional<Curve> curve = publicKey instanceof ECPublicKey ec ? Curve.of(ec) : Optional.empty();
        return curve.isPresent() && key instanceof ECPrivateKey ec
                ? new Signer(curve.get(), ec)
                : new JcaContentSignerBuilder(KeyPairs.signatureAlgorithm(publicKey)).build(key);
    }

    /**
     * Whether a certificate was signed with a key, where both are of a kind that is reckoned here.
     *
     * @param certificate the certificate
     * @param issuer the key that should have signed it
     * @return empty where the key's curve or the signature's algorithm is another one
     */
    static Optional<Boolean> signed(X509Certificate certificate, ECPublicKey issuer) {
        return Curve.of(issuer)
                .filter(curve -> curve.signature.getAlgorithm().getId().equals(certificate.getSigAlgOID()))
                .map(curve -> signed(certificate, issuer, curve));
    }

    private static boolean signed(X509Certificate certificate, ECPublicKey issuer, Curve curve) {
        ECNamedDomainParameters domain = curve.domain();
        try {
            BigInteger[] numbers = StandardDSAEncoding.INSTANCE.decode(domain.getN(), certificate.getSignature());
            ECDSASigner verifier = new ECDSASigner();
            verifier.init(
                    false,
                    new ECPublicKeyParameters(
                            domain.getCurve()
                                    .createPoint(
                                            issuer.getW().getAffineX(),
                                            issuer.getW().getAffineY()),
                            domain));
            return verifier.verifySignature(digest(curve, certificate.getTBSCertificate()), numbers[0], numbers[1]);
        } catch (IOException | CertificateEncodingException | IllegalArgumentException e) {
            // No signature, or a point that is not on the curve.
            return false;
        }
    }

    private static BigInteger[] sign(Curve curve, ECPrivateKey key, byte[] content) {
        ECDSASigner signer = new ECDSASigner();
        signer.init(true, new ParametersWithRandom(new ECPrivateKeyParameters(key.getS(), curve.domain()), RANDOM));
        return signer.generateSignature(digest(curve, content));
    }

    private static byte[] digest(Curve curve, byte[] content) {
        try {
            return MessageDigest.getInstance(curve.digest).digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + curve.digest, e);
        }
    }

    private static final class Signer implements ContentSigner {

        private final Curve curve;
        private final ECPrivateKey key;
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();

        Signer(Curve curve, ECPrivateKey key) {
            this.curve = curve;
            this.key = key;
        }

        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return curve.signature;
        }

        @Override
        public OutputStream getOutputStream() {
            return content;
        }

        @Override
        public byte[] getSignature() {
            BigInteger[] numbers = sign(curve, key, content.toByteArray());
            try {
                return StandardDSAEncoding.INSTANCE.encode(curve.domain().getN(), numbers[0], numbers[1]);
            } catch (IOException e) {
                throw new IllegalStateException("two numbers cannot be encoded", e);
            }
        }
    }
}
