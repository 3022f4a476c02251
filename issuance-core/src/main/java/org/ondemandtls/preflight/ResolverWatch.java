package org.ondemandtls.preflight;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.ondemandtls.event.Outage;

/**
 * Knows whether the resolver is silent, since every first visit would wait two seconds for one that is.
 *
 * <p>A name without an answer proves nothing: its owner chooses how its own servers answer. What counts is that a question
 * with a known answer is met with silence too. Then no name is looked at for ten seconds at a time; after that, whoever comes
 * first has the resolver asked again before anything else.
 *
 * <p>Safe for use by many threads.
 */
final class ResolverWatch {

    static final Duration REST = Duration.ofSeconds(10);

    private final BooleanSupplier isThere;
    private final Outage outage;
    private final LongSupplier nanoTime;
    private final AtomicBoolean asking = new AtomicBoolean();
    private final AtomicBoolean resting = new AtomicBoolean();
    private final AtomicLong until = new AtomicLong();

    /**
     * Watches one resolver.
     *
     * @param isThere asks a question with a known answer; blocks
     * @param outage told of its silence
     * @param nanoTime a monotonic clock in nanoseconds
     */
    ResolverWatch(BooleanSupplier isThere, Outage outage, LongSupplier nanoTime) {
        this.isThere = isThere;
        this.outage = outage;
        this.nanoTime = nanoTime;
    }

    /** Whether no name is looked at now; no I/O. */
    boolean isResting() {
        return resting.get() && nanoTime.getAsLong() - until.get() < 0;
    }

    /** Whether the resolver has not been heard since it fell silent, resting or about to be asked again; no I/O. */
    boolean isSilent() {
        return resting.get();
    }

    /**
     * Sees before a look that the resolver is back, where it was silent. Blocks for a question then.
     *
     * @return whether a look makes sense
     */
    boolean isBack() {
        return !resting.get() || (!isResting() && confirm());
    }

    /** The resolver has answered something. */
    void heard() {
        resting.set(false);
        outage.worked();
    }

    /** A look was met with silence: asks what has a known answer, one at a time. Blocks. */
    void silent() {
        confirm();
    }

    private boolean confirm() {
        if (!asking.compareAndSet(false, true)) {
            return false;
        }
        try {
            if (isThere.getAsBoolean()) {
                heard();
                return true;
            }
            until.set(nanoTime.getAsLong() + REST.toNanos());
            resting.set(true);
            outage.failed(
                    null,
                    "the DNS resolver does not answer: names are ordered without a look at their DNS, until it does");
            return false;
        } finally {
            asking.set(false);
        }
    }
}
