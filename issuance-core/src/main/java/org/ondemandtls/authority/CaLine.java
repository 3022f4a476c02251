package org.ondemandtls.authority;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.ondemandtls.config.CaProxy;

/**
 * One TLS connection to a CA that speaks HTTP/1.1, one exchange after the other.
 *
 * <p>Blocking and plain on purpose: half a dozen exchanges on the way to a certificate are what a visitor waits for, and
 * in a young JVM every layer between them and the socket is run by the interpreter.
 *
 * <p><b>Threads.</b> Used by one thread at a time; {@link #abort} may be called by any other, and an interrupt ends an
 * exchange as well. Either way the line is of no more use.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112">RFC 9112</a>
 */
final class CaLine {

    /** The longest status line with all headers that is read, in octets. */
    static final int HEAD = 32 * 1024;

    private static final Set<String> UNREAD = Set.of("deflate", "br", "zstd", "compress", "x-compress");
    private static final Set<String> GZIP = Set.of("gzip", "x-gzip");
    // Any octet may follow, also one that is the end of a line elsewhere.
    private static final Pattern STATUS_LINE =
            Pattern.compile("HTTP/1\\.([0-9]) ([1-5][0-9][0-9])(?: .*)?", Pattern.DOTALL);
    private static final Pattern HEADER = Pattern.compile("([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", Pattern.DOTALL);
    private static final Pattern COMMA = Pattern.compile(",");
    private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");
    private static final Pattern CHUNK = Pattern.compile("([0-9A-Fa-f]{1,8})[ \\t]*(?:;.*)?");
    private static final int NO_CONTENT = 204;

    /** What is answered again on the same line (RFC 9110 sections 15.5.9 and 15.5.20). */
    private static final Set<Integer> OF_THE_LINE = Set.of(408, 421);

    private static final int NOT_MODIFIED = 304;
    private static final int GZIP_FIRST = 0x1f;
    private static final int GZIP_SECOND = 0x8b;

    private final Socket socket;
    private final SSLSocket tls;
    private final InputStream in;
    private volatile boolean kept = true;
    private volatile boolean aborted;
    private volatile boolean answered;

    private CaLine(Socket socket, SSLSocket tls) throws IOException {
        this.socket = socket;
        this.tls = tls;
        this.in = new BufferedInputStream(tls.getInputStream());
    }

    /**
     * Connects, through a proxy where one is given or the JVM names one, and shakes hands.
     *
     * @param origin whose host the certificate has to be for
     * @param factory knows who is trusted
     * @param through the operator's proxy
     * @param nanoTime monotonic time
     * @throws IOException if there is no connection; a {@link ConnectException} where none can be made at all
     * @throws CaProxyException if the proxy is the reason
     */
    static CaLine connect(URI origin, SSLSocketFactory factory, Optional<CaProxy> through, LongSupplier nanoTime)
            throws IOException {
        int port = origin.getPort() < 0 ? 443 : origin.getPort();
        String host = unbracketed(origin.getHost());
        Socket socket = through.isPresent()
                ? ProxyTunnel.open(through.get(), host, port, nanoTime)
                : connected(origin, host, port);
        try {
            socket.setTcpNoDelay(true);
            // The handshake has no other limit before somebody waits for an answer with one.
            socket.setSoTimeout((int) CaLimits.CONNECT.toMillis());
            SSLSocket tls = (SSLSocket) factory.createSocket(socket, host, port, true);
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            socket.setSoTimeout(0);
            return new CaLine(socket, tls);
        } catch (SocketTimeoutException e) {
            // The system accepts connections for a CA that hangs.
            socket.close();
            throw new HttpConnectTimeoutException("no connection in time");
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Sends a request and reads the answer to its end.
     *
     * @return the answer
     * @throws IOException if there is none that can be understood; the line is of no more use
     */
    CaAnswer exchange(CaRequest request) throws IOException {
        kept = false;
        tls.getOutputStream().write(request.encoded());
        Head head = head();
        while (head.status / 100 == 1) {
            head = head();
        }
        boolean hasBody = !request.method().equals("HEAD") && head.status != NO_CONTENT && head.status != NOT_MODIFIED;
        byte[] body = hasBody ? body(head) : new byte[0];
        byte[] content = unfolded(body, head.headers.allValues("Content-Encoding"));
        // What comes unasked behind an answer would be read as the next one.
        kept = head.keptOpen
                && (!hasBody || head.delimited)
                && in.available() == 0
                && !OF_THE_LINE.contains(head.status);
        answered = true;
        return new CaAnswer(request.uri(), head.status, head.headers, content);
    }

    // Nothing compressed is asked for; what stands before a CA compresses all the same. Some write a charset there.
    private static byte[] unfolded(byte[] body, List<String> encodings) throws IOException {
        List<String> meant = encodings.stream()
                .flatMap(COMMA::splitAsStream)
                .map(encoding -> encoding.strip().toLowerCase(Locale.ROOT))
                .filter(encoding -> GZIP.contains(encoding) || UNREAD.contains(encoding))
                .toList();
        if (meant.isEmpty() || body.length == 0 || (meant.size() == 1 && isPlain(meant.get(0), body))) {
            return body;
        }
        if (meant.size() > 1 || !GZIP.contains(meant.get(0))) {
            throw new IOException("the CA's answer is compressed in a way that was not asked for");
        }
        try (InputStream unfolding = new GZIPInputStream(new ByteArrayInputStream(body))) {
            byte[] content = unfolding.readNBytes(CaLimits.BODY + 1);
            requireRoom(content.length);
            return content;
        } catch (ZipException | EOFException e) {
            throw new IOException("the CA's answer is not compressed as it says", e);
        }
    }

    // Some label as compressed what something else before the CA has unfolded already (RFC 1952 section 2.3.1).
    private static boolean isPlain(String encoding, byte[] body) {
        return GZIP.contains(encoding)
                && !(body.length > 1 && (body[0] & 0xff) == GZIP_FIRST && (body[1] & 0xff) == GZIP_SECOND);
    }

    /** Whether an exchange has succeeded, the last one or one before. */
    boolean hasAnswered() {
        return answered;
    }

    /** Whether another exchange may follow. */
    boolean isKept() {
        return kept && !aborted;
    }

    /** Whether the CA has left the line open while nobody used it. Behind a proxy that takes a millisecond. */
    boolean isAlive() {
        try {
            SocketChannel channel = socket.getChannel();
            // Whatever comes unasked, TLS's own goodbye for example, makes the line useless.
            return channel == null ? isSilent() : isSilent(channel);
        } catch (IOException e) {
            return false;
        }
    }

    /** Ends the line at once, without a goodbye; whoever reads from it fails. */
    void abort() {
        aborted = true;
        try {
            socket.close();
        } catch (IOException e) {
            // It is gone, which was wanted.
        }
    }

    private static boolean isSilent(SocketChannel channel) throws IOException {
        channel.configureBlocking(false);
        int unasked = channel.read(ByteBuffer.allocate(1));
        channel.configureBlocking(true);
        return unasked == 0;
    }

    private boolean isSilent() throws IOException {
        socket.setSoTimeout(1);
        try {
            socket.getInputStream().read();
            return false;
        } catch (SocketTimeoutException silent) {
            socket.setSoTimeout(0);
            return true;
        }
    }

    private static Socket connected(URI origin, String host, int port) throws IOException {
        Proxy proxy = proxy(origin);
        if (proxy.type() != Proxy.Type.DIRECT) {
            // The tunnel is the JDK's; its socket cannot be interrupted, only closed.
            Socket socket = new Socket(proxy);
            return connect(
                    socket,
                    () -> socket.connect(
                            InetSocketAddress.createUnresolved(host, port), (int) CaLimits.CONNECT.toMillis()));
        }
        return connected(addresses(host), port);
    }

    /** Connects to the first address that answers. */
    static Socket connected(InetAddress[] addresses, int port) throws IOException {
        IOException last = null;
        for (InetAddress address : addresses) {
            // A channel's socket: closed by an interrupt, so that a stop is not held up.
            Socket socket = SocketChannel.open().socket();
            try {
                return connect(
                        socket,
                        () -> socket.connect(new InetSocketAddress(address, port), (int) CaLimits.CONNECT.toMillis()));
            } catch (IOException e) {
                last = e;
            }
        }
        throw last == null ? new ConnectException("no address") : last;
    }

    private static Socket connect(Socket socket, Attempt attempt) throws IOException {
        try {
            attempt.run();
            return socket;
        } catch (SocketTimeoutException e) {
            socket.close();
            throw new HttpConnectTimeoutException("no connection in time");
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static InetAddress[] addresses(String host) throws ConnectException {
        try {
            return InetAddress.getAllByName(host);
        } catch (UnknownHostException e) {
            throw new ConnectException("the CA's name cannot be resolved");
        }
    }

    private static Proxy proxy(URI origin) {
        ProxySelector selector = ProxySelector.getDefault();
        List<Proxy> proxies = selector == null ? List.of() : selector.select(origin);
        return proxies == null || proxies.isEmpty() ? Proxy.NO_PROXY : proxies.get(0);
    }

    private static String unbracketed(String host) {
        return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    }

    private Head head() throws IOException {
        int[] room = {HEAD};
        var statusLine = STATUS_LINE.matcher(line(room));
        if (!statusLine.matches()) {
            throw new IOException("the CA does not answer in HTTP/1.1");
        }
        Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line = line(room); !line.isEmpty(); line = line(room)) {
            var header = HEADER.matcher(line);
            if (!header.matches()) {
                throw new IOException("the CA's answer has a header that cannot be read");
            }
            headers.computeIfAbsent(header.group(1), name -> new ArrayList<>(1))
                    .add(header.group(2).strip());
        }
        return new Head(statusLine.group(1), Integer.parseInt(statusLine.group(2)), headers);
    }

    private byte[] body(Head head) throws IOException {
        List<String> codings = head.headers.allValues("Transfer-Encoding");
        List<String> lengths =
                head.headers.allValues("Content-Length").stream().distinct().toList();
        if (codings.size() == 1 && codings.get(0).equalsIgnoreCase("chunked")) {
            // With a length beside it chunks count, and the line is not used again (RFC 9112 section 6.3).
            head.delimited = lengths.isEmpty();
            return chunks();
        }
        if (!codings.isEmpty() || lengths.size() > 1) {
            throw new IOException("the CA's answer has no clear end");
        }
        if (lengths.isEmpty()) {
            head.delimited = false;
            byte[] body = in.readNBytes(CaLimits.BODY + 1);
            requireRoom(body.length);
            return body;
        }
        if (!LENGTH.matcher(lengths.get(0)).matches()) {
            throw new IOException("the CA's answer has no clear end");
        }
        long length = Long.parseLong(lengths.get(0));
        requireRoom(length);
        return exactly((int) length);
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        int[] room = {HEAD};
        while (true) {
            var size = CHUNK.matcher(line(room));
            if (!size.matches()) {
                throw new IOException("the CA's answer has a chunk without a size");
            }
            long length = Long.parseLong(size.group(1), 16);
            if (length == 0) {
                // Trailers say nothing anybody asked for.
                String trailer;
                do {
                    trailer = line(room);
                } while (!trailer.isEmpty());
                return body.toByteArray();
            }
            requireRoom(body.size() + length);
            body.writeBytes(exactly((int) length));
            if (!line(room).isEmpty()) {
                throw new IOException("the CA's answer has a chunk without an end");
            }
            // What chunks cost besides their content is bounded by the content.
            room[0] = HEAD;
        }
    }

    // Nothing is allocated by a length the CA names.
    private byte[] exactly(int length) throws IOException {
        byte[] content = in.readNBytes(length);
        if (content.length < length) {
            throw new EOFException("the CA's answer is cut off");
        }
        return content;
    }

    private static void requireRoom(long length) throws IOException {
        if (length > CaLimits.BODY) {
            throw new IOException("the CA's answer is longer than it may be");
        }
    }

    private String line(int[] room) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        while (true) {
            int octet = in.read();
            if (octet < 0) {
                throw new EOFException(
                        line.size() == 0 && room[0] == HEAD
                                ? "the CA has closed the connection without an answer"
                                : "the CA's answer is cut off");
            }
            if (--room[0] < 0) {
                throw new IOException("the CA's answer has longer headers than it may have");
            }
            if (octet == '\n') {
                String text = line.toString(StandardCharsets.ISO_8859_1);
                return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            }
            line.write(octet);
        }
    }

    private interface Attempt {
        void run() throws IOException;
    }

    private static final class Head {

        final int status;
        final HttpHeaders headers;
        final boolean keptOpen;
        boolean delimited = true;

        Head(String minorVersion, int status, Map<String, List<String>> headers) {
            this.status = status;
            this.headers = HttpHeaders.of(headers, (name, value) -> true);
            this.keptOpen = !minorVersion.equals("0")
                    && this.headers.allValues("Connection").stream()
                            .noneMatch(value -> value.toLowerCase(Locale.ROOT).contains("close"));
        }
    }
}
