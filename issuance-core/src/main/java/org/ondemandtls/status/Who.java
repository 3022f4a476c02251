package org.ondemandtls.status;

import org.ondemandtls.certificate.IssuanceException;

/** Who must act so that a name gets its certificate. */
public enum Who {
    /** Whoever runs this server. */
    YOU("you"),
    /** Whoever owns the name. */
    CUSTOMER("your customer"),
    /** Whoever runs the CA. */
    CA("the CA"),
    /** Nobody: it is tried again by itself. */
    NOBODY("nobody: wait");

    private final String words;

    Who(String words) {
        this.words = words;
    }

    /** In words. */
    public String words() {
        return words;
    }

    static Who of(IssuanceException reason) {
        if (reason instanceof IssuanceException.Remembered) {
            return of(reason.what());
        }
        if (reason instanceof IssuanceException.NotReady) {
            return of(reason.what());
        }
        if (reason instanceof IssuanceException.Rejected) {
            return CUSTOMER;
        }
        if (reason instanceof IssuanceException.NotPermitted
                || reason instanceof IssuanceException.NoAnswer
                || reason instanceof IssuanceException.AccountRefused
                || reason instanceof IssuanceException.StoreFailed) {
            return YOU;
        }
        return NOBODY;
    }

    // Memory keeps only the words of a failure.
    private static Who of(String what) {
        if (what.contains("operator: ")
                || what.startsWith("no answer from permission")
                || what.contains("has paused")) {
            return YOU;
        }
        if (what.contains("customer: ") || what.contains("rejected by the CA")) {
            return CUSTOMER;
        }
        return NOBODY;
    }
}
