package org.ondemandtls.renewal;

import java.time.Duration;
import java.util.Comparator;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.store.StoredCertificate;

/** How long renewal waits before it does something again. */
final class Waits {

    /** After a failure that may pass by itself. */
    static final Duration RETRY = Duration.ofMinutes(5);

    /** After a failure that somebody has to mend: a customer who changes DNS takes hours. */
    static final Duration MENDED = Duration.ofHours(1);

    private static final Duration SHORTEST = Duration.ofSeconds(5);
    private static final int PART_OF_LIFE = 20;

    private Waits() {}

    /** At most so long, and at most a twentieth of a certificate's life: a short life leaves less time for everything. */
    static Duration partOfLife(StoredCertificate record, Duration most) {
        return longest(shortest(most, RenewalTime.lifetime(record.certificate()).dividedBy(PART_OF_LIFE)), SHORTEST);
    }

    static Duration longest(Duration... durations) {
        return Stream.of(durations).max(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    static Duration shortest(Duration... durations) {
        return Stream.of(durations).min(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    /** The same and up to a tenth more, so that what failed together is not tried again together. */
    static Duration jittered(Duration wait, DoubleSupplier random) {
        return wait.plus(Duration.ofMillis((long) (wait.toMillis() / 10.0 * random.getAsDouble())));
    }

    static String words(Duration wait) {
        return wait.compareTo(Duration.ofMinutes(2)) < 0 ? wait.toSeconds() + " s" : wait.toMinutes() + " min";
    }
}
