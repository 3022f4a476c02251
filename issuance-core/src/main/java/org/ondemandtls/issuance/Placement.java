package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.UnexplainedException;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.InvalidCertificateException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.LeaseLostException;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Takes one name to its certificate at one CA: its budget, the journal, the order, verification, the store, publication;
 * and notes what the CA said about the name, the account and itself.
 *
 * <p><b>Threads.</b> Called on the order executor, by one thread at a time for any one name.
 */
final class Placement {

    private static final Duration STORE_RETRY = Duration.ofSeconds(2);
    private static final Duration UNKNOWN_LIFETIME = Duration.ofDays(90);
    private static final int MOST_REPLACED = 10_000;
    private static final int UNEXPLAINED_BORNE = 2;

    /** What is stored for a name, by another server perhaps. */
    @FunctionalInterface
    interface Current {
        Optional<StoredCertificate> of(ServerName name) throws IssuanceException;
    }

    private final OrderPipeline.Parts parts;
    private final Current current;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final DoubleSupplier random;
    private final Outage storeOutage;
    private final Map<String, Outage> outages = new ConcurrentHashMap<>();
    private final Map<String, Duration> lastLifetimes = new ConcurrentHashMap<>();
    // By which order each leaf was said to be replaced, empty where the CA minded that.
    private final Cache<String, Optional<URI>> replaced =
            Caffeine.newBuilder().maximumSize(MOST_REPLACED).build();

    // How many orders in a row a CA has made invalid without a word.
    private final Cache<ServerName, Integer> unexplained =
            Caffeine.newBuilder().maximumSize(MOST_REPLACED).build();

    Placement(OrderPipeline.Parts parts, Current current, Clock clock, LongSupplier nanoTime, DoubleSupplier random) {
        this.parts = parts;
        this.current = current;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.random = random;
        this.storeOutage = new Outage(
                parts.events(),
                EventKind.STORE_FAILED,
                "the store " + parts.store().location(),
                nanoTime);
    }

    /** What a failure of the store's is to whoever waits for a name. */
    static IssuanceException.StoreFailed storeFailed(ServerName name, StoreException e) {
        return new IssuanceException.StoreFailed(name, String.valueOf(e.getMessage()), STORE_RETRY, e);
    }

    /** Tells of a failure of the store's, once while it lasts. */
    void tellStoreFailed(ServerName name, String words) {
        storeOutage.failed(name, words);
    }

    /** Has a name left alone that a CA has refused. */
    void refused(Attempt attempt, IssuanceException.Rejected rejected) {
        if (attempt.undated) {
            parts.refusals().undated(attempt.name, rejected);
            return;
        }
        try {
            parts.refusals()
                    .refused(
                            attempt.name,
                            attempt.issuer(),
                            paced(attempt, rejected),
                            attempt.failedValidations,
                            attempt.lifetime()
                                    .orElseGet(() -> lastLifetimes.getOrDefault(attempt.issuer(), UNKNOWN_LIFETIME)));
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
        }
    }

    /**
     * What is told of a name of which a CA makes order after order invalid without a word: the next one waits as behind
     * trouble that passes. Once or twice may be the CA's bad moment.
     */
    Optional<IssuanceException> unexplained(Attempt attempt) {
        if (!(attempt.failed().getCause() instanceof UnexplainedException)) {
            return Optional.empty();
        }
        if (unexplained.asMap().merge(attempt.name, 1, Integer::sum) <= UNEXPLAINED_BORNE) {
            return Optional.empty();
        }
        IssuanceException.Rejected told = IssuanceException.Rejected.passing(
                attempt.name, "invalidOrder", attempt.failed().what(), Duration.ZERO);
        refused(attempt, told);
        return Optional.of(told);
    }

    // What passes is tried again soon, but no more often than a CA bears failed validations, of all servers together.
    private IssuanceException.Rejected paced(Attempt attempt, IssuanceException.Rejected rejected) {
        if (!rejected.isPassing()) {
            return rejected;
        }
        try {
            Duration wait = parts.budget()
                    .untilFailuresFit(
                            attempt.issuer(),
                            attempt.name,
                            attempt.failedValidations,
                            Refusals.PASSING_VALIDATIONS_AN_HOUR);
            return wait.compareTo(rejected.retryAfter()) <= 0
                    ? rejected
                    : IssuanceException.Rejected.passing(
                            rejected.name(), rejected.problemType(), rejected.detail(), wait);
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
            return rejected;
        }
    }

    /**
     * Orders from one CA.
     *
     * @param attempt the CA's turn, which learns what comes of it
     * @param patience how long it may take
     * @return the certificate, stored and published
     */
    KeyedCertificate place(Attempt attempt, Duration patience) throws IssuanceException {
        long started = nanoTime.getAsLong();
        ServerName name = attempt.name;
        String issuer = attempt.issuer();
        try {
            parts.standing().recall(issuer, name);
            Optional<IssuanceException> held = parts.standing().holding(issuer, name);
            if (held.isPresent()) {
                attempt.held = true;
                throw held.get();
            }
            Optional<IssuanceException> out = attempt.authority.outOfService(name);
            if (out.isPresent()) {
                attempt.held = true;
                throw out.get();
            }
            Optional<IssuanceException.RefusesAll> refused = parts.common().enter(issuer, name);
            if (refused.isPresent()) {
                attempt.held = true;
                throw refused.get();
            }
            OpenOrder open = journaled(attempt);
            KeyedCertificate certificate = sign(attempt, open, patience);
            parts.standing().worked(issuer);
            parts.common().worked(issuer);
            outage(issuer).worked();
            save(attempt, certificate);
            storeOutage.worked();
            parts.withdrawals().checkSaved(name);
            parts.inventory().publish(certificate);
            closeOrder(attempt.lease);
            forgetRefusals(name);
            unexplained.invalidate(name);
            lastLifetimes.put(issuer, RenewalTime.lifetime(certificate));
            boolean first = attempt.purpose == Purpose.OBTAIN;
            timed(attempt, started, "obtained");
            long millis = Duration.ofNanos(nanoTime.getAsLong() - started).toMillis();
            parts.events()
                    .publish(
                            first ? EventKind.OBTAINED : EventKind.RENEWED,
                            name,
                            (first ? "obtained from " : "renewed by ") + issuer + " in " + millis + " ms, valid until "
                                    + certificate.notAfter());
            return certificate;
        } catch (IssuanceException e) {
            IssuanceException told = general(attempt, e);
            timed(attempt, started, told.kind());
            note(attempt, told);
            if (attempt.lapsed) {
                closeOrder(attempt.lease);
                throw new OrderPipeline.PermissionNeededException();
            }
            throw told;
        } catch (StoreException e) {
            timed(attempt, started, "store_failed");
            throw storeFailed(name, e);
        } finally {
            giveBack(attempt);
        }
    }

    // However the turn ended: what stays reserved is taken from all later orders for as long as this process lives.
    private void giveBack(Attempt attempt) {
        Budget.Reservation unspent = attempt.reservation;
        attempt.reservation = Budget.Reservation.NONE;
        try {
            parts.budget().notIssued(unspent, attempt.placed);
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
        }
    }

    private void timed(Attempt attempt, long started, String result) {
        attempt.span.end(result);
        parts.events()
                .figures()
                .time(Figure.ORDER, nanoTime.getAsLong() - started, attempt.issuer(), attempt.word(), result);
    }

    // What a CA minds about every name is no refusal of this one.
    private IssuanceException general(Attempt attempt, IssuanceException failure) {
        if (failure instanceof IssuanceException.AccountRefused account) {
            parts.common().refused(attempt.issuer(), account);
        }
        if (!(failure instanceof IssuanceException.Rejected rejected) || !rejected.isGeneral() || attempt.undated) {
            return failure;
        }
        Optional<CommonRefusals.Verdict> verdict = parts.common().refused(attempt.issuer(), attempt.name, rejected);
        if (verdict.isEmpty()) {
            return failure;
        }
        try {
            for (ServerName freed : verdict.get().freed()) {
                parts.refusals().forget(freed);
                parts.store().peers().tell(freed);
            }
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
        }
        return verdict.get().exception();
    }

    private void note(Attempt attempt, IssuanceException failure) {
        ServerName name = attempt.name;
        String issuer = attempt.issuer();
        try {
            if (failure instanceof IssuanceException.Rejected) {
                closeOrder(attempt.lease);
                // While it refuses every name, what it says of one name at its trial does not mend that.
                if (parts.common().holding(issuer, name).isEmpty()) {
                    parts.standing().answered(issuer);
                }
                outage(issuer).worked();
            } else if (failure instanceof IssuanceException.RateLimited limited) {
                if (!attempt.held) {
                    parts.standing().keep(issuer, limited);
                }
                outage(issuer).failed(name, "not obtained: " + failure.what());
            } else if (failure instanceof IssuanceException.RefusesAll) {
                if (!attempt.held) {
                    parts.standing().refusesAll(issuer, failure);
                    // Its request may be what the CA minds.
                    closeOrder(attempt.lease);
                    outage(issuer).failed(name, "not obtained: " + failure.what());
                }
            } else if (failure instanceof IssuanceException.AccountRefused) {
                parts.standing().failed(issuer, failure);
                outage(issuer).failed(name, "not obtained: " + failure.what());
            } else if (failure instanceof IssuanceException.Unavailable unavailable && !attempt.lapsed) {
                // One order that is stuck, or one slow validation, is no trouble of the others.
                if (unavailable.isUnwell()) {
                    parts.standing().failed(issuer, failure);
                }
                outage(issuer).failed(name, "not obtained: " + failure.what());
                if (unavailable.isUnfinished()) {
                    giveUpIfStuck(attempt);
                }
            }
        } catch (StoreException e) {
            tellStoreFailed(name, String.valueOf(e.getMessage()));
        }
    }

    // The next attempt places another, with the same key and request.
    private void giveUpIfStuck(Attempt attempt) throws StoreException {
        Instant now = clock.instant();
        Optional<OpenOrder> stuck = parts.store()
                .openOrder(attempt.name)
                .filter(open -> open.url().isPresent())
                .filter(open -> !now.isBefore(open.started().plus(OrderPipeline.LONGEST_PROCESSING)));
        if (stuck.isPresent() && parts.watch().isTrusted()) {
            parts.store().journal(stuck.get().anew(now), attempt.lease);
            parts.events()
                    .publish(
                            EventKind.RESUMED,
                            attempt.name,
                            "dropped the open order: the CA has not finished it since "
                                    + stuck.get().started());
        }
    }

    private Outage outage(String issuer) {
        return outages.computeIfAbsent(
                issuer, id -> new Outage(parts.events(), EventKind.AUTHORITY_UNAVAILABLE, "the CA " + id, nanoTime));
    }

    private OpenOrder journaled(Attempt attempt) throws IssuanceException, StoreException {
        ServerName name = attempt.name;
        Optional<OpenOrder> left = parts.store().openOrder(name);
        boolean ours = left.isPresent() && left.get().issuer().equals(attempt.issuer());
        Optional<URI> placed = ours ? left.get().url() : Optional.empty();
        attempt.exempt(
                attempt.replaced().map(leaf -> isReplacedFirst(leaf, placed)).orElse(false));
        if (ours && placed.isPresent()) {
            attempt.placed = true;
            attempt.reservation = parts.budget().resumed(attempt.issuer(), name, attempt.exemption);
            return left.get();
        }
        attempt.reservation = parts.budget().reserve(attempt.issuer(), name, attempt.purpose, attempt.exemption);
        // The same key and request for whichever CA signs them, where they are of the kind it is to sign.
        Optional<OpenOrder> fitting = left.filter(
                order -> parts.keys().fits(attempt.issuer(), order.key().getPublic()));
        if (ours && fitting.isPresent()) {
            return fitting.get();
        }
        KeyPair key = fitting.isPresent() ? fitting.get().key() : parts.keys().take(attempt.issuer());
        byte[] csr = fitting.isPresent() ? fitting.get().csr() : CertificationRequests.request(key, name);
        OpenOrder fresh = new OpenOrder(name, attempt.issuer(), clock.instant(), Optional.empty(), key, csr);
        parts.store().journal(fresh, attempt.lease);
        return fresh;
    }

    private KeyedCertificate sign(Attempt attempt, OpenOrder open, Duration patience) throws IssuanceException {
        List<X509Certificate> chain = attempt.authority.sign(
                new Authority.Order(open.name(), open.key(), open.csr(), open.url(), attempt.replaced(), patience),
                new Told(attempt, open));
        issued(attempt);
        Instant now = clock.instant();
        try {
            CertificateVerifier.verify(chain, open.key().getPublic(), open.name(), now);
        } catch (InvalidCertificateException e) {
            attempt.undated = e.isAboutDates() && !parts.watch().isTrusted();
            throw IssuanceException.Rejected.general(
                    open.name(),
                    "badCertificate",
                    "what it returned cannot be used: " + e.getMessage()
                            + (attempt.undated ? ", and the clock of this machine has jumped" : ""),
                    Duration.ZERO);
        }
        return new KeyedCertificate(open.key().getPrivate(), chain);
    }

    // Once more of a leaf that was said to be replaced counts (RFC 9773 section 5), whatever came of the first time; an
    // order that is taken up is the first time itself.
    private boolean isReplacedFirst(X509Certificate leaf, Optional<URI> takenUp) {
        Optional<URI> by = replaced.getIfPresent(key(leaf));
        return by == null || (by.isPresent() && by.equals(takenUp));
    }

    private static String key(X509Certificate leaf) {
        return leaf.getIssuerX500Principal().getName() + leaf.getSerialNumber();
    }

    private void issued(Attempt attempt) {
        Budget.Reservation spent = attempt.reservation;
        attempt.reservation = Budget.Reservation.NONE;
        try {
            parts.budget().issued(spent);
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
        }
    }

    /** Hears from the authority what becomes of an order. */
    private final class Told implements Authority.Journal {
        private final Attempt attempt;
        private final OpenOrder open;
        private Optional<Instant> expires = Optional.empty();

        Told(Attempt attempt, OpenOrder open) {
            this.attempt = attempt;
            this.open = open;
        }

        @Override
        public void orderCreated(URI url) throws IssuanceException.StoreFailed {
            attempt.placed = true;
            if (attempt.exemption == Budget.Exemption.REPLACES) {
                attempt.replaced().ifPresent(leaf -> replaced.put(key(leaf), Optional.of(url)));
            }
            // It was told of this order alone.
            Optional<Instant> end = expires;
            expires = Optional.empty();
            journalUrl(open.withUrl(url, end), attempt.lease);
        }

        @Override
        public void orderExpires(Instant when) {
            expires = Optional.of(when);
        }

        @Override
        public void notReplacing() throws IssuanceException {
            if (attempt.exemption != Budget.Exemption.REPLACES) {
                return;
            }
            attempt.replaced().ifPresent(leaf -> replaced.put(key(leaf), Optional.empty()));
            // Nothing was reserved: what is replaced does not count.
            attempt.placed = false;
            attempt.exempt(false);
            // What an operator pardons was looked at when this order began.
            parts.budget().pardon(attempt.name);
            try {
                attempt.reservation =
                        parts.budget().reserve(attempt.issuer(), attempt.name, attempt.purpose, attempt.exemption);
            } catch (StoreException e) {
                throw storeFailed(attempt.name, e);
            }
        }

        @Override
        public void validationFailed() {
            attempt.failedValidations++;
            try {
                parts.budget().authorizationFailed(attempt.issuer(), attempt.name);
            } catch (StoreException e) {
                tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
            }
        }

        @Override
        public boolean mayPlaceAnother() {
            attempt.lapsed = attempt.onlyFinishes;
            return !attempt.onlyFinishes;
        }
    }

    // The certificate is there, whatever the store says now.
    private void forgetRefusals(ServerName name) {
        try {
            parts.refusals().forget(name);
        } catch (StoreException e) {
            tellStoreFailed(name, String.valueOf(e.getMessage()));
        }
    }

    private void journalUrl(OpenOrder open, Lease lease) throws IssuanceException.StoreFailed {
        try {
            parts.store().journal(open, lease);
        } catch (StoreException e) {
            throw storeFailed(open.name(), e);
        }
    }

    private void save(Attempt attempt, KeyedCertificate certificate) throws IssuanceException, StoreException {
        Authority authority = attempt.authority;
        Instant now = clock.instant();
        Instant renew = RenewalTime.byLifetime(certificate, random);
        Instant due = authority.honoursReplaces() ? RenewalTime.firstAdvice(certificate, now, random) : renew;
        StoredCertificate fresh = StoredCertificate.obtained(certificate, authority.id(), now, renew)
                .withDue(due.isBefore(renew) ? due : renew);
        // A visit may have been written down between the look and the save.
        Retry.ifStale(() -> {
            Optional<StoredCertificate> before =
                    current.of(attempt.name).filter(stored -> stored.firstName().equals(fresh.firstName()));
            return parts.store().save(before.isPresent() ? fresh.succeeding(before.get()) : fresh, attempt.lease);
        });
    }

    /** Forgets an open order; what is left of it is asked for again at the next start, at worst. */
    void closeOrder(Lease lease) {
        try {
            parts.store().closeOrder(lease.name(), lease);
        } catch (LeaseLostException lost) {
            throw OrderPipeline.lost(parts.events(), lease, lost);
        } catch (StoreException e) {
            parts.events().publish(EventKind.STORE_FAILED, lease.name(), String.valueOf(e.getMessage()));
        }
    }
}
