package org.ondemandtls.permission;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Leaves a source that keeps failing alone for a while: then nobody is let through but one probe per interval, which grows
 * from one second to five.
 *
 * <p>After {@value #FAILURES_TO_OPEN} failures in a row it asks to be confirmed: strangers choose the names, and a source may
 * fail for some of them. It opens only where a name of our own choice is not answered either, and closes as soon as such a
 * name is answered: whoever fails the probe of an open circuit may have chosen its name as well.
 *
 * <p>Safe for use by many threads.
 */
final class Circuit {

    static final int FAILURES_TO_OPEN = 8;

    private static final Duration FIRST_INTERVAL = Duration.ofSeconds(1);
    private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(5);

    private final LongSupplier nanoTime;
    private int failures;
    private boolean checking;
    private boolean open;
    private long nextProbe;
    private Duration interval = FIRST_INTERVAL;

    Circuit(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Whether a question may be put now; while the circuit is open, true only for the probe that is due. */
    synchronized boolean tryPass() {
        if (!open) {
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

    /** Notes an answer, which closes the circuit. */
    synchronized void answered() {
        failures = 0;
        open = false;
        interval = FIRST_INTERVAL;
    }

    /**
     * Notes a failure; while the circuit is open, the next probe waits longer.
     *
     * @return whether the source is to be asked about a name of our own choice, and {@link #confirmed} told what came of it
     */
    synchronized boolean failed() {
        failures = Math.min(failures + 1, FAILURES_TO_OPEN);
        if (open) {
            Duration doubled = interval.multipliedBy(2);
            interval = doubled.compareTo(LONGEST_INTERVAL) > 0 ? LONGEST_INTERVAL : doubled;
            nextProbe = nanoTime.getAsLong() + interval.toNanos();
        }
        if (failures < FAILURES_TO_OPEN || checking) {
            return false;
        }
        checking = true;
        return true;
    }

    /**
     * Takes note of what came of the question about a name of our own choice: an answer closes the circuit.
     *
     * @param answers whether the source answered it
     * @return whether this opened the circuit
     */
    synchronized boolean confirmed(boolean answers) {
        checking = false;
        if (answers) {
            answered();
            return false;
        }
        // Somebody may have had an answer meanwhile; and what is open already was told of.
        if (open || failures < FAILURES_TO_OPEN) {
            return false;
        }
        open = true;
        nextProbe = nanoTime.getAsLong() + interval.toNanos();
        return true;
    }
}
