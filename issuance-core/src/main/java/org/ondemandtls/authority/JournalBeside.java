package org.ondemandtls.authority;

import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.ondemandtls.certificate.IssuanceException;

/**
 * A journal that is written while the CA is already asked what comes next, and waited for before anything irrevocable.
 *
 * <p><b>Threads.</b> Used by the one thread that works on an order.
 */
final class JournalBeside {

    private final Authority.Journal journal;
    private final Executor executor;
    private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);

    /**
     * Has a journal written elsewhere.
     *
     * @param journal where URLs of orders are kept
     * @param executor what writes; where it takes nothing more, the caller does
     */
    JournalBeside(Authority.Journal journal, Executor executor) {
        this.journal = journal;
        this.executor = executor;
    }

    /**
     * Begins to keep the URL of an order; waits for the one before.
     *
     * @throws IssuanceException.StoreFailed if the one before could not be kept
     */
    void orderCreated(URI url) throws IssuanceException.StoreFailed {
        await();
        CompletableFuture<Void> writing = new CompletableFuture<>();
        written = writing;
        try {
            executor.execute(() -> write(url, writing));
        } catch (RejectedExecutionException e) {
            write(url, writing);
        }
    }

    /**
     * Waits until what was begun is kept. Not interruptible, as writing is not.
     *
     * @throws IssuanceException.StoreFailed if it could not be kept
     */
    void await() throws IssuanceException.StoreFailed {
        try {
            written.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IssuanceException.StoreFailed failed) {
                throw failed;
            }
            throw e;
        }
    }

    /** Waits until nothing is written any more, whatever came of it. */
    void settle() {
        written.exceptionally(failed -> null).join();
    }

    private void write(URI url, CompletableFuture<Void> writing) {
        try {
            journal.orderCreated(url);
            writing.complete(null);
        } catch (IssuanceException.StoreFailed | RuntimeException | Error e) {
            writing.completeExceptionally(e);
        }
    }
}
