package org.ondemandtls.benchmarks;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.Revocations;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Orders;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.ManualTime;

/**
 * The real planner of renewals between a store in memory and a CA that signs nothing, on a virtual clock: every name is
 * visited, and an order takes as long as one of a real CA does.
 */
final class PaperHouse implements InvocationHandler {

    static final String CA = "https://paper.example/directory";
    private static final Duration ORDER = Duration.ofMillis(1600);
    private static final Duration LOOK = Duration.ofSeconds(5);
    private static final int ORDERS_AT_ONCE = 15;
    // What part of its life a certificate is served before its renewal, a short one and another.
    private static final double SPREAD_OF_SHORT_LIVES = 0.45;
    private static final double SPREAD_OF_LONG_LIVES = 0.61;

    private static final PrivateKey KEY = new PrivateKey() {
        private static final long serialVersionUID = 1L;

        @Override
        public String getAlgorithm() {
            return "EC";
        }

        @Override
        public String getFormat() {
            return "none";
        }

        @Override
        public byte[] getEncoded() {
            return new byte[0];
        }
    };

    private static final Comparator<StoredCertificate> BY_DUE =
            Comparator.comparing(StoredCertificate::due).thenComparing(StoredCertificate::firstName);
    private static final Comparator<StoredCertificate> BY_END = Comparator.<StoredCertificate, Instant>comparing(
                    record -> record.certificate().notAfter())
            .thenComparing(StoredCertificate::firstName);

    private final ManualTime time = new ManualTime();
    private final SplittableRandom random = new SplittableRandom(1);
    private final Map<String, StoredCertificate> records = new HashMap<>();
    private final TreeSet<StoredCertificate> byDue = new TreeSet<>(BY_DUE);
    private final TreeSet<StoredCertificate> byEnd = new TreeSet<>(BY_END);
    private final Map<Scope, Hold> holds = new HashMap<>();
    private final Duration life;
    private final boolean advises;
    private final Renewal renewal;
    private final List<Instant> endsReplaced = new ArrayList<>();

    private boolean down;
    private Instant revokedBefore = Instant.EPOCH;
    private long numbers;
    private long read;
    private long written;
    private long renewed;
    private long failed;
    private long asked;
    private long advised;

    /**
     * Builds it.
     *
     * @param names how many names have a certificate, their ages spread evenly
     * @param life how long a certificate is valid
     * @param recheck how often permission is asked
     * @param advises whether the CA is asked for windows, every six hours
     */
    PaperHouse(int names, Duration life, Optional<Duration> recheck, boolean advises) {
        this.life = life;
        this.advises = advises;
        double spread = life.toDays() < 10 ? SPREAD_OF_SHORT_LIVES : SPREAD_OF_LONG_LIVES;
        for (int i = 0; i < names; i++) {
            Duration age = Duration.ofMillis((long) (life.toMillis() * spread * i / names));
            put(signed("n" + i + ".example", now().minus(age)), 0);
        }
        var events = new Events(event -> {}, time::nanoTime);
        var store = (CertificateStore) Proxy.newProxyInstance(
                CertificateStore.class.getClassLoader(), new Class<?>[] {CertificateStore.class}, this);
        this.renewal = planner(store, new PaperOrders(), new PaperCa(), time, random, events, recheck);
        renewal.start();
    }

    /**
     * The planner as it is, on a virtual clock and one thread.
     *
     * @param store where it finds what is due
     * @param orders places its orders
     * @param authority whom it asks for windows
     * @param time the virtual clock
     * @param random spreads what is tried again
     * @param events told of everything
     * @param recheck how often permission is asked
     */
    static Renewal planner(
            CertificateStore store,
            Orders orders,
            Authority authority,
            ManualTime time,
            SplittableRandom random,
            Events events,
            Optional<Duration> recheck) {
        return new Renewal(
                new Renewal.Floors(
                        store,
                        orders,
                        List.of(authority),
                        Revocations.NONE,
                        new Inventory(1, time.clock()),
                        new Visits(1, time.clock()),
                        new ClockWatch(time.clock(), time::nanoTime, events),
                        events),
                new OnDemandTlsConfig.Renewal(
                        Optional.empty(), Duration.ofDays(30), Duration.ofDays(7), Duration.ofDays(1), recheck),
                List.of(),
                ORDERS_AT_ONCE,
                new Renewal.Ports(
                        Runnable::run,
                        Runnable::run,
                        time.scheduler(),
                        time.clock(),
                        time::nanoTime,
                        random::nextDouble,
                        LOOK));
    }

    void pass(Duration by) {
        time.advance(by);
    }

    void end() {
        renewal.close();
    }

    Instant now() {
        return time.clock().instant();
    }

    /** How many certificates have ended. */
    long expired() {
        return byEnd.stream()
                .takeWhile(record -> record.certificate().notAfter().isBefore(now()))
                .count();
    }

    /** How many are to be replaced by now. */
    long overdue() {
        return records.values().stream()
                .filter(record -> !record.renew().isAfter(now()))
                .count();
    }

    /** Moves the windows of everything that is there to now. */
    void revokeAll() {
        revokedBefore = now();
        endsReplaced.clear();
    }

    long leftOfTheRevoked() {
        return records.values().stream()
                .filter(record -> record.obtained().isBefore(revokedBefore))
                .count();
    }

    /** In the order of their replacement, when what was replaced would have ended. */
    List<Instant> endsReplaced() {
        return endsReplaced;
    }

    void down(boolean now) {
        down = now;
    }

    long renewed() {
        return renewed;
    }

    long failed() {
        return failed;
    }

    long read() {
        return read;
    }

    long written() {
        return written;
    }

    long asked() {
        return asked;
    }

    long advised() {
        return advised;
    }

    void countFromHere() {
        read = 0;
        written = 0;
        renewed = 0;
        failed = 0;
        asked = 0;
        advised = 0;
    }

    private StoredCertificate signed(String name, Instant from) {
        var leaf = new PaperCertificate(name, numbers++, from, from.plus(life));
        var certificate = new KeyedCertificate(KEY, List.of(leaf));
        Instant renew = RenewalTime.byLifetime(certificate, random::nextDouble);
        Instant first = advises ? from.plus(Duration.ofMinutes(random.nextInt(360))) : renew;
        return StoredCertificate.obtained(certificate, CA, from, renew)
                .withDue(first)
                .withVisited(from);
    }

    private StoredCertificate put(StoredCertificate record, long revision) {
        StoredCertificate kept = record.withRevision(revision + 1);
        StoredCertificate before = records.put(kept.firstName(), kept);
        if (before != null) {
            byDue.remove(before);
            byEnd.remove(before);
        }
        byDue.add(kept);
        byEnd.add(kept);
        return kept;
    }

    /** The store: what renewal uses of it. */
    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.isDefault()) {
            return InvocationHandler.invokeDefault(proxy, method, arguments);
        }
        return switch (method.getName()) {
            case "peers" -> Peers.NONE;
            case "find" -> {
                read++;
                yield Optional.ofNullable(records.get(arguments[0].toString()));
            }
            case "save" -> {
                written++;
                var record = (StoredCertificate) arguments[0];
                yield put(record, record.revision());
            }
            case "due" -> due((Instant) arguments[0], (Instant) arguments[1], (int) arguments[2]);
            case "hold" -> Optional.ofNullable(holds.get((Scope) arguments[0]));
            case "keepHold" -> {
                written++;
                holds.put(((Hold) arguments[0]).scope(), (Hold) arguments[0]);
                yield null;
            }
            default -> throw new UnsupportedOperationException(method.getName());
        };
    }

    private List<StoredCertificate> due(Instant from, Instant until, int limit) {
        List<StoredCertificate> found = new ArrayList<>();
        // Two records that are at neither end, for what a set can be asked.
        StoredCertificate lowest = byDue.isEmpty() ? null : byDue.first().withDue(from);
        if (lowest == null) {
            return found;
        }
        for (StoredCertificate record : byDue.tailSet(lowest.withDue(from.minusMillis(1)), true)) {
            if (record.due().isAfter(until) || found.size() == limit) {
                break;
            }
            if (!record.due().isBefore(from)) {
                found.add(record);
            }
        }
        read += found.size();
        return found;
    }

    private final class PaperOrders implements Orders {

        @Override
        public CompletableFuture<KeyedCertificate> renew(ServerName name) {
            var order = new CompletableFuture<KeyedCertificate>();
            time.scheduler().schedule(() -> land(name, order), ORDER.toMillis(), TimeUnit.MILLISECONDS);
            return order;
        }

        private void land(ServerName name, CompletableFuture<KeyedCertificate> order) {
            if (down) {
                failed++;
                order.completeExceptionally(
                        IssuanceException.Unavailable.unwell(name, "no connection", Duration.ofSeconds(2), null));
                return;
            }
            StoredCertificate before = Objects.requireNonNull(records.get(name.value()));
            endsReplaced.add(before.certificate().notAfter());
            StoredCertificate next = put(signed(name.value(), now()), before.revision());
            renewed++;
            order.complete(next.certificate());
        }

        @Override
        public CompletableFuture<KeyedCertificate> obtain(ServerName name) {
            throw new UnsupportedOperationException("no own names");
        }

        @Override
        public CompletableFuture<Void> recheck(ServerName name) {
            asked++;
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public Duration blockedFor(ServerName name) {
            return Duration.ZERO;
        }

        @Override
        public void sweepHolds() {}
    }

    private final class PaperCa extends SilentCa {

        PaperCa() {
            super(CA);
        }

        @Override
        public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) {
            advised++;
            if (!advises) {
                return Optional.empty();
            }
            Instant from = leaf.getNotBefore().toInstant();
            Instant start = from.isBefore(revokedBefore)
                    ? now().minus(Duration.ofHours(1))
                    : from.plus(life.multipliedBy(2).dividedBy(3));
            Instant end = from.isBefore(revokedBefore) ? now().minusSeconds(1) : start.plus(life.dividedBy(20));
            return Optional.of(new RenewalAdvice(new RenewalWindow(start, end, Optional.empty()), Duration.ofHours(6)));
        }

        @Override
        public boolean honoursReplaces() {
            return advises;
        }
    }
}
