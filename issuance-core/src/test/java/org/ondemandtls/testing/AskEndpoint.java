package org.ondemandtls.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * An endpoint for {@code onDemandTls.permission.ask} on a loopback port: {@code GET /check?domain=NAME}. It answers as it
 * is told to, which may change while it runs, and remembers who asked for what.
 */
public final class AskEndpoint implements AutoCloseable {

    private static final String NOBODYS = ".invalid";

    private final HttpServer server;
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Question> questions = new CopyOnWriteArrayList<>();
    private volatile Function<String, Answer> answers;

    private AskEndpoint(HttpServer server, Function<String, Answer> answers) {
        this.server = server;
        this.answers = answers;
    }

    /** An endpoint that answers each name by {@code answers}. */
    public static AskEndpoint answering(Function<String, Answer> answers) {
        try {
            var server =
                    HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), FreePorts.next()), 1024);
            var endpoint = new AskEndpoint(server, answers);
            server.setExecutor(endpoint.threads);
            server.createContext("/check", endpoint::handle);
            server.start();
            return endpoint;
        } catch (IOException failed) {
            throw new IllegalStateException("cannot open an ask endpoint", failed);
        }
    }

    /** An endpoint that grants these names, and {@code *.parent} for every name that ends in {@code .parent}. */
    public static AskEndpoint granting(String... names) {
        return answering(name -> Stream.of(names)
                        .anyMatch(granted ->
                                granted.startsWith("*.") ? name.endsWith(granted.substring(1)) : name.equals(granted))
                ? Answer.GRANTED
                : Answer.DENIED);
    }

    /** Answers otherwise from now on. */
    public void answer(Function<String, Answer> other) {
        answers = other;
    }

    /** The URL for {@code onDemandTls.permission.ask}. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/check");
    }

    /** All questions so far that visits or renewals caused, in the order they came. */
    public List<Question> questions() {
        return questions.stream()
                .filter(question -> !question.name().endsWith(NOBODYS))
                .toList();
    }

    /** How often it was asked for a name that nobody can own. */
    public long timesAskedForNobodys() {
        return questions.stream()
                .filter(question -> question.name().endsWith(NOBODYS))
                .count();
    }

    /** How often this name was asked for. */
    public long timesAsked(String name) {
        return questions.stream()
                .filter(question -> question.name().equals(name))
                .count();
    }

    /** Refuses connections from now on, and ends what hangs. */
    @Override
    public void close() {
        server.stop(0);
        later.shutdownNow();
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) {
        String name = parameter(exchange.getRequestURI(), "domain");
        String purpose = exchange.getRequestHeaders().getFirst("OnDemand-TLS-Purpose");
        questions.add(new Question(name, purpose == null ? "" : purpose, exchange.getRequestURI()));
        Answer answer = answers.apply(name);
        if (answer.hangs) {
            return;
        }
        later.schedule(() -> respond(exchange, answer), answer.delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    private static void respond(HttpExchange exchange, Answer answer) {
        try (exchange) {
            if (!answer.location.isEmpty()) {
                exchange.getResponseHeaders().set("Location", answer.location);
            }
            exchange.sendResponseHeaders(answer.status, -1);
        } catch (IOException clientHasGone) {
            // It was told what it wanted to know, or does not want to know any more.
        }
    }

    private static String parameter(URI uri, String key) {
        String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
        return Stream.of(query.split("&"))
                .filter(pair -> pair.startsWith(key + "="))
                .map(pair -> URLDecoder.decode(pair.substring(key.length() + 1), StandardCharsets.UTF_8))
                .findFirst()
                .orElse("");
    }

    /**
     * A question that was asked.
     *
     * @param name the name in question
     * @param purpose the header {@code OnDemand-TLS-Purpose}, empty where it was not sent
     * @param uri path and query as they came
     */
    public record Question(String name, String purpose, URI uri) {}

    /**
     * What is answered.
     *
     * @param status of HTTP
     * @param delay before the answer
     * @param location where a redirect points, empty for none
     * @param hangs whether no answer ever comes
     */
    public record Answer(int status, Duration delay, String location, boolean hangs) {

        /** The name may have a certificate. */
        public static final Answer GRANTED = status(200);

        /** It may not. */
        public static final Answer DENIED = status(404);

        /** The connection stays open and silent. */
        public static final Answer HANGING = new Answer(200, Duration.ZERO, "", true);

        /** An answer of this status, at once. */
        public static Answer status(int status) {
            return new Answer(status, Duration.ZERO, "", false);
        }

        /** A redirect. */
        public static Answer redirect(String location) {
            return new Answer(302, Duration.ZERO, location, false);
        }

        /** The same answer after a while. */
        public Answer after(Duration wait) {
            return new Answer(status, wait, location, hangs);
        }
    }
}
