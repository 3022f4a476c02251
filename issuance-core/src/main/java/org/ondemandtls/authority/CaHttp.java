package org.ondemandtls.authority;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.CaProxy;
import org.ondemandtls.machine.Pool;
import org.ondemandtls.machine.Threads;

/**
 * Speaks HTTP with one CA, which is not trusted: https only, its origins only, no redirects, every exchange limited in time
 * and size as a whole.
 *
 * <p>Connections are kept and shared. Safe for use by many threads; an exchange blocks the thread that wants it.
 */
final class CaHttp implements CaExchange, AutoCloseable {

    /** How long an unused connection is kept: firewalls forget it after minutes, without a word. */
    static final Duration KEPT = Duration.ofSeconds(60);

    private record Idle(CaLine line, long since) {}

    private final URI directory;
    private final List<URI> origins;
    private final SSLSocketFactory sockets;
    private final Optional<CaProxy> proxy;
    private final LongSupplier nanoTime;
    private final ExecutorService connecting;
    private final ScheduledThreadPoolExecutor timer;

    // By origin; last in, first out: what is not needed grows old and is closed.
    private final ConcurrentMap<String, Deque<Idle>> idle = new ConcurrentHashMap<>();
    private final Set<CaLine> busy = ConcurrentHashMap.newKeySet();
    private final ConcurrentMap<Object, CompletableFuture<CaLine>> opening = new ConcurrentHashMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Makes a client; nothing is connected yet.
     *
     * @param directory the directory URL
     * @param others more origins that may be asked beside the directory's own
     * @param trust who is trusted for the CA's own HTTPS, null for whom the JVM trusts
     * @param proxy through which everything is sent, empty for the JVM's where it names one
     * @param nanoTime monotonic time
     */
    CaHttp(
            URI directory,
            List<URI> others,
            @Nullable SSLContext trust,
            Optional<CaProxy> proxy,
            LongSupplier nanoTime) {
        this.proxy = proxy;
        this.directory = directory;
        this.origins = Stream.concat(Stream.of(directory), others.stream()).toList();
        this.nanoTime = nanoTime;
        try {
            this.sockets = (trust == null ? SSLContext.getDefault() : trust).getSocketFactory();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("the JVM's default SSLContext cannot be made", e);
        }
        ThreadFactory threads = Threads.numbered("ondemand-tls-ca-");
        this.connecting = Pool.atOnce(KEPT, threads);
        this.timer = new ScheduledThreadPoolExecutor(1, threads);
        timer.setRemoveOnCancelPolicy(true);
        timer.setKeepAliveTime(KEPT.toSeconds(), TimeUnit.SECONDS);
        timer.allowCoreThreadTimeOut(true);
    }

    /**
     * Sends a request and reads the answer to its end.
     *
     * @param request what to send
     * @param patience the time for all of it
     * @return the answer, its body in memory
     * @throws IOException if there is no complete answer in time, or if it may not be asked for
     * @throws InterruptedIOException if the thread was interrupted, which it stays, or this was closed
     */
    @Override
    public CaAnswer send(CaRequest request, Duration patience) throws IOException {
        if (!isOwn(request.uri())) {
            throw new ForeignUrlException(request.uri(), directory);
        }
        if (patience.isZero()) {
            throw new HttpTimeoutException("no time left for the order");
        }
        Deadline deadline = Deadline.in(patience, nanoTime);
        CaLine line = take(request.uri(), deadline, patience);
        busy.add(line);
        AtomicBoolean late = new AtomicBoolean();
        Future<?> limit = null;
        try {
            requireOpen();
            limit = after(deadline.left(), () -> {
                late.set(true);
                line.abort();
            });
            CaAnswer answer = line.exchange(request);
            limit.cancel(false);
            return answer;
        } catch (IOException e) {
            if (line.hasAnswered()) {
                // What ended a line that was idle has ended the others as well.
                closeAll(idle(request.uri()));
            }
            throw failure(e, late.get(), patience);
        } finally {
            if (limit != null) {
                limit.cancel(false);
            }
            busy.remove(line);
            keep(request.uri(), line);
        }
    }

    private Future<?> after(Duration time, Runnable task) throws IOException {
        try {
            return timer.schedule(task, time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (OutOfMemoryError e) {
            // Without it a CA that stops in the middle would be waited for for good.
            throw new IOException("the system has no thread to give", e);
        }
    }

    @Override
    public boolean isOwn(URI uri) {
        return "https".equalsIgnoreCase(uri.getScheme())
                && origins.stream()
                        .anyMatch(own -> own.getHost().equalsIgnoreCase(uri.getHost()) && port(own) == port(uri));
    }

    /** Ends all connections and threads, soon and without waiting for it; exchanges in the air fail. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        connecting.shutdownNow();
        timer.shutdownNow();
        opening.values()
                .forEach(line -> line.completeExceptionally(new InterruptedIOException("the server is stopping")));
        busy.forEach(CaLine::abort);
        idle.values().forEach(CaHttp::closeAll);
    }

    private static void closeAll(Deque<Idle> lines) {
        for (Idle unused = lines.poll(); unused != null; unused = lines.poll()) {
            unused.line().abort();
        }
    }

    private void requireOpen() throws InterruptedIOException {
        if (closed.get()) {
            throw new InterruptedIOException("the server is stopping");
        }
    }

    private Deque<Idle> idle(URI uri) {
        String origin = uri.getHost().toLowerCase(Locale.ROOT) + ':' + port(uri);
        return idle.computeIfAbsent(origin, own -> new ConcurrentLinkedDeque<>());
    }

    private CaLine take(URI uri, Deadline deadline, Duration patience) throws IOException {
        Deque<Idle> lines = idle(uri);
        for (Idle unused = lines.pollFirst(); unused != null; unused = lines.pollFirst()) {
            Duration age = Duration.ofNanos(nanoTime.getAsLong() - unused.since());
            if (age.compareTo(KEPT) < 0 && unused.line().isAlive()) {
                return unused.line();
            }
            unused.line().abort();
        }
        return connected(uri, deadline, patience);
    }

    private void keep(URI uri, CaLine line) {
        if (!line.isKept()) {
            line.abort();
            return;
        }
        Deque<Idle> lines = idle(uri);
        lines.addFirst(new Idle(line, nanoTime.getAsLong()));
        closeOld(lines);
        if (closed.get()) {
            line.abort();
        }
    }

    private void closeOld(Deque<Idle> lines) {
        Idle oldest = lines.peekLast();
        while (oldest != null && nanoTime.getAsLong() - oldest.since() > KEPT.toNanos()) {
            if (lines.removeLastOccurrence(oldest)) {
                oldest.line().abort();
            }
            oldest = lines.peekLast();
        }
    }

    // On a thread of its own: neither a look-up in the DNS nor the tunnel of a proxy can be interrupted.
    private CaLine connected(URI origin, Deadline deadline, Duration patience) throws IOException {
        CompletableFuture<CaLine> awaited = new CompletableFuture<>();
        Object ticket = new Object();
        Future<?> attempt = null;
        CaLine line = null;
        opening.put(ticket, awaited);
        try {
            requireOpen();
            attempt = connecting.submit(() -> connect(origin, awaited));
            line = awaited.get(deadline.left().toNanos(), TimeUnit.NANOSECONDS);
            return line;
        } catch (TimeoutException e) {
            throw new HttpTimeoutException("no complete answer within " + patience.toSeconds() + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException("the request failed", e.getCause());
        } catch (RejectedExecutionException e) {
            requireOpen();
            throw new IOException("cannot connect: " + e.getMessage(), e);
        } finally {
            opening.remove(ticket);
            if (line == null && attempt != null) {
                attempt.cancel(true);
                awaited.thenAccept(CaLine::abort);
            }
        }
    }

    private void connect(URI origin, CompletableFuture<CaLine> awaited) {
        try {
            CaLine line = CaLine.connect(origin, sockets, proxy, nanoTime);
            if (!awaited.complete(line)) {
                // The server is stopping.
                line.abort();
            }
        } catch (IOException | RuntimeException e) {
            awaited.completeExceptionally(e);
        }
    }

    private IOException failure(IOException e, boolean late, Duration patience) {
        if (closed.get()) {
            return new InterruptedIOException("the server is stopping");
        }
        if (Thread.currentThread().isInterrupted()) {
            return new InterruptedIOException("interrupted");
        }
        if (late && !(e instanceof HttpConnectTimeoutException)) {
            return new HttpTimeoutException("no complete answer within " + patience.toSeconds() + " s");
        }
        return e;
    }

    private static int port(URI uri) {
        return uri.getPort() < 0 ? 443 : uri.getPort();
    }
}
