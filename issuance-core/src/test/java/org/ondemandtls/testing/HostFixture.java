package org.ondemandtls.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * A server within this JVM with a plain and an on-demand connector on 127.0.0.1, certificates of the internal CA, and an
 * application that says hello. Permission is asked of an endpoint the test controls: names that start with {@code
 * denied} are denied, with {@code broken} get no answer, with {@code slow} are granted when {@link #slowAnswers} is
 * released, all others are granted.
 */
public abstract class HostFixture {

    private static final int TIMEOUT_MILLIS = 120_000;

    /** Who issued the certificates of the server's own. */
    public static final String OWN_ISSUER = "CN=test CA";

    /** What key stores are locked with. */
    public static final String PASSWORD = "changeit";

    /** The keys the server is started with; to be changed before that. */
    public final TreeMap<String, String> keys = new TreeMap<>();

    /** How many requests reached the application. */
    public final AtomicInteger requests = new AtomicInteger();

    /** What the answers for slow names wait for. */
    public final CountDownLatch slowAnswers = new CountDownLatch(1);

    /** Who is asked. */
    public final AskEndpoint ask;

    /**
     * Prepares the keys.
     *
     * @param store where certificates are kept
     */
    protected HostFixture(Path store) throws IOException {
        ask = AskEndpoint.answering(this::answer);
        keys.put("onDemandTls.permission.ask", ask.uri().toString());
        // Of a machine that stalls nobody gives up.
        keys.put("onDemandTls.permission.askTimeout", "60s");
        keys.put("onDemandTls.handshake.deadline", "3m");
        keys.put("onDemandTls.issuer", "internal");
        keys.put("onDemandTls.store", store.toString());
    }

    /** Starts the server with {@link #keys}. */
    public abstract void launch() throws Exception;

    /** Stops it; it may be started again. */
    public abstract void halt() throws Exception;

    /** The engine of the running server. */
    public abstract OnDemandTls engine();

    /** Where it speaks TLS. */
    public abstract int port();

    /** Where it speaks plain HTTP. */
    public abstract int plainPort();

    /** How many connections the on-demand connector has. */
    public abstract int connections();

    /** How long connections that are there now may be idle from now on. */
    public abstract void idleTimeout(Duration time);

    /** How many of the server's threads do something other than to wait for octets. */
    public abstract int busyThreads();

    /**
     * Gives the on-demand connector a certificate of the server's own, issued by {@value #OWN_ISSUER}; before it is
     * launched.
     *
     * @param names what the certificate is for
     */
    public abstract void serveItself(String... names) throws Exception;

    /** Replaces the certificate of the running server's own by one for other names, as the server is reloaded. */
    public abstract void reloadItself(String... names) throws Exception;

    /**
     * Redirects to HTTPS on port 443 whoever can be served there, except where a proxy says by {@code X-Forwarded-Proto}
     * that the request was secure, and a CA's validations; before it is launched.
     */
    public abstract void redirectToHttps();

    /**
     * Has permission asked of an application of this server, over its plain connector, and gives the server so many threads
     * for all it does; before it is launched.
     *
     * @param threads how many threads there are
     * @param application is called on one of them with each name it is asked for, and grants it when it returns
     */
    public abstract void askItself(int threads, Consumer<String> application) throws Exception;

    /**
     * Carries the management page for a user {@code looker} who may look, {@code actor} who may act, and {@code guest} who
     * may nothing, all by the password {@code secret}; before it is launched.
     */
    public abstract void carryThePage() throws Exception;

    /** Makes a connector listen on a port, so that the server cannot start where that is taken. */
    public abstract void listenOn(int port);

    /** Makes the on-demand connector listen at an address of this machine instead of 127.0.0.1; before it is launched. */
    public abstract void listenAt(InetAddress address);

    /** Switches off whatever check of {@code Host} the server has of its own; before it is launched. */
    public abstract void leaveHostsToUs();

    /** How many handshakes wait. */
    public int parked() {
        return engine().status().getParkedHandshakes();
    }

    /** The certificate of the internal CA, which a started server has made. */
    public Path root() {
        return Path.of(keys.get("onDemandTls.store")).resolve("internal-ca/root.pem");
    }

    /** A visit by a client that trusts anybody: the head and body of the answer; empty where there was none. */
    public String visit(String name) {
        return TlsProbe.trustingAnything()
                .patience(Duration.ofMinutes(4))
                .get(port(), name, "/")
                .answer();
    }

    /** A TCP connection to {@link #port}; the caller closes. */
    public Socket tcp() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        return socket;
    }

    /** A request over plain HTTP, as text, and its answer. */
    public String plain(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), plainPort())) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    /**
     * A PKCS #12 file with one certificate, issued by {@value #OWN_ISSUER}.
     *
     * @param file where it is written
     * @param names what the certificate is for
     */
    public static Path keyStore(Path file, String... names) throws Exception {
        KeyedCertificate leaf = TestLeaves.leaf(Clock.systemUTC().instant(), Duration.ofDays(30), names);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry("own", leaf.key(), PASSWORD.toCharArray(), leaf.chain().toArray(X509Certificate[]::new));
        try (OutputStream out = Files.newOutputStream(file)) {
            keys.store(out, PASSWORD.toCharArray());
        }
        return file;
    }

    /** Ends what waits, the server and the endpoint. */
    public void close() throws Exception {
        slowAnswers.countDown();
        halt();
        ask.close();
    }

    /** The names of the engine's threads that live, of all engines in this JVM. */
    public static Stream<String> onDemandThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("ondemand-tls"));
    }

    private AskEndpoint.Answer answer(String name) {
        if (name.startsWith("slow")) {
            try {
                slowAnswers.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        if (name.startsWith("denied")) {
            return AskEndpoint.Answer.DENIED;
        }
        return name.startsWith("broken") ? AskEndpoint.Answer.status(503) : AskEndpoint.Answer.GRANTED;
    }
}
