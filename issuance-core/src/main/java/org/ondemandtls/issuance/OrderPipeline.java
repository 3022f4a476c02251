package org.ondemandtls.issuance;

import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.InvalidCertificateException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.FlightRecorder;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.LeaseLostException;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Takes one permitted name from the journal to the inventory: which CA, its budget, the order, verification, the store,
 * publication. A straight line of blocking code.
 *
 * <p>The CAs are tried in the operator's order, a renewal's own CA first, one that is not well last. The next one is asked
 * when one is down, refuses or is rate limited, within the time a client has.
 *
 * <p><b>Threads.</b> Called on the order executor, by one thread at a time for any one name.
 */
final class OrderPipeline {

    private static final Duration STORE_RETRY = Duration.ofSeconds(2);
    // Less would cut off a CA that works but is slow.
    private static final Duration SHORTEST_PATIENCE = Duration.ofSeconds(5);
    /** How long a CA may say that it is at an order before that is given up for another. */
    static final Duration LONGEST_PROCESSING = Duration.ofHours(1);

    private static final Duration UNKNOWN_LIFETIME = Duration.ofDays(90);

    /**
     * What the pipeline works with.
     *
     * @param store what survives
     * @param authorities who signs, in the operator's order, not empty
     * @param inventory where certificates are published
     * @param keys gives a fresh key pair
     * @param budget what may be ordered
     * @param refusals which names are not to be tried
     * @param standing which CAs are not to be asked now
     * @param watch whether dates can be believed
     * @param clientPatience how long a client waits
     * @param events where everything is reported
     * @param stopping whether the engine ends
     * @param withdrawals what an operator has taken away
     * @param pauses what an operator has paused
     */
    record Parts(
            CertificateStore store,
            List<Authority> authorities,
            Inventory inventory,
            Supplier<KeyPair> keys,
            Budget budget,
            Refusals refusals,
            CaStanding standing,
            ClockWatch watch,
            Duration clientPatience,
            Events events,
            BooleanSupplier stopping,
            Withdrawals withdrawals,
            Pauses pauses) {}

    private final Parts parts;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final DoubleSupplier random;
    private final Outage storeOutage;
    private final Map<String, Outage> outages = new ConcurrentHashMap<>();
    private final AtomicReference<Duration> lastLifetime = new AtomicReference<>(UNKNOWN_LIFETIME);

    OrderPipeline(Parts parts, Clock clock, LongSupplier nanoTime, DoubleSupplier random) {
        this.parts = parts;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.random = random;
        this.storeOutage = new Outage(
                parts.events(),
                EventKind.STORE_FAILED,
                "the store " + parts.store().location(),
                nanoTime);
    }

    /**
     * Obtains a first certificate; one that another server or an earlier life obtained meanwhile is published instead.
     *
     * @throws LeasedElsewhereException while another server is at it
     */
    KeyedCertificate obtain(ServerName name) throws IssuanceException {
        try {
            parts.withdrawals().check(name);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
        Optional<StoredCertificate> before = stored(name);
        Optional<KeyedCertificate> there = takeStored(name, before);
        if (there.isPresent()) {
            return there.get();
        }
        return leased(name, lease -> {
            // Another server may have been faster.
            Optional<StoredCertificate> current = shared() ? current(name) : before;
            Optional<KeyedCertificate> meanwhile = shared() ? takeStored(name, current) : Optional.empty();
            return meanwhile.isPresent() ? meanwhile.get() : order(lease, Purpose.OBTAIN, current);
        });
    }

    /**
     * Obtains a successor; one that another server obtained meanwhile is published instead.
     *
     * @throws LeasedElsewhereException while another server is at it
     */
    KeyedCertificate renew(ServerName name) throws IssuanceException {
        return leased(name, lease -> {
            Optional<StoredCertificate> current = current(name);
            Instant now = clock.instant();
            if (shared()
                    && current.isPresent()
                    && current.get().isServableAt(now)
                    && current.get().renew().isAfter(now)) {
                return published(current.get());
            }
            return order(lease, Purpose.RENEW, current);
        });
    }

    private boolean shared() {
        return parts.store().peers().any();
    }

    private KeyedCertificate leased(ServerName name, LeasedWork work) throws IssuanceException {
        Peers peers = parts.store().peers();
        Optional<Lease> lease;
        try {
            lease = peers.take(name);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
        if (lease.isEmpty()) {
            throw new LeasedElsewhereException();
        }
        try {
            return work.run(lease.get());
        } catch (IssuanceException e) {
            if (e.getCause() instanceof LeaseLostException lost) {
                throw lost(lease.get(), lost);
            }
            throw e;
        } finally {
            peers.giveBack(lease.get());
        }
    }

    // Whoever has it now does what is left to do, and says how it ended.
    private LeasedElsewhereException lost(Lease lease, LeaseLostException lost) {
        parts.events().publish(EventKind.LEASE_LOST, lease.name(), String.valueOf(lost.getMessage()));
        return new LeasedElsewhereException();
    }

    private interface LeasedWork {
        KeyedCertificate run(Lease lease) throws IssuanceException;
    }

    /** Another server is at the name, or has taken it over: there is nothing to do here but to wait for it. */
    static final class LeasedElsewhereException extends RuntimeException {
        LeasedElsewhereException() {
            super(null, null, false, false);
        }
    }

    /**
     * Finishes an order that an earlier life, or a server that is gone, left open, unless its certificate was saved just
     * before the end came.
     */
    KeyedCertificate resume(OpenOrder open) throws IssuanceException {
        ServerName name = open.name();
        return leased(name, lease -> {
            Optional<StoredCertificate> stored = current(name);
            Instant now = clock.instant();
            if (stored.isPresent()
                    && stored.get().isServableAt(now)
                    && !stored.get().obtained().isBefore(open.started())) {
                closeOrder(lease);
                return published(stored.get());
            }
            return order(lease, stored.isPresent() ? Purpose.RENEW : Purpose.OBTAIN, stored);
        });
    }

    /** Closes an order that was never placed, where it is still the one in the journal: its name has a certificate. */
    KeyedCertificate closeUnplaced(OpenOrder open, KeyedCertificate there) throws IssuanceException {
        return leased(open.name(), lease -> {
            try {
                Optional<OpenOrder> left = parts.store().openOrder(open.name());
                if (left.isPresent()
                        && left.get().url().isEmpty()
                        && left.get().started().equals(open.started())) {
                    parts.store().closeOrder(open.name(), lease);
                }
                return there;
            } catch (StoreException e) {
                throw storeFailed(open.name(), e);
            }
        });
    }

    /** What the store has for a name. */
    Optional<StoredCertificate> stored(ServerName name) throws IssuanceException {
        try {
            return parts.store().mayHold(name) ? parts.store().find(name) : Optional.empty();
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    // Another server may have saved it a moment ago, which the names known here do not tell yet.
    private Optional<StoredCertificate> current(ServerName name) throws IssuanceException {
        if (!shared()) {
            return stored(name);
        }
        try {
            return parts.store().find(name);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    /** Why no CA can be asked for a name now, if so, as far as memory knows; no I/O. */
    Optional<IssuanceException> holding(ServerName name) {
        IssuanceException soonest = null;
        for (Authority authority : parts.authorities()) {
            Optional<IssuanceException> held = parts.standing().holding(authority.id(), name);
            if (held.isEmpty()) {
                return Optional.empty();
            }
            if (soonest == null || held.get().retryAfter().compareTo(soonest.retryAfter()) < 0) {
                soonest = held.get();
            }
        }
        return Optional.ofNullable(soonest);
    }

    /** Why no CA can be asked for a name now, if so, as far as the store knows too. Blocks for look-ups. */
    Optional<IssuanceException> held(ServerName name) throws StoreException {
        for (Authority authority : parts.authorities()) {
            parts.standing().recall(authority.id(), name);
        }
        return holding(name);
    }

    /** Whether a CA is asked in its turn, not last: it has answered when it was asked last. No I/O. */
    boolean isWell(String issuer) {
        return parts.standing().isWell(issuer);
    }

    /** Forgets what CAs asked for that concerns a name. */
    void forgetHolds(ServerName name) throws StoreException {
        for (Authority authority : parts.authorities()) {
            parts.standing().forget(authority.id(), name);
        }
    }

    /** Another server has changed something about a name: what the store knew of its waits is looked up again. No I/O. */
    void reconsiderHolds(ServerName name) {
        for (Authority authority : parts.authorities()) {
            parts.standing().reconsider(authority.id(), name);
        }
    }

    IssuanceException.StoreFailed storeFailed(ServerName name, StoreException e) {
        return new IssuanceException.StoreFailed(name, String.valueOf(e.getMessage()), STORE_RETRY, e);
    }

    /** Tells of a failure of the store's, once while it lasts. */
    void tellStoreFailed(ServerName name, String words) {
        storeOutage.failed(name, words);
    }

    private KeyedCertificate order(Lease lease, Purpose purpose, Optional<StoredCertificate> current)
            throws IssuanceException {
        ServerName name = lease.name();
        try {
            Optional<IssuanceException> refused = parts.refusals().recall(name);
            if (refused.isPresent()) {
                throw refused.get();
            }
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
        Optional<String> issuer = purpose == Purpose.RENEW ? current.map(StoredCertificate::issuer) : Optional.empty();
        List<Authority> candidates = unpaused(name, candidates(placedAt(name).or(() -> issuer)));
        List<Attempt> failed = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            boolean last = i == candidates.size() - 1;
            Attempt attempt = new Attempt(candidates.get(i), lease, purpose, current);
            try {
                return place(attempt, last ? Authority.LONGEST_ORDER : patience(candidates));
            } catch (IssuanceException e) {
                attempt.failure = e;
                failed.add(attempt);
                if (last || !e.elsewhere() || parts.stopping().getAsBoolean()) {
                    break;
                }
                parts.events()
                        .publish(
                                EventKind.NEXT_CA,
                                name,
                                e.what() + "; trying " + candidates.get(i + 1).id());
            }
        }
        throw toldOf(failed);
    }

    // What a CA says about the name counts more than that another could not be reached.
    private IssuanceException toldOf(List<Attempt> failed) {
        for (Attempt attempt : failed) {
            if (attempt.failure instanceof IssuanceException.Rejected rejected) {
                refused(attempt, rejected);
                return rejected;
            }
        }
        return failed.get(0).failed();
    }

    private void refused(Attempt attempt, IssuanceException.Rejected rejected) {
        if (attempt.undated) {
            parts.refusals().undated(attempt.name, rejected);
            return;
        }
        try {
            parts.refusals().refused(attempt.name, attempt.authority.id(), rejected, lastLifetime.get());
        } catch (StoreException e) {
            tellStoreFailed(attempt.name, String.valueOf(e.getMessage()));
        }
    }

    private Optional<KeyedCertificate> takeStored(ServerName name, Optional<StoredCertificate> found)
            throws IssuanceException {
        if (found.isEmpty()) {
            return Optional.empty();
        }
        StoredCertificate stored = found.get();
        Instant now = clock.instant();
        if (stored.isServableAt(now)) {
            return Optional.of(published(stored));
        }
        if (stored.withdrawn().isEmpty() || !stored.certificate().isValidAt(now)) {
            return Optional.empty();
        }
        // Permission has just been granted again, and what was paid for is still good.
        try {
            StoredCertificate back = parts.store()
                    .save(stored.withWithdrawn(Optional.empty())
                            .withDeniedSince(Optional.empty())
                            .withDue(stored.renew()));
            parts.events().publish(EventKind.LOADED, name, "granted again after it was withdrawn");
            return Optional.of(published(back));
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    private KeyedCertificate published(StoredCertificate stored) {
        parts.inventory().publish(stored.certificate());
        return stored.certificate();
    }

    // What was ordered already is finished where it was ordered.
    private Optional<String> placedAt(ServerName name) throws IssuanceException {
        try {
            return parts.store()
                    .openOrder(name)
                    .filter(open -> open.url().isPresent())
                    .map(OpenOrder::issuer);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    private List<Authority> candidates(Optional<String> preferred) {
        List<Authority> order = new ArrayList<>(parts.authorities());
        preferred
                .flatMap(issuer ->
                        order.stream().filter(ca -> ca.id().equals(issuer)).findFirst())
                .ifPresent(own -> {
                    order.remove(own);
                    order.add(0, own);
                });
        List<Authority> unwell =
                order.stream().filter(ca -> !parts.standing().isWell(ca.id())).toList();
        order.removeAll(unwell);
        order.addAll(unwell);
        return order;
    }

    private List<Authority> unpaused(ServerName name, List<Authority> candidates) throws IssuanceException {
        try {
            return parts.pauses().allowed(name, candidates);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    // The last one gets what an order may take: it goes on when the client has gone. The others share the client's
    // time.
    private Duration patience(List<Authority> candidates) {
        Duration share = parts.clientPatience().multipliedBy(2).dividedBy(2L * candidates.size() + 1);
        return share.compareTo(SHORTEST_PATIENCE) < 0 ? SHORTEST_PATIENCE : share;
    }

    /** One CA's turn at one name. */
    private static final class Attempt {
        private final Authority authority;
        private final Lease lease;
        private final ServerName name;
        private final Purpose purpose;
        private final Optional<StoredCertificate> current;
        private Optional<Ledger.Ticket> ticket = Optional.empty();
        private boolean placed;
        private boolean undated;
        private boolean held;
        private final FlightRecorder.Span span;
        private @Nullable IssuanceException failure;

        Attempt(Authority authority, Lease lease, Purpose purpose, Optional<StoredCertificate> current) {
            this.authority = authority;
            this.lease = lease;
            this.name = lease.name();
            this.purpose = purpose;
            this.current = current;
            this.span = FlightRecorder.order(name, authority.id(), word());
        }

        String word() {
            return purpose == Purpose.OBTAIN ? "obtain" : "renew";
        }

        String issuer() {
            return authority.id();
        }

        /** The leaf this one succeeds, as far as this CA knows it. */
        Optional<X509Certificate> replaced() {
            return current.filter(stored -> stored.issuer().equals(authority.id()))
                    .map(stored -> stored.certificate().leaf());
        }

        /** Whether the CA may leave the order uncounted (RFC 9773 section 5). */
        boolean exempt() {
            return purpose == Purpose.RENEW
                    && authority.honoursReplaces()
                    && replaced().isPresent();
        }

        IssuanceException failed() {
            if (failure == null) {
                throw new IllegalStateException("it has not failed");
            }
            return failure;
        }
    }

    private KeyedCertificate place(Attempt attempt, Duration patience) throws IssuanceException {
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
            OpenOrder open = journaled(attempt);
            KeyedCertificate certificate = sign(attempt, open, patience);
            parts.standing().worked(issuer);
            outage(issuer).worked();
            save(attempt, certificate);
            storeOutage.worked();
            parts.withdrawals().checkSaved(name);
            parts.inventory().publish(certificate);
            closeOrder(attempt.lease);
            parts.refusals().forget(name);
            lastLifetime.set(RenewalTime.lifetime(certificate));
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
            timed(attempt, started, e.kind());
            note(attempt, e);
            throw e;
        } catch (StoreException e) {
            timed(attempt, started, "store_failed");
            throw storeFailed(name, e);
        }
    }

    private void timed(Attempt attempt, long started, String result) {
        attempt.span.end(result);
        parts.events()
                .figures()
                .time(Figure.ORDER, nanoTime.getAsLong() - started, attempt.issuer(), attempt.word(), result);
    }

    private void note(Attempt attempt, IssuanceException failure) {
        ServerName name = attempt.name;
        String issuer = attempt.issuer();
        try {
            if (!attempt.placed && attempt.ticket.isPresent()) {
                parts.budget().giveBack(attempt.ticket.get());
            }
            if (failure instanceof IssuanceException.Rejected) {
                closeOrder(attempt.lease);
                outage(issuer).worked();
                if (!attempt.undated) {
                    parts.budget().authorizationFailed(issuer, name);
                }
            } else if (failure instanceof IssuanceException.RateLimited limited) {
                if (!attempt.held) {
                    parts.standing().keep(issuer, limited);
                }
                outage(issuer).failed(name, "not obtained: " + failure.what());
            } else if (failure instanceof IssuanceException.Unavailable
                    || failure instanceof IssuanceException.AccountRefused) {
                parts.standing().failed(issuer);
                outage(issuer).failed(name, "not obtained: " + failure.what());
                if (failure instanceof IssuanceException.Unavailable late && late.isUnfinished()) {
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
                .filter(open -> !now.isBefore(open.started().plus(LONGEST_PROCESSING)));
        if (stuck.isPresent() && parts.watch().isTrusted()) {
            parts.store().journal(stuck.get().anew(now), attempt.lease);
            parts.events()
                    .publish(
                            EventKind.RESUMED,
                            attempt.name,
                            "gave up the open order: the CA has not finished it since "
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
        if (ours && left.get().url().isPresent()) {
            attempt.placed = true;
            return left.get();
        }
        attempt.ticket = parts.budget().reserve(attempt.issuer(), name, attempt.purpose, attempt.exempt());
        if (ours) {
            return left.get();
        }
        // The same key and request for whichever CA signs them.
        KeyPair key = left.isPresent() ? left.get().key() : parts.keys().get();
        byte[] csr = left.isPresent() ? left.get().csr() : CertificationRequests.request(key, name);
        OpenOrder fresh = new OpenOrder(name, attempt.issuer(), clock.instant(), Optional.empty(), key, csr);
        parts.store().journal(fresh, attempt.lease);
        return fresh;
    }

    private KeyedCertificate sign(Attempt attempt, OpenOrder open, Duration patience) throws IssuanceException {
        List<X509Certificate> chain = attempt.authority.sign(
                new Authority.Order(open.name(), open.key(), open.csr(), open.url(), attempt.replaced(), patience),
                url -> {
                    attempt.placed = true;
                    journalUrl(open, attempt.lease, url);
                });
        Instant now = clock.instant();
        try {
            CertificateVerifier.verify(chain, open.key().getPublic(), open.name(), now);
        } catch (InvalidCertificateException e) {
            attempt.undated = e.isAboutDates() && !parts.watch().isTrusted();
            throw new IssuanceException.Rejected(
                    open.name(),
                    "badCertificate",
                    "what it returned cannot be used: " + e.getMessage()
                            + (attempt.undated ? ", and the clock of this machine has jumped" : ""),
                    Duration.ZERO);
        }
        return new KeyedCertificate(open.key().getPrivate(), chain);
    }

    private void journalUrl(OpenOrder open, Lease lease, URI url) throws IssuanceException.StoreFailed {
        try {
            parts.store().journal(open.withUrl(url), lease);
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
        for (int tries = 1; ; tries++) {
            Optional<StoredCertificate> before =
                    current(attempt.name).filter(stored -> stored.firstName().equals(fresh.firstName()));
            try {
                parts.store().save(before.isPresent() ? fresh.succeeding(before.get()) : fresh, attempt.lease);
                return;
            } catch (StaleRevisionException e) {
                if (tries == 5) {
                    throw e;
                }
            }
        }
    }

    // What is left of a finished order is asked for again at the next start, at worst.
    private void closeOrder(Lease lease) {
        try {
            parts.store().closeOrder(lease.name(), lease);
        } catch (LeaseLostException lost) {
            throw lost(lease, lost);
        } catch (StoreException e) {
            parts.events().publish(EventKind.STORE_FAILED, lease.name(), String.valueOf(e.getMessage()));
        }
    }
}
