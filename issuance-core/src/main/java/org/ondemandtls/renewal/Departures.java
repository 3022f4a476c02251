package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What becomes of a name that leads elsewhere when its renewal is due: it is looked at again and again over a time of the
 * operator's, which costs questions to DNS and nothing of the CA's limits. After that it is left alone until somebody visits
 * it, and is served for as long as its certificate is valid. One of the operator's own names is never left alone.
 *
 * <p><b>Threads.</b> Blocks for the store; called on the renewal executor.
 */
final class Departures {

    private final Desk desk;

    Departures(Desk desk) {
        this.desk = desk;
    }

    /**
     * A name was found to lead elsewhere.
     *
     * @param name the name
     * @param record its record as it is stored now; permission was granted
     * @param leadsTo where it leads, as {@link Moved} says
     * @param toDo what has to be changed
     * @param again how long until it is looked at again within the operator's time
     */
    void moved(ServerName name, StoredCertificate record, String leadsTo, String toDo, Duration again)
            throws StoreException {
        Instant now = desk.now();
        // What a clock said that has been set since is no moment.
        Instant since = record.moved()
                .map(before -> desk.corrected(before.since(), now))
                .orElse(now);
        Moved moved = new Moved(since, leadsTo, toDo);
        Instant end = moved.since().plus(desk.config().movedAwayGrace());
        boolean within = now.isBefore(end) || desk.records().isOwn(record);
        Instant due = within ? now.plus(again) : desk.records().forgottenAt(record);
        desk.floors()
                .store()
                .save(record.withDeniedSince(Optional.empty())
                        .withMoved(Optional.of(moved))
                        .withDue(due));
        desk.floors()
                .events()
                .publish(
                        EventKind.MOVED_AWAY,
                        name,
                        "moved away: " + moved.words() + "; your customer must act: " + moved.toDo()
                                + "; served until " + record.certificate().notAfter()
                                + (within
                                        ? ", looked at again in about " + Waits.words(again)
                                        : ", looked at again when it is visited"));
    }
}
