package org.ondemandtls.permission;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Asks a URL: {@code GET URL?domain=NAME}. A 2xx grants; a 4xx denies, except those that speak about the asking and
 * not about the name; anything else is no answer.
 *
 * <p>Redirects are not followed. Of a body at most {@value #MAX_BODY} octets are read; the first line of a denial's {@code
 * text/plain} is its reason.
 */
final class AskPolicy implements PermissionPolicy, AutoCloseable {

    static final int MAX_BODY = 4096;

    private static final Duration LONGEST_WAIT_FOR_REASON = Duration.ofMillis(250);
    private static final String PURPOSE_HEADER = "OnDemand-TLS-Purpose";
    // Authentication, the request's own time, and rate: none of them is about the name.
    private static final Set<Integer> NOT_ABOUT_THE_NAME = Set.of(401, 407, 408, 425, 429);

    private final URI url;
    private final Duration timeout;
    private final LongSupplier nanoTime;
    private final ReentrantLock making = new ReentrantLock();
    private final Bodies bodies;
    private final LastingExecutor executor;
    private final Map<Object, CompletableFuture<?>> exchanges = new ConcurrentHashMap<>();

    // Made by the first question: a tenth of a second in a young JVM, which a start need not wait for.
    private volatile @Nullable HttpClient client;

    AskPolicy(URI url, Duration timeout, Executor executor, ScheduledExecutorService scheduler, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.url = url;
        this.timeout = timeout;
        this.bodies = new Bodies(scheduler, nanoTime, timeout);
        this.executor = new LastingExecutor(executor);
    }

    /**
     * What was answered.
     *
     * @param decision what it means
     * @param isPage whether it came as a page for people, as from a web application's front end
     */
    record Reply(Decision decision, boolean isPage) {}

    @Override
    public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
        return ask(name, purpose).thenApply(Reply::decision);
    }

    /** As {@link #decide}, with how it was said. */
    CompletionStage<Reply> ask(ServerName name, Purpose purpose) {
        HttpRequest request = HttpRequest.newBuilder(uri(name))
                .timeout(timeout)
                .header(PURPOSE_HEADER, purpose.name().toLowerCase(Locale.ROOT))
                .GET()
                .build();
        long end = nanoTime.getAsLong() + timeout.toNanos();
        CompletableFuture<HttpResponse<String>> exchange = client().sendAsync(request, bodies.until(end));
        Object token = new Object();
        exchanges.put(token, exchange);
        return exchange.handle((response, failure) -> {
            exchanges.remove(token);
            if (failure != null) {
                throw new CompletionException(new NoAnswerException(describe(failure)));
            }
            boolean isPage = response.headers()
                    .firstValue("Content-Type")
                    .filter(type -> type.toLowerCase(Locale.ROOT).startsWith("text/html"))
                    .isPresent();
            return new Reply(judge(response.statusCode(), response.body()), isPage);
        });
    }

    @Override
    public void close() {
        // From JDK 21 on closing the client waits for what is under way.
        exchanges.values().forEach(exchange -> exchange.cancel(true));
        executor.close();
        Object used = client;
        if (used instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException("the HTTP client of the permission does not close", e);
            }
        }
    }

    private HttpClient client() {
        HttpClient known = client;
        if (known != null) {
            return known;
        }
        making.lock();
        try {
            HttpClient made = client;
            if (made == null) {
                made = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(timeout)
                        .executor(executor)
                        .build();
                client = made;
            }
            return made;
        } finally {
            making.unlock();
        }
    }

    private static boolean denies(int status) {
        return status >= 400 && status < 500 && !NOT_ABOUT_THE_NAME.contains(status);
    }

    private Decision judge(int status, String body) {
        if (status >= 200 && status < 300) {
            return new Decision.Granted();
        }
        if (denies(status)) {
            String reason = Reasons.line(body);
            return new Decision.Denied(
                    "onDemandTls.permission.ask answered " + status + (reason.isEmpty() ? "" : ": " + reason));
        }
        throw new CompletionException(new NoAnswerException("onDemandTls.permission.ask answered " + status
                + (status >= 300 && status < 400 ? ", and redirects are not followed" : "")));
    }

    private String describe(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        String what;
        if (cause instanceof HttpTimeoutException) {
            what = "did not answer within " + timeout.toMillis() + " ms";
        } else if (cause instanceof IOException) {
            what = "cannot be reached (" + cause.getClass().getSimpleName() + ")";
        } else {
            what = "failed (" + cause.getClass().getSimpleName() + ")";
        }
        return "onDemandTls.permission.ask " + what;
    }

    private URI uri(ServerName name) {
        String query = url.getRawQuery();
        String parameter = "domain=" + URLEncoder.encode(name.value(), StandardCharsets.UTF_8);
        String base = url.toString();
        int question = base.indexOf('?');
        String bare = question < 0 ? base : base.substring(0, question);
        return URI.create(bare + '?' + (query == null || query.isEmpty() ? parameter : query + '&' + parameter));
    }

    /**
     * How bodies are read. It knows nothing of the client: a connection that waits for the next question keeps the reader of the
     * last body, and with it whatever that reaches.
     */
    private record Bodies(ScheduledExecutorService scheduler, LongSupplier nanoTime, Duration timeout) {

        HttpResponse.BodyHandler<String> until(long end) {
            return response -> new FirstOctets(scheduler, timeout, reasonTime(response, end));
        }

        // The status decides; a reason is waited for no longer than leaves time to tell.
        private Duration reasonTime(HttpResponse.ResponseInfo response, long end) {
            boolean text = denies(response.statusCode())
                    && response.headers()
                            .firstValue("Content-Type")
                            .filter(type -> type.toLowerCase(Locale.ROOT).startsWith("text/plain"))
                            .isPresent();
            Duration half = Duration.ofNanos(Math.max(0, end - nanoTime.getAsLong()) / 2);
            return !text ? Duration.ZERO : half.compareTo(LONGEST_WAIT_FOR_REASON) > 0 ? LONGEST_WAIT_FOR_REASON : half;
        }
    }

    /**
     * Reads a body, bounded in size and time, to keep the connection, and hands on its text where it is worth a wait: what
     * came by then, whatever happens to the rest.
     */
    private static final class FirstOctets implements HttpResponse.BodySubscriber<String> {

        private final CompletableFuture<String> text = new CompletableFuture<>();
        private final ByteArrayOutputStream octets = new ByteArrayOutputStream();
        private final Future<?> end;
        private Flow.@Nullable Subscription subscription;
        private int received;

        FirstOctets(ScheduledExecutorService scheduler, Duration timeout, Duration wait) {
            if (wait.isZero()) {
                text.complete("");
            } else {
                scheduler.schedule(this::tell, wait.toNanos(), TimeUnit.NANOSECONDS);
            }
            end = scheduler.schedule(this::stop, timeout.toNanos(), TimeUnit.NANOSECONDS);
        }

        @Override
        public CompletionStage<String> getBody() {
            return text;
        }

        @Override
        public synchronized void onSubscribe(Flow.Subscription newSubscription) {
            subscription = newSubscription;
            newSubscription.request(1);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            if (take(buffers)) {
                onComplete();
            }
        }

        @Override
        public void onError(Throwable failure) {
            onComplete();
        }

        @Override
        public void onComplete() {
            end.cancel(false);
            tell();
        }

        // Whether that was enough.
        private synchronized boolean take(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                received += buffer.remaining();
                byte[] piece = new byte[Math.min(buffer.remaining(), MAX_BODY - octets.size())];
                buffer.get(piece);
                if (!text.isDone()) {
                    octets.write(piece, 0, piece.length);
                }
            }
            Flow.Subscription current = subscription;
            if (current == null) {
                return false;
            }
            if (received > MAX_BODY) {
                current.cancel();
                return true;
            }
            current.request(1);
            return false;
        }

        private synchronized void stop() {
            if (subscription != null) {
                subscription.cancel();
            }
        }

        private void tell() {
            String came;
            synchronized (this) {
                came = octets.toString(StandardCharsets.UTF_8);
            }
            text.complete(came);
        }
    }
}
