package org.ondemandtls.authority;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;

/**
 * Which challenge to answer first: the one that worked last, so that a server only one of them reaches does not burn an
 * order per name on the other.
 *
 * <p>Safe for use by many threads.
 */
public final class ChallengePreference {

    private final List<ChallengeType> allowed;
    private final AtomicReference<@Nullable ChallengeType> workedLast = new AtomicReference<>();

    /**
     * Makes a preference that knows nothing yet.
     *
     * @param allowed the allowed challenges in the operator's order
     */
    public ChallengePreference(List<ChallengeType> allowed) {
        this.allowed = List.copyOf(allowed);
    }

    /**
     * The challenges to try for the next name.
     *
     * @param usable those that this server can answer at all, now
     * @return the allowed among them, the most promising first; empty where none is
     */
    public List<ChallengeType> candidates(Set<ChallengeType> usable) {
        List<ChallengeType> candidates = new ArrayList<>(allowed);
        candidates.retainAll(usable);
        ChallengeType last = workedLast.get();
        if (last != null && candidates.remove(last)) {
            candidates.add(0, last);
        }
        return List.copyOf(candidates);
    }

    /** Remembers that the CA accepted a proof of this kind. */
    public void worked(ChallengeType type) {
        workedLast.set(type);
    }
}
