package org.ondemandtls.certificate;

import com.github.benmanes.caffeine.cache.Interner;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;

/**
 * Writes and reads certificates and private keys as text. Private keys are read strictly, certificates as OpenSSL reads
 * them, since CAs and other programs write words and spaces around them; both within bounded lengths only.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468</a>
 */
public final class Pem {

    /** The longest text that is read, in characters. */
    public static final int MAX_LENGTH = 256 * 1024;

    /** How many certificates a text may hold. */
    public static final int MAX_CERTIFICATES = 16;

    /**
     * A chain as somebody sent it.
     *
     * @param certificates what could be read, in the order it was sent in
     * @param unreadable how many blocks could not
     */
    public record SentChain(List<X509Certificate> certificates, int unreadable) {

        /** Joins the two. */
        public SentChain {
            certificates = List.copyOf(certificates);
        }
    }

    private static final String CERTIFICATE = "CERTIFICATE";
    private static final String PRIVATE_KEY = "PRIVATE KEY";
    private static final Pattern BEGIN_CERTIFICATE = Pattern.compile("-----BEGIN (?:X509 )?CERTIFICATE-----");
    // White space, also that of word processors, and what a byte order mark leaves behind.
    private static final Pattern NO_BASE64 = Pattern.compile("[\\x00-\\x20\\x7f\u00a0\ufeff]");
    private static final byte OBJECT_IDENTIFIER = 6;
    private static final byte[] EC_KEY = HexFormat.of().parseHex("06072a8648ce3d0201");
    private static final byte[] RSA_KEY = HexFormat.of().parseHex("06092a864886f70d010101");
    private static final Base64.Encoder BASE64 = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));

    // Holds what somebody else still holds, and no more.
    private static final Interner<X509Certificate> ISSUERS = Interner.newWeakInterner();

    private Pem() {}

    /** Writes a private key as PKCS #8 ({@code PRIVATE KEY}); the text is a secret. */
    public static String privateKey(PrivateKey key) {
        byte[] encoded = key.getEncoded();
        if (encoded == null) {
            throw new IllegalArgumentException("the key cannot be exported");
        }
        return block(PRIVATE_KEY, encoded);
    }

    /** Writes certificates one after another, in their order. */
    public static String certificates(List<X509Certificate> certificates) {
        StringBuilder text = new StringBuilder();
        for (X509Certificate certificate : certificates) {
            try {
                text.append(block(CERTIFICATE, certificate.getEncoded()));
            } catch (CertificateEncodingException e) {
                throw new IllegalArgumentException("a certificate cannot be encoded", e);
            }
        }
        return text.toString();
    }

    /**
     * Reads a private key.
     *
     * @param text one {@code PRIVATE KEY} block and nothing else but white space around it
     * @return an elliptic-curve or RSA key
     * @throws InvalidPemException if the text is anything else
     */
    public static PrivateKey readPrivateKey(String text) throws InvalidPemException {
        List<byte[]> blocks = blocks(text, PRIVATE_KEY, 1);
        try {
            byte[] der = blocks.get(0);
            return KeyFactory.getInstance(keyFactory(der)).generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (GeneralSecurityException | RuntimeException e) {
            throw new InvalidPemException("not a private key in PKCS #8");
        }
    }

    /**
     * Reads a private key as other programs write it.
     *
     * @param text a {@code PRIVATE KEY}, {@code EC PRIVATE KEY} or {@code RSA PRIVATE KEY} block; not encrypted
     * @return an elliptic-curve or RSA key
     * @throws InvalidPemException if the text is anything else
     */
    public static PrivateKey readAnyPrivateKey(String text) throws InvalidPemException {
        requireRoom(text);
        try (PEMParser parser = new PEMParser(new StringReader(text))) {
            for (Object block = parser.readObject(); block != null; block = parser.readObject()) {
                PrivateKeyInfo key = block instanceof PEMKeyPair pair
                        ? pair.getPrivateKeyInfo()
                        : block instanceof PrivateKeyInfo info ? info : null;
                // An EC key may have its parameters before it.
                if (key != null) {
                    return readPrivateKey(block(PRIVATE_KEY, key.getEncoded()));
                }
                if (!(block instanceof ASN1ObjectIdentifier)) {
                    break;
                }
            }
        } catch (IOException | RuntimeException e) {
            throw new InvalidPemException("not a private key in PEM");
        }
        throw new InvalidPemException("not a private key in PEM, or one that is encrypted");
    }

    /**
     * Reads a chain as {@link #readSent(String)} does.
     *
     * @return the certificates in their order
     */
    public static List<X509Certificate> readCertificates(String text) throws InvalidPemException {
        return readSent(text).certificates();
    }

    /**
     * Reads a chain, its issuers shared with every other chain that has them. Blocks behind a first and another certificate
     * may be anything: nobody needs them.
     *
     * @param text one to {@value #MAX_CERTIFICATES} {@code CERTIFICATE} blocks; whatever stands between them is passed
     *     over
     * @throws InvalidPemException if there is none, there are more, one has no end, or one cannot be read which is the first
     *     or leaves one certificate only
     */
    public static SentChain readSent(String text) throws InvalidPemException {
        requireRoom(text);
        List<X509Certificate> certificates = new ArrayList<>();
        List<InvalidPemException> unreadable = new ArrayList<>();
        Matcher begin = BEGIN_CERTIFICATE.matcher(text);
        int from = 0;
        while (begin.find(from)) {
            if (certificates.size() + unreadable.size() == MAX_CERTIFICATES) {
                throw new InvalidPemException("more than " + MAX_CERTIFICATES + " " + CERTIFICATE + " blocks");
            }
            String end = begin.group().replace("BEGIN", "END");
            int contentEnd = text.indexOf(end, begin.end());
            if (contentEnd < 0) {
                throw new InvalidPemException("a " + CERTIFICATE + " block without an end");
            }
            try {
                certificates.add(certificate(decode(text.substring(begin.end(), contentEnd), CERTIFICATE)));
            } catch (InvalidPemException e) {
                if (certificates.isEmpty()) {
                    throw e;
                }
                unreadable.add(e);
            }
            from = contentEnd + end.length();
        }
        // It may be the issuer without which clients do not trust the leaf.
        if (certificates.size() == 1 && !unreadable.isEmpty()) {
            throw unreadable.get(0);
        }
        if (certificates.isEmpty()) {
            throw new InvalidPemException("no " + CERTIFICATE + " block");
        }
        return new SentChain(sharingIssuers(certificates), unreadable.size());
    }

    /**
     * Reads a chain as a CA may send it in place of text: certificates in DER, or in a PKCS #7 bundle, whose order means
     * nothing.
     *
     * @param content text as {@link #readSent(String)} takes it, or what {@link
     *     CertificateFactory#generateCertificates} takes, of at most {@value #MAX_LENGTH} octets
     * @return one to {@value #MAX_CERTIFICATES} certificates
     * @throws InvalidPemException if it is neither; told is what is wrong with it as text
     */
    public static SentChain readSent(byte[] content) throws InvalidPemException {
        try {
            return readSent(new String(content, StandardCharsets.UTF_8));
        } catch (InvalidPemException e) {
            List<X509Certificate> certificates = binary(content);
            if (certificates.isEmpty()) {
                throw e;
            }
            return new SentChain(certificates, 0);
        }
    }

    private static List<X509Certificate> binary(byte[] content) {
        if (content.length > MAX_LENGTH) {
            return List.of();
        }
        try {
            List<X509Certificate> certificates =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(content))
                            .stream()
                            .map(X509Certificate.class::cast)
                            .toList();
            return certificates.size() <= MAX_CERTIFICATES ? certificates : List.of();
        } catch (CertificateException | RuntimeException e) {
            return List.of();
        }
    }

    /**
     * The same chain with every certificate but the first replaced by the one instance of it that all chains share:
     * thousands of leaves of one CA then cost their own bytes only.
     *
     * @param chain a leaf and its issuers
     * @return an equal chain
     */
    public static List<X509Certificate> sharingIssuers(List<X509Certificate> chain) {
        List<X509Certificate> shared = new ArrayList<>(chain);
        for (int i = 1; i < shared.size(); i++) {
            shared.set(i, ISSUERS.intern(shared.get(i)));
        }
        return List.copyOf(shared);
    }

    /**
     * Reads one certificate.
     *
     * @param der its encoding and nothing after it
     * @throws InvalidPemException if it is no certificate
     */
    static X509Certificate certificate(byte[] der) throws InvalidPemException {
        try {
            X509Certificate certificate = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
            if (!Arrays.equals(certificate.getEncoded(), der)) {
                throw new InvalidPemException("something follows the certificate");
            }
            return certificate;
        } catch (CertificateException | RuntimeException e) {
            throw new InvalidPemException("not an X.509 certificate");
        }
    }

    // Read by hand, so that a start does not load Bouncy Castle for the keys it has stored (RFC 5208 section 5: a
    // sequence of a version, which takes three octets, and the algorithm, a sequence that begins with its identifier).
    private static String keyFactory(byte[] der) throws InvalidPemException {
        int algorithm = header(der, 0) + 3;
        int identifier = algorithm + header(der, algorithm);
        if (isAt(der, identifier, EC_KEY)) {
            return "EC";
        }
        if (isAt(der, identifier, RSA_KEY)) {
            return "RSA";
        }
        throw new InvalidPemException(
                der[identifier] == OBJECT_IDENTIFIER
                        ? "neither an elliptic-curve nor an RSA key"
                        : "not a private key in PKCS #8");
    }

    // How many octets the tag and the length of a value take; a length from 128 on says how many octets follow it.
    private static int header(byte[] der, int at) {
        int length = der[at + 1] & 0xff;
        return length < 0x80 ? 2 : 2 + (length & 0x7f);
    }

    private static boolean isAt(byte[] der, int at, byte[] part) {
        return at + part.length <= der.length && Arrays.equals(der, at, at + part.length, part, 0, part.length);
    }

    private static String block(String label, byte[] content) {
        return "-----BEGIN " + label + "-----\n" + BASE64.encodeToString(content) + "\n-----END " + label + "-----\n";
    }

    private static void requireRoom(String text) throws InvalidPemException {
        if (text.length() > MAX_LENGTH) {
            throw new InvalidPemException("longer than " + MAX_LENGTH + " characters");
        }
    }

    private static List<byte[]> blocks(String text, String label, int max) throws InvalidPemException {
        requireRoom(text);
        String begin = "-----BEGIN " + label + "-----";
        String end = "-----END " + label + "-----";
        List<byte[]> blocks = new ArrayList<>();
        String rest = text.strip();
        while (!rest.isEmpty()) {
            if (blocks.size() == max) {
                throw new InvalidPemException("more than " + max + " " + label + " blocks");
            }
            int contentEnd = rest.indexOf(end);
            if (!rest.startsWith(begin) || contentEnd < 0) {
                throw new InvalidPemException("not a " + label + " block");
            }
            blocks.add(decode(rest.substring(begin.length(), contentEnd), label));
            rest = rest.substring(contentEnd + end.length()).strip();
        }
        if (blocks.isEmpty()) {
            throw new InvalidPemException("no " + label + " block");
        }
        return blocks;
    }

    private static byte[] decode(String content, String label) throws InvalidPemException {
        try {
            return Base64.getDecoder().decode(NO_BASE64.matcher(content).replaceAll(""));
        } catch (IllegalArgumentException e) {
            throw new InvalidPemException("the " + label + " block is not base64");
        }
    }
}
