package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeySupply;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.LeaseLostException;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Peers;
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

    // Less would cut off a CA that works but is slow.
    private static final Duration SHORTEST_PATIENCE = Duration.ofSeconds(5);
    /** How long a CA may say that it is at an order before that is given up for another. */
    static final Duration LONGEST_PROCESSING = Duration.ofHours(1);

    /**
     * What the pipeline works with.
     *
     * @param store what survives
     * @param authorities who signs, in the operator's order, not empty
     * @param inventory where certificates are published
     * @param keys gives fresh key pairs
     * @param budget what may be ordered
     * @param refusals which names are not to be tried
     * @param standing which CAs are not to be asked now
     * @param common which CAs refuse every name
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
            KeySupply keys,
            Budget budget,
            Refusals refusals,
            CaStanding standing,
            CommonRefusals common,
            ClockWatch watch,
            Duration clientPatience,
            Events events,
            BooleanSupplier stopping,
            Withdrawals withdrawals,
            Pauses pauses) {}

    private final Parts parts;
    private final Clock clock;
    private final Placement placement;

    OrderPipeline(Parts parts, Clock clock, LongSupplier nanoTime, DoubleSupplier random) {
        this.parts = parts;
        this.clock = clock;
        this.placement = new Placement(parts, this::current, clock, nanoTime, random);
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
            throw Placement.storeFailed(name, e);
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
            return meanwhile.isPresent() ? meanwhile.get() : order(lease, Purpose.OBTAIN, current, false);
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
                    && current.get().firstName().equals(name.value())
                    && current.get().isServableAt(now)
                    && current.get().renew().isAfter(now)) {
                return published(current.get());
            }
            return order(lease, Purpose.RENEW, current, false);
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
            throw Placement.storeFailed(name, e);
        }
        if (lease.isEmpty()) {
            throw new LeasedElsewhereException();
        }
        try {
            return work.run(lease.get());
        } catch (IssuanceException e) {
            if (e.getCause() instanceof LeaseLostException lost) {
                throw lost(parts.events(), lease.get(), lost);
            }
            throw e;
        } finally {
            peers.giveBack(lease.get());
        }
    }

    /** A lease is lost: whoever has it now does what is left to do, and says how it ended. */
    static LeasedElsewhereException lost(Events events, Lease lease, LeaseLostException lost) {
        events.publish(EventKind.LEASE_LOST, lease.name(), String.valueOf(lost.getMessage()));
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

    /** An order that was left open is of no more use, and permission has to be asked before another is placed. */
    static final class PermissionNeededException extends RuntimeException {
        PermissionNeededException() {
            super(null, null, false, false);
        }
    }

    /**
     * Finishes an order that an earlier life, or a server that is gone, left open, unless its certificate was saved just
     * before the end came.
     *
     * @throws PermissionNeededException if there is nothing to finish any more
     */
    KeyedCertificate resume(OpenOrder open) throws IssuanceException {
        ServerName name = open.name();
        return leased(name, lease -> {
            Optional<StoredCertificate> stored = current(name);
            Instant now = clock.instant();
            if (stored.isPresent()
                    && stored.get().isServableAt(now)
                    && !stored.get().obtained().isBefore(open.started())) {
                placement.closeOrder(lease);
                return published(stored.get());
            }
            return order(lease, stored.isPresent() ? Purpose.RENEW : Purpose.OBTAIN, stored, true);
        });
    }

    /** Whether an open order has expired, by a clock that is trusted. */
    boolean isExpired(OpenOrder open) {
        return parts.watch().isTrusted() && !clock.instant().isBefore(open.end());
    }

    /**
     * Closes an expired order with its key; nothing can come of it any more.
     *
     * @return never
     * @throws IssuanceException always: there is no certificate
     */
    KeyedCertificate closeExpired(OpenOrder open) throws IssuanceException {
        ServerName name = open.name();
        return leased(name, lease -> {
            placement.closeOrder(lease);
            throw new IssuanceException.Remembered(
                    name, "left open until it expired at " + open.end() + ", and closed with its key", Duration.ZERO);
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
                throw Placement.storeFailed(open.name(), e);
            }
        });
    }

    /** What the store has for a name. */
    Optional<StoredCertificate> stored(ServerName name) throws IssuanceException {
        try {
            return parts.store().mayHold(name) ? parts.store().find(name) : Optional.empty();
        } catch (StoreException e) {
            throw Placement.storeFailed(name, e);
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
            throw Placement.storeFailed(name, e);
        }
    }

    /** Why no CA can be asked for a name now, if so, as far as memory knows; no I/O. */
    Optional<IssuanceException> holding(ServerName name) {
        return soonest(name, Map.of());
    }

    private Optional<IssuanceException> soonest(ServerName name, Map<String, IssuanceException> out) {
        IssuanceException soonest = null;
        for (Authority authority : parts.authorities()) {
            Optional<IssuanceException> held = Optional.ofNullable(out.get(authority.id()))
                    .or(() -> parts.standing().holding(authority.id(), name))
                    .or(() -> parts.common().holding(authority.id(), name));
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
        Map<String, IssuanceException> out = new HashMap<>();
        for (Authority authority : parts.authorities()) {
            parts.standing().recall(authority.id(), name);
            try {
                authority.outOfService(name).ifPresent(reason -> out.put(authority.id(), reason));
            } catch (IssuanceException.StoreFailed e) {
                throw new StoreException(e.what(), e);
            }
        }
        return soonest(name, out);
    }

    /** How a CA stands since it was asked last. No I/O. */
    CaHealth health(String issuer) {
        return parts.standing().health(issuer);
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

    /** What other servers have changed is not known: what the store knew of any wait is looked up again. No I/O. */
    void reconsiderAllHolds() {
        parts.standing().reconsiderAll();
    }

    /** Tells of a failure of the store's, once while it lasts. */
    void tellStoreFailed(ServerName name, String words) {
        placement.tellStoreFailed(name, words);
    }

    /** Has the next order for a name placed whatever failed before. */
    void pardon(ServerName name) {
        parts.budget().pardon(name);
    }

    private KeyedCertificate order(
            Lease lease, Purpose purpose, Optional<StoredCertificate> current, boolean onlyFinishes)
            throws IssuanceException {
        ServerName name = lease.name();
        try {
            Optional<IssuanceException> refused = parts.refusals().recall(name);
            if (refused.isPresent()) {
                throw refused.get();
            }
        } catch (StoreException e) {
            throw Placement.storeFailed(name, e);
        }
        Optional<String> issuer = purpose == Purpose.RENEW ? current.map(StoredCertificate::issuer) : Optional.empty();
        Optional<String> placedAt = placedAt(name);
        List<Authority> candidates = parts.pauses().allowed(name, candidates(placedAt.or(() -> issuer))).stream()
                .filter(ca -> !onlyFinishes || placedAt.equals(Optional.of(ca.id())))
                .toList();
        if (candidates.stream().anyMatch(ca -> !ca.isForbidden(name))) {
            candidates = candidates.stream().filter(ca -> !ca.isForbidden(name)).toList();
        }
        if (candidates.isEmpty()) {
            throw new PermissionNeededException();
        }
        List<Attempt> failed = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            boolean last = i == candidates.size() - 1;
            Attempt attempt = new Attempt(candidates.get(i), lease, purpose, current);
            attempt.onlyFinishes = onlyFinishes;
            try {
                return placement.place(attempt, last ? Authority.LONGEST_ORDER : patience(candidates));
            } catch (IssuanceException e) {
                attempt.fail(e);
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

    // What a CA says about the name counts more than that another could not be reached; but where that other one might
    // do it all the same, the name only waits for it.
    private IssuanceException toldOf(List<Attempt> failed) {
        Optional<IssuanceException> out = failed.stream()
                .map(Attempt::failed)
                .filter(e -> e.elsewhere() && !(e instanceof IssuanceException.Rejected))
                .findFirst();
        for (Attempt attempt : failed) {
            if (attempt.failed() instanceof IssuanceException.Rejected rejected) {
                IssuanceException.Rejected told = out.isPresent()
                                && rejected.elsewhere()
                                && rejected.link().isEmpty()
                        ? rejected.until(out.get())
                        : rejected;
                placement.refused(attempt, told);
                return told;
            }
        }
        Attempt first = failed.get(0);
        return placement.unexplained(first).orElse(first.failed());
    }

    private Optional<KeyedCertificate> takeStored(ServerName name, Optional<StoredCertificate> found)
            throws IssuanceException {
        if (found.isEmpty()) {
            return Optional.empty();
        }
        StoredCertificate stored = found.get();
        Instant now = clock.instant();
        if (stored.isServableAt(now)) {
            try {
                // Permission has just been granted again.
                WithdrawnName.drop(parts.store(), name, stored);
            } catch (StoreException e) {
                throw Placement.storeFailed(name, e);
            }
            KeyedCertificate served = stored.certificate().inOrder(now);
            parts.inventory().publish(served, name);
            return Optional.of(served);
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
            throw Placement.storeFailed(name, e);
        }
    }

    private KeyedCertificate published(StoredCertificate stored) {
        KeyedCertificate certificate = stored.certificate().inOrder(clock.instant());
        parts.inventory().publish(certificate);
        return certificate;
    }

    // What was ordered already is finished where it was ordered.
    private Optional<String> placedAt(ServerName name) throws IssuanceException {
        try {
            return parts.store()
                    .openOrder(name)
                    .filter(open -> open.url().isPresent())
                    .map(OpenOrder::issuer);
        } catch (StoreException e) {
            throw Placement.storeFailed(name, e);
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

    // The last one gets what an order may take: it goes on when the client has gone. The others share the client's
    // time.
    private Duration patience(List<Authority> candidates) {
        Duration share = parts.clientPatience().multipliedBy(2).dividedBy(2L * candidates.size() + 1);
        return share.compareTo(SHORTEST_PATIENCE) < 0 ? SHORTEST_PATIENCE : share;
    }
}
