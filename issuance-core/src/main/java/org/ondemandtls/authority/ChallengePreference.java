package org.ondemandtls.authority;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/**
 * Which challenge to answer first for a name: the one its last proof was accepted by; for another name the one most proofs
 * are accepted by, so that a server only one of them reaches does not burn an order per name on the other.
 *
 * <p>Of two that fare about alike the operator's order decides: names behind a CDN, where one kind fails, change nothing
 * for the names that are not.
 *
 * <p>Bounded; safe for use by many threads.
 */
public final class ChallengePreference {

    private static final int MOST_NAMES = 10_000;

    /** How much more often a proof has to be accepted to be tried before one the operator prefers. */
    private static final double MARGIN = 0.25;

    // What was longer ago counts for less.
    private static final int MOST_TRIES = 64;

    private static final class Tally {
        private int tries;
        private int accepted;

        void count(boolean wasAccepted) {
            if (tries == MOST_TRIES) {
                tries /= 2;
                accepted /= 2;
            }
            tries++;
            accepted += wasAccepted ? 1 : 0;
        }

        double share() {
            return (accepted + 1.0) / (tries + 1.0);
        }
    }

    private final List<ChallengeType> allowed;
    private final Cache<ServerName, ChallengeType> ofNames =
            Caffeine.newBuilder().maximumSize(MOST_NAMES).build();
    private final Map<ChallengeType, Tally> tallies = new EnumMap<>(ChallengeType.class);

    /**
     * Makes a preference that knows nothing yet.
     *
     * @param allowed the allowed challenges in the operator's order
     */
    public ChallengePreference(List<ChallengeType> allowed) {
        this.allowed = List.copyOf(allowed);
    }

    /**
     * The challenges to try for a name.
     *
     * @param name the name
     * @param usable those that this server can answer at all, now
     * @return the allowed among them, the most promising first; empty where none is
     */
    public List<ChallengeType> candidates(ServerName name, Set<ChallengeType> usable) {
        List<ChallengeType> candidates = new ArrayList<>();
        for (ChallengeType type : allowed) {
            if (usable.contains(type)) {
                int at = candidates.size();
                while (at > 0 && share(type) - share(candidates.get(at - 1)) > MARGIN) {
                    at--;
                }
                candidates.add(at, type);
            }
        }
        ChallengeType own = ofNames.getIfPresent(name);
        if (own != null && candidates.remove(own)) {
            candidates.add(0, own);
        }
        return List.copyOf(candidates);
    }

    /** Remembers that the CA accepted a proof of this kind for a name. */
    public void worked(ServerName name, ChallengeType type) {
        ofNames.put(name, type);
        count(type, true);
    }

    /** Remembers that the CA did not accept a proof of this kind for a name. */
    public void failed(ServerName name, ChallengeType type) {
        ofNames.asMap().remove(name, type);
        count(type, false);
    }

    private synchronized void count(ChallengeType type, boolean accepted) {
        tallies.computeIfAbsent(type, t -> new Tally()).count(accepted);
    }

    private synchronized double share(ChallengeType type) {
        Tally tally = tallies.get(type);
        return tally == null ? 1 : tally.share();
    }
}
