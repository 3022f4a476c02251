package org.ondemandtls.testing;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a real ACME CA and does to its answers what a test asks for; without a {@link Fault} in force it passes
 * everything on.
 *
 * <p>URLs in answers, and the {@code url} a client signs, name the proxy: the CA is told the proxy's host, so that it makes its
 * URLs with it.
 *
 * <p>A new order passes alone, without any other signed request inside the CA: otherwise many of them at once have Pebble stand
 * still for good (docs/TESTING.md). What a {@link Fault} waits for is outside of that turn.
 */
public final class FaultyAcmeProxy implements AutoCloseable {

    /** What is done instead of, or with, an answer. */
    @FunctionalInterface
    public interface Fault {

        /**
         * Answers one request.
         *
         * @param request what the client sent
         * @param ca asks the CA the same; may be left unasked, or its answer thrown away
         * @return what the client gets; null leaves it without an answer until the proxy is closed
         */
        @Nullable
        Answer answer(Request request, Ca ca) throws IOException;
    }

    /** The CA behind the proxy. */
    @FunctionalInterface
    public interface Ca {

        /** Sends the request on and returns the whole answer. */
        Answer ask() throws IOException;
    }

    /**
     * What the client sent.
     *
     * @param method the HTTP method
     * @param path the path
     * @param body all of it
     */
    public record Request(String method, String path, byte[] body) {

        /** What was signed, as text (RFC 8555 section 6.2); empty where nothing was, as in a POST-as-GET. */
        public String payload() {
            Matcher payload = PAYLOAD.matcher(new String(body, StandardCharsets.UTF_8));
            return payload.find()
                    ? new String(Base64.getUrlDecoder().decode(payload.group(1)), StandardCharsets.UTF_8)
                    : "";
        }
    }

    /**
     * An answer.
     *
     * @param status the HTTP status
     * @param headers by lower-case name
     * @param body all of it
     */
    public record Answer(int status, Map<String, List<String>> headers, byte[] body) {

        /** The same with other content. */
        public Answer withBody(byte[] other) {
            return new Answer(status, headers, other);
        }

        /** The body as text. */
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private static final Pattern PAYLOAD = Pattern.compile("\"payload\"\\s*:\\s*\"([A-Za-z0-9_-]*)\"");

    // Never leave the proxy; tell it how to send.
    private static final String CUT = "x-fault-cut";
    private static final String TRICKLE = "x-fault-trickle";

    private record Rule(Predicate<Request> when, Fault fault) {}

    private static final Set<String> HOP_BY_HOP = Set.of(
            "connection",
            "content-length",
            "transfer-encoding",
            "date",
            "host",
            "keep-alive",
            "upgrade",
            "http2-settings");
    private static final String NEW_ORDER = "/order-plz";
    private static final int LONGEST_HEAD = 64 * 1024;
    private static final int PATIENCE_MILLIS = 30_000;

    private final URI target;
    private final HttpsServer server;
    private final SSLSocketFactory toCa;
    private final ExecutorService executor = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "faulty-acme-proxy");
        thread.setDaemon(true);
        return thread;
    });
    private final LoopbackCertificate https;
    private final Deque<Rule> rules = new ConcurrentLinkedDeque<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final ReadWriteLock turns = new ReentrantReadWriteLock(true);
    private final Deque<ToCa> kept = new ConcurrentLinkedDeque<>();
    private volatile boolean keeping;
    private final CountDownLatch closed = new CountDownLatch(1);

    /**
     * Listens at once.
     *
     * @param directory the CA's directory URL
     * @param trustedRoots who vouches for the CA's HTTPS
     * @param files where the proxy's own certificate is written
     */
    public FaultyAcmeProxy(URI directory, Path trustedRoots, Path files) throws IOException, GeneralSecurityException {
        target = directory;
        https = LoopbackCertificate.create(files);
        toCa = LoopbackCertificate.trusting(trustedRoots).getSocketFactory();
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(serverContext()));
        server.setExecutor(executor);
        server.createContext("/", this::handle);
        server.start();
    }

    /** Has connections to the CA used again, so that an exchange costs no handshake of the proxy's own. */
    public FaultyAcmeProxy keepingConnections() {
        keeping = true;
        return this;
    }

    /** The directory URL for clients of the proxy. */
    public URI directory() {
        return URI.create(origin() + target.getPath());
    }

    /** Who vouches for the proxy's HTTPS. */
    public Path trustedRoots() {
        return https.certificate();
    }

    /** Puts a fault in force, before all older ones, for every request {@code when} takes. */
    public FaultyAcmeProxy when(Predicate<Request> when, Fault fault) {
        rules.addFirst(new Rule(when, fault));
        return this;
    }

    /** Puts a fault in force for the first {@code count} requests {@code when} takes. */
    public FaultyAcmeProxy first(int count, Predicate<Request> when, Fault fault) {
        AtomicInteger left = new AtomicInteger(count);
        return when(request -> when.test(request) && left.getAndDecrement() > 0, fault);
    }

    /** Ends all faults; requests that hang go on hanging. */
    public void heal() {
        rules.clear();
    }

    /** What was asked for so far, in order of arrival. */
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    /** Requests whose path contains {@code part}. */
    public static Predicate<Request> path(String part) {
        return request -> request.path().contains(part);
    }

    /** A problem of one type; {@code retryAfter} null leaves the header out. */
    public static Fault problem(int status, String type, String detail, @Nullable String retryAfter) {
        return problem(
                status,
                "{\"type\":\"urn:ietf:params:acme:error:" + type + "\",\"detail\":\"" + detail + "\"}",
                retryAfter);
    }

    /** A problem document in JSON; {@code retryAfter} null leaves the header out. */
    public static Fault problem(int status, String document, @Nullable String retryAfter) {
        return (request, ca) -> {
            Map<String, List<String>> headers = new TreeMap<>();
            headers.put("content-type", List.of("application/problem+json"));
            // A CA sends a nonce with every answer to a POST.
            headers.put("replay-nonce", List.of("bm9uY2U"));
            if (retryAfter != null) {
                headers.put("retry-after", List.of(retryAfter));
            }
            return new Answer(status, headers, document.getBytes(StandardCharsets.UTF_8));
        };
    }

    /** A bare status. */
    public static Fault status(int status, Map<String, String> headers) {
        return (request, ca) -> {
            Map<String, List<String>> all = new TreeMap<>();
            headers.forEach((name, value) -> all.put(name.toLowerCase(Locale.ROOT), List.of(value)));
            return new Answer(status, all, new byte[0]);
        };
    }

    /** No answer; the CA does not hear of it. */
    public static Fault hang() {
        return (request, ca) -> null;
    }

    /** The connection ends without an answer; the CA does not hear of it. */
    public static Fault reset() {
        return (request, ca) -> {
            throw new IOException("reset on purpose");
        };
    }

    /** The CA does what it is asked to, and the connection ends without an answer. */
    public static Fault lostAnswer() {
        return (request, ca) -> {
            ca.ask();
            throw new IOException("reset on purpose");
        };
    }

    /** The CA's answer with other headers set, by lower-case name. */
    public static Fault header(String name, String value) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.put(name, List.of(value));
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    /** The CA does what it is asked to and its answer is lost. */
    public static Fault loseReply() {
        return (request, ca) -> {
            ca.ask();
            return null;
        };
    }

    /** The CA's answer, later. */
    public Fault delay(Duration wait) {
        return (request, ca) -> {
            await(wait);
            return ca.ask();
        };
    }

    /** The CA's answer with another body of the same type. */
    public static Fault body(byte[] body) {
        return (request, ca) -> ca.ask().withBody(body);
    }

    /** The CA's answer with text in it replaced. */
    public static Fault replace(String what, String by) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return answer.withBody(answer.text().replace(what, by).getBytes(StandardCharsets.UTF_8));
        };
    }

    /** The CA's answer announced in full and cut in the middle of its body. */
    public static Fault truncate() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.put(CUT, List.of("yes"));
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    /** The CA's answer as usual, its body one byte per {@code step}. */
    public static Fault trickle(Duration step) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.put(TRICKLE, List.of(Long.toString(step.toMillis())));
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        executor.shutdownNow();
        for (ToCa idle = kept.pollFirst(); idle != null; idle = kept.pollFirst()) {
            try {
                idle.close();
            } catch (IOException gone) {
                // Closed all the same.
            }
        }
    }

    private String origin() {
        return "https://localhost:" + server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        byte[] sent = exchange.getRequestBody().readAllBytes();
        Request request = new Request(
                exchange.getRequestMethod(), exchange.getRequestURI().getPath(), sent);
        requests.add(request);
        try {
            Answer answer = rules.stream()
                    .filter(rule -> rule.when().test(request))
                    .findFirst()
                    .map(Rule::fault)
                    .orElse((ignored, ca) -> ca.ask())
                    .answer(request, () -> ask(exchange, sent));
            if (answer == null) {
                await(Duration.ofHours(1));
                exchange.close();
                return;
            }
            reply(exchange, answer);
        } catch (IOException | UncheckedIOException failed) {
            exchange.close();
        }
    }

    // HTTP/1.0 by hand: the JDK's clients do not let the Host header be chosen, and the CA makes its URLs, and checks
    // the signed ones, by it.
    private Answer ask(HttpExchange exchange, byte[] sent) throws IOException {
        StringBuilder head = new StringBuilder()
                .append(exchange.getRequestMethod())
                .append(' ')
                .append(exchange.getRequestURI().getRawPath())
                .append(" HTTP/1.0\r\nHost: localhost:")
                .append(server.getAddress().getPort())
                .append("\r\nContent-Length: ")
                .append(sent.length)
                .append(keeping ? "\r\nConnection: keep-alive\r\n" : "\r\n");
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!HOP_BY_HOP.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(
                        value -> head.append(name).append(": ").append(value).append("\r\n"));
            }
        });
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        request.write(sent);
        ToCa before = kept.pollFirst();
        if (before != null) {
            try (before) {
                return inTurn(exchange, before, request.toByteArray());
            } catch (SocketTimeoutException late) {
                throw late;
            } catch (IOException ended) {
                // By the CA meanwhile: as without it.
            }
        }
        try (ToCa fresh = new ToCa()) {
            return inTurn(exchange, fresh, request.toByteArray());
        }
    }

    private Answer inTurn(HttpExchange exchange, ToCa connection, byte[] request) throws IOException {
        if (!exchange.getRequestMethod().equals("POST")) {
            return connection.send(request, !exchange.getRequestMethod().equals("HEAD"));
        }
        Lock turn = exchange.getRequestURI().getPath().equals(NEW_ORDER) ? turns.writeLock() : turns.readLock();
        try {
            turn.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        try {
            return connection.send(request, true);
        } finally {
            turn.unlock();
        }
    }

    /** A connection to the CA; used again where the CA keeps it open. */
    private final class ToCa implements AutoCloseable {

        private final SSLSocket socket;
        private final InputStream in;
        private boolean open;

        ToCa() throws IOException {
            socket = (SSLSocket) toCa.createSocket(target.getHost(), target.getPort());
            try {
                socket.setSoTimeout(PATIENCE_MILLIS);
                // The request follows the end of the handshake, and would wait until the CA acknowledges that.
                socket.setTcpNoDelay(true);
                // Before its turn, which is short then.
                socket.startHandshake();
                in = new BufferedInputStream(socket.getInputStream());
            } catch (IOException failed) {
                socket.close();
                throw failed;
            }
        }

        /**
         * Sends a request and reads the answer.
         *
         * @throws EOFException if the connection ended before the answer
         */
        Answer send(byte[] request, boolean bodied) throws IOException {
            open = false;
            OutputStream out = socket.getOutputStream();
            out.write(request);
            out.flush();
            String[] lines = head().split("\r\n");
            Map<String, List<String>> headers = new TreeMap<>();
            for (int i = 1; i < lines.length; i++) {
                int colon = lines[i].indexOf(':');
                headers.computeIfAbsent(
                                lines[i].substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                        .add(lines[i].substring(colon + 1).strip());
            }
            int status = Integer.parseInt(lines[0].split(" ")[1]);
            List<String> length = headers.get("content-length");
            byte[] body;
            if (!bodied || status == 204 || status == 304) {
                body = new byte[0];
            } else if (length != null) {
                body = in.readNBytes(Integer.parseInt(length.get(0)));
            } else {
                body = in.readAllBytes();
            }
            open = headers.getOrDefault("connection", List.of()).stream().anyMatch("keep-alive"::equalsIgnoreCase);
            return new Answer(status, headers, body);
        }

        private String head() throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
                int octet = in.read();
                if (octet < 0 || head.length() == LONGEST_HEAD) {
                    throw new EOFException("the CA sent no answer");
                }
                head.append((char) octet);
            }
            return head.toString();
        }

        /** Gives it back where it can be used again, and closes it otherwise. */
        @Override
        public void close() throws IOException {
            if (open && keeping && closed.getCount() > 0) {
                kept.addFirst(this);
            } else {
                socket.close();
            }
        }
    }

    private void reply(HttpExchange exchange, Answer answer) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        answer.headers().forEach((name, values) -> {
            if (!HOP_BY_HOP.contains(name) && !name.startsWith("x-fault-") && !name.startsWith(":")) {
                headers.put(name, new ArrayList<>(values));
            }
        });
        boolean bodiless = exchange.getRequestMethod().equals("HEAD") || answer.body().length == 0;
        exchange.sendResponseHeaders(answer.status(), bodiless ? -1 : answer.body().length);
        if (!bodiless) {
            send(exchange.getResponseBody(), answer);
        }
        exchange.close();
    }

    private void send(OutputStream out, Answer answer) throws IOException {
        if (answer.headers().containsKey(CUT)) {
            out.write(answer.body(), 0, answer.body().length / 2);
            out.flush();
            throw new IOException("cut on purpose");
        }
        List<String> trickle = answer.headers().get(TRICKLE);
        if (trickle == null) {
            out.write(answer.body());
            return;
        }
        for (byte one : answer.body()) {
            out.write(one);
            out.flush();
            await(Duration.ofMillis(Long.parseLong(trickle.get(0))));
        }
    }

    private void await(Duration wait) throws IOException {
        try {
            if (closed.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("the proxy is closed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private SSLContext serverContext() throws IOException, GeneralSecurityException {
        Certificate certificate = CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(https.certificate())));
        String pem = Files.readString(https.key()).replaceAll("-----[^-]+-----|\\s", "");
        PrivateKey key = KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        char[] password = "in-memory".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("proxy", key, password, new Certificate[] {certificate});
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }
}
