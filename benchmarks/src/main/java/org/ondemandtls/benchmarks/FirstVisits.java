package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.ondemandtls.testing.Pebble;

/** How long the visitor of a name nobody configured waits, from TCP connect to the finished handshake. */
final class FirstVisits implements Benchmarks.Measurement {

    private static final int STARTS = 5;
    private static final int VISITS = 30;

    private static final Duration MEDIAN = Duration.ofMillis(52);
    private static final Duration SLOWEST_OF_A_HUNDRED = Duration.ofMillis(130);
    private static final Duration VERY_FIRST = Duration.ofMillis(310);

    @Override
    public void measure(Setting setting, Report report) throws IOException, GeneralSecurityException {
        report.section("First visit, " + setting.title());
        report.condition(setting.title() + " in a JVM of its own, default configuration, "
                + "TLS-ALPN-01, permission by `ask`; Pebble with `PEBBLE_VA_NOSLEEP=1`, no `retryAfter`, "
                + Scene.REJECTED_NONCES + " % of nonces refused, no authorization reused; the account exists.");
        report.condition(
                STARTS + " fresh JVMs; in each one visit at once after the server's start line, the very first, then "
                        + VISITS + " visits to new names one after another.");
        report.condition("Client, ask endpoint, CA and server share the machine.");
        Times client = Client.warmUp();
        List<Duration> veryFirst = new ArrayList<>();
        List<Duration> all = new ArrayList<>();
        List<Duration> known = new ArrayList<>();
        List<Duration> untilServed = new ArrayList<>();
        List<Duration> nothingStored = new ArrayList<>();
        Duration forVeryFirst = Duration.ZERO;
        Duration forAll = Duration.ZERO;
        try (Scene scene = Scene.set(setting, "first-visit", Pebble.options())) {
            int port = scene.server().tlsPort();
            scene.server().start();
            Client.visit(port, "account.customer.example");
            scene.server().close();
            for (int start = 0; start < STARTS; start++) {
                scene.server().start();
                Duration atStart = scene.server().processorTime();
                veryFirst.add(Client.visit(port, "first-" + start + ".customer.example")
                        .took());
                Duration afterVeryFirst = scene.server().processorTime();
                List<Duration> taken = new ArrayList<>();
                for (int visit = 0; visit < VISITS; visit++) {
                    taken.add(Client.visit(port, "n" + visit + "-" + start + ".customer.example")
                            .took());
                }
                forVeryFirst = forVeryFirst.plus(afterVeryFirst).minus(atStart);
                forAll = forAll.plus(scene.server().processorTime()).minus(afterVeryFirst);
                known.addAll(Client.visits(port, "n0-" + start + ".customer.example", VISITS)
                        .ascending());
                all.addAll(taken);
                report.progress("start " + (start + 1) + ": very first " + Times.millis(veryFirst.get(start))
                        + ", then median " + Times.millis(Times.of(taken).median()) + ", longest "
                        + Times.millis(Times.of(taken).longest()));
                scene.server().close();
                long begin = System.nanoTime();
                scene.server().start();
                Client.visit(port, "first-" + start + ".customer.example");
                untilServed.add(Duration.ofNanos(System.nanoTime() - begin));
                scene.server().close();
                scene.server().forget();
                scene.server().start();
                nothingStored.add(Client.visit(port, "empty-" + start + ".customer.example")
                        .took());
                scene.server().close();
            }
        }
        Times visits = Times.of(all);
        report.atMost("first visit, median of " + all.size(), visits.median(), MEDIAN);
        report.atMost("first visit, 99th percentile", visits.percentile(99), SLOWEST_OF_A_HUNDRED);
        report.figure("first visit, longest", Times.millis(visits.longest()));
        report.atMost(
                "very first after start, median of " + STARTS,
                Times.of(veryFirst).median(),
                VERY_FIRST);
        report.figure(
                "very first after a start with nothing stored, median of " + STARTS,
                Times.millis(Times.of(nothingStored).median()));
        report.figure(
                "from starting the process until a stored name is served, median of " + STARTS,
                Times.millis(Times.of(untilServed).median()));
        report.atMost("very first after start, longest", Times.of(veryFirst).longest(), VERY_FIRST);
        report.figure(
                "the server's processor time for a first visit, mean", Times.millis(forAll.dividedBy(all.size())));
        report.figure(
                "the server's processor time for the very first, all that runs meanwhile included, mean",
                Times.millis(forVeryFirst.dividedBy(STARTS)));
        report.figure(
                "for comparison: a name just obtained, full handshake, median",
                Times.millis(Times.of(known).median()));
        report.figure("of that the client and a bare JDK server, both warm, median", Times.millis(client.median()));
    }
}
