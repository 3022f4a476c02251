package org.ondemandtls.handshake;

import java.nio.ByteBuffer;

/**
 * The TLS alerts the gate sends in place of a handshake.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8446#section-6.2">RFC 8446 section 6.2</a>
 */
public enum Alert {
    /** The ClientHello could not be read. */
    DECODE_ERROR(50),
    /** A certificate is not to be had now. */
    INTERNAL_ERROR(80),
    /** The name is denied, malformed or missing. */
    UNRECOGNIZED_NAME(112),
    /** Only {@code acme-tls/1} was offered and nothing is pending for the name (RFC 8737 section 4). */
    NO_APPLICATION_PROTOCOL(120);

    private static final byte CONTENT_TYPE_ALERT = 21;
    private static final byte FATAL = 2;

    private final int code;

    Alert(int code) {
        this.code = code;
    }

    /** The description octet. */
    public int code() {
        return code;
    }

    /** The alert as one plaintext record of seven octets, ready to be written before any handshake exists. */
    public ByteBuffer record() {
        return ByteBuffer.wrap(new byte[] {CONTENT_TYPE_ALERT, 3, 3, 0, 2, FATAL, (byte) code})
                .asReadOnlyBuffer();
    }
}
