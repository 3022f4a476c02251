package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.ClockHistory;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Forgets certificates that have been over for their grace, with their keys.
 *
 * <p>A process takes the clock for right as it starts, and by one that is ahead everything is over. So nothing is forgotten in
 * the first day of a process, or for as long as the grace where that is shorter. Where a process before this one has been at
 * it already, by a clock that has gone on since, the day counts from there on; that is kept among the holds.
 *
 * <p><b>Threads.</b> Safe for use by many; blocks for the store.
 */
final class Forgetting {

    private static final Duration FIRST_DAY = Duration.ofDays(1);

    private final Desk desk;
    private final long began;
    private final ClockHistory history;

    Forgetting(Desk desk) {
        this.desk = desk;
        this.began = desk.nanos();
        this.history = new ClockHistory(
                desk.floors().store(),
                desk.floors().watch(),
                desk.ports().clock(),
                desk.ports().nanoTime());
    }

    /** A certificate is over, or withdrawn: nothing but its end is waited for. */
    void over(StoredCertificate record, Instant now) throws StoreException {
        Instant end = desk.records().forgottenAt(record);
        if (now.isBefore(end)) {
            boolean missed = isMissed(record, now);
            if (desk.records().save(record.withDue(end)).isPresent() && missed) {
                tellMissed(record);
            }
            return;
        }
        Instant from = from(now);
        if (now.isBefore(from)) {
            // Out of the way of what is due: it would be read at each look.
            desk.records().reschedule(record, from);
        } else {
            forget(record);
        }
    }

    // Visited and yet not renewed in time; of what is denied, or leads elsewhere, every look has told.
    private boolean isMissed(StoredCertificate record, Instant now) {
        return record.withdrawn().isEmpty()
                && record.deniedSince().isEmpty()
                && record.moved().isEmpty()
                && desk.records().isVisited(record, now);
    }

    private void tellMissed(StoredCertificate record) {
        Records.plainName(record.firstName())
                .ifPresent(name -> desk.floors()
                        .events()
                        .publish(
                                EventKind.NOT_RENEWED,
                                name,
                                "not renewed before its certificate expired at "
                                        + record.certificate().notAfter() + "; the next visit obtains another"));
    }

    /** What was kept by a clock that has been set since is void. Called at each look; blocks for the store then. */
    void look() throws StoreException {
        history.look();
    }

    private Instant from(Instant now) throws StoreException {
        Duration first = Waits.shortest(FIRST_DAY, desk.config().grace());
        if (desk.nanos() - began >= first.toNanos()) {
            return now;
        }
        Instant begin = history.since();
        keep();
        return begin.plus(first);
    }

    // What cannot be kept keeps nothing from being forgotten by this process.
    private void keep() {
        try {
            history.keep();
        } catch (StoreException e) {
            desk.floors().events().publish(EventKind.STILL_FAILING, String.valueOf(e.getMessage()));
        }
    }

    private void forget(StoredCertificate record) throws StoreException {
        try {
            desk.floors().store().forget(record);
        } catch (StaleRevisionException e) {
            return;
        }
        desk.floors().inventory().withdraw(record.certificate());
        desk.floors()
                .events()
                .publish(
                        EventKind.FORGOTTEN,
                        Records.plainName(record.firstName()).orElse(null),
                        "forgotten: expired at " + record.certificate().notAfter() + " and not visited since");
    }
}
