package org.ondemandtls.testing;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
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
import java.util.Arrays;
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
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a real ACME CA and does to its answers what a test asks for; without a {@link Fault} in force it passes
 * everything on.
 *
 * <p>URLs in answers, and the {@code url} a client signs, name the proxy: the CA is told the proxy's host, so that it makes its
 * URLs with it.
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

    private static final Set<String> HOP_BY_HOP =
            Set.of("connection", "content-length", "transfer-encoding", "date", "host", "upgrade", "http2-settings");

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
                .append("\r\n");
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!HOP_BY_HOP.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(
                        value -> head.append(name).append(": ").append(value).append("\r\n"));
            }
        });
        try (Socket socket = toCa.createSocket(target.getHost(), target.getPort())) {
            socket.setSoTimeout(30_000);
            OutputStream out = socket.getOutputStream();
            out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            out.write(sent);
            out.flush();
            return parse(socket.getInputStream().readAllBytes());
        }
    }

    private static Answer parse(byte[] response) throws IOException {
        String text = new String(response, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("the CA sent no answer");
        }
        String[] lines = text.substring(0, end).split("\r\n");
        Map<String, List<String>> headers = new TreeMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            headers.computeIfAbsent(lines[i].substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                    .add(lines[i].substring(colon + 1).strip());
        }
        return new Answer(
                Integer.parseInt(lines[0].split(" ")[1]),
                headers,
                Arrays.copyOfRange(response, end + 4, response.length));
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
