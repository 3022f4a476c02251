package org.ondemandtls.issuance;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * A future that strangers cancel: each does so with the same exception, which has no stack trace.
 *
 * @param <V> what is waited for
 */
public class LeavableFuture<V> extends CompletableFuture<V> {

    private static final CancellationException LEFT = new Left();

    /** Begins to wait. */
    public LeavableFuture() {}

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return completeExceptionally(LEFT) || isCancelled();
    }

    private static final class Left extends CancellationException {

        Left() {
            super("left before it ended");
        }

        // Shared, so where it was made says nothing.
        @Override
        public Throwable fillInStackTrace() {
            return this;
        }
    }
}
