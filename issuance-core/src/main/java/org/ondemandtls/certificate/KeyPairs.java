package org.ondemandtls.certificate;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/**
 * Makes key pairs with what the JDK brings along, and tells whether two keys are one pair.
 *
 * <p>Safe for use by many threads.
 */
public final class KeyPairs {

    /** As many bytes as the digest that is signed: anything else would be padding. */
    private static final int PROBE_LENGTH = 32;

    private static final SecureRandom RANDOM = new SecureRandom();

    private KeyPairs() {}

    /**
     * Makes one.
     *
     * <p><b>Cost.</b> Under a millisecond of processor time for the curves, tens of milliseconds for RSA-2048, up to
     * seconds for RSA-4096; see {@link SpareKeyPairs}.
     *
     * @param type the kind of key
     * @return a pair nobody has seen
     */
    public static KeyPair generate(KeyType type) {
        try {
            return switch (type) {
                case P_256 -> ellipticCurve("secp256r1");
                case P_384 -> ellipticCurve("secp384r1");
                case RSA_2048 -> rsa(2048);
                case RSA_3072 -> rsa(3072);
                case RSA_4096 -> rsa(4096);
            };
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK makes no " + type + " keys", e);
        }
    }

    /**
     * Whether two keys are the halves of one pair; for keys that come from different places.
     *
     * <p><b>Cost.</b> The public half is reckoned and compared where it can be: a tenth of the time of a signature and its
     * verification by the JDK's elliptic curves, which other kinds of key take.
     *
     * @param privateKey one half
     * @param publicKey what should be the other half
     * @return false as well where the two are not even of one kind
     */
    public static boolean belongTogether(PrivateKey privateKey, PublicKey publicKey) {
        if (!privateKey.getAlgorithm().equals(publicKey.getAlgorithm())) {
            return false;
        }
        try {
            if (privateKey instanceof RSAPrivateCrtKey half && publicKey instanceof RSAPublicKey other) {
                return half.getModulus().equals(other.getModulus())
                        && half.getPublicExponent().equals(other.getPublicExponent());
            }
            Optional<PublicKey> reckoned =
                    privateKey instanceof ECPrivateKey half ? ellipticCurvePublicKey(half) : Optional.empty();
            return reckoned.isPresent()
                    ? reckoned.get().equals(publicKey)
                    : verifiesWhatIsSigned(privateKey, publicKey);
        } catch (GeneralSecurityException | IOException | RuntimeException e) {
            // Keys of different curves, or with parameters nobody can reckon with.
            return false;
        }
    }

    private static boolean verifiesWhatIsSigned(PrivateKey privateKey, PublicKey publicKey)
            throws GeneralSecurityException {
        byte[] probe = new byte[PROBE_LENGTH];
        RANDOM.nextBytes(probe);
        Signature signature = Signature.getInstance(signatureAlgorithm(publicKey));
        signature.initSign(privateKey);
        signature.update(probe);
        byte[] signed = signature.sign();
        signature.initVerify(publicKey);
        signature.update(probe);
        return signature.verify(signed);
    }

    /**
     * The pair a stored private key is one half of: PKCS #8 as the JDK writes it lacks the other.
     *
     * @param privateKey an elliptic-curve key on P-256 or P-384, or an RSA key with its public exponent
     * @throws InvalidKeyException if the key is of another kind
     */
    public static KeyPair pair(PrivateKey privateKey) throws InvalidKeyException {
        try {
            if (privateKey instanceof ECPrivateKey ec) {
                return new KeyPair(
                        ellipticCurvePublicKey(ec)
                                .orElseThrow(() -> new InvalidKeyException("neither on P-256 nor on P-384")),
                        privateKey);
            }
            if (privateKey instanceof RSAPrivateCrtKey rsa) {
                PublicKey publicKey = KeyFactory.getInstance("RSA")
                        .generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
                return new KeyPair(publicKey, privateKey);
            }
        } catch (GeneralSecurityException | IOException | RuntimeException e) {
            throw new InvalidKeyException("the public half of the key cannot be reckoned", e);
        }
        throw new InvalidKeyException("neither an elliptic-curve nor an RSA key");
    }

    /** Whether a key is of a kind. */
    static boolean isOf(KeyType type, PublicKey key) {
        int bits = switch (type) {
            case P_256 -> 256;
            case P_384 -> 384;
            case RSA_2048 -> 2048;
            case RSA_3072 -> 3072;
            case RSA_4096 -> 4096;
        };
        if (key instanceof ECPublicKey ec) {
            return ec.getParams().getOrder().bitLength() == bits;
        }
        return key instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() == bits;
    }

    /**
     * The signature algorithm that fits a key, by its JCA name.
     *
     * @param publicKey an elliptic-curve or RSA key
     * @return with a digest as strong as the key
     * @throws IllegalArgumentException if the key is of another kind
     */
    public static String signatureAlgorithm(PublicKey publicKey) {
        if (publicKey instanceof ECPublicKey ec) {
            return ec.getParams().getOrder().bitLength() <= 256 ? "SHA256withECDSA" : "SHA384withECDSA";
        }
        if (publicKey.getAlgorithm().equals("RSA")) {
            return "SHA256withRSA";
        }
        throw new IllegalArgumentException("no signature algorithm for " + publicKey.getAlgorithm() + " keys");
    }

    // Empty for curves other than those two.
    private static Optional<PublicKey> ellipticCurvePublicKey(ECPrivateKey key)
            throws GeneralSecurityException, IOException {
        // Not a constant: a start that makes no public key need not load Bouncy Castle.
        for (ASN1ObjectIdentifier curve : List.of(SECObjectIdentifiers.secp256r1, SECObjectIdentifiers.secp384r1)) {
            X9ECParameters parameters = CustomNamedCurves.getByOID(curve);
            if (parameters.getN().equals(key.getParams().getOrder())) {
                // By tables of the generator, which Bouncy Castle keeps.
                byte[] point = new FixedPointCombMultiplier()
                        .multiply(parameters.getG(), key.getS())
                        .normalize()
                        .getEncoded(false);
                AlgorithmIdentifier algorithm = new AlgorithmIdentifier(X9ObjectIdentifiers.id_ecPublicKey, curve);
                return Optional.of(KeyFactory.getInstance("EC")
                        .generatePublic(
                                new X509EncodedKeySpec(new SubjectPublicKeyInfo(algorithm, point).getEncoded())));
            }
        }
        return Optional.empty();
    }

    private static KeyPair ellipticCurve(String curve) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec(curve), RANDOM);
        return generator.generateKeyPair();
    }

    private static KeyPair rsa(int bits) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(new RSAKeyGenParameterSpec(bits, RSAKeyGenParameterSpec.F4), RANDOM);
        return generator.generateKeyPair();
    }
}
