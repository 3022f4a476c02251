package org.ondemandtls.config;

import java.util.Base64;

/**
 * A key for private keys at rest.
 *
 * @param base64 its 32 bytes; never shown
 */
public record EncryptionKey(String base64) {

    /** The key itself, a copy of the caller's own. */
    public byte[] bytes() {
        return Base64.getDecoder().decode(base64);
    }

    @Override
    public String toString() {
        return "EncryptionKey[]";
    }
}
