package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Outage;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Asks CAs when to renew (RFC 9773), as often as each of them says, and plans by it. Where there is no answer a renewal
 * stays as it is planned.
 *
 * <p>A CA whose windows are always in the past, or that has a certificate replaced right after it was issued, costs one
 * replacement per name in a quarter of its life. That is kept in the store, so that a restart makes no difference.
 *
 * <p><b>Threads.</b> The CA is asked on an executor of its own, everything else runs on the renewal executor. <b>Memory.</b>
 * At most {@value #MOST} names' next moments; what is not remembered is asked for when the record is looked at.
 */
final class Advice {

    private static final int MOST = 100_000;
    private static final Duration WITHOUT_ADVICE = Duration.ofHours(6);
    // Less than the day between two looks at a record, so that the second one does not come too early.
    private static final Duration WITHOUT_ARI = Duration.ofHours(23);
    private static final Duration RETRY = Duration.ofMinutes(10);
    private static final Duration CLAIM = Duration.ofMinutes(5);
    private static final Duration TOLD_AGAIN = Duration.ofDays(1);
    private static final int PART_PER_REPLACEMENT = 4;

    private final Desk desk;
    private final Map<String, Outage> outages = new ConcurrentHashMap<>();
    private final Map<String, Long> toldEarly = new ConcurrentHashMap<>();
    private final Map<String, Instant> next = new LinkedHashMap<>();
    private final Map<String, Instant> last = new ConcurrentHashMap<>();
    private final Map<String, Long> lookedUp = new LinkedHashMap<>();

    Advice(Desk desk) {
        this.desk = desk;
    }

    /** Whether the CA of a certificate is to be asked for its window, or for what it has revoked. */
    boolean isDue(StoredCertificate record, Instant now) {
        Instant planned = planned(record);
        return planned == null || !planned.isAfter(now);
    }

    /** When each CA answered with renewal information last. No I/O. */
    Map<String, Instant> last() {
        return Map.copyOf(last);
    }

    /** When a record is to be looked at next, whatever for. */
    Instant next(StoredCertificate record, Instant now) {
        Instant other = desk.planned(record, now);
        Instant advice = planned(record);
        return advice != null && advice.isAfter(now) && advice.isBefore(other) ? advice : other;
    }

    /** Begins; blocks for the store where several servers share it. */
    void begin(Entry entry, StoredCertificate record) throws StoreException {
        StoredCertificate claimed = record;
        if (desk.records().areShared()) {
            Optional<StoredCertificate> ours =
                    desk.records().save(record.withDue(desk.now().plus(Waits.partOfLife(record, CLAIM))));
            if (ours.isEmpty()) {
                // Somebody else is at it, or a visit was written.
                desk.again(entry, desk.ports().lookEvery());
                return;
            }
            claimed = ours.get();
        }
        StoredCertificate asked = claimed;
        try {
            desk.ports().advice().execute(() -> ask(entry, asked));
        } catch (RejectedExecutionException e) {
            desk.again(entry, RETRY);
        }
    }

    // Whose CA no order goes to any more is looked up in its CA's list all the same, which takes no account.
    private void ask(Entry entry, StoredCertificate record) {
        Optional<Authority> authority = authority(record);
        try {
            Optional<Authority.RenewalAdvice> advice =
                    authority.isPresent() ? answer(entry, record, authority.get()) : Optional.empty();
            boolean hasAri = advice.isPresent()
                    || authority.filter(Authority::honoursReplaces).isPresent();
            Duration wait =
                    advice.map(Authority.RenewalAdvice::retryAfter).orElse(hasAri ? WITHOUT_ADVICE : WITHOUT_ARI);
            // A CA that offers advice may have none for this certificate, and have revoked it all the same.
            boolean revoked = advice.isEmpty() && isRevoked(record);
            desk.end(
                    entry,
                    () -> Retry.stepIfStale(() -> {
                        keep(entry, record, advice.map(Authority.RenewalAdvice::window), revoked, wait);
                        desk.backlog().done(entry);
                    }));
        } catch (IssuanceException e) {
            if (e instanceof IssuanceException.Stopping) {
                desk.backlog().done(entry);
                return;
            }
            outage(record.issuer()).failed(nameOf(record), e.what() + "; it is renewed as planned");
            noAnswer(entry, record, mayLookUp(record) && isRevoked(record), Waits.longest(e.retryAfter(), RETRY));
        } catch (RuntimeException | Error e) {
            noAnswer(entry, record, false, WITHOUT_ADVICE);
            desk.troubled().failed(record.firstName(), e);
        }
    }

    private Optional<Authority.RenewalAdvice> answer(Entry entry, StoredCertificate record, Authority authority)
            throws IssuanceException {
        long began = desk.nanos();
        Optional<Authority.RenewalAdvice> advice =
                authority.renewalAdvice(record.certificate().leaf());
        desk.backlog().worked(entry, desk.nanos() - began);
        outage(record.issuer()).worked();
        advice.ifPresent(given -> last.put(record.issuer(), desk.now()));
        return advice;
    }

    // Whoever does not answer is asked again soon, and its list not each time.
    private boolean mayLookUp(StoredCertificate record) {
        long now = desk.nanos();
        synchronized (lookedUp) {
            Long before = lookedUp.get(record.firstName());
            if (before != null && now - before < WITHOUT_ARI.toNanos()) {
                return false;
            }
            put(lookedUp, record.firstName(), now);
            return true;
        }
    }

    private boolean isRevoked(StoredCertificate record) {
        try {
            return desk.floors().revocations().isRevoked(record.certificate().chain());
        } catch (RuntimeException | Error e) {
            desk.troubled().failed(record.firstName(), e);
            return false;
        }
    }

    private void noAnswer(Entry entry, StoredCertificate record, boolean revoked, Duration wait) {
        desk.backlog().failed(entry, false, Duration.ZERO, desk.nanos());
        desk.end(
                entry,
                () -> Retry.stepIfStale(() -> {
                    keep(entry, record, Optional.empty(), revoked, wait);
                    desk.backlog().done(entry);
                }));
    }

    private void keep(
            Entry entry, StoredCertificate asked, Optional<RenewalWindow> window, boolean revoked, Duration wait)
            throws StoreException {
        Optional<StoredCertificate> current = desk.records()
                .under(entry.name())
                .filter(stored ->
                        stored.certificate().id().equals(asked.certificate().id()));
        if (current.isEmpty() || !desk.floors().watch().isTrusted()) {
            return;
        }
        Instant now = desk.now();
        StoredCertificate record = current.get();
        remember(record.firstName(), now.plus(wait));
        StoredCertificate advised =
                window.isPresent() ? advised(record, window.get(), now) : revoked ? revoked(record, now) : record;
        desk.floors().store().save(advised.withDue(next(advised, now)));
    }

    private StoredCertificate advised(StoredCertificate record, RenewalWindow window, Instant now)
            throws StoreException {
        Optional<Instant> before = record.window().map(old -> record.renew());
        Instant wanted = RenewalTime.inWindow(
                record.certificate(), window, before, now, desk.ports().random());
        Instant renew = wanted.equals(record.renew()) ? wanted : bounded(record, wanted);
        if (!renew.equals(record.renew())) {
            desk.floors()
                    .events()
                    .publish(
                            EventKind.RENEWAL_WINDOW,
                            nameOf(record),
                            "to be renewed at " + renew + ": the CA suggests " + window.start() + " to " + window.end()
                                    + window.explanation()
                                            .map(link -> " (why: " + link + ")")
                                            .orElse(""));
        }
        return record.withWindow(Optional.of(window)).withRenew(renew);
    }

    private StoredCertificate revoked(StoredCertificate record, Instant now) throws StoreException {
        Instant renew = bounded(record, now);
        if (renew.isBefore(record.renew())) {
            desk.floors()
                    .events()
                    .publish(
                            EventKind.RENEWAL_WINDOW,
                            nameOf(record),
                            "to be renewed at " + renew + ": the CA has revoked the certificate (it is on its list)");
        }
        return record.withRenew(renew);
    }

    // A certificate that was revoked is replaced at once; the next one not again before a quarter of its life is over.
    private Instant bounded(StoredCertificate record, Instant wanted) throws StoreException {
        Duration quarter = RenewalTime.lifetime(record.certificate()).dividedBy(PART_PER_REPLACEMENT);
        if (!wanted.isBefore(record.obtained().plus(quarter))) {
            return wanted;
        }
        CertificateStore store = desk.floors().store();
        Scope scope = new Scope.Advised(record.firstName());
        Optional<Instant> held = store.readableHold(scope).map(Hold::until).filter(wanted::isBefore);
        if (held.isPresent()) {
            tellEarly(record.issuer());
            return held.get().isBefore(record.renew()) ? held.get() : record.renew();
        }
        store.keepHold(new Hold(
                scope,
                record.issuer(),
                1,
                wanted.plus(quarter),
                "replacedEarly",
                "replaced as its CA suggested",
                Optional.empty()));
        return wanted;
    }

    private void tellEarly(String issuer) {
        long now = desk.nanos();
        Long told = toldEarly.get(issuer);
        if (told == null || now - told >= TOLD_AGAIN.toNanos()) {
            toldEarly.put(issuer, now);
            desk.floors()
                    .events()
                    .publish(
                            EventKind.ADVICE,
                            "the CA " + issuer + " wants certificates replaced that it has only just issued; the server"
                                    + " does so at most once in a quarter of a certificate's lifetime");
        }
    }

    private Optional<Authority> authority(StoredCertificate record) {
        return desk.floors().authorities().stream()
                .filter(ca -> ca.id().equals(record.issuer()))
                .findFirst();
    }

    private Outage outage(String issuer) {
        return outages.computeIfAbsent(
                issuer,
                id -> new Outage(
                        desk.floors().events(),
                        EventKind.RENEWAL_WINDOW,
                        "the renewal information of " + id,
                        desk.ports().nanoTime()));
    }

    private @Nullable Instant planned(StoredCertificate record) {
        synchronized (next) {
            return next.get(record.firstName());
        }
    }

    private void remember(String name, Instant moment) {
        synchronized (next) {
            put(next, name, moment);
        }
    }

    private static <T> void put(Map<String, T> moments, String name, T moment) {
        moments.remove(name);
        moments.put(name, moment);
        if (moments.size() > MOST) {
            moments.remove(moments.keySet().iterator().next());
        }
    }

    private static @Nullable ServerName nameOf(StoredCertificate record) {
        return Records.plainName(record.firstName()).orElse(null);
    }
}
