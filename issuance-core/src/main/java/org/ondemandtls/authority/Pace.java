package org.ondemandtls.authority;

import java.time.Duration;

/** The steps between polls: small at first, then growing up to a second. */
final class Pace {

    private static final Duration LONGEST = Duration.ofSeconds(1);

    private Duration step;
    private final double growth;
    private boolean first = true;

    private Pace(Duration step, double growth) {
        this.step = step;
        this.growth = growth;
    }

    /** While the CA cannot have made up its mind: it has not seen the proof, as far as we know. */
    static Pace beforeFetched() {
        return new Pace(Duration.ofMillis(50), 1.5);
    }

    /** While the CA may be done at any moment: 2, 2, 4, 8 … milliseconds. */
    static Pace afterwards() {
        return new Pace(Duration.ofMillis(2), 2);
    }

    /** The wait before the next poll. */
    Duration next() {
        if (first) {
            first = false;
            return step;
        }
        Duration now = step;
        Duration grown = Duration.ofNanos((long) (step.toNanos() * growth));
        step = grown.compareTo(LONGEST) > 0 ? LONGEST : grown;
        return now;
    }
}
