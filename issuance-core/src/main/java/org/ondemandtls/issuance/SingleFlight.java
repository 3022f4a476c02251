package org.ondemandtls.issuance;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;

/**
 * One running task per key that any number of callers may wait for.
 *
 * @param <K> what the work is for
 * @param <V> what comes of it
 */
final class SingleFlight<K, V> {

    private final ConcurrentMap<K, CompletableFuture<V>> flights = new ConcurrentHashMap<>();

    /**
     * Joins the flight of {@code key}, or starts one.
     *
     * @param key what the work is for
     * @param task starts the work and returns at once; called only by the caller that starts a
     *     flight, on its thread, outside any lock. If it throws, the flight fails with what it threw.
     * @return a future of the caller's own: completing or cancelling it leaves the flight alone
     */
    CompletableFuture<V> join(K key, Function<? super K, ? extends CompletionStage<V>> task) {
        var ours = new CompletableFuture<V>();
        var theirs = flights.putIfAbsent(key, ours);
        if (theirs != null) {
            return ownCopy(theirs);
        }
        started(key, task).whenComplete((outcome, failure) -> {
            // Leave the map first: a caller woken by the outcome may ask again at once and must get a new flight.
            flights.remove(key, ours);
            if (failure == null) {
                ours.complete(outcome);
            } else {
                ours.completeExceptionally(failure);
            }
        });
        return ownCopy(ours);
    }

    /** The number of flights in the air, for the status page. */
    int size() {
        return flights.size();
    }

    // CompletableFuture.copy() would hand a failure on wrapped.
    private static <V> CompletableFuture<V> ownCopy(CompletableFuture<V> flight) {
        CompletableFuture<V> copy = new CompletableFuture<>();
        flight.whenComplete((outcome, failure) -> {
            if (failure == null) {
                copy.complete(outcome);
            } else {
                copy.completeExceptionally(failure);
            }
        });
        return copy;
    }

    // A task that throws before it returns a stage must land too, or its key would be stuck for good.
    private static <K, V> CompletionStage<V> started(K key, Function<? super K, ? extends CompletionStage<V>> task) {
        try {
            return task.apply(key);
        } catch (RuntimeException | Error thrown) {
            return CompletableFuture.failedFuture(thrown);
        }
    }
}
