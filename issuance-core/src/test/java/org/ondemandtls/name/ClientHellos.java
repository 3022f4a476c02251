package org.ondemandtls.name;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * Builds ClientHellos for tests, right and wrong ones, octet by octet; and takes real ones from the JDK's client.
 *
 * <p>Each {@code with} method returns another builder; the one it is called on stays as it was.
 */
public final class ClientHellos {

    /** Server name indication (RFC 6066). */
    public static final int SERVER_NAME = 0;

    /** Application-layer protocol negotiation (RFC 7301). */
    public static final int ALPN = 16;

    /** Padding (RFC 7685), for hellos of a given size. */
    public static final int PADDING = 21;

    /** Supported versions (RFC 8446 section 4.2.1). */
    public static final int SUPPORTED_VERSIONS = 43;

    private final byte[] beforeExtensions;
    private final byte @Nullable [] extensions;

    private ClientHellos(byte[] beforeExtensions, byte @Nullable [] extensions) {
        this.beforeExtensions = beforeExtensions;
        this.extensions = extensions;
    }

    /** A hello of TLS 1.2 without the extensions field. */
    public static ClientHellos bare() {
        return bare(0x0303);
    }

    /** A hello of a legacy version without the extensions field. */
    public static ClientHellos bare(int legacyVersion) {
        byte[] random = new byte[32];
        return new ClientHellos(
                concat(
                        uint16(legacyVersion),
                        random,
                        vector8(new byte[32]),
                        vector16(concat(uint16(0x1301), uint16(0xC02F))),
                        vector8(new byte[1])),
                null);
    }

    /** A hello whose body up to the extensions field is given, right or wrong. */
    public static ClientHellos beginning(byte[] beforeExtensions) {
        return new ClientHellos(beforeExtensions, null);
    }

    /** A hello of TLS 1.3 for one name that offers some ALPN protocols, none if none are given. */
    public static ClientHellos of(String hostName, String... protocols) {
        ClientHellos hello = bare().withName(hostName).withVersions(0x0304, 0x0303);
        return protocols.length == 0 ? hello : hello.withProtocols(protocols);
    }

    /** With one more extension. */
    public ClientHellos withExtension(int type, byte[] content) {
        byte[] before = extensions == null ? new byte[0] : extensions;
        return new ClientHellos(beforeExtensions, concat(before, uint16(type), vector16(content)));
    }

    /** With an extensions field whose content is given, right or wrong, in place of what there was. */
    public ClientHellos withRawExtensions(byte[] content) {
        return new ClientHellos(beforeExtensions, content);
    }

    /** With a {@code server_name} extension that holds one host name, ASCII or raw UTF-8. */
    public ClientHellos withName(String hostName) {
        return withNames(nameEntry(0, hostName.getBytes(StandardCharsets.UTF_8)));
    }

    /** With a {@code server_name} extension of some entries. */
    public ClientHellos withNames(byte[]... entries) {
        return withExtension(SERVER_NAME, vector16(concat(entries)));
    }

    /** With an ALPN extension. */
    public ClientHellos withProtocols(String... protocols) {
        var list = new ByteArrayOutputStream();
        for (String protocol : protocols) {
            list.writeBytes(vector8(protocol.getBytes(StandardCharsets.ISO_8859_1)));
        }
        return withExtension(ALPN, vector16(list.toByteArray()));
    }

    /** With a {@code supported_versions} extension. */
    public ClientHellos withVersions(int... versions) {
        var list = new ByteArrayOutputStream();
        for (int version : versions) {
            list.writeBytes(uint16(version));
        }
        return withExtension(SUPPORTED_VERSIONS, vector8(list.toByteArray()));
    }

    /** With as much padding as makes the handshake message this long. */
    public ClientHellos paddedTo(int messageLength) {
        int now = withExtension(PADDING, new byte[0]).message().length;
        if (messageLength < now) {
            throw new IllegalArgumentException("longer already: " + now);
        }
        return withExtension(PADDING, new byte[messageLength - now]);
    }

    /** The handshake message: a header of four octets and the body. */
    public byte[] message() {
        byte[] body = extensions == null ? beforeExtensions : concat(beforeExtensions, vector16(extensions));
        return concat(new byte[] {1, (byte) (body.length >> 16)}, vector16(body));
    }

    /** The message in one TLS record. */
    public byte[] record() {
        return record(message());
    }

    /** The message in TLS records of at most so many octets of fragment. */
    public byte[] records(int fragmentLength) {
        return records(message(), fragmentLength);
    }

    /** The message in one TLS record, ready to be read. */
    public ByteBuffer buffer() {
        return ByteBuffer.wrap(record());
    }

    /** Any handshake octets in TLS records of at most so many octets of fragment. */
    public static byte[] records(byte[] message, int fragmentLength) {
        var records = new ByteArrayOutputStream();
        for (int start = 0; start < message.length; start += fragmentLength) {
            int end = Math.min(message.length, start + fragmentLength);
            records.writeBytes(record(Arrays.copyOfRange(message, start, end)));
        }
        return records.toByteArray();
    }

    /** Any handshake octets in one TLS record. */
    public static byte[] record(byte[] fragment) {
        return concat(new byte[] {22, 3, 1}, vector16(fragment));
    }

    /** One entry of a server name list. */
    public static byte[] nameEntry(int type, byte[] name) {
        return concat(new byte[] {(byte) type}, vector16(name));
    }

    /**
     * The first flight of the JDK's own client.
     *
     * @param hostName the name it asks for
     * @param versions the JDK's names of the TLS versions it offers
     * @param protocols the ALPN protocols it offers
     * @return its octets, one TLS record
     */
    public static byte[] ofJdk(String hostName, List<String> versions, List<String> protocols) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, null, null);
            SSLEngine client = context.createSSLEngine();
            client.setUseClientMode(true);
            SSLParameters parameters = client.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(hostName)));
            parameters.setProtocols(versions.toArray(String[]::new));
            parameters.setApplicationProtocols(protocols.toArray(String[]::new));
            client.setSSLParameters(parameters);
            ByteBuffer record = ByteBuffer.allocate(client.getSession().getPacketBufferSize());
            client.wrap(ByteBuffer.allocate(0), record);
            return Arrays.copyOf(record.array(), record.position());
        } catch (GeneralSecurityException | SSLException e) {
            throw new IllegalStateException("this JDK makes no ClientHello", e);
        }
    }

    /** Two octets, the higher one first. */
    public static byte[] uint16(int value) {
        return new byte[] {(byte) (value >> 8), (byte) value};
    }

    /** Octets behind their length in one octet. */
    public static byte[] vector8(byte[] content) {
        return concat(new byte[] {(byte) content.length}, content);
    }

    /** Octets behind their length in two octets. */
    public static byte[] vector16(byte[] content) {
        return concat(uint16(content.length), content);
    }

    /** Octets one after another. */
    public static byte[] concat(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
