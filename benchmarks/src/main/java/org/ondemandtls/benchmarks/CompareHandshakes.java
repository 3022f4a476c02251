package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.LoopbackCertificate;

/** What a handshake costs each server in processor time, all by turns, and what memory each holds after it. */
final class CompareHandshakes {

    private static final int NAMES = Compare.part(5000);
    // A JVM on one core has compiled what it runs after about eight thousand.
    private static final int WARM_UP = Compare.part(10_000);
    private static final int WARM_UP_OF_NATIVE = Compare.part(500);
    private static final int ROUNDS = 6;
    private static final int HANDSHAKES = Compare.part(500);
    private static final int SERVER_CORE = 0;
    private static final String OWN = "own.example";
    private static final String ON_OPENSSL = "this project on Tomcat, OpenSSL";
    private static final int JAVA_FOR_OPENSSL = 22;
    private static final Set<String> NATIVE = Set.of("Caddy", "nginx");

    private record Contestant(Server server, List<String> names, List<Double> micros) {}

    private final Compare.Rig rig;
    private final Map<String, Contestant> contestants = new LinkedHashMap<>();

    CompareHandshakes(Compare.Rig rig) {
        this.rig = rig;
    }

    void measure(Report report) throws Exception {
        report.section("A handshake for a name that is served");
        report.condition(
                "Full TLS 1.3 handshakes, P-256, one after another and by turns: " + NAMES
                        + " names at random, one name where a server has one certificate; " + ROUNDS + " rounds of "
                        + HANDSHAKES
                        + " after " + WARM_UP + " (" + WARM_UP_OF_NATIVE
                        + " of Caddy and nginx), the first visits among them. Servers on one core, the client on the other (`taskset`).");
        report.condition("Processor time of the server by the system's accounting, median of the rounds;"
                + " ratios of one round, median and spread.");
        Load.pin();
        Load load = new Load();
        try (AskEndpoint ask = AskEndpoint.granting("*.customer.example")) {
            layOut(ask);
            for (Map.Entry<String, Contestant> each : contestants.entrySet()) {
                report.progress(each.getKey());
                each.getValue().server().pinnedTo(SERVER_CORE).start();
                for (String name : each.getValue().names()) {
                    Client.visit(each.getValue().server().tlsPort(), name);
                }
                load.shake(
                        each.getValue().server(),
                        each.getValue().names(),
                        NATIVE.contains(each.getKey())
                                ? WARM_UP_OF_NATIVE
                                : WARM_UP - each.getValue().names().size());
            }
            Duration client = ownTime();
            for (int round = 0; round < ROUNDS; round++) {
                report.progress("round " + (round + 1) + " of " + ROUNDS);
                for (Contestant each : contestants.values()) {
                    each.micros().add(load.perHandshake(each.server(), each.names(), HANDSHAKES));
                }
            }
            client = ownTime().minus(client);
            write(report, client.toNanos() / 1e3 / (ROUNDS * HANDSHAKES * contestants.size()));
        } finally {
            contestants.values().forEach(each -> each.server().close());
        }
    }

    private void layOut(AskEndpoint ask) throws Exception {
        Path keyStore = HostFixture.keyStore(rig.directory().resolve("own.p12"), OWN);
        List<String> names = new ArrayList<>();
        for (int number = 0; number < NAMES; number++) {
            names.add("shop-" + number + ".customer.example");
        }
        add("this project on Jetty", ours(Server.layOut(rig.jetty(), base("jetty"))), names);
        add("stock Jetty", JettyServer.layOutStock(rig.jetty(), base("jetty-stock"), keyStore), List.of(OWN));
        add("this project on Tomcat", ours(Server.layOut(rig.tomcat(), base("tomcat"))), names);
        add("stock Tomcat", TomcatServer.layOutStock(rig.tomcat(), base("tomcat-stock"), keyStore), List.of(OWN));
        add(
                "this project on Jetty, Conscrypt",
                ours(JettyServer.layOutOnConscrypt(rig.jetty(), base("jetty-conscrypt"), rig.conscrypt())),
                names);
        add(
                "this project on Tomcat, Conscrypt",
                ours(TomcatServer.layOutOnConscrypt(rig.tomcat(), base("tomcat-conscrypt"), rig.conscrypt())),
                names);
        if (Runtime.version().feature() >= JAVA_FOR_OPENSSL) {
            add(ON_OPENSSL, ours(TomcatServer.layOutOnOpenSsl(rig.tomcat(), base("tomcat-openssl"))), names);
        }
        add(
                "stock Jetty, Conscrypt",
                JettyServer.layOutStockOnConscrypt(
                        rig.jetty(), base("jetty-stock-conscrypt"), keyStore, rig.conscrypt()),
                List.of(OWN));
        add(
                "stock Tomcat, Conscrypt",
                TomcatServer.layOutStockOnConscrypt(
                        rig.tomcat(), base("tomcat-stock-conscrypt"), keyStore, rig.conscrypt()),
                List.of(OWN));
        if (rig.caddy().isPresent()) {
            add(
                    "Caddy",
                    ForeignServer.caddyInternal(
                            rig.caddy().get(), base("caddy"), ask.uri().toString()),
                    names);
        }
        if (rig.nginx().isPresent()) {
            add(
                    "nginx",
                    ForeignServer.nginx(
                            rig.nginx().get(),
                            base("nginx"),
                            LoopbackCertificate.create(
                                    Files.createDirectories(rig.directory().resolve("nginx-certificate")))),
                    List.of(OWN));
        }
    }

    private void write(Report report, double clientMicros) throws IOException {
        Map<String, Double> bars = new LinkedHashMap<>();
        for (Map.Entry<String, Contestant> each : contestants.entrySet()) {
            double micros = Load.median(each.getValue().micros());
            bars.put(each.getKey(), micros);
            report.figure(each.getKey(), Math.round(micros) + " µs");
        }
        report.figure("the load client itself", Math.round(clientMicros) + " µs");
        ratio(report, "this project on Jetty", "stock Jetty", 0.80);
        ratio(report, "this project on Tomcat", "stock Tomcat", 0.95);
        ratio(report, "this project on Jetty, Conscrypt", "stock Jetty, Conscrypt", 0.85);
        ratio(report, "this project on Tomcat, Conscrypt", "stock Tomcat, Conscrypt", 0.85);
        ratio(report, "this project on Jetty, Conscrypt", "Caddy", 1.20);
        ratio(report, "this project on Tomcat, Conscrypt", "Caddy", 1.00);
        for (String each : List.of("this project on Jetty", "this project on Tomcat")) {
            long plain = resident(each);
            long other = resident(each + ", Conscrypt");
            report.figure(each + ", resident memory after it", plain + " MB, with Conscrypt " + other + " MB");
            report.atMost("… with Conscrypt against without", (double) other / plain, 1.5, "");
        }
        if (contestants.containsKey(ON_OPENSSL)) {
            report.figure(ON_OPENSSL + ", resident memory after it", resident(ON_OPENSSL) + " MB");
        }
        if (contestants.containsKey("Caddy")) {
            report.figure("Caddy, resident memory after it", resident("Caddy") + " MB");
        }
        report.bars("handshakes", "Processor time of a TLS handshake", bars, "µs");
    }

    private void ratio(Report report, String one, String other, double most) {
        if (!contestants.containsKey(other)) {
            return;
        }
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            ratios.add(micros(one).get(round) / micros(other).get(round));
        }
        report.atMost(
                String.format(
                        Locale.ROOT,
                        "%s against %s (%.2f to %.2f)",
                        one,
                        other,
                        Collections.min(ratios),
                        Collections.max(ratios)),
                Load.median(ratios),
                most,
                "");
    }

    private List<Double> micros(String contestant) {
        return contestant(contestant).micros();
    }

    private long resident(String contestant) throws IOException {
        return contestant(contestant).server().residentMegabytes();
    }

    private Contestant contestant(String name) {
        Contestant found = contestants.get(name);
        if (found == null) {
            throw new IllegalStateException(name + " takes no part");
        }
        return found;
    }

    private void add(String name, Server server, List<String> names) {
        contestants.put(name, new Contestant(server, names, new ArrayList<>()));
    }

    private Path base(String name) {
        return rig.directory().resolve(name);
    }

    private static Server ours(Server server) {
        return server.with("onDemandTls.permission.names", "*.customer.example").with("onDemandTls.issuer", "internal");
    }

    private static Duration ownTime() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
