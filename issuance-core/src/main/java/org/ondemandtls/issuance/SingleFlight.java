package org.ondemandtls.issuance;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One running task per key that any number of callers may wait for.
 *
 * @param <K> what the work is for
 * @param <V> what comes of it
 */
final class SingleFlight<K, V> {

    private final ConcurrentMap<K, Flight<V>> flights = new ConcurrentHashMap<>();

    /**
     * Joins the flight of {@code key}, or starts one.
     *
     * @param key what the work is for
     * @param task starts the work and returns at once; called only by the caller that starts a
     *     flight, on its thread, outside any lock. If it throws, the flight fails with what it threw.
     * @return a future of the caller's own: completing it leaves the flight alone, and so does cancelling it, which also
     *     leaves nothing of it behind
     */
    CompletableFuture<V> join(K key, Function<? super K, ? extends CompletionStage<V>> task) {
        var ours = new Flight<V>();
        var theirs = flights.putIfAbsent(key, ours);
        if (theirs != null) {
            return theirs.board();
        }
        CompletableFuture<V> seat = ours.board();
        started(key, task).whenComplete((outcome, failure) -> {
            // Leave the map first: a caller woken by the outcome may ask again at once and must get a new flight.
            flights.remove(key, ours);
            ours.land(outcome, failure);
        });
        return seat;
    }

    /** Whether a flight of {@code key} is in the air. */
    boolean has(K key) {
        return flights.containsKey(key);
    }

    /** The number of flights in the air, for the status page. */
    int size() {
        return flights.size();
    }

    /** How many callers wait for {@code key}. */
    int waiting(K key) {
        Flight<V> flight = flights.get(key);
        return flight == null ? 0 : flight.seats();
    }

    // A task that throws before it returns a stage must land too, or its key would be stuck for good.
    private static <K, V> CompletionStage<V> started(K key, Function<? super K, ? extends CompletionStage<V>> task) {
        try {
            return task.apply(key);
        } catch (RuntimeException | Error thrown) {
            return CompletableFuture.failedFuture(thrown);
        }
    }

    /** Who waits. Kept here and not as dependents of one future, which keeps them until it ends. */
    private static final class Flight<V> {

        private final ReentrantLock lock = new ReentrantLock();

        // Guarded by the lock. A future is equal to nothing but itself.
        private final Set<Seat<V>> seats = new HashSet<>();
        private @Nullable Consumer<CompletableFuture<V>> end;

        CompletableFuture<V> board() {
            Seat<V> seat = new Seat<>(this);
            Consumer<CompletableFuture<V>> landed;
            lock.lock();
            try {
                landed = end;
                if (landed == null) {
                    seats.add(seat);
                }
            } finally {
                lock.unlock();
            }
            if (landed != null) {
                landed.accept(seat);
            }
            return seat;
        }

        void land(V outcome, @Nullable Throwable failure) {
            Consumer<CompletableFuture<V>> landed =
                    failure == null ? seat -> seat.complete(outcome) : seat -> seat.completeExceptionally(failure);
            List<Seat<V>> taken;
            lock.lock();
            try {
                end = landed;
                taken = List.copyOf(seats);
                seats.clear();
            } finally {
                lock.unlock();
            }
            taken.forEach(landed);
        }

        void leave(Seat<V> seat) {
            lock.lock();
            try {
                seats.remove(seat);
            } finally {
                lock.unlock();
            }
        }

        int seats() {
            lock.lock();
            try {
                return seats.size();
            } finally {
                lock.unlock();
            }
        }
    }

    /** One caller's own future. */
    private static final class Seat<V> extends LeavableFuture<V> {

        private final Flight<V> flight;

        Seat(Flight<V> flight) {
            this.flight = flight;
        }

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            flight.leave(this);
            return super.cancel(mayInterruptIfRunning);
        }
    }
}
