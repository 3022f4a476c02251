package org.ondemandtls.machine;

import java.time.Clock;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Time as the engine knows it. The root takes the machine's and hands it on; everything below uses what it was given.
 *
 * <p><b>Threads.</b> Safe for use by many. Only the methods named {@code rest} block.
 */
public interface Time {

    /** The wall clock. */
    Clock clock();

    /** Nanoseconds since some moment; they only ever grow, whatever becomes of the wall clock. */
    long nanoTime();

    /**
     * Lets the calling thread rest.
     *
     * @param nanos how long at most; it ends at once where the thread is interrupted, and early where it is woken by {@link
     *     Threads#end}
     */
    void rest(long nanos);

    /**
     * Lets the calling thread rest until a time has passed or there is nothing to wait for.
     *
     * @param nanos how long
     * @param ended looked at whenever the thread wakes
     */
    default void rest(long nanos, BooleanSupplier ended) {
        long until = nanoTime() + nanos;
        for (long left = nanos; left > 0 && !ended.getAsBoolean(); left = until - nanoTime()) {
            rest(left);
        }
    }

    /** The same time with another wall clock. */
    default Time with(Clock other) {
        Time same = this;
        return new Time() {
            @Override
            public Clock clock() {
                return other;
            }

            @Override
            public long nanoTime() {
                return same.nanoTime();
            }

            @Override
            public void rest(long nanos) {
                same.rest(nanos);
            }
        };
    }

    /** The machine's own. */
    static Time ofMachine() {
        return new Time() {
            private final Clock clock = Clock.systemUTC();

            @Override
            public Clock clock() {
                return clock;
            }

            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public void rest(long nanos) {
                LockSupport.parkNanos(this, nanos);
            }
        };
    }
}
