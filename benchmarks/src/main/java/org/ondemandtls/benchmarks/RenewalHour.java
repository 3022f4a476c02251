package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Orders;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.store.jdbc.JdbcCertificateStore;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/**
 * One hour of a million names on 6 days, 14,000 renewals, by the real planner on a real store: files and PostgreSQL. The clock
 * is virtual and the CA signs at once, so the real time it takes is what planner and store cost.
 */
final class RenewalHour implements Benchmarks.Measurement {

    private static final int RENEWALS = 14_000;
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration LIFE = Duration.ofDays(6);
    private static final Duration ORDER = Duration.ofMillis(1600);
    private static final int CONNECTIONS = 8;

    /** Opens a store by a clock. */
    private interface Opening {
        CertificateStore open(ManualTime time, Events events) throws StoreException, IOException;
    }

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("An hour of renewals on a store, on a virtual clock");
        report.condition(
                "14,000 renewals, 3.9 a second: the planner as it is, one thread, real certificates signed in this"
                        + " process, a successor saved for each; an order takes 1.6 s of the virtual clock.");
        Path files = setting.emptied("renewal-hour");
        hour(
                report,
                "files",
                (time, events) -> FileCertificateStore.open(
                        files, events, Time.ofMachine().with(time.clock()), Duration.ZERO));
        try (Database database = Database.start(Database.Kind.POSTGRESQL)) {
            String url = database.fresh();
            hour(
                    report,
                    "PostgreSQL",
                    (time, events) -> JdbcCertificateStore.open(
                            new OnDemandTlsConfig.DatabaseStore(
                                    url, Optional.empty(), Optional.empty(), true, CONNECTIONS),
                            events,
                            Time.ofMachine().with(time.clock()),
                            KeySealing.of(List.of())));
        }
    }

    private static void hour(Report report, String what, Opening opening) throws Exception {
        var time = new ManualTime();
        var events = new Events(event -> {}, time::nanoTime);
        try (CertificateStore store = opening.open(time, events)) {
            report.progress(what + ": 14,000 certificates are made and saved");
            Instant start = time.clock().instant();
            KeyPair key = TestCertificates.key();
            for (int i = 0; i < RENEWALS; i++) {
                Instant due = start.plus(HOUR.multipliedBy(i).dividedBy(RENEWALS));
                store.save(StoredCertificate.obtained(leaf(key, "n" + i + ".example", start), PaperHouse.CA, start, due)
                        .withDue(due)
                        .withVisited(start));
            }
            report.progress(what + ": the hour");
            var house = new Orderer(store, time, key);
            Renewal renewal = PaperHouse.planner(
                    store, house, new SilentCa(PaperHouse.CA), time, new SplittableRandom(1), events, Optional.empty());
            renewal.start();
            long cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            long begun = System.nanoTime();
            time.advance(HOUR);
            Duration took = Duration.ofNanos(System.nanoTime() - begun);
            double used = (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - cpu) / 1e9;
            // The last of them are still on their way when the hour ends.
            time.advance(Duration.ofMinutes(1));
            renewal.close();
            report.exactly(what + ": renewed", house.renewed, RENEWALS);
            report.atMost("… real time for the hour", took, HOUR);
            report.figure("… processor time, signing included", String.format(Locale.ROOT, "%.0f s", used));
        }
    }

    private static KeyedCertificate leaf(KeyPair key, String name, Instant from) {
        return new KeyedCertificate(
                key.getPrivate(),
                TestLeaves.valid(key.getPublic(), from, from.plus(LIFE), name).chain());
    }

    /** Places orders that take their time and saves what comes of them. */
    private static final class Orderer implements Orders {

        private final CertificateStore store;
        private final ManualTime time;
        private final KeyPair key;
        private long renewed;

        Orderer(CertificateStore store, ManualTime time, KeyPair key) {
            this.store = store;
            this.time = time;
            this.key = key;
        }

        @Override
        public CompletableFuture<KeyedCertificate> renew(ServerName name) {
            var order = new CompletableFuture<KeyedCertificate>();
            time.scheduler().schedule(() -> land(name, order), ORDER.toMillis(), TimeUnit.MILLISECONDS);
            return order;
        }

        private void land(ServerName name, CompletableFuture<KeyedCertificate> order) {
            try {
                StoredCertificate before = store.find(name).orElseThrow();
                Instant now = time.clock().instant();
                KeyedCertificate next = leaf(key, name.value(), now);
                store.save(StoredCertificate.obtained(next, PaperHouse.CA, now, now.plus(LIFE.dividedBy(2)))
                        .withVisited(now)
                        .succeeding(before));
                renewed++;
                order.complete(next);
            } catch (StoreException e) {
                order.completeExceptionally(e);
            }
        }

        @Override
        public CompletableFuture<KeyedCertificate> obtain(ServerName name) {
            throw new UnsupportedOperationException("no own names");
        }

        @Override
        public CompletableFuture<Void> recheck(ServerName name) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public Duration blockedFor(ServerName name) {
            return Duration.ZERO;
        }

        @Override
        public void sweepHolds() {}
    }
}
