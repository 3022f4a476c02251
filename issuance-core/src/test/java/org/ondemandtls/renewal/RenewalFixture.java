package org.ondemandtls.renewal;

import java.math.BigInteger;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;

/** Renewal over a store in memory, with orders that a test answers and clocks that it moves. */
final class RenewalFixture implements AutoCloseable {

    static final Duration DAY = Duration.ofDays(1);
    static final Duration LOOK = Duration.ofMinutes(2);
    static final Duration LIFE = Duration.ofDays(90);
    static final ServerName SHOP = ServerName.parse("shop.example.com");

    private static final AtomicLong SERIALS = new AtomicLong(1_000_000);
    private static final KeyPair KEY = TestCertificates.key();

    final IssuanceFixture house;
    final ManualTime time;
    final FakeAuthority authority;
    final PlannedOrders orders = new PlannedOrders();

    CertificateStore store;
    Optional<Duration> visitedWithin = Optional.empty();
    Optional<Duration> recheck = Optional.empty();
    Duration grace = Duration.ofDays(30);
    Executor executor = Runnable::run;
    Executor advice = Runnable::run;
    Duration lookEvery = LOOK;
    double random;
    int atOnce = 8;
    boolean revoked;
    List<ServerName> ownNames = List.of();
    Renewal renewal;

    /** Of a server that has its store for itself. */
    RenewalFixture(Path directory) throws Exception {
        this(new IssuanceFixture(directory, true));
    }

    /** Of one of several servers. */
    RenewalFixture(MemoryCertificateStore.Medium shared, Path directory, ManualTime time) throws Exception {
        this(new IssuanceFixture(shared, directory, time));
    }

    private RenewalFixture(IssuanceFixture house) {
        this.house = house;
        this.time = house.time();
        this.authority = house.authority();
        this.store = house.store();
    }

    /** Orders that succeed, or answer as a test wants, and remember what they were asked for. */
    final class PlannedOrders implements Orders {

        final List<ServerName> renewed = new ArrayList<>();
        final List<ServerName> obtained = new ArrayList<>();
        final List<ServerName> rechecked = new ArrayList<>();
        Function<ServerName, CompletableFuture<KeyedCertificate>> renewing = this::succeed;
        Function<ServerName, CompletableFuture<KeyedCertificate>> obtaining = this::succeed;
        Function<ServerName, CompletableFuture<Void>> rechecking = name -> CompletableFuture.completedFuture(null);
        Duration blocked = Duration.ZERO;
        Optional<StoreException> sweeping = Optional.empty();
        int swept;
        final List<CompletableFuture<KeyedCertificate>> underWay = new ArrayList<>();

        /** Renewals from now on are {@link #underWay} until the test ends them. */
        void hold() {
            renewing = name -> {
                underWay.add(new CompletableFuture<>());
                return underWay.get(underWay.size() - 1);
            };
        }

        private CompletableFuture<KeyedCertificate> succeed(ServerName name) {
            try {
                Optional<StoredCertificate> before = house.store()
                        .find(name)
                        .filter(record -> record.firstName().equals(name.value()));
                StoredCertificate next = StoredCertificate.obtained(
                        leaf(LIFE, name.value()), authority.id(), now(), now().plus(Duration.ofDays(60)));
                house.store().save(before.isPresent() ? next.succeeding(before.get()) : next);
                house.inventory().publish(next.certificate());
                return CompletableFuture.completedFuture(next.certificate());
            } catch (StoreException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        @Override
        public CompletableFuture<KeyedCertificate> renew(ServerName name) {
            renewed.add(name);
            return renewing.apply(name);
        }

        @Override
        public CompletableFuture<KeyedCertificate> obtain(ServerName name) {
            obtained.add(name);
            return obtaining.apply(name);
        }

        @Override
        public CompletableFuture<Void> recheck(ServerName name) {
            rechecked.add(name);
            return rechecking.apply(name);
        }

        @Override
        public Duration blockedFor(ServerName name) {
            return blocked;
        }

        @Override
        public void sweepHolds() throws StoreException {
            swept++;
            if (sweeping.isPresent()) {
                throw sweeping.get();
            }
        }
    }

    /** Starts it with what was set. */
    Renewal begin() {
        renewal = new Renewal(
                new Renewal.Floors(
                        store,
                        orders,
                        house.authorities(),
                        chain -> revoked,
                        house.inventory(),
                        house.visits(),
                        house.watch(),
                        house.recorded().events()),
                new OnDemandTlsConfig.Renewal(visitedWithin, grace, Duration.ofDays(7), DAY, recheck),
                ownNames,
                atOnce,
                new Renewal.Ports(
                        executor, advice, time.scheduler(), time.clock(), time::nanoTime, () -> random, lookEvery));
        renewal.start();
        return renewal;
    }

    /** A certificate from now on. */
    KeyedCertificate leaf(Duration lifetime, String... names) {
        return new KeyedCertificate(
                KEY.getPrivate(),
                List.of(TestCertificates.leaf(KEY, now(), names)
                        .serial(BigInteger.valueOf(SERIALS.incrementAndGet()))
                        .valid(now(), now().plus(lifetime))
                        .signedBy("test CA", KEY)));
    }

    /** A record as it comes from the CA, obtained and visited now, to be renewed after 60 days; served, and not stored yet. */
    StoredCertificate record(String... names) {
        return record(LIFE, names);
    }

    /** The same of another lifetime, to be renewed after two thirds of that. */
    StoredCertificate record(Duration lifetime, String... names) {
        KeyedCertificate certificate = leaf(lifetime, names);
        house.inventory().publish(certificate);
        return StoredCertificate.obtained(
                        certificate,
                        authority.id(),
                        now(),
                        now().plus(lifetime.multipliedBy(2).dividedBy(3)))
                .withVisited(now());
    }

    /** Keeps a record whose renewal is due now. */
    StoredCertificate keepDue(ServerName name) throws Exception {
        return keepDue(record(name.value()));
    }

    /** The same, of one that was made before. */
    StoredCertificate keepDue(StoredCertificate record) throws Exception {
        return house.store().save(record.withRenew(now()).withDue(now()));
    }

    /** Keeps a record that is to be looked at now, and renewed much later. */
    StoredCertificate keepLookedAt(ServerName name) throws Exception {
        return house.store().save(record(name.value()).withDue(now()));
    }

    StoredCertificate stored(ServerName name) throws Exception {
        return house.store().find(name).orElseThrow();
    }

    Instant now() {
        return time.clock().instant();
    }

    Optional<Instant> deniedSince(ServerName name) throws Exception {
        return DeniedName.since(store, name);
    }

    boolean isWithdrawn(ServerName name) throws Exception {
        return WithdrawnName.isKept(store, name);
    }

    boolean isServed(ServerName name) {
        return house.inventory().find(name).isPresent();
    }

    /** Holds withdrawals back for three days, as after a mass denial. */
    void brakeOn() throws Exception {
        house.store()
                .keepHold(new Hold(
                        DenialBrake.SCOPE,
                        "permission",
                        1,
                        now().plus(DAY.multipliedBy(3)),
                        "massDenial",
                        "more than half of the names are denied",
                        Optional.empty()));
    }

    void visit(ServerName name) {
        house.visits().visited(house.inventory().find(name).orElseThrow());
    }

    List<String> lines(EventKind kind) {
        return house.recorded().lines(kind);
    }

    /** Runs at once, or has no room. */
    static Executor withRoomUnless(AtomicBoolean full) {
        return task -> {
            if (full.get()) {
                throw new RejectedExecutionException("full");
            }
            task.run();
        };
    }

    static IssuanceException denial(ServerName name) {
        return new IssuanceException.NotPermitted(name, "gone", Duration.ofMinutes(1));
    }

    static <T> CompletableFuture<T> failed(IssuanceException with) {
        return CompletableFuture.failedFuture(with);
    }

    static ServerName name(int number) {
        return ServerName.parse("n" + number + ".example.com");
    }

    @Override
    public void close() {
        if (renewal != null) {
            renewal.close();
        }
        house.close();
    }
}
