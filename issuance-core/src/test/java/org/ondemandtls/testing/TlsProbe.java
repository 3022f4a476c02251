package org.ondemandtls.testing;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Shakes hands with a server on 127.0.0.1 by the JDK's own client. One instance is one client: sessions of earlier
 * handshakes are offered again.
 *
 * <p><b>Threads.</b> Handshakes may run side by side; {@link Outcome#resumed} is right for those that do not.
 */
public final class TlsProbe {

    private static final Pattern ALERT = Pattern.compile("Received fatal alert: (\\w+)");

    private final SSLContext context;
    private final CountingTrust trust;
    private List<String> protocols = List.of();
    private List<String> alpn = List.of();
    private Duration patience = Duration.ofSeconds(40);
    private boolean trickle;
    private int recordSize;

    private TlsProbe(X509ExtendedTrustManager trust) {
        this.trust = new CountingTrust(trust);
        try {
            context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {this.trust}, null);
        } catch (GeneralSecurityException failed) {
            throw new IllegalStateException(failed);
        }
    }

    /** A client that trusts the certificates of a PEM file, and checks that the leaf covers the name it asks for. */
    public static TlsProbe trusting(Path roots) {
        try (var pem = Files.newInputStream(roots)) {
            var trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            int index = 0;
            for (var root : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                trusted.setCertificateEntry("root-" + index++, root);
            }
            var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            return new TlsProbe(Arrays.stream(managers.getTrustManagers())
                    .filter(X509ExtendedTrustManager.class::isInstance)
                    .map(X509ExtendedTrustManager.class::cast)
                    .findFirst()
                    .orElseThrow());
        } catch (IOException | GeneralSecurityException failed) {
            throw new IllegalStateException("cannot trust " + roots, failed);
        }
    }

    /** A client that takes any certificate, to see which one came. */
    public static TlsProbe trustingAnything() {
        return new TlsProbe(new AnyTrust());
    }

    /** A client that refuses every certificate, and so ends every handshake that gets as far. */
    public static TlsProbe trustingNobody() {
        return new TlsProbe(new NoTrust());
    }

    /** The protocol versions offered, for example {@code TLSv1.2}; the JDK's default without. */
    public TlsProbe protocols(String... versions) {
        protocols = List.of(versions);
        return this;
    }

    /** The application protocols offered (RFC 7301), none by default. */
    public TlsProbe alpn(String... names) {
        alpn = List.of(names);
        return this;
    }

    /** How long the server may be silent. */
    public TlsProbe patience(Duration time) {
        patience = time;
        return this;
    }

    /** Sends everything in segments of one byte. */
    public TlsProbe oneByteAtATime() {
        trickle = true;
        return this;
    }

    /** Sends the ClientHello in TLS records of at most {@code size} bytes of it. */
    public TlsProbe clientHelloInRecordsOf(int size) {
        recordSize = size;
        return this;
    }

    /** Shakes hands and closes. A null {@code name} sends none. */
    public Outcome handshake(int port, @Nullable String name) {
        return exchange(port, name, null);
    }

    /** Shakes hands, asks for {@code path} by HTTP/1.1, reads the answer and closes. */
    public Outcome get(int port, String name, String path) {
        return exchange(
                port,
                name,
                "GET " + path + " HTTP/1.1\r\nHost: " + name + ":" + port + "\r\nConnection: close\r\n\r\n");
    }

    /** The bytes of a real ClientHello record, without a server name if {@code name} is null. */
    public byte[] clientHello(@Nullable String name) {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(true);
        engine.setSSLParameters(parameters(engine.getSSLParameters(), name));
        try {
            var record = java.nio.ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
            engine.beginHandshake();
            engine.wrap(java.nio.ByteBuffer.allocate(0), record);
            byte[] bytes = new byte[record.flip().remaining()];
            record.get(bytes);
            return bytes;
        } catch (SSLException failed) {
            throw new IllegalStateException(failed);
        }
    }

    private Outcome exchange(int port, @Nullable String name, @Nullable String request) {
        long begin = System.nanoTime();
        int trustedBefore = trust.asked.get();
        try (Socket tcp = tcp()) {
            tcp.setTcpNoDelay(true);
            tcp.setSoTimeout((int) patience.toMillis());
            tcp.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) patience.toMillis());
            String keptAs = name != null ? name : "127.0.0.1";
            try (var socket = (SSLSocket) context.getSocketFactory().createSocket(tcp, keptAs, port, true)) {
                socket.setSSLParameters(parameters(socket.getSSLParameters(), name));
                socket.startHandshake();
                Duration took = Duration.ofNanos(System.nanoTime() - begin);
                var session = socket.getSession();
                List<X509Certificate> chain = Arrays.stream(session.getPeerCertificates())
                        .map(X509Certificate.class::cast)
                        .toList();
                String agreed = socket.getApplicationProtocol();
                String answer = request == null ? "" : answer(socket, request);
                return new Outcome(
                        chain,
                        session.getProtocol(),
                        agreed == null ? "" : agreed,
                        trust.asked.get() == trustedBefore,
                        answer,
                        took,
                        Optional.empty(),
                        Optional.empty());
            }
        } catch (IOException failed) {
            return new Outcome(
                    List.of(),
                    "",
                    "",
                    false,
                    "",
                    Duration.ofNanos(System.nanoTime() - begin),
                    alert(failed),
                    Optional.of(failed));
        }
    }

    private Socket tcp() {
        if (recordSize > 0) {
            return new RecuttingSocket(recordSize);
        }
        return trickle ? new TricklingSocket() : new Socket();
    }

    private SSLParameters parameters(SSLParameters parameters, @Nullable String name) {
        parameters.setServerNames(name == null ? List.of() : List.of(new SNIHostName(name)));
        parameters.setApplicationProtocols(alpn.toArray(String[]::new));
        if (!protocols.isEmpty()) {
            parameters.setProtocols(protocols.toArray(String[]::new));
        }
        return parameters;
    }

    private static String answer(SSLSocket socket, String request) throws IOException {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static Optional<String> alert(IOException failure) {
        var alert = ALERT.matcher(String.valueOf(failure.getMessage()));
        return alert.find() ? Optional.of(alert.group(1).toLowerCase(Locale.ROOT)) : Optional.empty();
    }

    /** Trusts whoever it is shown. */
    public static X509ExtendedTrustManager anyTrust() {
        return new AnyTrust();
    }

    /**
     * How a handshake went.
     *
     * @param chain what the server sent, leaf first; empty where the handshake failed
     * @param protocol the TLS version, for example {@code TLSv1.3}; empty where the handshake failed
     * @param alpn the application protocol agreed on, empty where there is none
     * @param resumed whether an earlier session was resumed, so that no certificate was sent
     * @param answer what the server answered to the request, head and body; empty where none was sent
     * @param took from before the TCP connect to the finished or failed handshake
     * @param alert the fatal alert received, in the spelling of RFC 8446 section 6
     * @param failure why it failed
     */
    public record Outcome(
            List<X509Certificate> chain,
            String protocol,
            String alpn,
            boolean resumed,
            String answer,
            Duration took,
            Optional<String> alert,
            Optional<IOException> failure) {

        /** The server's certificate. */
        public X509Certificate leaf() {
            if (chain.isEmpty()) {
                throw new AssertionError("no certificate came", failure.orElse(null));
            }
            return chain.get(0);
        }
    }

    // A resumed handshake verifies no chain: that is how it is told from a full one on every JDK.
    private static final class CountingTrust extends X509ExtendedTrustManager {

        private final X509ExtendedTrustManager trust;
        private final AtomicInteger asked = new AtomicInteger();

        CountingTrust(X509ExtendedTrustManager trust) {
            this.trust = trust;
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
                throws CertificateException {
            asked.incrementAndGet();
            trust.checkServerTrusted(chain, authType);
            covers(chain[0], ((SSLSocket) socket).getSSLParameters());
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("the probe's engine only writes ClientHellos");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("no connection to check the name of");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
                throws CertificateException {
            throw new CertificateException("the probe is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("the probe is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("the probe is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return trust.getAcceptedIssuers();
        }

        private void covers(X509Certificate leaf, SSLParameters parameters) throws CertificateException {
            if (trust instanceof AnyTrust) {
                return;
            }
            for (var name : parameters.getServerNames()) {
                var names = leaf.getSubjectAlternativeNames();
                String asked = ((SNIHostName) name).getAsciiName();
                if (names == null || names.stream().noneMatch(entry -> asked.equals(entry.get(1)))) {
                    throw new CertificateException("the certificate does not cover " + asked + " but " + names);
                }
            }
        }
    }

    private static final class NoTrust extends AnyTrust {

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("nobody is trusted");
        }
    }

    private static class AnyTrust extends X509ExtendedTrustManager {

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    // Where records begin is no part of the transcript the handshake is bound to.
    private static final class RecuttingSocket extends Socket {

        private final int size;
        private boolean cut;

        RecuttingSocket(int size) {
            this.size = size;
        }

        @Override
        public OutputStream getOutputStream() throws IOException {
            return new FilterOutputStream(super.getOutputStream()) {
                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    byte[] whole = Arrays.copyOfRange(bytes, offset, offset + length);
                    out.write(cut ? whole : RawTls.inRecordsOf(size, whole));
                    cut = true;
                }
            };
        }
    }

    private static final class TricklingSocket extends Socket {

        @Override
        public OutputStream getOutputStream() throws IOException {
            return new FilterOutputStream(super.getOutputStream()) {
                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    for (int index = offset; index < offset + length; index++) {
                        out.write(bytes[index]);
                        out.flush();
                    }
                }
            };
        }
    }
}
