package org.ondemandtls.issuance;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;

/**
 * Finishes orders that were left open, however many, a few at a time.
 *
 * <p><b>Threads.</b> Safe for use by many threads; nothing blocks but the look in the journal, which runs on the executor
 * for look-ups.
 */
final class Resumption {

    private static final int AT_ONCE = 4;

    /** Reads what is left open. */
    @FunctionalInterface
    interface Left {
        List<OpenOrder> orders() throws StoreException;
    }

    private final Function<OpenOrder, CompletableFuture<KeyedCertificate>> finish;
    private final Executor lookups;
    private final Events events;
    private final BooleanSupplier stopping;

    /**
     * Finishes by what is given.
     *
     * @param finish begins to finish one order
     * @param lookups looks in the journal; may reject
     * @param events told how each ended
     * @param stopping whether nothing is to be begun any more
     */
    Resumption(
            Function<OpenOrder, CompletableFuture<KeyedCertificate>> finish,
            Executor lookups,
            Events events,
            BooleanSupplier stopping) {
        this.finish = finish;
        this.lookups = lookups;
        this.events = events;
        this.stopping = stopping;
    }

    /** Finishes what is left; completes, never exceptionally, when each order has ended, one way or the other. */
    CompletableFuture<Void> resume(Left left) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try {
            lookups.execute(() -> {
                try {
                    new Round(left.orders(), done).begin();
                } catch (StoreException e) {
                    events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage()));
                    done.complete(null);
                } catch (RuntimeException | Error e) {
                    // Whoever waits for it does not look again before it has ended.
                    done.complete(null);
                    throw e;
                }
            });
        } catch (RejectedExecutionException e) {
            done.complete(null);
        } catch (Error e) {
            // No thread can be started.
            events.publish(EventKind.DEFECT, "cannot look for open orders: " + e);
            done.complete(null);
        }
        return done;
    }

    private final class Round {
        private final Queue<OpenOrder> open;
        private final CompletableFuture<Void> done;
        private int running;

        // How often somebody asked for more to be begun; who finds it above zero leaves it to whoever is at it.
        private final AtomicInteger wanted = new AtomicInteger();

        Round(List<OpenOrder> orders, CompletableFuture<Void> done) {
            this.open = new ArrayDeque<>(orders);
            this.done = done;
        }

        // A flight may end while it is begun: a loop, since thousands that call each other would not fit on a stack.
        void begin() {
            if (wanted.getAndIncrement() > 0) {
                return;
            }
            do {
                for (OpenOrder next = next(); next != null; next = next()) {
                    OpenOrder order = next;
                    begun(order).whenComplete((certificate, thrown) -> {
                        ended(order, thrown);
                        begin();
                    });
                }
            } while (wanted.decrementAndGet() > 0);
            if (isOver()) {
                done.complete(null);
            }
        }

        // One that cannot be begun keeps none of the others, nor the next look, from its turn.
        private CompletableFuture<KeyedCertificate> begun(OpenOrder order) {
            try {
                return finish.apply(order);
            } catch (RuntimeException | Error e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        private synchronized boolean isOver() {
            return running == 0 && (open.isEmpty() || stopping.getAsBoolean());
        }

        private synchronized @Nullable OpenOrder next() {
            if (running == AT_ONCE || open.isEmpty() || stopping.getAsBoolean()) {
                return null;
            }
            running++;
            return open.poll();
        }

        private void ended(OpenOrder order, @Nullable Throwable thrown) {
            synchronized (this) {
                running--;
            }
            Throwable failure =
                    thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
            events.publish(
                    EventKind.RESUMED,
                    order.name(),
                    failure == null
                            ? "finished an order that was open before the restart"
                            : "an order that was open before the restart ended without a certificate: "
                                    + failure.getMessage());
        }
    }
}
