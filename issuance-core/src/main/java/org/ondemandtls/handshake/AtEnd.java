package org.ondemandtls.handshake;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What is done at the end of a future, however that comes. */
final class AtEnd {

    private AtEnd() {}

    /**
     * What is done.
     *
     * @param <T> what was waited for
     */
    @FunctionalInterface
    interface Ending<T> {

        /**
         * Does it; throws nothing.
         *
         * @param outcome what came, null if nothing did
         * @param failure why nothing came, null if something did
         */
        void over(@Nullable T outcome, @Nullable Throwable failure);
    }

    /** Has something done once a future is over, on the thread that ends it; now, where it is over already. */
    static <T> void of(CompletableFuture<T> future, Ending<T> ending) {
        // Not by whenComplete, which would wrap the leaving of each in an exception with a stack trace.
        future.handle((outcome, failure) -> {
            ending.over(outcome, failure);
            return true;
        });
    }
}
