package org.ondemandtls.authority;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Speaks HTTP with one CA, which is not trusted: https only, one origin, no redirects, every exchange limited in time
 * and size as a whole.
 *
 * <p>Connections are kept and shared. Safe for use by many threads.
 */
final class CaHttp implements AutoCloseable {

    private static final Set<String> UNDERSTOOD_ENCODINGS = Set.of("", "identity");

    private final URI directory;
    private final HttpClient client;
    private final ExecutorService executor;
    private final ConcurrentMap<Object, CompletableFuture<?>> exchanges = new ConcurrentHashMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Makes a client; nothing is connected yet.
     *
     * @param directory the directory URL, whose origin every request stays at
     * @param trust who is trusted for the CA's own HTTPS, null for whom the JVM trusts
     */
    CaHttp(URI directory, @Nullable SSLContext trust) {
        this.directory = directory;
        AtomicInteger number = new AtomicInteger();
        this.executor = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "ondemand-tls-ca-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        HttpClient.Builder builder = HttpClient.newBuilder()
                .connectTimeout(CaLimits.CONNECT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .executor(executor);
        if (trust != null) {
            builder.sslContext(trust);
        }
        this.client = builder.build();
    }

    /** The client underneath. */
    HttpClient client() {
        return client;
    }

    /**
     * Sends a request and reads the answer to its end.
     *
     * @param request what to send
     * @param patience the time for all of it
     * @return the answer, its body in memory, without headers that were dealt with here
     * @throws IOException if there is no complete answer in time, or if it may not be asked for
     * @throws InterruptedIOException if the thread was interrupted, which it stays, or this was closed
     */
    HttpResponse<InputStream> send(HttpRequest request, Duration patience) throws IOException {
        if (!isOwn(request.uri())) {
            throw new IOException("the CA names a URL outside its own origin");
        }
        if (closed.get()) {
            throw new InterruptedIOException("the server is stopping");
        }
        if (patience.isZero()) {
            throw new HttpTimeoutException("no time left for the order");
        }
        CompletableFuture<HttpResponse<byte[]>> exchange =
                client.sendAsync(request, response -> new Limited(CaLimits.BODY));
        Object ticket = new Object();
        exchanges.put(ticket, exchange);
        try {
            if (closed.get()) {
                exchange.cancel(true);
            }
            return new Answer(exchange.get(patience.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            throw new HttpTimeoutException("no complete answer within " + patience.toSeconds() + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (CancellationException e) {
            throw new InterruptedIOException("the server is stopping");
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } finally {
            // Whatever ended the wait, nobody wants the rest of the answer any more.
            exchange.cancel(true);
            exchanges.remove(ticket);
        }
    }

    /** Whether a URL has the directory's origin: scheme, host and port. */
    boolean isOwn(URI uri) {
        return "https".equalsIgnoreCase(uri.getScheme())
                && directory.getHost().equalsIgnoreCase(uri.getHost())
                && port(directory) == port(uri);
    }

    /** Ends all connections and threads, soon and without waiting for it; exchanges in the air fail. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        exchanges.values().forEach(exchange -> exchange.cancel(true));
        if (client instanceof AutoCloseable closeable) {
            // Since Java 21; before, the client's selector ends once nobody holds the client any more.
            executor.execute(() -> {
                try {
                    closeable.close();
                } catch (Exception e) {
                    throw new IllegalStateException("the HTTP client does not close", e);
                } finally {
                    executor.shutdown();
                }
            });
        } else {
            executor.shutdown();
        }
    }

    private static int port(URI uri) {
        return uri.getPort() < 0 ? 443 : uri.getPort();
    }

    private static IOException failure(@Nullable Throwable cause) {
        if (cause instanceof IOException io) {
            return io;
        }
        return new IOException("the request failed", cause);
    }

    /** Keeps a body in memory, up to a limit. */
    private static final class Limited implements HttpResponse.BodySubscriber<byte[]> {

        private final HttpResponse.BodySubscriber<byte[]> collected = HttpResponse.BodySubscribers.ofByteArray();
        private final CompletableFuture<byte[]> body = new CompletableFuture<>();
        private long room;
        private Flow.@Nullable Subscription subscription;

        Limited(long limit) {
            room = limit;
            collected.getBody().whenComplete((bytes, failure) -> {
                if (failure == null) {
                    body.complete(bytes);
                } else {
                    body.completeExceptionally(failure);
                }
            });
        }

        @Override
        public CompletionStage<byte[]> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Flow.Subscription toBody) {
            subscription = toBody;
            collected.onSubscribe(toBody);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                room -= buffer.remaining();
            }
            if (room < 0) {
                if (subscription != null) {
                    subscription.cancel();
                }
                body.completeExceptionally(new IOException("the CA's answer is longer than it may be"));
                return;
            }
            collected.onNext(buffers);
        }

        @Override
        public void onError(Throwable failure) {
            collected.onError(failure);
        }

        @Override
        public void onComplete() {
            collected.onComplete();
        }
    }

    /** A complete answer; does not offer what only this class may interpret. */
    private static final class Answer implements HttpResponse<InputStream> {

        private final HttpResponse<byte[]> complete;
        private final InputStream body;
        private final HttpHeaders headers;

        Answer(HttpResponse<byte[]> complete) throws IOException {
            this.complete = complete;
            this.body = new ByteArrayInputStream(complete.body());
            // Nothing compressed was asked for, and what it would unfold to has no limit.
            Collection<String> encodings = complete.headers().allValues("Content-Encoding");
            if (!UNDERSTOOD_ENCODINGS.containsAll(encodings)) {
                throw new IOException("the CA's answer is compressed, which was not asked for");
            }
            // acme4j gives up on a Retry-After it cannot read.
            this.headers =
                    HttpHeaders.of(complete.headers().map(), (name, value) -> !name.equalsIgnoreCase("Retry-After"));
        }

        /** What the CA sent, nothing left out. */
        HttpHeaders allHeaders() {
            return complete.headers();
        }

        @Override
        public int statusCode() {
            return complete.statusCode();
        }

        @Override
        public HttpRequest request() {
            return complete.request();
        }

        @Override
        public Optional<HttpResponse<InputStream>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public HttpHeaders headers() {
            return headers;
        }

        @Override
        public InputStream body() {
            return body;
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return complete.sslSession();
        }

        @Override
        public URI uri() {
            return complete.uri();
        }

        @Override
        public HttpClient.Version version() {
            return complete.version();
        }
    }

    /** All headers of an answer that {@link #send} returned. */
    static HttpHeaders headersOf(HttpResponse<InputStream> answer) {
        return answer instanceof Answer ours ? ours.allHeaders() : answer.headers();
    }
}
