package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.store.StoredCertificate;

/**
 * When permission is asked again for a name that is served: once in each period, at a moment of its own that follows from
 * the name. So questions are spread over the period, all servers agree on the moment, and nothing has to be kept.
 *
 * @param period how often, empty where renewals only ask
 */
record Rechecks(Optional<Duration> period) {

    // From SplitMix64; names that differ in one letter are asked for at quite different moments.
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    /** The first moment after another one at which a name is asked for; empty where none is planned. */
    Optional<Instant> after(String name, Instant moment) {
        return period.map(every -> {
            long millis = every.toMillis();
            long offset = Math.floorMod((name.hashCode() * SPREAD) >>> 16, millis);
            long since = Math.floorMod(moment.toEpochMilli() - offset, millis);
            return Instant.ofEpochMilli(moment.toEpochMilli() + millis - since);
        });
    }

    /** Whether a name's moment has come since its record was due. */
    boolean isDue(StoredCertificate record, Instant now) {
        return after(record.firstName(), record.due().minusMillis(1))
                .filter(at -> !at.isAfter(now))
                .isPresent();
    }
}
