package org.ondemandtls.issuance;

import java.time.Instant;
import java.util.Optional;

/**
 * How a CA stands.
 *
 * @param failingSince since when it has not worked, empty where it answered as it should last or has not been asked
 * @param why what it failed by last, in words; empty where it does not fail
 */
public record CaHealth(Optional<Instant> failingSince, String why) {

    /** How one stands of which nothing bad is known. */
    static final CaHealth WELL = new CaHealth(Optional.empty(), "");

    /** Whether nothing bad is known of it: it answered as it should when it was asked last, or was not asked yet. */
    public boolean isWell() {
        return failingSince.isEmpty();
    }
}
