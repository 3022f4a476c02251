package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, which every JDK has. */
public final class Sha256 {

    private Sha256() {}

    /** The digest of some octets, one part after the other. */
    static byte[] of(byte[]... parts) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                sha256.update(part);
            }
            return sha256.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The digest of a text in UTF-8, in hexadecimal. */
    public static String hex(String text) {
        return hex(text.getBytes(UTF_8));
    }

    /** The digest of some octets, in hexadecimal. */
    static String hex(byte[] octets) {
        return HexFormat.of().formatHex(of(octets));
    }
}
