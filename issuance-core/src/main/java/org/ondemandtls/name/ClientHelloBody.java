package org.ondemandtls.name;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The body of one ClientHello message, read once from front to back.
 *
 * <p><b>Cost.</b> Anybody may cause it: time grows with the message and, for sorting, with the number of its
 * extensions; what is kept of it is the name and at most {@value #MAX_PROTOCOLS} ALPN protocols.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2">RFC 8446 section 4.1.2</a>
 */
final class ClientHelloBody {

    /** The most ALPN protocols a client may offer; a list of thousands would cost many times what it cost to send. */
    static final int MAX_PROTOCOLS = 128;

    private static final int EXTENSION_SERVER_NAME = 0;
    private static final int EXTENSION_ALPN = 16;
    private static final int EXTENSION_SUPPORTED_VERSIONS = 43;
    private static final int NAME_TYPE_HOST_NAME = 0;
    private static final int TLS_1_2 = 0x0303;
    private static final int TLS_1_3 = 0x0304;
    private static final int MESSAGE_HEADER = 4;
    private static final int RANDOM = 32;
    private static final int MAX_SESSION_ID = 32;
    private static final int USUAL_EXTENSIONS = 32;

    private static final List<String> USUAL_PROTOCOLS = List.of("h2", "http/1.1", ClientHello.ACME_TLS_1);
    private static final RequestedName ABSENT = new RequestedName.Absent();
    private static final RequestedName MALFORMED_NAME = new RequestedName.Malformed();

    private final byte[] octets;
    private int position;

    private RequestedName requestedName = ABSENT;
    private List<String> applicationProtocols = List.of();
    private boolean offersTls12;

    /** The body breaks the syntax of TLS. Made in numbers by strangers, so it has no stack trace. */
    static final class Malformed extends Exception {

        private final String reason;

        private Malformed(String reason) {
            super(reason, null, false, false);
            this.reason = reason;
        }

        /** What is wrong, in words of ours. */
        String reason() {
            return reason;
        }
    }

    private ClientHelloBody(byte[] octets, int start) {
        this.octets = octets;
        this.position = start;
    }

    /**
     * Reads a body.
     *
     * @param octets where it stands
     * @param start its first octet, the {@code legacy_version}
     * @param end the index after its last octet
     * @return what it says
     * @throws Malformed if it is not exactly one ClientHello
     */
    static ClientHello read(byte[] octets, int start, int end) throws Malformed {
        var body = new ClientHelloBody(octets, start);
        body.read(end);
        return new ClientHello(
                body.requestedName, body.applicationProtocols, body.offersTls12, MESSAGE_HEADER + end - start);
    }

    private void read(int end) throws Malformed {
        offersTls12 = uint16(end) >= TLS_1_2;
        skip(RANDOM, end);
        int sessionId = uint8(end);
        require(sessionId <= MAX_SESSION_ID, "the ClientHello's session id is too long");
        skip(sessionId, end);
        int cipherSuites = uint16(end);
        require(cipherSuites >= 2 && cipherSuites % 2 == 0, "the ClientHello's cipher suites are no list");
        skip(cipherSuites, end);
        int compressionMethods = uint8(end);
        require(compressionMethods >= 1, "the ClientHello has no compression method");
        skip(compressionMethods, end);
        if (position < end) {
            require(uint16(end) == end - position, "the ClientHello's extensions do not end with it");
            readExtensions(end);
        }
    }

    private void readExtensions(int end) throws Malformed {
        int[] types = new int[USUAL_EXTENSIONS];
        int count = 0;
        while (position < end) {
            if (count == types.length) {
                types = Arrays.copyOf(types, 2 * count);
            }
            int type = uint16(end);
            types[count++] = type;
            int extensionEnd = end(uint16(end), end);
            switch (type) {
                case EXTENSION_SERVER_NAME -> readServerNames(extensionEnd);
                case EXTENSION_ALPN -> readProtocols(extensionEnd);
                case EXTENSION_SUPPORTED_VERSIONS -> readVersions(extensionEnd);
                default -> position = extensionEnd;
            }
        }
        // Sorted first: looking each one up among the others would let one message cost millions of steps.
        Arrays.sort(types, 0, count);
        for (int i = 1; i < count; i++) {
            require(types[i] != types[i - 1], "the ClientHello has an extension twice");
        }
    }

    // RFC 6066 section 3: at most one name of each type. Types yet unknown begin with a length of two octets, too.
    private void readServerNames(int end) throws Malformed {
        require(uint16(end) == end - position, "the server name list does not end with its extension");
        RequestedName found = null;
        while (position < end) {
            int type = uint8(end);
            int nameEnd = end(uint16(end), end);
            if (type == NAME_TYPE_HOST_NAME) {
                found = found == null ? hostName(nameEnd) : MALFORMED_NAME;
            }
            position = nameEnd;
        }
        requestedName = found == null ? MALFORMED_NAME : found;
    }

    private RequestedName hostName(int end) {
        return ServerName.fromWire(octets, position, end - position)
                .<RequestedName>map(RequestedName.Named::new)
                .orElseGet(() -> otherName(end));
    }

    private RequestedName otherName(int end) {
        int length = end - position;
        if (length == 0 || length > RequestedName.MAX_OTHER) {
            return MALFORMED_NAME;
        }
        for (int i = position; i < end; i++) {
            if (!mayStandInOtherName(octets[i])) {
                return MALFORMED_NAME;
            }
        }
        return new RequestedName.Other(
                new String(octets, position, length, StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT));
    }

    private static boolean mayStandInOtherName(byte octet) {
        return (octet >= 'a' && octet <= 'z')
                || (octet >= 'A' && octet <= 'Z')
                || (octet >= '0' && octet <= ':')
                || octet == '-'
                || octet == '.'
                || octet == '_';
    }

    // RFC 7301 section 3.1.
    private void readProtocols(int end) throws Malformed {
        int length = uint16(end);
        require(length > 0 && length == end - position, "the ALPN list is empty or does not end with its extension");
        var protocols = new ArrayList<String>();
        while (position < end) {
            int protocolEnd = end(uint8(end), end);
            require(protocolEnd > position, "the ALPN list has an empty protocol");
            require(protocols.size() < MAX_PROTOCOLS, "the ALPN list has more than " + MAX_PROTOCOLS + " protocols");
            String usual = usualProtocol(protocolEnd);
            protocols.add(
                    usual != null
                            ? usual
                            : new String(octets, position, protocolEnd - position, StandardCharsets.ISO_8859_1));
            position = protocolEnd;
        }
        applicationProtocols = protocols;
    }

    private @Nullable String usualProtocol(int end) {
        for (String protocol : USUAL_PROTOCOLS) {
            if (isNext(protocol, end)) {
                return protocol;
            }
        }
        return null;
    }

    private boolean isNext(String text, int end) {
        if (text.length() != end - position) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (octets[position + i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    // RFC 8446 section 4.2.1: where the extension is there, it alone counts.
    private void readVersions(int end) throws Malformed {
        int length = uint8(end);
        require(
                length >= 2 && length % 2 == 0 && length == end - position,
                "the supported versions are no list or do not end with their extension");
        offersTls12 = false;
        while (position < end) {
            int version = uint16(end);
            offersTls12 |= version == TLS_1_2 || version == TLS_1_3;
        }
    }

    private int uint8(int end) throws Malformed {
        skip(1, end);
        return octets[position - 1] & 0xFF;
    }

    private int uint16(int end) throws Malformed {
        skip(2, end);
        return ((octets[position - 2] & 0xFF) << 8) | (octets[position - 1] & 0xFF);
    }

    private void skip(int length, int end) throws Malformed {
        position = end(length, end);
    }

    private int end(int length, int end) throws Malformed {
        require(length <= end - position, "a length in the ClientHello points beyond its end");
        return position + length;
    }

    private static void require(boolean holds, String otherwise) throws Malformed {
        if (!holds) {
            throw new Malformed(otherwise);
        }
    }
}
