package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Entry.Kind;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.Troubles;

/**
 * Succeeds a certificate of several names, which another program obtained, by one for each of them.
 *
 * <p>Each name has a turn and waits of its own. The first name's certificate takes the old one's place in the store, so it
 * comes last, and never while that serves a name which has none of its own. One that is denied for as long as the operator
 * wants is not served any more, and is not waited for.
 *
 * <p>Until then permission is asked again for each name it serves, and its CA is asked about it, as for any other certificate.
 */
final class SeveralNames {

    private final Desk desk;
    private final Denials denials;
    private final Succession succession;
    private final Advice advice;
    private final Consumer<StoredCertificate> dueNow;
    private final Troubles troubles;

    /**
     * What is left of a certificate.
     *
     * @param names those whose turn it is
     * @param isUnclear whether that of another cannot be read, and there is time to wait for it
     */
    private record Rest(List<ServerName> names, boolean isUnclear) {}

    SeveralNames(Desk desk, Denials denials, Succession succession, Advice advice, Consumer<StoredCertificate> dueNow) {
        this.desk = desk;
        this.denials = denials;
        this.succession = succession;
        this.advice = advice;
        this.dueNow = dueNow;
        this.troubles = new Troubles(desk.floors().events());
    }

    /** Gives each name that is left its turn, where the time has come; looks at the certificate before that. */
    void enter(StoredCertificate record, Instant now) throws StoreException {
        if (record.renew().isAfter(now)) {
            look(record, now);
            return;
        }
        Rest rest = rest(record);
        List<Entry> turns = turns(record, rest.names());
        if (turns.isEmpty()) {
            desk.records()
                    .reschedule(
                            record,
                            rest.isUnclear()
                                    ? Listed.overdueFrom(record)
                                    : desk.records().forgottenAt(record));
            return;
        }
        boolean asks = isFirstAsked(record, turns, now);
        Instant again = now.plus(Waits.partOfLife(record, Waits.MENDED));
        Instant due =
                desk.nextLook(record.firstName(), now).filter(again::isAfter).orElse(again);
        Optional<StoredCertificate> saved = desk.records().save(record.withDue(due));
        if (saved.isPresent()) {
            turns.forEach(desk.backlog()::offer);
            if (asks) {
                desk.backlog().offer(Entry.asking(saved.get(), desk.caOf(record)));
            }
        }
    }

    // It waits for the others to have their own, perhaps for weeks, and is served until then.
    private boolean isFirstAsked(StoredCertificate record, List<Entry> turns, Instant now) throws StoreException {
        Optional<ServerName> first = Records.plainName(record.firstName());
        return first.isPresent()
                && (record.deniedSince().isPresent() || desk.rechecks().isDue(record, now))
                && turns.stream().noneMatch(turn -> turn.name().equals(record.firstName()))
                && !isWithdrawn(first.get());
    }

    /** The turns of the names whose time it is to get their own. */
    List<Entry> turns(StoredCertificate record) throws StoreException {
        return turns(record, left(record));
    }

    private List<Entry> turns(StoredCertificate record, List<ServerName> names) {
        String ca = desk.caOf(record);
        return names.stream()
                .map(name -> Entry.ofSeveral(record, name.value(), ca))
                .toList();
    }

    private void look(StoredCertificate record, Instant now) throws StoreException {
        boolean asks = record.deniedSince().isPresent() || desk.rechecks().isDue(record, now);
        List<ServerName> asked = asks ? served(record) : List.of();
        boolean asksForTheFirst = asked.stream().anyMatch(name -> isFirst(name, record));
        // What is asked for the first name ends in the question to the CA: one entry for each name.
        if (advice.isDue(record, now) && !asksForTheFirst) {
            desk.backlog().offer(Entry.of(record, Kind.ADVICE, desk.caOf(record)));
        } else if (desk.records().save(record.withDue(advice.next(record, now))).isEmpty()) {
            return;
        }
        String ca = desk.caOf(record);
        asked.forEach(name ->
                desk.backlog().offer(Entry.ofSeveral(record, name.value(), ca).as(Kind.ASK)));
    }

    /** Begins with one name, unless it has its own by now. */
    void begin(Entry entry) throws StoreException {
        Optional<StoredCertificate> several = several(entry);
        ServerName name = new ServerName(entry.name());
        if (entry.kind() == Kind.ASK) {
            ask(entry, name, several);
            return;
        }
        if (several.isEmpty() || !left(several.get()).contains(name)) {
            desk.backlog().done(entry);
            return;
        }
        long began = desk.nanos();
        succession
                .renewed(name)
                .whenComplete((certificate, failure) ->
                        desk.end(entry, () -> Retry.stepIfStale(() -> ended(entry, name, failure, began))));
    }

    private void ended(Entry entry, ServerName name, @Nullable Throwable failure, long began) throws StoreException {
        Optional<StoredCertificate> several = several(entry);
        if (failure == null) {
            desk.backlog().worked(entry, desk.nanos() - began);
            desk.backlog().done(entry);
            forgetDenied(name);
            goOn(several);
            denials.granted(name.value());
        } else if (several.isEmpty()
                || failure instanceof IssuanceException.Stopping
                || !desk.floors().watch().isTrusted()) {
            desk.backlog().done(entry);
        } else if (failure instanceof IssuanceException.NotPermitted denied) {
            denied(entry, name, several.get(), denied);
        } else if (failure instanceof IssuanceException reason) {
            failed(entry, name, several.get(), reason);
        } else {
            desk.troubled().failed(entry.name(), failure);
            desk.again(entry, Troubled.LEFT_ALONE);
        }
    }

    private void ask(Entry entry, ServerName name, Optional<StoredCertificate> several) throws StoreException {
        if (several.isEmpty() || !served(several.get()).contains(name)) {
            desk.backlog().done(entry);
            return;
        }
        desk.floors()
                .orders()
                .recheck(name)
                .whenComplete((granted, failure) ->
                        desk.end(entry, () -> Retry.stepIfStale(() -> answered(entry, name, failure))));
    }

    private void answered(Entry entry, ServerName name, @Nullable Throwable failure) throws StoreException {
        Optional<StoredCertificate> several = several(entry);
        if (several.isEmpty()
                || failure instanceof IssuanceException.Stopping
                || !desk.floors().watch().isTrusted()) {
            desk.backlog().done(entry);
        } else if (failure instanceof IssuanceException.NotPermitted denied) {
            denied(entry, name, several.get(), denied);
        } else if (failure == null) {
            granted(entry, name, several.get());
        } else if (entry.deniedSince().isPresent()) {
            // Who does not answer has not denied, and has not granted what was denied before.
            desk.again(entry, denials.again(several.get(), false));
        } else {
            desk.backlog().done(entry);
        }
    }

    private void granted(Entry entry, ServerName name, StoredCertificate several) throws StoreException {
        denials.granted(name.value());
        forgetDenied(name);
        Instant now = desk.now();
        boolean asksTheCa = isFirst(name, several) && several.renew().isAfter(now) && advice.isDue(several, now);
        Optional<StoredCertificate> dueAgain = Optional.empty();
        if (asksTheCa || (isFirst(name, several) && several.deniedSince().isPresent())) {
            StoredCertificate granted = several.withDeniedSince(Optional.empty());
            Instant next = advice.next(granted, now);
            boolean isDueNow = asksTheCa || next.isBefore(now);
            dueAgain = Optional.of(desk.floors().store().save(granted.withDue(isDueNow ? now : next)));
        }
        desk.backlog().done(entry);
        if (asksTheCa) {
            dueAgain.ifPresent(dueNow);
        }
    }

    private void denied(Entry entry, ServerName name, StoredCertificate several, IssuanceException reason)
            throws StoreException {
        if (isFirst(name, several) && isNextTheFirst(several)) {
            denials.denied(name, several, reason);
            desk.backlog().done(entry);
            return;
        }
        if (isFirst(name, several)) {
            firstDenied(entry, name, several, reason);
            return;
        }
        Instant now = desk.now();
        Instant since = deniedSince(entry, name, several, now);
        boolean kept = denials.isKept(name.value(), since);
        if (kept || now.isBefore(denials.withdrawnAt(since))) {
            desk.backlog().again(entry, entry.denied(Optional.of(since)), denials.again(several, kept), desk.nanos());
            tell(name, reason);
            return;
        }
        withdraw(entry, name, several, since);
    }

    private void withdraw(Entry entry, ServerName name, StoredCertificate several, Instant since)
            throws StoreException {
        WithdrawnName.keep(desk.floors().store(), name, several);
        forgetDenied(name);
        desk.floors().inventory().withdraw(name);
        desk.backlog().done(entry);
        denials.tellWithdrawn(name, since);
        goOn(Optional.of(several));
    }

    private Instant deniedSince(Entry entry, ServerName name, StoredCertificate several, Instant now)
            throws StoreException {
        CertificateStore store = desk.floors().store();
        Optional<Instant> noted = entry.deniedSince().isPresent() ? entry.deniedSince() : DeniedName.since(store, name);
        Instant since = denials.since(noted, now);
        if (!noted.equals(Optional.of(since))) {
            DeniedName.keep(store, name, several, since);
        }
        return since;
    }

    private void forgetDenied(ServerName name) throws StoreException {
        DeniedName.forget(desk.floors().store(), name);
    }

    // Kept with the certificate, as for one of a single name: its entry must not keep the certificate from its turns.
    private void firstDenied(Entry entry, ServerName name, StoredCertificate several, IssuanceException reason)
            throws StoreException {
        Instant now = desk.now();
        Instant since = denials.since(several.deniedSince(), now);
        boolean kept = denials.isKept(name.value(), since);
        if (!kept && !now.isBefore(denials.withdrawnAt(since))) {
            StoredCertificate saved = desk.floors()
                    .store()
                    .save(several.withDeniedSince(Optional.empty()).withDue(advice.next(several, now)));
            withdraw(entry, name, saved, since);
            return;
        }
        Instant again = now.plus(denials.again(several, kept));
        boolean isRenewedBefore =
                several.renew().isAfter(now) && several.renew().isBefore(again);
        desk.floors()
                .store()
                .save(several.withDeniedSince(Optional.of(since)).withDue(isRenewedBefore ? several.renew() : again));
        desk.backlog().done(entry);
        tell(name, reason);
    }

    private void failed(Entry entry, ServerName name, StoredCertificate several, IssuanceException reason)
            throws StoreException {
        succession.mayPass(entry, reason);
        boolean granted = Succession.isGranted(reason);
        Optional<Instant> since = granted ? Optional.empty() : entry.deniedSince();
        if (granted) {
            denials.granted(name.value());
            forgetDenied(name);
        }
        Duration wait = Waits.jittered(
                succession.wait(several, name, reason), desk.ports().random());
        desk.backlog().again(entry, entry.denied(since), wait, desk.nanos());
        tell(name, reason);
    }

    private void tell(ServerName name, IssuanceException reason) {
        desk.floors().events().publish(EventKind.NOT_RENEWED, name, "not renewed: " + reason.what());
    }

    // Where the last of the others has its own, the first name's turn has come.
    private void goOn(Optional<StoredCertificate> several) throws StoreException {
        if (several.isPresent() && isNextTheFirst(several.get())) {
            desk.records().save(several.get().withDue(desk.now())).ifPresent(dueNow);
        }
    }

    private boolean isNextTheFirst(StoredCertificate several) throws StoreException {
        List<ServerName> left = left(several);
        return left.size() == 1 && isFirst(left.get(0), several);
    }

    private static boolean isFirst(ServerName name, StoredCertificate several) {
        return name.value().equals(several.firstName());
    }

    // Those that have no other certificate, and that permission can be asked for.
    private List<ServerName> served(StoredCertificate record) throws StoreException {
        List<ServerName> served = new ArrayList<>(left(record));
        Optional<ServerName> first = Records.plainName(record.firstName());
        if (first.isPresent() && !served.contains(first.get()) && !isWithdrawn(first.get())) {
            served.add(first.get());
        }
        return served;
    }

    private Optional<StoredCertificate> several(Entry entry) throws StoreException {
        return desk.records()
                .under(entry.several().orElseThrow())
                .filter(stored -> stored.certificate().names().size() > 1
                        && stored.withdrawn().isEmpty());
    }

    private boolean hasItsOwn(ServerName name) throws StoreException {
        try {
            return desk.records().under(name.value()).isPresent();
        } catch (RecordUnreadableException e) {
            troubles.tell("the certificate of " + name, e);
            throw e;
        }
    }

    private boolean isWithdrawn(ServerName name) throws StoreException {
        try {
            return WithdrawnName.isKept(desk.floors().store(), name);
        } catch (RecordUnreadableException e) {
            // The store has told of it.
            return true;
        }
    }

    private List<ServerName> left(StoredCertificate record) throws StoreException {
        return rest(record).names();
    }

    private Rest rest(StoredCertificate record) throws StoreException {
        List<ServerName> left = new ArrayList<>();
        boolean others = false;
        boolean isUnclear = false;
        for (String text : record.certificate().names()) {
            Optional<ServerName> name = Records.plainName(text);
            if (text.equals(record.firstName())) {
                continue;
            }
            if (name.isEmpty()) {
                others = true;
                continue;
            }
            try {
                if (!hasItsOwn(name.get())
                        && !WithdrawnName.isKept(desk.floors().store(), name.get())) {
                    left.add(name.get());
                }
            } catch (RecordUnreadableException e) {
                // It was told of. It keeps no other name from its turn; the first, whose certificate takes the place of
                // this one, only as long as there is time.
                isUnclear = desk.now().isBefore(Listed.overdueFrom(record));
            }
        }
        if (left.isEmpty() && !others && !isUnclear) {
            Records.plainName(record.firstName()).ifPresent(left::add);
        }
        return new Rest(left, isUnclear);
    }
}
