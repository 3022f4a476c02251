package org.ondemandtls.inventory;

import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * Has certificates rest that nobody visits: what was not used for ten to twenty minutes is packed, and opened again by its
 * next visit.
 *
 * <p>The inventory is gone through once in ten minutes, a small part of it each second, so that neither a great one nor a
 * quiet night is felt.
 *
 * <p><b>Cost.</b> With 100,000 names at most 20 ms of processor time a second, where all of them have become idle at once.
 */
public final class IdleCertificates {

    /** How long a round takes, and so the least time without a use after which a certificate rests. */
    public static final Duration ROUND = Duration.ofMinutes(10);

    /** How often a part of a round is done. */
    public static final Duration LOOK = Duration.ofSeconds(1);

    private static final long LOOKS = ROUND.dividedBy(LOOK);

    private final Inventory inventory;
    private final LongSupplier nanoTime;
    private final ReentrantLock lock = new ReentrantLock();

    private Iterator<KeyedCertificate> round = Collections.emptyIterator();
    private long begun;
    private int rounds;

    /**
     * Makes it; the first round begins after the time of one.
     *
     * @param inventory what to go through
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public IdleCertificates(Inventory inventory, LongSupplier nanoTime) {
        this.inventory = inventory;
        this.nanoTime = nanoTime;
        this.begun = nanoTime.getAsLong();
    }

    /**
     * Looks from now on, until the timer ends.
     *
     * @param scheduler the timer; none of the work is done on it
     * @param worker does the work; where it has no room, a look is left out
     */
    public void watch(ScheduledExecutorService scheduler, Executor worker) {
        scheduler.scheduleWithFixedDelay(
                () -> {
                    try {
                        worker.execute(this::look);
                    } catch (RejectedExecutionException busy) {
                        // There is another look in a second.
                    }
                },
                LOOK.toNanos(),
                LOOK.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    /** Goes on with the round, or begins the next one when its time has come; returns at once while another thread does. */
    public void look() {
        if (!lock.tryLock()) {
            return;
        }
        try {
            long now = nanoTime.getAsLong();
            if (!round.hasNext() && now - begun >= ROUND.toNanos()) {
                begun = now;
                rounds++;
                round = inventory.held();
            }
            for (long left = 1 + inventory.size() / LOOKS; left > 0 && round.hasNext(); left--) {
                // One of several names is met under each of them.
                round.next().rest(rounds);
            }
        } finally {
            lock.unlock();
        }
    }
}
