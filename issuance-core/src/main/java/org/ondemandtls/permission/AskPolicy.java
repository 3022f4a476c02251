package org.ondemandtls.permission;

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
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Asks a URL: {@code GET URL?domain=NAME}. A 2xx grants; a 4xx denies, except those that speak about the asking and
 * not about the name; anything else is no answer.
 *
 * <p>Redirects are not followed. Of a body at most {@value #MAX_BODY} octets are read, and then dropped.
 */
final class AskPolicy implements PermissionPolicy, AutoCloseable {

    static final int MAX_BODY = 4096;

    private static final String PURPOSE_HEADER = "OnDemand-TLS-Purpose";
    // Authentication, the request's own time, and rate: none of them is about the name.
    private static final Set<Integer> NOT_ABOUT_THE_NAME = Set.of(401, 407, 408, 425, 429);

    private final URI url;
    private final Duration timeout;
    private final ScheduledExecutorService scheduler;
    private final HttpClient client;
    private final Map<Object, CompletableFuture<?>> exchanges = new ConcurrentHashMap<>();

    AskPolicy(URI url, Duration timeout, Executor executor, ScheduledExecutorService scheduler) {
        this.url = url;
        this.scheduler = scheduler;
        this.timeout = timeout;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(timeout)
                .executor(executor)
                .build();
    }

    @Override
    public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
        HttpRequest request = HttpRequest.newBuilder(uri(name))
                .timeout(timeout)
                .header(PURPOSE_HEADER, purpose.name().toLowerCase(Locale.ROOT))
                .GET()
                .build();
        // The status decides; the body is only read to keep the connection, within the same time.
        CompletableFuture<HttpResponse<Void>> exchange =
                client.sendAsync(request, response -> new Discarding(scheduler, timeout));
        Object token = new Object();
        exchanges.put(token, exchange);
        return exchange.handle((response, failure) -> {
            exchanges.remove(token);
            if (failure != null) {
                throw new CompletionException(new NoAnswerException(describe(failure)));
            }
            return judge(response.statusCode());
        });
    }

    @Override
    public void close() {
        // From JDK 21 on closing the client waits for what is under way.
        exchanges.values().forEach(exchange -> exchange.cancel(true));
        if ((Object) client instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException("the HTTP client of the permission does not close", e);
            }
        }
    }

    private Decision judge(int status) {
        if (status >= 200 && status < 300) {
            return new Decision.Granted();
        }
        if (status >= 400 && status < 500 && !NOT_ABOUT_THE_NAME.contains(status)) {
            return new Decision.Denied("onDemandTls.permission.ask answered " + status);
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

    /** Reads a body, bounded in size and time, and keeps nothing of it. */
    private static final class Discarding implements HttpResponse.BodySubscriber<Void> {

        private final ScheduledExecutorService scheduler;
        private final Duration timeout;
        private Flow.@Nullable Subscription subscription;
        private @Nullable Future<?> end;
        private int received;

        Discarding(ScheduledExecutorService scheduler, Duration timeout) {
            this.scheduler = scheduler;
            this.timeout = timeout;
        }

        @Override
        public CompletionStage<Void> getBody() {
            return CompletableFuture.completedStage(null);
        }

        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            subscription = newSubscription;
            end = scheduler.schedule(newSubscription::cancel, timeout.toNanos(), TimeUnit.NANOSECONDS);
            newSubscription.request(1);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                received += buffer.remaining();
            }
            Flow.Subscription current = subscription;
            if (current == null) {
                return;
            }
            if (received > MAX_BODY) {
                current.cancel();
                onComplete();
            } else {
                current.request(1);
            }
        }

        @Override
        public void onError(Throwable failure) {
            onComplete();
        }

        @Override
        public void onComplete() {
            if (end != null) {
                end.cancel(false);
            }
        }
    }
}
