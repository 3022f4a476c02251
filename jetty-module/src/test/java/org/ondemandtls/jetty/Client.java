package org.ondemandtls.jetty;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** A TLS client of the JDK that trusts anybody and asks for any name; one session cache per instance. */
final class Client {

    private static final int TIMEOUT_MILLIS = 60_000;

    private final SSLContext context;
    private final int port;

    Client(int port) {
        this(port, new KeyManager[0]);
    }

    Client(int port, KeyManager[] keys) {
        this.port = port;
        try {
            context = SSLContext.getInstance("TLS");
            context.init(keys, new TrustManager[] {new TrustAnybody()}, null);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Handshakes; the caller closes. */
    SSLSocket connect(@Nullable String name, String version, String... protocols) throws IOException {
        return handshake(tcp(), name, version, protocols);
    }

    SSLSocket connect(String name) throws IOException {
        return connect(name, "TLSv1.3", "http/1.1");
    }

    Socket tcp() throws IOException {
        Socket tcp = new Socket();
        tcp.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        tcp.setSoTimeout(TIMEOUT_MILLIS);
        return tcp;
    }

    SSLSocket handshake(Socket tcp, @Nullable String name, String version, String... protocols) throws IOException {
        // The host given here is what the client's session cache goes by; a session that is resumed brings its name
        // along.
        SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(tcp, name == null ? "127.0.0.1" : name, port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(name == null ? List.of() : List.of(new SNIHostName(name)));
        parameters.setProtocols(new String[] {version});
        parameters.setApplicationProtocols(protocols);
        socket.setSSLParameters(parameters);
        try {
            socket.startHandshake();
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    /** Connects, asks for {@code /}, and returns the first line and the body of the answer. */
    String get(String name) throws IOException {
        try (SSLSocket socket = connect(name)) {
            return get(socket, name);
        }
    }

    static String get(Socket socket, String host) throws IOException {
        return exchange(socket, "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    }

    static String exchange(Socket socket, String request) throws IOException {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
        InputStream in = socket.getInputStream();
        return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }

    static X509Certificate served(SSLSocket socket) throws IOException {
        return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }

    static final class TrustAnybody extends X509ExtendedTrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
