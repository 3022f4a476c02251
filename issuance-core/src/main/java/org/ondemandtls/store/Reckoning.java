package org.ondemandtls.store;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.ondemandtls.store.Ledger.Outcome.Spent;
import org.ondemandtls.store.Ledger.Quota;

/** The arithmetic of a {@link Ledger}, whatever keeps its entries. */
public final class Reckoning {

    private Reckoning() {}

    /**
     * Entries that are there.
     *
     * @param <X> what is thrown where they cannot be read
     */
    @FunctionalInterface
    public interface Entries<X extends Exception> {
        /**
         * When the entry was made that has to leave a quota's window before another one fits.
         *
         * @param quota of which at least one fits
         * @param now the time
         * @return milliseconds since 1970, of the entry that is {@code most} from the latest of those that count; empty if so
         *     many do not count
         */
        OptionalLong inTheWay(Quota quota, long now) throws X;
    }

    /**
     * The quota that has room last, empty if all have room for one more.
     *
     * @param counted the quotas that would be used up
     * @param checked the quotas that only have to have room
     * @param now milliseconds since 1970
     * @param entries what is there
     * @param <X> what is thrown where they cannot be read
     * @throws X if so
     */
    public static <X extends Exception> Optional<Spent> spent(
            List<Quota> counted, List<Quota> checked, long now, Entries<X> entries) throws X {
        Optional<Spent> spent = Optional.empty();
        for (List<Quota> quotas : List.of(counted, checked)) {
            for (Quota quota : quotas) {
                OptionalLong inTheWay = quota.most() == 0 ? OptionalLong.of(now) : entries.inTheWay(quota, now);
                if (inTheWay.isPresent()) {
                    Instant fits = Instant.ofEpochMilli(Math.min(inTheWay.getAsLong(), now))
                            .plus(quota.window());
                    if (spent.isEmpty() || fits.isAfter(spent.get().fits())) {
                        spent = Optional.of(new Spent(quota, fits));
                    }
                }
            }
        }
        return spent;
    }

    /** What is to be counted, each key once, and the longest window it counts in. */
    public static Map<String, Duration> keys(List<Quota> counted) {
        Map<String, Duration> keys = new LinkedHashMap<>();
        for (Quota quota : counted) {
            keys.merge(quota.key(), quota.window(), (one, other) -> one.compareTo(other) >= 0 ? one : other);
        }
        return keys;
    }

    /** Whether an entry counts: one from farther in the future than its window is from a clock that was wrong. */
    public static boolean counts(long millis, long now, long windowMillis) {
        return now - millis < windowMillis && millis - now < windowMillis;
    }
}
