package org.ondemandtls.authority;

import java.util.Set;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;

/** The CA looked at a proof and did not accept it; another kind of proof may still work. */
final class ValidationFailedException extends Exception {

    /** What no other proof cures: the name does not resolve, or the CA does not want it. */
    private static final Set<String> INCURABLE = Set.of("dns", "rejectedIdentifier", "unsupportedIdentifier");

    /** The same where the CA goes on with the name: it is the proof then that was rejected. */
    private static final Set<String> INCURABLE_HERE = Set.of("dns", "unsupportedIdentifier");

    /** Where another kind of proof may be tried. */
    enum Left {
        /** Nowhere: the CA offers no other. */
        NOTHING,
        /** In the same order, which is still open. */
        THIS_ORDER,
        /** In another order; this one is lost. */
        ANOTHER_ORDER
    }

    private final ChallengeType type;
    private final CaProblem problem;
    private final Left left;

    /**
     * A failure.
     *
     * @param type which proof it was
     * @param problem what the CA says
     * @param left where another proof may be tried
     */
    ValidationFailedException(ChallengeType type, CaProblem problem, Left left) {
        super(problem.text(), null, false, false);
        this.type = type;
        this.problem = problem;
        this.left = left;
    }

    /** Which proof it was. */
    ChallengeType type() {
        return type;
    }

    /** What the CA says. */
    CaProblem problem() {
        return problem;
    }

    /** Whether another kind of proof may succeed. */
    boolean isCurable() {
        return switch (left) {
            case NOTHING -> false;
            case THIS_ORDER -> !INCURABLE_HERE.contains(problem.type());
            case ANOTHER_ORDER -> !INCURABLE.contains(problem.type());
        };
    }

    /** Whether the order goes on without this proof. */
    boolean isOrderOpen() {
        return left == Left.THIS_ORDER;
    }
}
