package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Has certificates renewed that are due, and writes down what became of it. What passes by itself is written nowhere: it is
 * tried again from memory, or by the next life.
 */
final class Succession {

    private static final Duration CLAIM = Duration.ofMinutes(15);

    private final Desk desk;
    private final Denials denials;
    private final Departures departures;

    Succession(Desk desk, Denials denials) {
        this.desk = desk;
        this.denials = denials;
        this.departures = new Departures(desk);
    }

    /** Begins; blocks for the store where several servers share it. */
    void begin(Entry entry, StoredCertificate record) throws StoreException {
        StoredCertificate claimed = record;
        if (desk.records().areShared()) {
            // Written before it is begun: should this server end meanwhile, another one looks again then.
            Optional<StoredCertificate> ours =
                    desk.records().save(record.withDue(desk.now().plus(Waits.partOfLife(record, CLAIM))));
            if (ours.isEmpty()) {
                // Somebody else is at it, or a visit was written.
                desk.again(entry, desk.ports().lookEvery());
                return;
            }
            claimed = ours.get();
        }
        ServerName name = new ServerName(record.firstName());
        StoredCertificate renewed = claimed;
        long began = desk.nanos();
        renewed(name)
                .whenComplete((certificate, failure) -> desk.end(entry, () -> {
                    if (failure == null) {
                        desk.backlog().worked(entry, desk.nanos() - began);
                        desk.backlog().done(entry);
                        denials.granted(name.value());
                    } else {
                        Retry.stepIfStale(() -> notRenewed(entry, name, renewed, failure));
                    }
                }));
    }

    /** Begins one renewal of a name. */
    CompletableFuture<KeyedCertificate> renewed(ServerName name) {
        try {
            return desk.floors().orders().renew(name);
        } catch (RuntimeException | Error e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /**
     * Tells the backlog what a failure says about the CA.
     *
     * @return whether it may pass by itself, without anybody doing anything about this name
     */
    boolean mayPass(Entry entry, IssuanceException reason) {
        if (reason instanceof IssuanceException.OverBudget spent && spent.concernsAll()) {
            desk.backlog().overBudget(entry, reason.retryAfter(), desk.nanos());
            return true;
        }
        boolean account =
                (reason instanceof IssuanceException.RateLimited limited && limited.scope() instanceof Scope.Account)
                        || reason instanceof IssuanceException.AccountRefused
                        || reason instanceof IssuanceException.RefusesAll;
        // One order that is stuck, or one slow validation, is no trouble of the others.
        boolean ca = account || (reason instanceof IssuanceException.Unavailable down && down.isUnwell());
        if (ca) {
            desk.backlog().failed(entry, account, account ? reason.retryAfter() : Duration.ZERO, desk.nanos());
        }
        return ca
                || reason instanceof IssuanceException.Unavailable
                || reason instanceof IssuanceException.NoAnswer
                || reason instanceof IssuanceException.Overloaded
                || reason instanceof IssuanceException.StoreFailed;
    }

    /** How long until a name is tried again. */
    Duration wait(StoredCertificate record, ServerName name, IssuanceException reason) {
        Duration own = reason instanceof IssuanceException.NotReady ? Waits.MENDED : Waits.RETRY;
        // What concerns every order is waited for by the CA's lane, not by each name.
        boolean spent = reason instanceof IssuanceException.OverBudget all && all.concernsAll();
        return Waits.longest(
                Waits.partOfLife(record, own),
                spent ? Duration.ZERO : reason.retryAfter(),
                spent ? Duration.ZERO : desk.floors().orders().blockedFor(name));
    }

    /** Whether a renewal that failed was permitted: who did not answer, or was not asked for want of room, did not grant. */
    static boolean isGranted(IssuanceException reason) {
        boolean isNotAsked = reason instanceof IssuanceException.Overloaded full
                && full.bound().equals(ConfigKey.SHIELD_ASK_QUEUE.key());
        return !(isNotAsked
                || reason instanceof IssuanceException.NoAnswer
                || reason instanceof IssuanceException.NotPermitted);
    }

    // These may come before anybody has looked where the name leads.
    private static boolean isBehindLook(IssuanceException reason) {
        return !(reason instanceof IssuanceException.NoAnswer
                || reason instanceof IssuanceException.Overloaded
                || reason instanceof IssuanceException.StoreFailed);
    }

    private void notRenewed(Entry entry, ServerName name, StoredCertificate claimed, Throwable failure)
            throws StoreException {
        if (!(failure instanceof IssuanceException reason)) {
            desk.troubled().failed(entry.name(), failure);
            desk.again(entry, Troubled.LEFT_ALONE);
            return;
        }
        Optional<StoredCertificate> current = desk.records()
                .under(entry.name())
                .filter(stored ->
                        stored.certificate().id().equals(claimed.certificate().id()));
        if (reason instanceof IssuanceException.Stopping
                || current.isEmpty()
                || !desk.floors().watch().isTrusted()) {
            desk.backlog().done(entry);
            return;
        }
        StoredCertificate record = current.get();
        if (reason instanceof IssuanceException.NotPermitted) {
            denials.denied(name, record, reason);
            desk.backlog().done(entry);
            return;
        }
        Duration wait = wait(record, name, reason);
        if (reason instanceof IssuanceException.NotReady away && away.leadsTo().isPresent()) {
            Duration again = Waits.jittered(wait, desk.ports().random());
            departures.moved(name, record, away.leadsTo().get(), away.toDo(), again);
            desk.backlog().done(entry);
            return;
        }
        // Whoever did not answer has not denied, and whoever was asked after permission was granted knows that.
        boolean granted = isGranted(reason);
        if (granted) {
            denials.granted(name.value());
        }
        StoredCertificate next = granted ? record.withDeniedSince(Optional.empty()) : record;
        if (isBehindLook(reason)) {
            // Whatever is in the way now, it is not where the name leads.
            next = next.withMoved(Optional.empty());
        }
        if (mayPass(entry, reason)) {
            if (!next.equals(record)) {
                desk.floors().store().save(next);
            }
            if (desk.records().areShared()) {
                // It is due again when it is claimed no more, for whichever server is first.
                desk.backlog().done(entry);
            } else {
                desk.again(entry, Waits.jittered(wait, desk.ports().random()));
            }
        } else {
            Instant due = desk.now().plus(Waits.jittered(wait, desk.ports().random()));
            desk.floors().store().save(next.withDue(due));
            desk.backlog().done(entry);
        }
        desk.floors()
                .events()
                .publish(
                        EventKind.NOT_RENEWED,
                        name,
                        "not renewed: " + reason.what() + "; tried again in about " + Waits.words(wait)
                                + ", served until " + record.certificate().notAfter());
    }
}
