package org.ondemandtls.issuance;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * A future that strangers cancel: the exception it ends with has no stack trace, which would cost more than the wait.
 *
 * @param <V> what is waited for
 */
public class LeavableFuture<V> extends CompletableFuture<V> {

    /** Begins to wait. */
    public LeavableFuture() {}

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
