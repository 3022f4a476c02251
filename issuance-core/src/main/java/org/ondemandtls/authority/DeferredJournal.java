package org.ondemandtls.authority;

import java.net.URI;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;

/**
 * A journal that is written when there is time for it: while the CA looks at the proof, and in any case before anything
 * irrevocable. A crash before that costs one more order, as it does between an order and its journal anyway.
 *
 * <p><b>Threads.</b> Used by the one thread that works on an order.
 */
final class DeferredJournal {

    private final Authority.Journal journal;
    private @Nullable URI unkept;
    private @Nullable Instant expires;

    /** Defers what is told to {@code journal}. */
    DeferredJournal(Authority.Journal journal) {
        this.journal = journal;
    }

    /** Notes the URL of an order; one that was noted before and not kept is given up. */
    void orderCreated(URI url, @Nullable Instant newExpires) {
        unkept = url;
        expires = newExpires;
    }

    /**
     * Keeps what was noted, once.
     *
     * @throws IssuanceException.StoreFailed if it could not be kept; the order is then left alone
     */
    void keep() throws IssuanceException.StoreFailed {
        URI url = unkept;
        unkept = null;
        if (url != null) {
            if (expires != null) {
                journal.orderExpires(expires);
            }
            journal.orderCreated(url);
        }
    }

    /** Whether another order may be placed in place of one that was left open. */
    boolean mayPlaceAnother() {
        return journal.mayPlaceAnother();
    }

    /** The next order does not say what it replaces; see {@link Authority.Journal#notReplacing}. */
    void notReplacing() throws IssuanceException {
        journal.notReplacing();
    }

    /** A proof was not accepted. */
    void validationFailed() {
        journal.validationFailed();
    }

    /** Keeps what was noted of an order that has failed for another reason, if that is possible. */
    void keepIfPossible() {
        try {
            keep();
        } catch (IssuanceException.StoreFailed e) {
            // The order's own failure is what is reported.
            unkept = null;
        }
    }
}
