package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Entry.Kind;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Asks permission again for a name that is served and visited, while its renewal is not due.
 *
 * <p>Who does not answer has not denied: the name is served on and asked for again at its next moment.
 */
final class Asking {

    private final Desk desk;
    private final Denials denials;
    private final Advice advice;

    Asking(Desk desk, Denials denials, Advice advice) {
        this.desk = desk;
        this.denials = denials;
        this.advice = advice;
    }

    /** Begins; blocks for the store where several servers share it. */
    void begin(Entry entry, StoredCertificate record) throws StoreException {
        if (desk.records().areShared()
                && desk.records()
                        .save(record.withDue(desk.now().plus(Waits.partOfLife(record, Waits.RETRY))))
                        .isEmpty()) {
            // Somebody else is at it, or a visit was written.
            desk.again(entry, desk.ports().lookEvery());
            return;
        }
        ServerName name = new ServerName(record.firstName());
        desk.floors()
                .orders()
                .recheck(name)
                .whenComplete((granted, failure) ->
                        desk.end(entry, () -> Retry.stepIfStale(() -> ended(entry, name, record, failure))));
    }

    private void ended(Entry entry, ServerName name, StoredCertificate asked, @Nullable Throwable failure)
            throws StoreException {
        Optional<StoredCertificate> current = desk.records()
                .under(entry.name())
                .filter(stored ->
                        stored.certificate().id().equals(asked.certificate().id()));
        if (current.isEmpty()
                || current.get().withdrawn().isPresent()
                || failure instanceof IssuanceException.Stopping
                || !desk.floors().watch().isTrusted()) {
            desk.backlog().done(entry);
            return;
        }
        StoredCertificate record = current.get();
        Instant now = desk.now();
        if (failure == null) {
            denials.granted(record.firstName());
            StoredCertificate granted = record.withDeniedSince(Optional.empty());
            if (advice.isDue(record, now)) {
                if (record.deniedSince().isPresent()) {
                    desk.floors().store().save(granted);
                }
                desk.backlog().becomes(entry, entry.as(Kind.ADVICE));
                return;
            }
            desk.floors().store().save(granted.withDue(advice.next(record, now)));
        } else if (failure instanceof IssuanceException.NotPermitted denied) {
            denials.denied(name, record, denied);
        } else {
            Duration wait = denials.again(record, false);
            Instant next = desk.planned(record, now);
            Instant soon = now.plus(wait);
            desk.floors()
                    .store()
                    .save(record.withDue(record.deniedSince().isPresent() && soon.isBefore(next) ? soon : next));
        }
        desk.backlog().done(entry);
    }
}
