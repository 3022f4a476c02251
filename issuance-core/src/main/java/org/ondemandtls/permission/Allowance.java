package org.ondemandtls.permission;

import java.util.function.LongSupplier;
import org.ondemandtls.config.Rate;

/**
 * Lets things happen at a {@link Rate} and no faster: a bucket that starts full and fills evenly. Two numbers of memory;
 * safe for use by many threads.
 */
public final class Allowance {

    private final LongSupplier nanoTime;
    private final long interval;
    private final long burst;

    // When the bucket would be full again.
    private long full;

    /**
     * Makes one that is full.
     *
     * @param rate how many at once, and over which time they come back
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public Allowance(Rate rate, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.interval = Math.max(1, rate.per().toNanos() / rate.count());
        this.burst = interval * rate.count();
        this.full = nanoTime.getAsLong();
    }

    /** Takes one; false if there is none. */
    public synchronized boolean tryTake() {
        long now = nanoTime.getAsLong();
        long start = full - now < 0 ? now : full;
        if (start + interval - now > burst) {
            return false;
        }
        full = start + interval;
        return true;
    }

    /** How long until there is one to take, in nanoseconds; zero if there is one. */
    public synchronized long nanosUntilNext() {
        return Math.max(0, full + interval - nanoTime.getAsLong() - burst);
    }
}
