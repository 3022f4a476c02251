package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/**
 * How long the first visitor of a new name waits while every stored certificate is to be replaced at once, as after a mass
 * revocation, beside the same on a server with nothing to do. The CA is as slow as a public one.
 */
final class MassRenewal implements Benchmarks.Measurement {

    private static final int NAMES = 1_500;
    private static final int WARMING = 20;
    private static final int VISITS = 20;
    private static final Duration LIFE = Duration.ofDays(90);
    private static final double AIM = 2;

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("First visits during a mass renewal, " + setting.title());
        report.condition(
                NAMES + " certificates of visited names, as files, all due at the start; default configuration. A"
                        + " proxy before Pebble: 40 ms for an exchange, 0.7 s for a validation with three fetches more, 0.9 s for an"
                        + " issuance.");
        report.condition(
                "A first visit at a time, " + VISITS + " after " + WARMING + " to each of two fresh processes: one with"
                        + " nothing due, one with everything due. Client, `ask`, CA and server share the machine.");
        Client.warmUp();
        Path directory = setting.emptied("mass-renewal");
        Server server = Server.layOut(setting, directory.resolve("base"));
        try (AskEndpoint ask = AskEndpoint.granting("*.customer.example");
                Pebble pebble = Pebble.options()
                        .tlsPort(server.tlsPort())
                        .httpPort(FreePorts.next())
                        .rejectNonces(Scene.REJECTED_NONCES)
                        .start(directory.resolve("pebble"));
                ProductionCa ca = new ProductionCa(pebble, directory.resolve("ca"), server.tlsPort())) {
            server.with("onDemandTls.permission.ask", ask.uri().toString())
                    .with("onDemandTls.acme.directory", ca.directory())
                    .with("onDemandTls.acme.trustedRoots", ca.trustedRoots().toString())
                    .with("onDemandTls.acme.challenges", "tls-alpn-01");
            server.start();
            Times idle = visits(server, "idle");
            server.close();
            report.progress(NAMES + " certificates are made and saved");
            fill(server.store(), ca.directory());
            long before = pebble.issued();
            long begin = System.nanoTime();
            server.start();
            Times busy = visits(server, "busy");
            double seconds = (System.nanoTime() - begin) / 1e9;
            long renewed = pebble.issued() - before - WARMING - VISITS;
            if (renewed >= NAMES) {
                throw new IllegalStateException("all was renewed before the visits were over");
            }
            report.figure("first visit with nothing due, median of " + VISITS, Times.millis(idle.median()));
            report.figure("… longest", Times.millis(idle.longest()));
            report.figure("first visit with everything due, median of " + VISITS, Times.millis(busy.median()));
            report.figure("… longest", Times.millis(busy.longest()));
            report.figure(
                    "certificates replaced a second meanwhile", String.format(Locale.ROOT, "%.1f", renewed / seconds));
            report.atMost("median against idle", ratio(busy.median(), idle.median()), AIM, "");
            report.atMost("longest against the longest idle", ratio(busy.longest(), idle.longest()), AIM, "");
        } finally {
            server.close();
        }
    }

    private static double ratio(Duration one, Duration other) {
        return (double) one.toNanos() / other.toNanos();
    }

    private static Times visits(Server server, String prefix) throws IOException {
        List<Duration> taken = new ArrayList<>();
        for (int visit = 0; visit < WARMING + VISITS; visit++) {
            Duration took = Client.visit(server.tlsPort(), prefix + visit + ".customer.example")
                    .took();
            if (visit >= WARMING) {
                taken.add(took);
            }
        }
        return Times.of(taken);
    }

    private static void fill(Path directory, String ca) throws IOException, StoreException {
        Instant now = Clock.systemUTC().instant();
        Instant obtained = now.minus(LIFE.multipliedBy(2).dividedBy(3));
        KeyPair key = TestCertificates.key();
        try (CertificateStore store = FileCertificateStore.open(
                directory,
                new Events(event -> {}, System::nanoTime),
                Time.ofMachine(),
                Duration.ZERO,
                KeySealing.none())) {
            for (int number = 0; number < NAMES; number++) {
                String name = "stored" + number + ".customer.example";
                var leaf = new KeyedCertificate(
                        key.getPrivate(),
                        TestLeaves.valid(key.getPublic(), obtained, obtained.plus(LIFE), name)
                                .chain());
                store.save(StoredCertificate.obtained(leaf, ca, obtained, now)
                        .withDue(now)
                        .withVisited(now));
            }
        }
    }
}
