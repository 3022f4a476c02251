package org.ondemandtls.issuance;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/**
 * Runs work on bounded executors. Where another server of the cluster is at a name, its work waits for that server's news.
 *
 * <p><b>Threads.</b> No method blocks; each may be called on any thread.
 */
final class PeerTurns {

    private static final Duration PEER_RETRY = Duration.ofSeconds(1);
    // An order takes no longer, and a lease runs out when its holder is gone.
    private static final Duration LONGEST_WAIT_FOR_PEER = Authority.LONGEST_ORDER.multipliedBy(2);

    /** What is run; it may block. */
    interface Work<T> {
        T run() throws IssuanceException;
    }

    private final ScheduledExecutorService scheduler;
    private final LongSupplier nanoTime;
    private final BooleanSupplier stopping;
    private final Map<ServerName, CompletableFuture<Void>> awaited = new ConcurrentHashMap<>();

    /**
     * Makes it.
     *
     * @param scheduler wakes what waits
     * @param nanoTime a monotonic clock in nanoseconds
     * @param stopping whether nothing new is begun any more
     */
    PeerTurns(ScheduledExecutorService scheduler, LongSupplier nanoTime, BooleanSupplier stopping) {
        this.scheduler = scheduler;
        this.nanoTime = nanoTime;
        this.stopping = stopping;
    }

    /**
     * Runs work as soon as no other server is at the name: it looks again when there is news of the name, and every second.
     *
     * @param name the name
     * @param executor runs the work
     * @param work what is run, perhaps several times
     * @return completes exceptionally with an {@link IssuanceException} where the other server takes too long
     */
    <T> CompletableFuture<T> take(ServerName name, Executor executor, Work<T> work) {
        return take(name, executor, work, nanoTime.getAsLong() + LONGEST_WAIT_FOR_PEER.toNanos());
    }

    private <T> CompletableFuture<T> take(ServerName name, Executor executor, Work<T> work, long end) {
        return run(executor, name, "onDemandTls.shield.ordersQueued", work).exceptionallyCompose(failure -> {
            if (!(failure instanceof OrderPipeline.LeasedElsewhereException)) {
                return CompletableFuture.failedFuture(failure);
            }
            if (nanoTime.getAsLong() - end >= 0) {
                return CompletableFuture.failedFuture(new IssuanceException.Unavailable(
                        name, "another server has been at it for too long", PEER_RETRY, null));
            }
            return news(name).thenCompose(heard -> take(name, executor, work, end));
        });
    }

    /**
     * Tells that another server changed something about a name.
     *
     * @param name the name
     * @param runner runs what has waited for that
     */
    void heard(ServerName name, Executor runner) {
        CompletableFuture<Void> waiting = awaited.get(name);
        if (waiting != null) {
            runner.execute(() -> end(name, waiting));
        }
    }

    private CompletableFuture<Void> news(ServerName name) {
        CompletableFuture<Void> heard = awaited.computeIfAbsent(name, n -> new CompletableFuture<>());
        scheduler.schedule(() -> end(name, heard), PEER_RETRY.toNanos(), TimeUnit.NANOSECONDS);
        return heard;
    }

    // Taken away first: who is woken and has to wait once more must not be woken by the same news again.
    private void end(ServerName name, CompletableFuture<Void> heard) {
        awaited.remove(name, heard);
        heard.complete(null);
    }

    /**
     * Runs work.
     *
     * @param executor runs it
     * @param name the name it is for
     * @param bound the key that bounds the executor, named where it is full
     * @param work what is run
     * @return completes exceptionally where it was refused, or with what it threw
     */
    <T> CompletableFuture<T> run(Executor executor, ServerName name, String bound, Work<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            executor.execute(() -> {
                if (stopping.getAsBoolean()) {
                    result.completeExceptionally(new IssuanceException.Stopping(name));
                    return;
                }
                try {
                    result.complete(work.run());
                } catch (IssuanceException | RuntimeException | Error e) {
                    result.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(
                    stopping.getAsBoolean()
                            ? new IssuanceException.Stopping(name)
                            : new IssuanceException.Overloaded(name, bound));
        }
        return result;
    }
}
