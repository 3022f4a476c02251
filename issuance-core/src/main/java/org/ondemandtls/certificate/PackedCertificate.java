package org.ondemandtls.certificate;

import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * A leaf and its key in as few octets as they are worth: deflated, with another leaf of the same CA as the dictionary.
 *
 * <p>The octets are a secret, since the key is in them. They mean something in this JVM only: the dictionary is the one that
 * their {@link IssuerChain} has here.
 *
 * <p><b>Cost.</b> Packing and opening take about a tenth of a millisecond each, on the thread of the caller.
 */
final class PackedCertificate {

    private static final String PKCS8 = "PKCS#8";
    private static final int LENGTH_OCTETS = Short.BYTES;
    private static final int LONGEST = 0xffff;

    private PackedCertificate() {}

    /**
     * Packs a leaf and its key.
     *
     * @param opened what to pack
     * @param issuers the issuers of its chain
     * @return the octets, empty where the key cannot be exported, or either would not come back as it is
     */
    static Optional<byte[]> pack(OpenedCertificate opened, IssuerChain issuers) {
        PrivateKey key = opened.key();
        byte[] pkcs8 = PKCS8.equals(key.getFormat()) ? key.getEncoded() : null;
        if (pkcs8 == null
                || !key.getAlgorithm().equals(opened.leaf().getPublicKey().getAlgorithm())) {
            return Optional.empty();
        }
        try {
            byte[] leaf = opened.leaf().getEncoded();
            int length = LENGTH_OCTETS + leaf.length + pkcs8.length;
            return length > LONGEST
                    ? Optional.empty()
                    : Optional.of(deflated(
                            ByteBuffer.allocate(length)
                                    .putShort((short) leaf.length)
                                    .put(leaf)
                                    .put(pkcs8)
                                    .array(),
                            issuers.example().getEncoded()));
        } catch (CertificateEncodingException e) {
            return Optional.empty();
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
        }
    }

    /**
     * Opens what was packed.
     *
     * @param packed the octets
     * @param issuers the issuers they were packed with
     * @return the same key and chain as new objects
     */
    static OpenedCertificate open(byte[] packed, IssuerChain issuers) {
        try {
            ByteBuffer content =
                    ByteBuffer.wrap(inflated(packed, issuers.example().getEncoded()));
            byte[] der = new byte[Short.toUnsignedInt(content.getShort())];
            content.get(der);
            byte[] pkcs8 = new byte[content.remaining()];
            content.get(pkcs8);
            X509Certificate leaf = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
            PrivateKey key = KeyFactory.getInstance(leaf.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            return new OpenedCertificate(key, issuers.under(leaf));
        } catch (GeneralSecurityException | DataFormatException e) {
            throw new IllegalStateException("a certificate that this JVM packed can be opened", e);
        }
    }

    private static byte[] deflated(byte[] content, byte[] dictionary) {
        Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION, true);
        try {
            deflater.setDictionary(dictionary);
            deflater.setInput(content);
            deflater.finish();
            byte[] packed = new byte[LENGTH_OCTETS + content.length + content.length / 2 + 64];
            int length = deflater.deflate(packed, LENGTH_OCTETS, packed.length - LENGTH_OCTETS);
            ByteBuffer.wrap(packed).putShort((short) content.length);
            return Arrays.copyOf(packed, LENGTH_OCTETS + length);
        } finally {
            deflater.end();
            Arrays.fill(content, (byte) 0);
        }
    }

    private static byte[] inflated(byte[] packed, byte[] dictionary) throws DataFormatException {
        byte[] content = new byte[Short.toUnsignedInt(ByteBuffer.wrap(packed).getShort())];
        Inflater inflater = new Inflater(true);
        try {
            inflater.setDictionary(dictionary);
            inflater.setInput(packed, LENGTH_OCTETS, packed.length - LENGTH_OCTETS);
            int length = inflater.inflate(content);
            if (length != content.length) {
                throw new DataFormatException(length + " of " + content.length + " octets");
            }
            return content;
        } finally {
            inflater.end();
        }
    }
}
