package org.ondemandtls.authority;

import java.util.Set;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;

/** The CA looked at a proof and did not accept it; the order is lost, another kind of proof may still work. */
final class ValidationFailedException extends Exception {

    /** What no other proof cures: the name does not resolve, or the CA does not want it. */
    private static final Set<String> INCURABLE = Set.of("dns", "rejectedIdentifier", "unsupportedIdentifier");

    private final ChallengeType type;
    private final CaProblem problem;

    /**
     * A failure.
     *
     * @param type which proof it was
     * @param problem what the CA says
     */
    ValidationFailedException(ChallengeType type, CaProblem problem) {
        super(problem.text(), null, false, false);
        this.type = type;
        this.problem = problem;
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
        return !INCURABLE.contains(problem.type());
    }
}
