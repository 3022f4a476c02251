package org.ondemandtls.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * A CDN on a loopback address of its own: ends TLS with a certificate of its own, and hands each request on to the origin
 * over a connection of its own, as its mode says. Requests have no body and are the only ones of their connections.
 */
public final class EndingProxy implements AutoCloseable {

    /** How the origin is spoken to. */
    public enum Mode {
        /** By TLS, and any certificate will do. */
        FULL,
        /** By TLS, and the certificate must be for the name and from a CA that is trusted. */
        STRICT,
        /** Without TLS. */
        FLEXIBLE
    }

    /** Where it stands; its connections to the origin come from there. */
    public static final String ADDRESS = "127.0.0.2";

    private static final Pattern HOST = Pattern.compile("(?im)^host: *([^:\\r\\n]+)");
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final String NO_CONNECTION = "HTTP/1.1 525 Origin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<X509Certificate> seen = new CopyOnWriteArrayList<>();
    private final ServerSocket http;
    private final ServerSocket https;
    private final SSLContext anybody;
    private final IntSupplier tlsOrigin;
    private final IntSupplier plainOrigin;
    private final Supplier<Path> roots;
    private volatile Mode mode = Mode.FULL;

    /**
     * Stands in front of a server.
     *
     * @param httpPort where it takes plain HTTP, at {@value #ADDRESS}
     * @param tlsOrigin where the server speaks TLS, at 127.0.0.1
     * @param plainOrigin where it speaks plain HTTP
     * @param roots whom a strict one trusts, a PEM file
     */
    public EndingProxy(int httpPort, IntSupplier tlsOrigin, IntSupplier plainOrigin, Supplier<Path> roots)
            throws IOException, GeneralSecurityException {
        this.tlsOrigin = tlsOrigin;
        this.plainOrigin = plainOrigin;
        this.roots = roots;
        anybody = SSLContext.getInstance("TLS");
        anybody.init(null, new TrustManager[] {new Anybody()}, new SecureRandom());
        http = new ServerSocket(httpPort, 50, InetAddress.getByName(ADDRESS));
        https = edge().getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(() -> accept(http));
        threads.execute(() -> accept(https));
    }

    /** Speaks to the origin in another way from now on. */
    public void mode(Mode next) {
        mode = next;
    }

    /** Where it takes TLS, at 127.0.0.1. */
    public int port() {
        return https.getLocalPort();
    }

    /** The leaves that the origin has shown so far. */
    public List<X509Certificate> seen() {
        return seen;
    }

    /**
     * Asks the origin over TLS, as the proxy does that checks nothing.
     *
     * @param name the server name in the handshake
     * @param request what is sent
     * @return all that comes back
     * @throws IOException if there was no handshake
     */
    public String ask(String name, String request) throws IOException {
        return ask(anybody, false, name, request);
    }

    private String ask(SSLContext context, boolean checked, String name, String request) throws IOException {
        try (Socket tcp = origin(tlsOrigin.getAsInt());
                SSLSocket socket =
                        (SSLSocket) context.getSocketFactory().createSocket(tcp, name, tlsOrigin.getAsInt(), true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(name)));
            if (checked) {
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
            }
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            seen.add((X509Certificate) socket.getSession().getPeerCertificates()[0]);
            return exchange(socket, request);
        }
    }

    private static Socket origin(int port) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.bind(new InetSocketAddress(ADDRESS, 0));
        socket.connect(new InetSocketAddress("127.0.0.1", port), TIMEOUT_MILLIS);
        return socket;
    }

    private static String exchange(Socket socket, String request) throws IOException {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    private void accept(ServerSocket listening) {
        try {
            while (true) {
                Socket client = listening.accept();
                threads.execute(() -> serve(client));
            }
        } catch (IOException | RejectedExecutionException closed) {
            // That is how it ends.
        }
    }

    private void serve(Socket client) {
        try (client) {
            client.setSoTimeout(TIMEOUT_MILLIS);
            String request = head(client.getInputStream());
            client.getOutputStream().write(answer(request).getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            // The client sees it.
        }
    }

    private String answer(String request) {
        Matcher host = HOST.matcher(request);
        if (!host.find()) {
            return NO_CONNECTION;
        }
        String name = host.group(1).toLowerCase(Locale.ROOT);
        String handedOn = request.replaceFirst("(?im)^connection:.*\\r\\n", "")
                .replaceFirst("\\r\\n\\r\\n$", "\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n");
        try {
            return switch (mode) {
                case FULL -> ask(anybody, false, name, handedOn);
                case STRICT -> ask(LoopbackCertificate.trusting(roots.get()), true, name, handedOn);
                case FLEXIBLE -> {
                    try (Socket plain = origin(plainOrigin.getAsInt())) {
                        yield exchange(plain, handedOn);
                    }
                }
            };
        } catch (IOException | GeneralSecurityException e) {
            return NO_CONNECTION;
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int octet = in.read();
            if (octet < 0) {
                throw new IOException("no request");
            }
            head.append((char) octet);
        }
        return head.toString();
    }

    private static SSLContext edge() throws IOException, GeneralSecurityException {
        KeyedCertificate own = TestLeaves.leaf(Clock.systemUTC().instant(), Duration.ofDays(30), "edge.test");
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry("edge", own.key(), new char[0], own.chain().toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(keys, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(factory.getKeyManagers(), null, new SecureRandom());
        return context;
    }

    @Override
    public void close() {
        try {
            http.close();
            https.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    private static final class Anybody extends X509ExtendedTrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
