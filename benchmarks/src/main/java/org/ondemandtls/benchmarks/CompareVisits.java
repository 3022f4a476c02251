package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** How long the first visitor of a name waits, alone and among many, with a fast CA and with one as slow as a public one. */
final class CompareVisits {

    private static final int STARTS = Compare.part(3);
    private static final int VISITS = Compare.part(30);
    private static final int BEFORE_WARM = Compare.part(500);
    private static final int BEFORE_WARM_CADDY = Compare.part(100);
    private static final int TOGETHER = 200;
    private static final int AT_A_TIME = 20;
    private static final int SLOW_VISITS = Compare.part(10);
    private static final String CADDY = "Caddy";

    /** What stands between a server and Pebble. */
    private enum Between {
        /** Nothing. */
        NOTHING,
        /** A proxy that lets a new order in alone, so that Pebble does not stand still when many are placed at once. */
        TURNS,
        /** The same, as slow as a public CA. */
        PRODUCTION
    }

    /** A server, its CA, and what was measured. */
    private static final class Contestant implements AutoCloseable {

        private final String name;
        private final Pebble pebble;
        private final @Nullable AutoCloseable between;
        private final Server server;
        private final Map<String, Double> figures = new LinkedHashMap<>();

        Contestant(String name, Pebble pebble, @Nullable AutoCloseable between, Server server) {
            this.name = name;
            this.pebble = pebble;
            this.between = between;
            this.server = server;
        }

        Duration visit(String host) throws IOException {
            return Client.visit(server.tlsPort(), host + ".customer.example").took();
        }

        /** How often the CA was asked for anything; 0 where nobody counts. */
        int exchanges() {
            return between instanceof ProductionCa production ? production.exchanges() : 0;
        }

        /** All of the visits, so many at a time. */
        List<TlsProbe.Outcome> all(String prefix, int atATime, Report report) throws Exception {
            long begin = System.nanoTime();
            List<TlsProbe.Outcome> outcomes = NewNames.all(visits(this, prefix, atATime == TOGETHER), atATime);
            figures.put(
                    TOGETHER + " new names, " + atATime + " at a time, in total", (System.nanoTime() - begin) / 1e6);
            report.exactly(name + ": of them refused", NewNames.failed(outcomes), 0);
            if (NewNames.failed(outcomes) > 0 && pebble.standsStill()) {
                report.figure(name + ": Pebble", "stands still, the figures are those of time-outs");
            }
            return outcomes;
        }

        @Override
        public void close() {
            server.close();
            if (between != null) {
                try {
                    between.close();
                } catch (Exception failed) {
                    throw new IllegalStateException(failed);
                }
            }
            pebble.close();
        }
    }

    private final Compare.Rig rig;

    CompareVisits(Compare.Rig rig) {
        this.rig = rig;
    }

    void measure(Report report) throws Exception {
        boolean all = Compare.isWanted("visits");
        boolean fast = all || Compare.isWanted("fast");
        boolean many = all || Compare.isWanted("many");
        boolean slow = all || Compare.isWanted("slow");
        if (!fast && !many && !slow) {
            return;
        }
        Client.warmUp();
        try (AskEndpoint ask = AskEndpoint.granting("*.customer.example")) {
            if (fast) {
                report.part(() -> fast(report, ask));
            }
            if (many) {
                report.part(() -> many(report, ask));
            }
            if (slow) {
                report.part(() -> slow(report, ask));
            }
        }
    }

    private void fast(Report report, AskEndpoint ask) throws Exception {
        report.section("The first visitor of a name, a fast CA");
        report.condition("Pebble with `PEBBLE_VA_NOSLEEP=1`, no `retryAfter`, " + Scene.REJECTED_NONCES
                + " % of nonces refused; TLS-ALPN-01, `ask` in use; client, `ask`, CA and server share the machine.");
        report.condition(STARTS + " fresh processes each, by turns: the very first visit, then " + VISITS
                + " more; then " + TOGETHER + " clients at one new name. Warm is after " + BEFORE_WARM
                + " visits; after " + BEFORE_WARM_CADDY
                + " with Caddy, which is compiled ahead and begins ten orders in ten seconds at most.");
        List<Contestant> all = contestants(ask, Between.NOTHING);
        try {
            List<Map<String, List<Duration>>> fresh = new ArrayList<>();
            all.forEach(each -> fresh.add(new LinkedHashMap<>()));
            for (int start = 0; start < STARTS; start++) {
                for (int at = 0; at < all.size(); at++) {
                    fresh(all.get(at), start, fresh.get(at), report);
                }
            }
            for (int at = 0; at < all.size(); at++) {
                Contestant each = all.get(at);
                Times visits = Times.of(fresh.get(at).getOrDefault("visits", List.of()));
                each.figures.put("fresh, median", millis(visits.median()));
                each.figures.put("fresh, 99th percentile", millis(visits.percentile(99)));
                each.figures.put(
                        "fresh, the first after a start with nothing stored, median",
                        millis(Times.of(fresh.get(at).getOrDefault("empty", List.of()))
                                .median()));
                each.figures.put(
                        "fresh, the first after start, median",
                        millis(Times.of(fresh.get(at).getOrDefault("first", List.of()))
                                .median()));
                each.figures.put(
                        TOGETHER + " clients at one new name, fresh, slowest, median",
                        millis(Times.of(fresh.get(at).getOrDefault("herd", List.of()))
                                .median()));
            }
            for (Contestant each : all) {
                warm(each);
            }
            write(
                    report,
                    all,
                    Map.of(
                            "fresh, median",
                            0.10,
                            "fresh, 99th percentile",
                            0.25,
                            "fresh, the first after a start with nothing stored, median",
                            0.40,
                            "fresh, the first after start, median",
                            0.40,
                            "warm, median",
                            0.05,
                            TOGETHER + " clients at one new name, fresh, slowest, median",
                            0.5,
                            TOGETHER + " clients at one new name, warm, slowest",
                            0.35));
            bars(report, all, "first-visits", "First visit of a name, median, fresh process", "fresh, median");
        } finally {
            all.forEach(Contestant::close);
        }
    }

    private static void fresh(Contestant each, int start, Map<String, List<Duration>> taken, Report report)
            throws Exception {
        each.server.forget();
        each.server.start();
        taken.computeIfAbsent("empty", any -> new ArrayList<>()).add(each.visit("empty-" + start));
        each.server.close();
        each.server.start();
        taken.computeIfAbsent("first", any -> new ArrayList<>()).add(each.visit("first-" + start));
        List<Duration> visits = taken.computeIfAbsent("visits", any -> new ArrayList<>());
        for (int visit = 0; visit < VISITS; visit++) {
            visits.add(each.visit("n" + visit + "-" + start));
        }
        taken.computeIfAbsent("herd", any -> new ArrayList<>()).add(herd(each, "herd-" + start));
        report.progress(each.name + ", start " + (start + 1) + ": median "
                + Times.millis(Times.of(visits).median()));
        if (start < STARTS - 1) {
            each.server.close();
        }
    }

    private static void warm(Contestant each) throws Exception {
        int count = each.name.equals(CADDY) ? BEFORE_WARM_CADDY : BEFORE_WARM;
        Duration before = each.server.processorTime();
        for (int visit = 0; visit < count; visit++) {
            each.visit("w" + visit);
            if (visit == count - count / 2 - 1) {
                before = each.server.processorTime();
            }
        }
        each.figures.put(
                "processor time for a certificate, the last half of these visits",
                millis(each.server.processorTime().minus(before).dividedBy(count / 2)));
        List<Duration> visits = new ArrayList<>();
        for (int visit = 0; visit < VISITS; visit++) {
            visits.add(each.visit("after-" + visit));
        }
        each.figures.put("warm, median", millis(Times.of(visits).median()));
        each.figures.put(TOGETHER + " clients at one new name, warm, slowest", millis(herd(each, "herd-warm")));
    }

    private void many(Report report, AskEndpoint ask) throws Exception {
        report.section("Many new names, a fast CA");
        report.condition(
                "The same after " + BEFORE_WARM + " visits, with a proxy before Pebble that lets a new order in"
                        + " alone: without it Pebble stands still in every second run. Caddy takes part in nothing with many"
                        + " new names: by its own limit it begins ten orders in ten seconds, which is 200 s.");
        List<Contestant> ours = ours(ask, Between.TURNS);
        try {
            for (Contestant each : ours) {
                each.server.start();
                for (int visit = 0; visit < BEFORE_WARM; visit++) {
                    each.visit("before-" + visit);
                }
                each.all("many", AT_A_TIME, report);
                each.server.close();
            }
            write(report, ours, Map.of());
        } finally {
            ours.forEach(Contestant::close);
        }
    }

    private void slow(Report report, AskEndpoint ask) throws Exception {
        report.section("The first visitor of a name, a CA as slow as a public one");
        report.condition("A proxy before Pebble: 40 ms for an exchange, a validation takes 0.7 s and fetches the proof"
                + " three times more than Pebble does, an issuance 0.9 s. Pebble's finalize says that the order is in"
                + " work, so one exchange more is needed than with a CA that answers with the valid order. A new order is"
                + " inside Pebble alone; the times of the proxy are waited for outside.");
        List<Contestant> all = contestants(ask, Between.PRODUCTION);
        try {
            for (Contestant each : all) {
                each.server.start();
                for (int visit = 0; visit < SLOW_VISITS; visit++) {
                    each.visit("before-" + visit);
                }
            }
            for (Contestant each : all) {
                int before = each.exchanges();
                List<Duration> visits = new ArrayList<>();
                for (int visit = 0; visit < SLOW_VISITS; visit++) {
                    visits.add(each.visit("slow-" + visit));
                }
                Duration median = Times.of(visits).median();
                each.figures.put("median", millis(median));
                each.figures.put(
                        "exchanges with the CA for a certificate", (double) (each.exchanges() - before) / SLOW_VISITS);
                if (each.name.equals(CADDY)) {
                    continue;
                }
                List<TlsProbe.Outcome> outcomes = each.all("burst", TOGETHER, report);
                Duration longest = Times.of(outcomes.stream()
                                .filter(outcome -> outcome.failure().isEmpty())
                                .map(TlsProbe.Outcome::took)
                                .toList())
                        .longest();
                each.figures.put(TOGETHER + " new names at the same moment, slowest", millis(longest));
                report.atMost(
                        each.name + ": the slowest of them against one alone", millis(longest) / millis(median), 3, "");
            }
            write(report, all, Map.of("median", 0.85));
            bars(report, all, "slow-ca", "First visit of a name with a CA as slow as a public one, median", "median");
        } finally {
            all.forEach(Contestant::close);
        }
    }

    private static Duration herd(Contestant each, String name) throws Exception {
        var together = new CyclicBarrier(TOGETHER);
        List<Callable<TlsProbe.Outcome>> visits = new ArrayList<>();
        for (int number = 0; number < TOGETHER; number++) {
            visits.add(() -> {
                var probe = TlsProbe.trustingAnything();
                together.await();
                return probe.handshake(each.server.tlsPort(), name + ".customer.example");
            });
        }
        List<TlsProbe.Outcome> outcomes = NewNames.all(visits, TOGETHER);
        if (NewNames.failed(outcomes) > 0) {
            throw new IOException(each.name + ": " + NewNames.failed(outcomes) + " of " + TOGETHER + " were refused");
        }
        return Times.of(outcomes.stream().map(TlsProbe.Outcome::took).toList()).longest();
    }

    private static List<Callable<TlsProbe.Outcome>> visits(Contestant each, String prefix, boolean atOnce) {
        var together = new CyclicBarrier(TOGETHER);
        List<Callable<TlsProbe.Outcome>> visits = new ArrayList<>();
        for (int number = 0; number < TOGETHER; number++) {
            String name = prefix + "-" + number + ".customer.example";
            visits.add(() -> {
                var probe = TlsProbe.trustingAnything();
                if (atOnce) {
                    together.await();
                }
                return probe.handshake(each.server.tlsPort(), name);
            });
        }
        return visits;
    }

    private List<Contestant> contestants(AskEndpoint ask, Between between) throws Exception {
        List<Contestant> all = new ArrayList<>(ours(ask, between));
        if (rig.caddy().isPresent()) {
            int port = FreePorts.next();
            Path base = directory("caddy", between);
            all.add(stood(
                    CADDY,
                    base,
                    port,
                    between,
                    (directory, roots) -> ForeignServer.caddy(
                            rig.caddy().get(), base, ask.uri().toString(), directory, roots, port)));
        }
        return all;
    }

    private List<Contestant> ours(AskEndpoint ask, Between between) throws Exception {
        List<Contestant> ours = new ArrayList<>();
        for (Setting setting : List.of(rig.jetty(), rig.tomcat())) {
            Path base = directory(setting.kind().word(), between);
            Server server = Server.layOut(setting, base.resolve("base"));
            String title = setting.kind() == Setting.Kind.JETTY ? "Jetty" : "Tomcat";
            ours.add(stood(
                    "this project on " + title,
                    base,
                    server.tlsPort(),
                    between,
                    (directory, roots) -> server.backlog(10 * TOGETHER)
                            .with("onDemandTls.permission.ask", ask.uri().toString())
                            .with("onDemandTls.acme.directory", directory)
                            .with("onDemandTls.acme.trustedRoots", roots.toString())
                            .with("onDemandTls.acme.challenges", "tls-alpn-01")));
        }
        return ours;
    }

    private Path directory(String name, Between between) {
        return rig.directory().resolve(name + "-visits-" + between.name().toLowerCase(Locale.ROOT));
    }

    /** Lays out a server that uses a CA. */
    @FunctionalInterface
    private interface Layout {

        /**
         * Lays it out.
         *
         * @param directory the CA's directory URL
         * @param roots who vouches for it
         */
        Server with(String directory, Path roots) throws IOException;
    }

    private static Contestant stood(String name, Path base, int tlsPort, Between between, Layout layout)
            throws Exception {
        Pebble pebble = pebble(tlsPort, base.resolve("pebble"));
        return switch (between) {
            case NOTHING ->
                new Contestant(
                        name, pebble, null, layout.with(pebble.directory().toString(), pebble.trustedRoots()));
            case TURNS -> {
                var turns = new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), base.resolve("ca"))
                        .keepingConnections();
                yield new Contestant(
                        name, pebble, turns, layout.with(turns.directory().toString(), turns.trustedRoots()));
            }
            case PRODUCTION -> {
                var production = new ProductionCa(pebble, base.resolve("ca"), tlsPort);
                yield new Contestant(
                        name, pebble, production, layout.with(production.directory(), production.trustedRoots()));
            }
        };
    }

    private static Pebble pebble(int tlsPort, Path directory) {
        return Pebble.options()
                .tlsPort(tlsPort)
                .httpPort(FreePorts.next())
                .rejectNonces(Scene.REJECTED_NONCES)
                .start(directory);
    }

    // Each figure of each, and where there is an aim what it is against Caddy.
    private static void write(Report report, List<Contestant> all, Map<String, Double> aims) {
        Map<String, Double> caddy =
                all.get(all.size() - 1).name.equals(CADDY) ? all.get(all.size() - 1).figures : Map.of();
        for (Contestant each : all) {
            each.figures.forEach((figure, value) -> {
                report.figure(
                        each.name + ": " + figure,
                        String.format(Locale.ROOT, figure.contains("exchanges") ? "%.1f" : "%.1f ms", value));
                Double aim = aims.get(figure);
                Double theirs = caddy.get(figure);
                if (aim != null && theirs != null && !each.name.equals(CADDY)) {
                    report.atMost("… against Caddy", value / theirs, aim, "");
                }
            });
        }
    }

    private static void bars(Report report, List<Contestant> all, String file, String title, String figure) {
        Map<String, Double> bars = new LinkedHashMap<>();
        all.forEach(each -> bars.put(each.name, each.figures.getOrDefault(figure, 0.0)));
        report.bars(file, title, bars, "ms");
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }
}
