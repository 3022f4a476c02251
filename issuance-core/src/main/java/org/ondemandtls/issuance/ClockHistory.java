package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;

/**
 * Since when processes on a store have gone by a clock that went on from one to the next. A process takes the clock for right
 * as it starts, and one that lives for less than a day never finds out by itself that it was. Kept among the holds.
 *
 * <p><b>Threads.</b> Safe for use by many; blocks for the store.
 */
public final class ClockHistory {

    // By when the next process has to have gone on with it: as long as a hold is kept that is over.
    private static final Duration LONGEST_BREAK = Duration.ofDays(2);
    private static final Scope CLOCK = new Scope.Other("forgetting-since");
    private static final Duration KEPT_EVERY = Duration.ofHours(1);

    private final CertificateStore store;
    private final ClockWatch watch;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private @Nullable Instant since;
    private long generation;
    private long kept;

    /**
     * Makes it; the store is not asked yet.
     *
     * @param store where it is kept
     * @param watch whether the clock is trusted
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public ClockHistory(CertificateStore store, ClockWatch watch, Clock clock, LongSupplier nanoTime) {
        this.store = store;
        this.watch = watch;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /**
     * What was kept by a clock that has been set since is void. Called often; blocks for the store then.
     *
     * @throws StoreException if the store failed
     */
    public synchronized void look() throws StoreException {
        if (since != null && generation != watch.generation()) {
            store.dropHold(CLOCK);
            since = null;
        }
    }

    /**
     * Since when the clock has gone on: now, where no process was there lately.
     *
     * @throws StoreException if the store failed
     */
    public synchronized Instant since() throws StoreException {
        look();
        Instant begin = since;
        if (begin == null) {
            Instant now = clock.instant();
            begin = store.readableHold(CLOCK).flatMap(hold -> since(hold, now)).orElse(now);
            generation = watch.generation();
            since = begin;
            kept = nanoTime.getAsLong() - KEPT_EVERY.toNanos();
        }
        return begin;
    }

    /**
     * Keeps it for the next process, once an hour. What cannot be kept costs that one a day.
     *
     * @throws StoreException if the store failed
     */
    public synchronized void keep() throws StoreException {
        Instant begin = since();
        long nanos = nanoTime.getAsLong();
        if (nanos - kept >= KEPT_EVERY.toNanos()) {
            kept = nanos;
            store.keepHold(
                    new Hold(CLOCK, "clock", 1, clock.instant(), "forgetting", begin.toString(), Optional.empty()));
        }
    }

    // Empty where the clock has leapt since, or goes back behind what was seen.
    private static Optional<Instant> since(Hold last, Instant now) {
        if (last.until().isAfter(now) || last.until().plus(LONGEST_BREAK).isBefore(now)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Instant.parse(last.detail()));
        } catch (DateTimeParseException unreadable) {
            return Optional.empty();
        }
    }
}
