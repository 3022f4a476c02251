package org.ondemandtls.status;

import java.util.List;
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

    private static final List<String> OF_THE_OPERATOR =
            List.of("operator: ", "has paused", "refuses the account", "refuses every name", "changed (connection)");

    private static final List<String> OPERATORS_BEGIN =
            List.of("no answer from permission", "no answer: ", "not permitted: ", "store: ");

    private final String words;

    Who(String words) {
        this.words = words;
    }

    /** In words. */
    public String words() {
        return words;
    }

    /** Who must act on a failure. */
    static Who of(IssuanceException reason) {
        if (reason instanceof IssuanceException.Rejected rejected) {
            return rejected.isPassing() ? ofPassing(rejected.problemType()) : CUSTOMER;
        }
        if (reason instanceof IssuanceException.NotPermitted
                || reason instanceof IssuanceException.NoAnswer
                || reason instanceof IssuanceException.AccountRefused
                || reason instanceof IssuanceException.RefusesAll
                || reason instanceof IssuanceException.StoreFailed) {
            return YOU;
        }
        return of(reason.what());
    }

    /** The same from the words of a failure: memory keeps nothing else of it. */
    static Who of(String what) {
        if (OF_THE_OPERATOR.stream().anyMatch(what::contains)
                || OPERATORS_BEGIN.stream().anyMatch(what::startsWith)) {
            return YOU;
        }
        if (what.contains("customer: ") || what.contains("rejected by the CA")) {
            return CUSTOMER;
        }
        return NOBODY;
    }

    /** Who must act where a CA had trouble on its way to a name: what keeps its connections out stands with the server. */
    static Who ofPassing(String problemType) {
        return problemType.equals("connection") ? YOU : NOBODY;
    }
}
