package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
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
    // By when the next process has to have gone on with it: as long as a hold is kept that is over.
    private static final Duration LONGEST_BREAK = Duration.ofDays(2);
    private static final Scope CLOCK = new Scope.Other("forgetting-since");
    private static final Duration KEPT_EVERY = Duration.ofHours(1);

    private final Desk desk;
    private final long began;
    private @Nullable Instant since;
    private long generation;
    private long kept;

    Forgetting(Desk desk) {
        this.desk = desk;
        this.began = desk.nanos();
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
    synchronized void look() throws StoreException {
        if (since != null && generation != desk.floors().watch().generation()) {
            desk.floors().store().dropHold(CLOCK);
            since = null;
        }
    }

    private synchronized Instant from(Instant now) throws StoreException {
        Duration first = Waits.shortest(FIRST_DAY, desk.config().grace());
        if (desk.nanos() - began >= first.toNanos()) {
            return now;
        }
        look();
        Instant begin = since;
        if (begin == null || desk.nanos() - kept >= KEPT_EVERY.toNanos()) {
            CertificateStore store = desk.floors().store();
            begin = store.readableHold(CLOCK).flatMap(hold -> since(hold, now)).orElse(now);
            keep(new Hold(CLOCK, "clock", 1, now, "forgetting", begin.toString(), Optional.empty()));
            generation = desk.floors().watch().generation();
            kept = desk.nanos();
            since = begin;
        }
        return begin.plus(first);
    }

    // What cannot be kept costs the next process a day, and keeps nothing from being forgotten by this one.
    private void keep(Hold seen) {
        try {
            desk.floors().store().keepHold(seen);
        } catch (StoreException e) {
            desk.floors().events().publish(EventKind.STILL_FAILING, String.valueOf(e.getMessage()));
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
