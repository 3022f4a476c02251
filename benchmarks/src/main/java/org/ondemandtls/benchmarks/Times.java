package org.ondemandtls.benchmarks;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

/**
 * Measured times, in ascending order.
 *
 * @param ascending at least one
 */
record Times(List<Duration> ascending) {

    Times {
        if (ascending.isEmpty()) {
            throw new IllegalArgumentException("nothing was measured");
        }
        ascending = ascending.stream().sorted().toList();
    }

    /** Those of a collection, in whatever order they were taken. */
    static Times of(Collection<Duration> taken) {
        return new Times(List.copyOf(taken));
    }

    /** The time that half of them do not exceed. */
    Duration median() {
        return percentile(50);
    }

    /** The smallest time that {@code percent} of a hundred do not exceed (nearest rank). */
    Duration percentile(int percent) {
        int rank = (int) Math.ceil(ascending.size() * percent / 100.0);
        return ascending.get(Math.max(rank, 1) - 1);
    }

    /** The longest. */
    Duration longest() {
        return ascending.get(ascending.size() - 1);
    }

    /** A time in milliseconds, as the report writes it. */
    static String millis(Duration time) {
        return String.format(Locale.ROOT, "%.1f ms", time.toNanos() / 1e6);
    }
}
