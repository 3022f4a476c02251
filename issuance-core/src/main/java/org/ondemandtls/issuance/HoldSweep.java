package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.LongSupplier;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;

/**
 * Drops holds that have not mattered for long, once a day.
 *
 * <p>Nobody else drops one because its time has passed: a clock may have been wrong from the start of the process on. Here
 * it has been taken for right for a day, by this process or by those before it as well: one that is started anew each day
 * sweeps, too.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
final class HoldSweep {

    /** How long after the start of the process it is seen whether those before it went by the same clock. */
    static final Duration LOOK = Duration.ofHours(1);

    /** How often, and how long after the start of the process for the first time where none was before. */
    static final Duration EVERY = Duration.ofHours(ClockWatch.ACCEPTED_AFTER_HOURS);

    /** How long a hold is kept after its end: longer than the step of a name's schedule counts. */
    static final Duration KEPT_AFTER = Duration.ofDays(2);

    /** How many holds are looked at together. */
    static final int PAGE = 10_000;

    /** How many are looked at together at most, where so many are not over. */
    static final int MOST = 1_280_000;

    private final CertificateStore store;
    private final ClockWatch watch;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final ClockHistory history;
    private final long began;
    private long next;

    HoldSweep(CertificateStore store, ClockWatch watch, Clock clock, LongSupplier nanoTime) {
        this.store = store;
        this.watch = watch;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.history = new ClockHistory(store, watch, clock, nanoTime);
        this.began = nanoTime.getAsLong();
        this.next = began + LOOK.toNanos();
    }

    /**
     * Sweeps, where it is time and the clock is trusted. Blocks for the store then.
     *
     * @return whether it was time
     * @throws StoreException if the store failed; it is tried again at the next look
     */
    boolean sweepIfDue() throws StoreException {
        if (nanoTime.getAsLong() - next < 0 || !watch.isTrusted()) {
            return false;
        }
        long now = nanoTime.getAsLong();
        long left = began + EVERY.toNanos() - now;
        next = now + (left > 0 ? Math.min(left, LOOK.toNanos()) : EVERY.toNanos());
        if (left > 0) {
            Instant since = history.since();
            history.keep();
            if (since.plus(EVERY).isAfter(clock.instant())) {
                return false;
            }
        }
        next = now + EVERY.toNanos();
        Instant before = clock.instant().minus(KEPT_AFTER);
        int page = PAGE;
        while (true) {
            List<Hold> holds = store.holds(page);
            int dropped = 0;
            for (Hold hold : holds) {
                if (hold.until().isBefore(before)) {
                    store.dropHold(hold.scope());
                    dropped++;
                }
            }
            if (holds.size() < page || page >= MOST) {
                return true;
            }
            // Those that last keep the rest out of sight: behind them only a larger page looks.
            page = dropped == 0 ? 2 * page : page;
        }
    }
}
