package org.ondemandtls.permission;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Leaves a source that keeps failing alone for a while: after {@value #FAILURES_TO_OPEN} failures in a row nobody is
 * let through but one probe per interval, which grows from one second to five.
 *
 * <p>Safe for use by many threads.
 */
final class Circuit {

    static final int FAILURES_TO_OPEN = 8;

    private static final Duration FIRST_INTERVAL = Duration.ofSeconds(1);
    private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(5);

    private final LongSupplier nanoTime;
    private int failures;
    private long nextProbe;
    private Duration interval = FIRST_INTERVAL;

    Circuit(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Whether a question may be put now; while the circuit is open, true only for the probe that is due. */
    synchronized boolean tryPass() {
        if (failures < FAILURES_TO_OPEN) {
            return true;
        }
        long now = nanoTime.getAsLong();
        if (now - nextProbe < 0) {
            return false;
        }
        nextProbe = now + interval.toNanos();
        return true;
    }

    /** Whether the last that was heard of the source is that it failed. */
    synchronized boolean isFailing() {
        return failures > 0;
    }

    /**
     * Notes an answer.
     *
     * @return whether this closed the circuit
     */
    synchronized boolean answered() {
        boolean wasOpen = failures >= FAILURES_TO_OPEN;
        failures = 0;
        interval = FIRST_INTERVAL;
        return wasOpen;
    }

    /**
     * Notes a failure.
     *
     * @return whether this opened the circuit
     */
    synchronized boolean failed() {
        failures = Math.min(failures + 1, FAILURES_TO_OPEN + 1);
        if (failures < FAILURES_TO_OPEN) {
            return false;
        }
        boolean opened = failures == FAILURES_TO_OPEN;
        if (!opened) {
            Duration doubled = interval.multipliedBy(2);
            interval = doubled.compareTo(LONGEST_INTERVAL) > 0 ? LONGEST_INTERVAL : doubled;
        }
        nextProbe = nanoTime.getAsLong() + interval.toNanos();
        return opened;
    }
}
