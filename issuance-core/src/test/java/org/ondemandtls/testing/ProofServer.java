package org.ondemandtls.testing;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** Shows a CA what is on a {@link ChallengeBoard}, over HTTP and over {@code acme-tls/1}, each on a port of its own. */
public final class ProofServer implements AutoCloseable {

    private static final String PATH = "/.well-known/acme-challenge/";
    private static final int DNS_NAME = 0;

    private static final String AGAIN = "X-Again";

    private final ChallengeBoard board;

    private volatile List<String> alsoFrom = List.of();

    private final ExecutorService executor = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "proof-server");
        thread.setDaemon(true);
        return thread;
    });
    private final HttpServer http;
    private final SSLServerSocket tls;

    /** Listens on the loopback address at once. */
    public ProofServer(ChallengeBoard board) throws IOException, GeneralSecurityException {
        this.board = board;
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.setExecutor(executor);
        http.createContext(PATH, exchange -> {
            String host = exchange.getRequestHeaders().getFirst("Host").replaceFirst(":[0-9]+$", "");
            String token = exchange.getRequestURI().getPath().substring(PATH.length());
            if (!exchange.getRequestHeaders().containsKey(AGAIN)) {
                for (String source : alsoFrom) {
                    fetch(source, host, exchange.getRequestURI().getPath());
                }
            }
            Optional<String> proof = board.answer(
                    "GET", PATH + token, null, host, exchange.getRemoteAddress().getAddress());
            byte[] body = proof.orElse("nothing here").getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(proof.isPresent() ? 200 : 404, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.start();
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(new KeyManager[] {new FromBoard()}, null, null);
        tls = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        SSLParameters parameters = tls.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"acme-tls/1"});
        tls.setSSLParameters(parameters);
        executor.execute(this::accept);
    }

    /** From where each proof over HTTP is fetched besides: loopback addresses that stand for a CA's other places. */
    public void alsoFrom(String... addresses) {
        alsoFrom = List.of(addresses);
    }

    private void fetch(String source, String host, String path) throws IOException {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), httpPort(), InetAddress.getByName(source), 0)) {
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\n" + AGAIN + ": 1\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            socket.getInputStream().readAllBytes();
        }
    }

    /** Where HTTP-01 is answered. */
    public int httpPort() {
        return http.getAddress().getPort();
    }

    /** Where TLS-ALPN-01 is answered. */
    public int tlsPort() {
        return tls.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        http.stop(0);
        tls.close();
        executor.shutdownNow();
    }

    private void accept() {
        while (!tls.isClosed()) {
            try {
                SSLSocket socket = (SSLSocket) tls.accept();
                executor.execute(() -> prove(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void prove(SSLSocket socket) {
        try (socket) {
            socket.startHandshake();
            requested((ExtendedSSLSession) socket.getSession())
                    .ifPresent(name -> board.challengeCertificateServed(name, socket.getInetAddress()));
        } catch (IOException refused) {
            // The CA, or whoever it was, did not like what it saw.
        }
    }

    private static Optional<ServerName> requested(ExtendedSSLSession session) {
        return session.getRequestedServerNames().stream()
                .filter(name -> name.getType() == DNS_NAME)
                .map(name -> ServerName.parse(((SNIHostName) name).getAsciiName()))
                .findFirst();
    }

    private final class FromBoard extends X509ExtendedKeyManager {

        @Override
        public @Nullable String chooseServerAlias(String type, Principal @Nullable [] issuers, Socket socket) {
            return requested((ExtendedSSLSession) ((SSLSocket) socket).getHandshakeSession())
                    .filter(name -> type.equals("EC"))
                    .filter(name -> board.challengeCertificate(name).isPresent())
                    .map(ServerName::value)
                    .orElse(null);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return board.challengeCertificate(ServerName.parse(alias))
                    .orElseThrow()
                    .key();
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            List<X509Certificate> chain = board.challengeCertificate(ServerName.parse(alias))
                    .orElseThrow()
                    .chain();
            return chain.toArray(X509Certificate[]::new);
        }

        @Override
        public String @Nullable [] getServerAliases(String type, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public String @Nullable [] getClientAliases(String type, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseClientAlias(String[] type, Principal @Nullable [] issuers, Socket socket) {
            return null;
        }
    }
}
