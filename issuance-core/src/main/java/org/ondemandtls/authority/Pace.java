package org.ondemandtls.authority;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * When to look whether the CA is done with one step of one order: just after the time it took lately, then in growing
 * steps of at most a second.
 *
 * <p><b>Threads.</b> Used by the one thread that works on the order; what was learned is shared.
 */
final class Pace {

    private static final long LONGEST = Duration.ofSeconds(1).toNanos();
    private static final long SHORTEST = Duration.ofMillis(1).toNanos();

    /**
     * How long a CA takes for one kind of step, learned from looks that came too soon and looks that did not.
     *
     * <p>A high quantile, smoothed: a look that found the CA done lowers the aim a little, one that came too soon raises
     * it, at most to the double, so that one slow order does not keep the next one waiting.
     *
     * <p>Safe for use by many threads.
     */
    static final class Learned {

        private final LongSupplier nanoTime;
        private final Duration first;
        private final double growth;
        private final AtomicReference<@Nullable Estimate> estimate = new AtomicReference<>();

        /**
         * Knows nothing yet.
         *
         * @param nanoTime monotonic time
         * @param first the first wait as long as nothing is known
         * @param growth by what the next wait is longer
         */
        Learned(LongSupplier nanoTime, Duration first, double growth) {
            this.nanoTime = nanoTime;
            this.first = first;
            this.growth = growth;
        }

        /** The pace of a step that begins now. */
        Pace begin() {
            return new Pace(this, estimate.get());
        }
    }

    /**
     * What is learned of one CA.
     *
     * @param validation from telling the CA to look to its decision
     * @param afterFetch from its fetching the proof to its decision
     * @param issuance from finalizing to the certificate
     * @param ready from the last decision to an order that is ready
     * @param seldom what has to be waited for with some CAs, or after a restart; nothing is learned of it
     */
    record OfCa(Learned validation, Learned afterFetch, Learned issuance, Learned ready, Learned seldom) {

        /** Nothing known yet. An order that is being finalized is not looked at every few milliseconds. */
        static OfCa unknown(LongSupplier nanoTime) {
            return new OfCa(
                    new Learned(nanoTime, Duration.ofMillis(50), 1.5),
                    new Learned(nanoTime, Duration.ofMillis(2), 2),
                    new Learned(nanoTime, Duration.ofMillis(10), 2),
                    new Learned(nanoTime, Duration.ofMillis(10), 2),
                    new Learned(nanoTime, Duration.ofMillis(10), 2));
        }
    }

    /**
     * Look at {@code aim}; the step ended at most {@code width} before it, nanoseconds. Once that is narrow, many orders are
     * looked at there before an earlier look is tried, since one that comes too soon is a request in vain.
     *
     * @param orders how many orders were done at the first look since it was last made earlier; {@code TRIED} where this one
     *     is earlier
     */
    private record Estimate(long aim, long width, int orders) {

        private static final int BETWEEN_TRIES = 16;
        private static final int TRIED = -1;
        private static final long NARROW = Duration.ofMillis(3).toNanos();

        static Estimate after(@Nullable Estimate old, long missed, long found) {
            boolean tooSoon = missed >= 0;
            if (old == null) {
                return bounded(found, tooSoon ? found - missed : found);
            }
            if (tooSoon) {
                long aim = Math.min(found, 2 * old.aim + 10 * SHORTEST);
                return bounded(aim, aim == found ? found - missed : aim - old.aim);
            }
            if (found > old.aim + Math.max(SHORTEST, old.aim / 50)) {
                // Looked late for another reason: nothing is learned.
                return old;
            }
            if (old.orders == TRIED) {
                // The CA has become faster: the next look goes twice as far.
                return earlier(found, 2 * old.width);
            }
            if (old.width <= narrow(old.aim)) {
                return old.orders < BETWEEN_TRIES
                        ? new Estimate(old.aim, old.width, old.orders + 1)
                        : earlier(found, old.width);
            }
            long width = Math.max(narrow(found), old.width / 2);
            return bounded(found - width, width);
        }

        // One that comes too soon is followed by one at the moment that was late enough.
        private static Estimate earlier(long found, long step) {
            long bounded = Math.min(step, found / 2);
            return new Estimate(Math.max(SHORTEST, found - bounded), bounded, TRIED);
        }

        private static Estimate bounded(long aim, long width) {
            long atLeast = Math.max(SHORTEST, aim);
            return new Estimate(atLeast, Math.max(narrow(atLeast), Math.min(width, atLeast)), 0);
        }

        // A twentieth, and not so little that looks come with the answer.
        private static long narrow(long aim) {
            return Math.max(NARROW, aim / 20);
        }
    }

    private final Learned learned;
    private final @Nullable Estimate known;
    private final long begin;
    private long step;
    private long asked = -1;
    private long missed = -1;

    private Pace(Learned learned, @Nullable Estimate known) {
        this.learned = learned;
        this.known = known;
        this.begin = learned.nanoTime.getAsLong();
        this.step = known == null ? learned.first.toNanos() : known.width;
    }

    /** The wait before the next look. */
    Duration next() {
        if (known != null && asked < 0) {
            return Duration.ofNanos(Math.max(0, known.aim - elapsed()));
        }
        long now = step;
        step = Math.min(LONGEST, (long) (step * learned.growth));
        return Duration.ofNanos(now);
    }

    /** The CA is being asked now. */
    void asks() {
        missed = asked;
        asked = elapsed();
    }

    /** The last look found the step done. */
    void done() {
        if (asked >= 0) {
            long found = asked;
            long tooSoon = missed;
            learned.estimate.updateAndGet(old -> Estimate.after(old, tooSoon, found));
        }
    }

    private long elapsed() {
        return learned.nanoTime.getAsLong() - begin;
    }
}
