package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What everybody in renewal works with, and how a turn ends.
 *
 * @param floors what renewal joins
 * @param config what to renew, withdraw and forget
 * @param ports what runs the work
 * @param records the stored certificates
 * @param backlog what is due
 * @param troubled the records whose turn failed
 * @param rechecks when permission is asked again
 * @param wake begins what may be begun; called at the end of each turn
 */
record Desk(
        Renewal.Floors floors,
        OnDemandTlsConfig.Renewal config,
        Renewal.Ports ports,
        Records records,
        Backlog backlog,
        Troubled troubled,
        Rechecks rechecks,
        Runnable wake) {

    private static final Rechecks DAILY = new Rechecks(Optional.of(Duration.ofDays(1)));

    /** The last part of a turn. */
    @FunctionalInterface
    interface Ending {
        /**
         * Writes down what came of it, and gives the entry back.
         *
         * @throws StoreException if the store failed: the turn comes again
         */
        void run() throws StoreException;
    }

    Instant now() {
        return ports.clock().instant();
    }

    long nanos() {
        return ports.nanoTime().getAsLong();
    }

    /** Ends a turn on the executor; where that fails, the turn comes again. Returns at once. */
    void end(Entry entry, Ending ending) {
        try {
            ports.executor().execute(() -> {
                endNow(entry, ending);
                wake.run();
            });
        } catch (RejectedExecutionException e) {
            // The engine is stopping, or its tasks are many: the record is still due.
            backlog.done(entry);
        } catch (Error e) {
            again(entry, Troubled.LEFT_ALONE);
            troubled.failed(entry.name(), e);
        }
    }

    /** Ends a turn on this thread. */
    void endNow(Entry entry, Ending ending) {
        try {
            ending.run();
        } catch (StoreException | RuntimeException | Error e) {
            // An entry that is not given back keeps its name from every later turn.
            again(entry, Troubled.LEFT_ALONE);
            troubled.failed(entry.name(), e);
        }
    }

    void again(Entry entry, Duration after) {
        backlog.again(entry, entry, after, nanos());
    }

    /** The CA a record's successor is ordered from first. */
    String caOf(StoredCertificate record) {
        return floors.authorities().stream()
                .map(Authority::id)
                .filter(record.issuer()::equals)
                .findFirst()
                .orElseGet(() -> floors.authorities().get(0).id());
    }

    /**
     * A moment that was noted, by the clock as it is now. One that is ahead is a wrong clock's and stands for now; with
     * other servers the wrong clock may be this one.
     */
    Instant corrected(Instant noted, Instant now) {
        Instant corrected = floors.watch().corrected(noted);
        return corrected.isAfter(now) && !records.areShared() ? now : corrected;
    }

    /** When a record is to be looked at next for what it asks for by itself: its renewal, permission, or a look a day. */
    Instant planned(StoredCertificate record, Instant now) {
        return nextLook(record.firstName(), now).filter(record.renew()::isAfter).orElse(record.renew());
    }

    /** When a name that is visited is looked at next, to ask permission or what its CA has revoked. */
    Optional<Instant> nextLook(String name, Instant now) {
        Optional<Instant> daily = DAILY.after(name, now);
        return rechecks.after(name, now)
                .filter(at -> at.isBefore(daily.orElse(at)))
                .or(() -> daily);
    }
}
