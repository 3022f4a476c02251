package org.ondemandtls;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.stream.Collectors;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.RevocationLists;
import org.ondemandtls.certificate.SpareKeys;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.EncryptionKey;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.FileStore;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.event.Events;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.InventoryKeyManager;
import org.ondemandtls.handshake.ParkingLot;
import org.ondemandtls.handshake.ProxiedProofs;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.handshake.TicketSecrets;
import org.ondemandtls.handshake.TimerWheel;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.inventory.IdleCertificates;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.BootTime;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.OrderShares;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.renewal.Orders;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.status.Status;
import org.ondemandtls.status.http.StatusSite;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.MeasuredStore;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.store.jdbc.JdbcCertificateStore;

/**
 * The engine as a whole.
 *
 * <p>Life: {@link #open} before the server's connectors start, {@link #serve} once they accept connections (a CA
 * comes back through them), {@link #close} when the server stops. Each is called once, by one thread.
 */
public final class OnDemandTls implements AutoCloseable {

    private static final Duration LOOK = Duration.ofSeconds(5);
    private static final int RENEWALS_AT_ONCE = 32;
    private static final int RENEWAL_THREADS = 4;
    private static final int ADVICE_THREADS = 4;
    private static final int QUEUED_TASKS = 4096;
    private static final int SPARE_KEYS = 4;
    private static final Duration VISITS_AT_STOP = Duration.ofSeconds(2);

    /** What the engine learns from the server it lives in. */
    public interface Host extends TlsSetup.Engines {

        /** What the server serves by itself. */
        StaticCertificates staticCertificates();

        /**
         * Whether the server answers plain HTTP somewhere, so that a CA can be shown proofs there. Asked per order, on a
         * thread of the engine.
         */
        boolean answersPlainHttp();

        /** How many handshakes may wait on all connectors together, 0 where that is not bounded. Never blocks. */
        default int mostParked() {
            return 0;
        }

        /** Writes events to the server's log. */
        EventListener eventListener();

        /**
         * What the server's running applications publish as an attribute of their {@code ServletContext}. Asked per question
         * to permission, on a thread of the engine, which keeps nothing of it.
         *
         * @param attribute the attribute's name
         * @return its value, in the application that was started last where several have one
         */
        default Optional<Object> published(String attribute) {
            return Optional.empty();
        }
    }

    private final OnDemandTlsConfig config;
    private final StaticCertificates staticCertificates;
    private final Events events;
    private final EngineThreads threads;
    private final ScheduledThreadPoolExecutor scheduler;
    private final TimerWheel timers;
    private final ThreadPoolExecutor lookups;
    private final SpareKeys spareKeys;
    private final CertificateStore store;
    private final ChallengeBoard challenges;
    private final Inventory inventory;
    private final Permission permission;
    private final List<Authority> authorities;
    private final Preflight preflight;
    private final Issuance issuance;
    private final Renewal renewal;
    private final ParkingLot lot;
    private final HandshakeGate gate;
    private final InventoryKeyManager keyManager;
    private final TicketSecrets ticketSecrets;
    private final Status status;
    private final StatusSite statusSite;
    private final Registration registration;
    private final Preparation preparation;
    private final IdleCertificates idle;

    private volatile @Nullable CompletableFuture<Void> resumed;

    private OnDemandTls(OnDemandTlsSetup setup, Host host, CertificateStore store, Events events, Time time)
            throws StartException {
        Clock clock = time.clock();
        OnDemandTlsConfig config = setup.config();
        OnDemandTlsConfig.Shield shield = config.shield();
        this.config = config;
        this.staticCertificates = host.staticCertificates();
        this.events = events;
        this.store = store;
        this.threads = new EngineThreads(time::nanoTime);
        this.scheduler = threads.scheduler();
        this.timers = new TimerWheel(scheduler, time::nanoTime);
        this.lookups = threads.pool(
                "store", shield.lookups().inFlight(), shield.lookups().queued());
        OrderShares orders = new OrderShares(
                threads.waitingPool("order", shield.ordersInFlight(), shield.ordersInFlight()),
                shield.ordersInFlight(),
                shield.ordersQueued());
        this.challenges = ChallengeSetup.board(config, store, lookups, scheduler, time, events);
        ThreadPoolExecutor asks = threads.pool("permission", shield.askConcurrency(), QUEUED_TASKS);
        try {
            this.inventory = new Inventory(config.inventory().size(), clock);
            this.idle = new IdleCertificates(inventory, time::nanoTime);
            Budget budget = budget(clock);
            this.permission = PermissionSetup.permission(
                    setup,
                    new Permission.House(host::published, budget::registeredDomain),
                    new Permission.Ports(asks, scheduler, time::nanoTime),
                    events);
            ClockWatch watch = new ClockWatch(clock, time::nanoTime, new BootTime(), events);
            this.authorities =
                    AuthoritySetup.open(config, host, store, challenges, time, events, this::preflight, watch::compare);
            this.spareKeys = AuthoritySetup.keys(config, SPARE_KEYS, lookups);
            DoubleSupplier random = () -> ThreadLocalRandom.current().nextDouble();
            this.preflight = PreflightSetup.open(
                    config,
                    new PreflightSetup.House(host, authorities, challenges, inventory, store, budget::registeredDomain),
                    threads,
                    time,
                    events);
            this.issuance = new Issuance(
                    new Issuance.Floors(
                            store,
                            permission,
                            config.preflight().enabled() ? preflight : Preflight.NONE,
                            authorities,
                            inventory,
                            spareKeys,
                            budget,
                            watch,
                            shield,
                            config.handshake().deadline(),
                            events),
                    new Issuance.Ports(
                            lookups,
                            orders.of(OrderShares.Side.VISITS),
                            orders.of(OrderShares.Side.RENEWALS),
                            clock,
                            time::nanoTime,
                            random,
                            scheduler));
            Visits visits = new Visits(config.inventory().size(), clock);
            this.renewal = new Renewal(
                    new Renewal.Floors(
                            store,
                            Orders.of(issuance),
                            authorities,
                            new RevocationLists(clock, time::nanoTime),
                            inventory,
                            visits,
                            watch,
                            events),
                    config.renewal(),
                    config.names(),
                    Math.min(shield.ordersInFlight() - 1, RENEWALS_AT_ONCE),
                    new Renewal.Ports(
                            threads.pool("renewal", RENEWAL_THREADS, QUEUED_TASKS),
                            threads.pool("advice", ADVICE_THREADS, QUEUED_TASKS),
                            scheduler,
                            clock,
                            time::nanoTime,
                            random,
                            LOOK));
            this.lot = new ParkingLot(
                    config.handshake().parked(),
                    config.handshake().helloOctets(),
                    shield.clients(),
                    config.handshake().deadline(),
                    scheduler,
                    events);
            lot.boundBy(host::mostParked);
            this.gate = new HandshakeGate(
                    config.handshake().defaultName(),
                    config.handshake().hostCheck() == OnDemandTlsConfig.HostCheck.STRICT,
                    staticCertificates,
                    challenges,
                    inventory,
                    visits,
                    issuance,
                    lot,
                    new ProxiedProofs(
                            config.acme().throughProxies()
                                    ? Optional.of(PreflightSetup.cdns(config))
                                    : Optional.empty(),
                            new ProxiedProofs.Floors(challenges, inventory, issuance, lot),
                            clock,
                            time::nanoTime),
                    events);
            this.keyManager = new InventoryKeyManager(inventory);
            this.ticketSecrets = new TicketSecrets(store, clock);
            this.status = Status.of(
                    new Status.Floors(
                            issuers(),
                            OneVersion.own(),
                            store,
                            inventory,
                            renewal,
                            issuance,
                            budget,
                            permission,
                            config.preflight().enabled() ? preflight : Preflight.NONE,
                            preflight,
                            authorities,
                            challenges,
                            lot,
                            gate,
                            orders,
                            watch,
                            events),
                    time,
                    scheduler);
            this.statusSite = new StatusSite(status, config.status(), clock, time::nanoTime);
        } catch (StartException | RuntimeException e) {
            threads.abandon();
            throw e;
        }
        this.registration = Registration.of(status);
        lookups.execute(spareKeys::refill);
        TlsProvider tls = TlsSetup.provider(config);
        Runnable asking = PermissionSetup.rehearsal(config, new Permission.Ports(asks, scheduler, time::nanoTime));
        this.preparation = new Preparation(
                config.issuer(),
                authorities,
                () -> Rehearsal.once(clock, time::nanoTime, events, tls, asking),
                config.preflight().enabled() ? () -> Rehearsal.lookOnce(time::nanoTime, events) : () -> {},
                threads.pool("prepare", authorities.size() + 1, authorities.size() + 1));
        preparation.begin(Rehearsal.isWorthWaitingFor(store));
    }

    /** Begins what a server that is started from Java is given. */
    public static OnDemandTlsBuilder builder() {
        return new OnDemandTlsBuilder();
    }

    /** Opens an engine with nothing that only Java can say, as {@link #open(OnDemandTlsSetup, Host)} does. */
    public static OnDemandTls open(OnDemandTlsConfig config, Host host) throws StartException {
        return open(OnDemandTlsSetup.of(config), host);
    }

    /**
     * Opens the store, builds every floor and makes the authority ready; no certificate is read, obtained or renewed yet.
     * What the first visitors would wait for is begun on other threads: see {@link #awaitPreparation}.
     *
     * @param setup what the operator said, and what only Java can say
     * @param host the server
     * @return the engine
     * @throws StartException if something the operator configured cannot be used, in one line that says what to do
     */
    public static OnDemandTls open(OnDemandTlsSetup setup, Host host) throws StartException {
        check(setup);
        TlsSetup.check(setup.config(), host);
        Time time = Time.ofMachine();
        Events events = new Events(host.eventListener(), time::nanoTime);
        try {
            CertificateStore store = store(setup.config(), events, time);
            try {
                return new OnDemandTls(setup, host, store, events, time);
            } catch (StartException | RuntimeException e) {
                store.close();
                throw e;
            }
        } catch (StoreException e) {
            throw StartException.of(e);
        }
    }

    private static CertificateStore store(OnDemandTlsConfig config, Events events, Time time) throws StoreException {
        KeySealing sealing = KeySealing.of(
                config.encryptionKeys().stream().map(EncryptionKey::bytes).toList());
        CertificateStore store = config.store() instanceof DatabaseStore database
                ? JdbcCertificateStore.open(database, events, time, sealing)
                : FileCertificateStore.open(
                        ((FileStore) config.store()).directory(),
                        events,
                        time,
                        FileCertificateStore.LOCK_WAIT,
                        sealing);
        return MeasuredStore.of(store, events.figures(), time::nanoTime);
    }

    /**
     * Sees that an engine could be opened, as far as that can be seen without its store, a CA, or anything that is made or
     * changed.
     *
     * @param setup what the operator said, and what only Java can say
     * @throws StartException if something the operator configured cannot be used, in one line that says what to do
     */
    public static void check(OnDemandTlsSetup setup) throws StartException {
        OneVersion.require();
        PermissionSetup.check(setup);
        TlsSetup.provider(setup.config());
    }

    /**
     * Waits, for a second or two, for what is done ahead of the first visitors. Call it before connectors accept, once the
     * server has started everything else.
     */
    public void awaitPreparation() {
        preparation.await();
    }

    /** Begins to work: finishes open orders. Call it when the connectors accept. */
    public void serve() {
        events.publish(
                EventKind.STARTED,
                "certificates are obtained on demand from " + issuers() + " and kept in " + store.location());
        resumed = issuance.resumeOpenOrders();
        renewal.start();
        permission.watch();
        preparation.serve(scheduler);
        // What is stored is noted by its registered domain: the first visitor need not wait for the list.
        lookups.execute(PublicSuffixes::bundled);
        idle.watch(scheduler, lookups);
        TlsSetup.watch(ticketSecrets, config, scheduler, lookups);
        if (store.peers().any()) {
            store.peers().follow(new Peers.News() {
                @Override
                public void changed(List<String> names) {
                    issuance.changed(names);
                }

                @Override
                public void missed() {
                    issuance.missed();
                }
            });
            long every = LOOK.toNanos();
            scheduler.scheduleWithFixedDelay(this::takeOver, every, every, TimeUnit.NANOSECONDS);
        }
    }

    private void takeOver() {
        try {
            CompletableFuture<Void> before = resumed;
            if (before == null || before.isDone()) {
                resumed = issuance.resumeAbandonedOrders();
            }
        } catch (RuntimeException | Error e) {
            // Where it throws, it is never done again.
            events.publish(EventKind.DEFECT, "cannot look for open orders of other servers: " + e);
        }
    }

    /** What the engine was opened with. */
    public OnDemandTlsConfig config() {
        return config;
    }

    /** Decides per ClientHello. */
    public HandshakeGate gate() {
        return gate;
    }

    /**
     * Whether a name has a certificate that can be served, of the engine's or of the server's own; nothing is obtained.
     *
     * @param name the name asked for
     * @return completes at once where the answer is in memory, otherwise on a thread of the engine; false where the store
     *     did not answer
     */
    public CompletableFuture<Boolean> isServable(ServerName name) {
        return staticCertificates.covers(name)
                ? CompletableFuture.completedFuture(true)
                : issuance.isServable(name).exceptionally(unknown -> false);
    }

    /** The HTTP-01 proofs on display. */
    public ChallengeBoard challenges() {
        return challenges;
    }

    /** The key manager for the server's one {@code SSLContext}. */
    public X509ExtendedKeyManager keyManager() {
        return keyManager;
    }

    /** Keys of session tickets that all servers have; for a host whose TLS engine can be told them. */
    public TicketSecrets ticketSecrets() {
        return ticketSecrets;
    }

    /** Counters and gauges. */
    public Status status() {
        return status;
    }

    /** The management page, its API and figures, for a host that is told to carry them. */
    public StatusSite statusSite() {
        return statusSite;
    }

    /** Where a host reports what it has to say in the engine's log. */
    public Events events() {
        return events;
    }

    /** What the engine's own timers run on; a host may put short tasks of its own there. */
    public ScheduledThreadPoolExecutor scheduler() {
        return scheduler;
    }

    /** Limits the time of connections: for what each of them sets and nearly each takes back. */
    public TimerWheel timers() {
        return timers;
    }

    /** Refuses new work, ends parked handshakes, and returns within seconds with every thread gone. */
    @Override
    public void close() {
        issuance.stop();
        if (resumed != null) {
            resumed.cancel(false);
        }
        renewal.close();
        lot.close();
        permission.close();
        authorities.forEach(Authority::close);
        threads.end();
        renewal.writeVisits(VISITS_AT_STOP);
        status.close();
        store.close();
        registration.end(events);
        events.publish(EventKind.STOPPED, "stopped");
    }

    private String issuers() {
        return authorities.stream().map(Authority::id).collect(Collectors.joining(", "));
    }

    // It is made after the CAs, which ask it at each order.
    private Preflight preflight() {
        return preflight;
    }

    private Budget budget(Clock clock) throws StartException {
        try {
            Budget budget = Budget.of(store.ledger(), config, clock);
            lookups.execute(budget::prepare);
            return budget;
        } catch (IOException | IllegalArgumentException e) {
            throw StartException.unreadable("onDemandTls.budget.publicSuffixes cannot be used", e);
        }
    }
}
