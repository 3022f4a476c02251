package org.ondemandtls.issuance;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A future that strangers cancel: the exception it ends with has no stack trace, which would cost more than the wait.
 *
 * @param <V> what is waited for
 */
public class LeavableFuture<V> extends CompletableFuture<V> {

    /** Begins to wait. */
    public LeavableFuture() {}

    /**
     * Waits for something that is the caller's own, a seat on a flight for example, and makes something of it.
     *
     * @param own what is waited for; whoever cancels what is returned cancels that as well, and keeps nothing of it
     * @param then makes something of it, on the thread that completes it, unless nobody waits any more; what it throws
     *     becomes the failure
     * @return a future of the caller's own
     * @param <T> what is waited for
     * @param <V> what is made of it
     */
    public static <T, V> LeavableFuture<V> of(CompletableFuture<T> own, Function<? super T, ? extends V> then) {
        LeavableFuture<V> waiting = new LeavableFuture<>() {
            @Override
            public boolean cancel(boolean mayInterruptIfRunning) {
                boolean cancelled = super.cancel(mayInterruptIfRunning);
                own.cancel(mayInterruptIfRunning);
                return cancelled;
            }
        };
        // Not by a stage of its own, which would wrap the leaving of each in an exception with a stack trace.
        own.handle((outcome, failure) -> {
            waiting.end(outcome, failure, then);
            return waiting;
        });
        return waiting;
    }

    private <T> void end(T outcome, @Nullable Throwable failure, Function<? super T, ? extends V> then) {
        if (isDone()) {
            return;
        }
        if (failure != null) {
            completeExceptionally(failure);
            return;
        }
        try {
            complete(then.apply(outcome));
        } catch (RuntimeException | Error thrown) {
            completeExceptionally(thrown);
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return completeExceptionally(new Left()) || isCancelled();
    }

    private static final class Left extends CancellationException {

        Left() {
            super("left before it ended");
        }

        // Where a stranger left says nothing.
        @Override
        public Throwable fillInStackTrace() {
            return this;
        }
    }
}
