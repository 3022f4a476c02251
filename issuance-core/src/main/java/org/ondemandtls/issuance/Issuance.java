package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeySupply;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Obtains certificates: from the store where there is one, otherwise, with permission, from the authority.
 *
 * <p>One flight per name, whoever asks and however many. What the authority granted is in the store before anybody sees
 * it; what is needed to finish an order is in the store before the authority is asked.
 *
 * <p><b>Threads.</b> {@link #obtain} and {@link #remembered} never block and may be called on a server's thread;
 * futures complete on threads of the engine, or at once.
 *
 * <p><b>Cost.</b> A stranger's new name costs one flight: a look in the fingerprint of stored names, and a question to
 * permission. Orders in flight and queued are bounded; what overflows is refused at once.
 */
public final class Issuance {

    private static final Duration NOT_READY_RETRY = Duration.ofSeconds(10);

    /**
     * What runs the work.
     *
     * @param lookups runs store look-ups; bounded, rejects what does not fit
     * @param orders runs orders, as many at once as the configuration allows; rejects what does not fit its queue
     * @param renewals runs orders that succeed a certificate, in the same way
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param random uniform in [0, 1), for jitter
     * @param scheduler wakes what waits; what it runs is short
     */
    public record Ports(
            Executor lookups,
            Executor orders,
            Executor renewals,
            Clock clock,
            LongSupplier nanoTime,
            DoubleSupplier random,
            ScheduledExecutorService scheduler) {

        /** One executor for first orders and for renewals. */
        public Ports(
                Executor lookups,
                Executor orders,
                Clock clock,
                LongSupplier nanoTime,
                DoubleSupplier random,
                ScheduledExecutorService scheduler) {
            this(lookups, orders, orders, clock, nanoTime, random, scheduler);
        }
    }

    private final CertificateStore store;
    private final Permission permission;
    private final AskedPermission asked;
    private final Preflight preflight;
    private final StoreLookups storeLookups;
    private final Inventory inventory;
    private final Events events;
    private final Ports ports;
    private final Refusals refusals;
    private final OrderPipeline pipeline;
    private final HoldSweep holdSweep;
    private final Following following;
    private final Withdrawals withdrawals;
    private final Pauses pauses;
    private final Resumption resumption;
    private final PeerTurns turns;
    private final Landing landing;
    private final SingleFlight<ServerName, KeyedCertificate> flights = new SingleFlight<>();

    private volatile boolean stopping;

    /**
     * What issuance joins.
     *
     * @param store what survives
     * @param permission who may have a certificate
     * @param preflight what looks at a name before an order is spent on it
     * @param authorities who signs, in the operator's order, not empty
     * @param inventory where certificates are published
     * @param keys gives fresh key pairs
     * @param budget what may be ordered
     * @param watch whether dates can be believed
     * @param shield how much strangers may make us do
     * @param clientPatience how long a client waits for its certificate
     * @param events where everything is reported
     */
    public record Floors(
            CertificateStore store,
            Permission permission,
            Preflight preflight,
            List<Authority> authorities,
            Inventory inventory,
            KeySupply keys,
            Budget budget,
            ClockWatch watch,
            OnDemandTlsConfig.Shield shield,
            Duration clientPatience,
            Events events) {}

    /**
     * Joins the floors below.
     *
     * @param floors what to work with
     * @param ports what runs the work
     */
    public Issuance(Floors floors, Ports ports) {
        this.store = floors.store();
        this.permission = floors.permission();
        this.asked = new AskedPermission(permission, floors.events().figures(), ports.nanoTime());
        this.preflight = floors.preflight();
        this.storeLookups = new StoreLookups(
                store, floors.shield().lookups().rate(), floors.shield().rememberedRefusals(), ports.nanoTime());
        this.inventory = floors.inventory();
        this.events = floors.events();
        this.ports = ports;
        this.turns = new PeerTurns(ports.scheduler(), ports.nanoTime(), () -> stopping);
        this.refusals = new Refusals(
                floors.shield().rememberedRefusals(),
                store,
                floors.watch(),
                ports.clock(),
                ports.nanoTime(),
                ports.random());
        this.holdSweep = new HoldSweep(store, floors.watch(), ports.clock(), ports.nanoTime());
        this.resumption = new Resumption(this::resumed, ports.lookups(), events, () -> stopping);
        this.following = new Following(
                store,
                inventory,
                new Following.Ports(ports.lookups(), ports.scheduler(), ports.clock(), () -> stopping),
                events,
                ports.nanoTime());
        this.withdrawals = new Withdrawals(store, inventory, ports.clock(), events);
        this.pauses = new Pauses(store, ports.clock(), events);
        this.pipeline = new OrderPipeline(
                new OrderPipeline.Parts(
                        store,
                        floors.authorities(),
                        inventory,
                        floors.keys(),
                        floors.budget(),
                        refusals,
                        new CaStanding(store, floors.watch(), ports.clock(), ports.nanoTime()),
                        new CommonRefusals(floors.budget()::registeredDomain, ports.nanoTime()),
                        floors.watch(),
                        floors.clientPatience(),
                        events,
                        () -> stopping,
                        withdrawals,
                        pauses),
                ports.clock(),
                ports.nanoTime(),
                ports.random());
        this.landing = new Landing(
                refusals,
                pipeline,
                events,
                new Outage(events, EventKind.OVER_BUDGET, "the budget", ports.nanoTime()),
                name -> {
                    preflight.accepted(name);
                    storeLookups.saved(name);
                });
    }

    /**
     * Gets a servable certificate for a name, joining the flight that is already under way.
     *
     * @param name the name asked for
     * @param client who made us ask
     * @return a future of the caller's own; completes exceptionally with an {@link IssuanceException}, unwrapped
     */
    public CompletableFuture<KeyedCertificate> obtain(ServerName name, ClientBlock client) {
        if (stopping) {
            return CompletableFuture.failedFuture(new IssuanceException.Stopping(name));
        }
        return flights.join(
                name,
                key -> landing.of(
                        key,
                        stored(key)
                                .thenCompose(found -> found.map(CompletableFuture::completedFuture)
                                        .orElseGet(() -> first(key, client)))));
    }

    /**
     * Obtains a successor to the certificate stored for a name, joining the flight that is already under way. Permission is
     * asked again; the certificate there is goes on being served whatever comes of it.
     *
     * @param name the name to renew
     * @return a future of the caller's own; completes exceptionally with an {@link IssuanceException}, unwrapped
     */
    public CompletableFuture<KeyedCertificate> renew(ServerName name) {
        if (stopping) {
            return CompletableFuture.failedFuture(new IssuanceException.Stopping(name));
        }
        return flights.join(
                name,
                key -> landing.of(
                        key,
                        permitted(key, Purpose.RENEW, ClientBlock.LOCAL, ports.renewals(), () -> pipeline.renew(key))));
    }

    /**
     * Asks permission again for a name that has a certificate; nothing is ordered.
     *
     * @param name the name
     * @return completes normally where it may be renewed; exceptionally with an {@link IssuanceException}, unwrapped
     */
    public CompletableFuture<Void> recheck(ServerName name) {
        return stopping
                ? CompletableFuture.failedFuture(new IssuanceException.Stopping(name))
                : asked.decide(name, Purpose.RENEW, ClientBlock.LOCAL);
    }

    /** Has permission asked again at the next attempt, whatever was answered for a name before; no I/O. */
    public void askAgain(ServerName name) {
        permission.forget(name);
    }

    /**
     * Drops what CAs refused, and what was ordered, so long ago that it does not matter any more, where a day has passed
     * since the last time. Called often, by one thread at a time; blocks for the store once a day.
     *
     * @throws StoreException if the store failed
     */
    public void sweepHolds() throws StoreException {
        if (holdSweep.sweepIfDue()) {
            resumption.resume(() ->
                    store.openOrders().stream().filter(pipeline::isExpired).toList());
        }
    }

    /** How long a name is not going to be tried, for what a CA, or somebody who did not answer, has said; no I/O. */
    public Duration blockedFor(ServerName name) {
        return refusals.left(name);
    }

    /**
     * Has a name, in any state, tried again at once, whatever refusal or wait is remembered for it. Blocks for the store.
     *
     * @throws StoreException if the store could not be written
     */
    public void retry(ServerName name) throws StoreException {
        askAgain(name);
        refusals.forget(name);
        preflight.passOver(name);
        pipeline.forgetHolds(name);
        pipeline.pardon(name);
        store.peers().tell(name);
    }

    /** What an operator has taken away. */
    public Withdrawals withdrawals() {
        return withdrawals;
    }

    /** What an operator has paused. */
    public Pauses pauses() {
        return pauses;
    }

    /** How a CA stands since it was asked last; no I/O. */
    public CaHealth health(String issuer) {
        return pipeline.health(issuer);
    }

    /** Whether a certificate for a name is being obtained or renewed here; no I/O. */
    public boolean isInFlight(ServerName name) {
        return flights.has(name);
    }

    /**
     * Whether a name has a servable certificate, in memory or in the store; nothing is obtained. No I/O where the name is
     * in memory or has never been stored. Exceptionally with an {@link IssuanceException} where the store did not say.
     */
    public CompletableFuture<Boolean> isServable(ServerName name) {
        if (inventory.find(name).isPresent()) {
            return CompletableFuture.completedFuture(true);
        }
        return LeavableFuture.of(stored(name), Optional::isPresent);
    }

    /** Why a name is not worth a flight now, if so: a remembered denial or failure. Two look-ups, no I/O. */
    public Optional<IssuanceException> remembered(ServerName name) {
        Optional<IssuanceException> failed = refusals.blocking(name);
        if (failed.isPresent()) {
            return failed;
        }
        return permission.remembered(name).map(IssuanceException.class::cast);
    }

    /** Finishes the orders that an earlier life left open; completes when each has ended, one way or the other. */
    public CompletableFuture<Void> resumeOpenOrders() {
        return resumption.resume(store::openOrders);
    }

    /** The same for servers that are gone; called every few seconds. */
    public CompletableFuture<Void> resumeAbandonedOrders() {
        return resumption.resume(store.peers()::abandoned);
    }

    /**
     * Why no CA can be asked for a name now, if so: each of them limits an account or a domain, in this life or an earlier
     * one. Blocks for look-ups.
     *
     * @return the wait that ends first
     * @throws StoreException if the store did not say
     */
    public Optional<IssuanceException> held(ServerName name) throws StoreException {
        return pipeline.held(name);
    }

    /** From now on nothing new is begun; flights under way end by themselves or are ended with their executors. */
    public void stop() {
        stopping = true;
    }

    /** How many are in the air. */
    public int inFlight() {
        return flights.size();
    }

    /** How many names' failures are remembered. */
    public long rememberedFailures() {
        return refusals.size();
    }

    // What an order needs that is already placed is paid for; another needs permission.
    private CompletableFuture<KeyedCertificate> resumed(OpenOrder open) {
        ServerName name = open.name();
        if (pipeline.isExpired(open)) {
            return turns.take(name, ports.orders(), () -> pipeline.closeExpired(open));
        }
        if (open.url().isEmpty()) {
            return obtain(name, ClientBlock.LOCAL)
                    .thenCompose(there -> turns.take(name, ports.orders(), () -> pipeline.closeUnplaced(open, there)));
        }
        return flights.join(
                name,
                key -> landing.of(
                        key,
                        turns.take(key, ports.orders(), () -> pipeline.resume(open))
                                .exceptionallyCompose(thrown ->
                                        Landing.unwrapped(thrown) instanceof OrderPipeline.PermissionNeededException
                                                ? anew(key)
                                                : CompletableFuture.failedFuture(thrown))));
    }

    private CompletableFuture<KeyedCertificate> anew(ServerName name) {
        return turns.run(ports.lookups(), name, "onDemandTls.shield.lookupsQueued", () -> pipeline.stored(name))
                .thenCompose(stored -> stored.isPresent()
                        ? permitted(
                                name, Purpose.RENEW, ClientBlock.LOCAL, ports.renewals(), () -> pipeline.renew(name))
                        : permitted(
                                name, Purpose.OBTAIN, ClientBlock.LOCAL, ports.orders(), () -> pipeline.obtain(name)));
    }

    private CompletableFuture<KeyedCertificate> first(ServerName name, ClientBlock client) {
        Optional<IssuanceException> held = pipeline.holding(name);
        return held.isPresent()
                ? CompletableFuture.failedFuture(held.get())
                : permitted(name, Purpose.OBTAIN, client, ports.orders(), () -> pipeline.obtain(name));
    }

    private CompletableFuture<KeyedCertificate> permitted(
            ServerName name,
            Purpose purpose,
            ClientBlock client,
            Executor executor,
            PeerTurns.Work<KeyedCertificate> order) {
        // Only for what is permitted: a stranger's random names are no reason to ask resolvers and other people's
        // servers.
        boolean renews = purpose == Purpose.RENEW;
        return asked.decide(name, purpose, client)
                .whenComplete((granted, failure) -> noteDenial(name, failure))
                .thenCompose(granted -> Preflight.forOrder(renews, preflight.look(name, client)))
                .thenCompose(verdict -> verdict.isPresent()
                        ? CompletableFuture.completedFuture(verdict)
                        : Preflight.forOrder(renews, preflight.probe(name, client)))
                .thenCompose(verdict -> verdict.isEmpty()
                        ? turns.take(name, executor, order)
                        : CompletableFuture.failedFuture(new IssuanceException.NotReady(
                                name, verdict.get().toString(), verdict.get().leadsTo(), NOT_READY_RETRY)));
    }

    private CompletableFuture<Optional<KeyedCertificate>> stored(ServerName name) {
        return storeLookups.find(
                name, () -> turns.run(ports.lookups(), name, "onDemandTls.shield.lookupsQueued", () -> load(name)));
    }

    private Optional<KeyedCertificate> load(ServerName name) throws IssuanceException {
        try {
            Instant now = ports.clock().instant();
            Optional<StoredCertificate> found = store.find(name).filter(stored -> stored.isServableAt(now));
            if (found.isPresent() && withdrawals.takes(name, found.get())) {
                return Optional.empty();
            }
            return found.map(stored -> {
                KeyedCertificate certificate = stored.certificate().inOrder(now);
                inventory.publish(certificate, name);
                int less = stored.certificate().chain().size()
                        - certificate.chain().size();
                events.publish(
                        EventKind.LOADED,
                        name,
                        "served from the store, valid until " + certificate.notAfter()
                                + (less == 0 ? "" : "; left out of its chain: " + less + " nobody needs"));
                return certificate;
            });
        } catch (StoreException e) {
            // A store that does not answer takes nothing away.
            Optional<KeyedCertificate> wildcard = inventory.ofWildcard(name);
            if (wildcard.isEmpty()) {
                throw Placement.storeFailed(name, e);
            }
            return wildcard;
        }
    }

    // Strangers' names are not stored, so their denials cost nothing here.
    private void noteDenial(ServerName name, @Nullable Throwable failure) {
        if (failure instanceof IssuanceException.NotPermitted && store.mayHold(name)) {
            later(() -> {
                try {
                    withdrawals.denied(name);
                } catch (StoreException e) {
                    pipeline.tellStoreFailed(name, String.valueOf(e.getMessage()));
                }
            });
        }
    }

    /**
     * Takes note of what other servers have changed: what is served here follows the store, what is remembered against a name
     * is looked up again, and who waits for it goes on. Returns at once.
     *
     * @param names the names of the certificate that was changed, the first one first
     */
    public void changed(List<String> names) {
        for (String text : names) {
            if (!text.startsWith("*")) {
                ServerName name = new ServerName(text);
                storeLookups.saved(name);
                refusals.reconsider(name);
                pipeline.reconsiderHolds(name);
                permission.forget(name);
                turns.heard(name, this::later);
            }
        }
        following.changed(names);
    }

    /** Looks everything up in the store again that is known here: nobody knows what changed meanwhile. */
    public void missed() {
        refusals.reconsiderAll();
        pipeline.reconsiderAllHolds();
        following.missed();
    }

    private void later(Runnable task) {
        try {
            ports.lookups().execute(task);
        } catch (RejectedExecutionException e) {
            // Stopping, or so busy that whoever waits looks again by itself, as it does once a second.
            events.publish(EventKind.STILL_FAILING, "ignored news: too many look-ups run");
        }
    }
}
