package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;

/**
 * Notices when the wall clock jumps against monotonic time. While it cannot be trusted, nothing is renewed by the timer,
 * withdrawn or forgotten, and nothing is written that carries its time; what is valid by it is served.
 *
 * <p>It is trusted again once it is back, or after {@value #ACCEPTED_AFTER_HOURS} hours in which it did not jump again:
 * it was wrong before, then, and is right now.
 *
 * <p>Safe for use by many threads; never blocks.
 */
public final class ClockWatch {

    /** How far the two clocks may drift apart. */
    static final Duration TOLERANCE = Duration.ofMinutes(2);

    /** After how many hours a clock that jumped is taken for right. */
    static final int ACCEPTED_AFTER_HOURS = 24;

    private final Clock clock;
    private final LongSupplier nanoTime;
    private final Events events;

    private long trustedOffset;
    private long lastOffset;
    private boolean trusted = true;
    private long jumpedAt;
    private long generation;

    /**
     * Begins to watch; the clock is trusted as it is now.
     *
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events told of jumps
     */
    public ClockWatch(Clock clock, LongSupplier nanoTime, Events events) {
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.events = events;
        this.trustedOffset = offset();
        this.lastOffset = trustedOffset;
    }

    /** Whether the wall clock can be trusted now. */
    public synchronized boolean isTrusted() {
        look();
        return trusted;
    }

    /** Grows whenever trust is lost or comes back: what was concluded from dates before is void then. */
    public synchronized long generation() {
        look();
        return generation;
    }

    private void look() {
        long now = nanoTime.getAsLong();
        long offset = offset();
        boolean jumped = isFar(offset, lastOffset);
        lastOffset = offset;
        if (!isFar(offset, trustedOffset)) {
            // Drift and slewing move the offset slowly: they are followed.
            trustedOffset = trusted ? offset : trustedOffset;
            if (!trusted) {
                trusted = true;
                generation++;
                events.publish(EventKind.CLOCK, "the clock is back: renewing goes on");
            }
            return;
        }
        if (jumped) {
            jumpedAt = now;
            generation++;
            trusted = false;
            events.publish(
                    EventKind.CLOCK,
                    "the clock jumped by "
                            + Duration.ofMillis(offset - trustedOffset).toSeconds()
                            + " s; nothing is renewed, withdrawn or forgotten until it is back, or for "
                            + ACCEPTED_AFTER_HOURS + " h; check this machine's time");
        } else if (!trusted && now - jumpedAt >= TimeUnit.HOURS.toNanos(ACCEPTED_AFTER_HOURS)) {
            trustedOffset = offset;
            trusted = true;
            generation++;
            events.publish(EventKind.CLOCK, "the clock has not jumped again; the server now trusts it");
        }
    }

    private long offset() {
        return clock.millis() - TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong());
    }

    private static boolean isFar(long one, long other) {
        return Math.abs(one - other) > TOLERANCE.toMillis();
    }
}
