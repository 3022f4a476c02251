package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** Many new names at the same time, and many visitors of one new name. */
final class NewNames implements Benchmarks.Measurement {

    private static final int NAMES = 200;
    private static final int AT_A_TIME = 20;
    private static final int CLIENTS = 200;
    private static final Duration TOTAL = Duration.ofSeconds(8);

    @Override
    public void measure(Setting setting, Report report)
            throws IOException, GeneralSecurityException, InterruptedException, ExecutionException {
        report.section("Many at once, " + setting.title());
        report.condition(
                "The same server and CA as for the first visit, after one warm-up visit; default configuration. A proxy"
                        + " lets a new order into Pebble alone, which otherwise stands still in every second run.");
        Client.warmUp();
        try (Scene scene = Scene.ofMany(setting, "new-names", Pebble.options())) {
            int port = scene.server().tlsPort();
            scene.server().start();
            Client.visit(port, "account.customer.example");
            newNames(port, scene.pebble(), report);
            oneName(port, scene.pebble(), report);
        }
    }

    private static void newNames(int port, Pebble pebble, Report report)
            throws InterruptedException, ExecutionException {
        long ordersBefore = orders(pebble);
        List<Callable<TlsProbe.Outcome>> visits = new ArrayList<>();
        for (int number = 0; number < NAMES; number++) {
            String name = "many-" + number + ".customer.example";
            visits.add(() -> TlsProbe.trustingAnything().handshake(port, name));
        }
        long begin = System.nanoTime();
        List<TlsProbe.Outcome> outcomes = all(visits, AT_A_TIME);
        Duration total = Duration.ofNanos(System.nanoTime() - begin);
        Times times = Times.of(outcomes.stream().map(TlsProbe.Outcome::took).toList());
        report.atMost(NAMES + " new names, " + AT_A_TIME + " at a time, in total", total, TOTAL);
        report.exactly("of them refused", failed(outcomes), 0);
        report.exactly("orders placed for them", orders(pebble) - ordersBefore, NAMES);
        report.figure("one of them, median", Times.millis(times.median()));
        report.figure("one of them, longest", Times.millis(times.longest()));
    }

    private static void oneName(int port, Pebble pebble, Report report)
            throws InterruptedException, ExecutionException {
        long ordersBefore = orders(pebble);
        var together = new CyclicBarrier(CLIENTS);
        List<Callable<TlsProbe.Outcome>> visits = new ArrayList<>();
        for (int number = 0; number < CLIENTS; number++) {
            visits.add(() -> {
                var probe = TlsProbe.trustingAnything();
                together.await();
                return probe.handshake(port, "one.customer.example");
            });
        }
        List<TlsProbe.Outcome> outcomes = all(visits, CLIENTS);
        Set<X509Certificate> leaves = new HashSet<>();
        outcomes.stream().filter(outcome -> outcome.failure().isEmpty()).forEach(outcome -> leaves.add(outcome.leaf()));
        report.exactly(CLIENTS + " clients at one new name: orders placed", orders(pebble) - ordersBefore, 1);
        report.exactly("certificates they got", leaves.size(), 1);
        report.exactly("of them refused", failed(outcomes), 0);
        report.figure(
                "the last one served after",
                Times.millis(
                        Times.of(outcomes.stream().map(TlsProbe.Outcome::took).toList())
                                .longest()));
    }

    // By what the CA has: a request for an order that was refused for its nonce is none.
    private static long orders(Pebble pebble) {
        return pebble.log()
                .lines()
                .filter(line -> line.contains(" Added order "))
                .count();
    }

    /** How many of them had no certificate. */
    static long failed(List<TlsProbe.Outcome> outcomes) {
        return outcomes.stream()
                .filter(outcome -> outcome.failure().isPresent())
                .count();
    }

    /** Makes visits, so many at a time, and returns when all have ended. */
    static List<TlsProbe.Outcome> all(List<Callable<TlsProbe.Outcome>> visits, int atATime)
            throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(atATime);
        try {
            List<TlsProbe.Outcome> outcomes = new ArrayList<>();
            for (Future<TlsProbe.Outcome> visit : threads.invokeAll(visits)) {
                outcomes.add(visit.get());
            }
            return outcomes;
        } finally {
            threads.shutdownNow();
        }
    }
}
