package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.ondemandtls.testing.HostFixture;

/**
 * What a full TLS 1.3 handshake for a name that is served costs the server in processor time, beside the same server as it
 * comes with one certificate: by turns, so that whatever else the machine does meets both.
 */
final class Handshakes implements Benchmarks.Measurement {

    private static final int NAMES = 500;
    private static final int WARM_UP = 3000;
    private static final int ROUNDS = 6;
    private static final int HANDSHAKES = 1000;
    private static final int SERVER_CORE = 0;
    private static final double RATIO = 0.95;
    private static final String OWN = "own.example";

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("Handshakes for served names, " + setting.title());
        report.condition(
                "Full TLS 1.3 handshakes, P-256, one after another: " + NAMES
                        + " names at random, by turns with a stock server that has one certificate; " + ROUNDS
                        + " rounds of "
                        + HANDSHAKES + " each after " + WARM_UP
                        + ". Servers on one core, the client on the other (`taskset`); processor time by the system's accounting.");
        Load.pin();
        Path directory = setting.emptied("handshakes");
        Path keyStore = HostFixture.keyStore(directory.resolve("own.p12"), OWN);
        boolean jetty = setting.kind() == Setting.Kind.JETTY;
        try (Server ours = Server.layOut(setting, directory.resolve("base"));
                Server stock = jetty
                        ? JettyServer.layOutStock(setting, directory.resolve("stock"), keyStore)
                        : TomcatServer.layOutStock(setting, directory.resolve("stock"), keyStore)) {
            ours.with("onDemandTls.permission.names", "*.customer.example")
                    .with("onDemandTls.issuer", "internal")
                    .pinnedTo(SERVER_CORE)
                    .start();
            stock.pinnedTo(SERVER_CORE).start();
            List<String> names = obtained(ours);
            Load load = new Load();
            report.progress(ROUNDS + " rounds of " + HANDSHAKES + " handshakes with each");
            load.shake(ours, names, WARM_UP);
            load.shake(stock, List.of(OWN), WARM_UP);
            List<Double> oursMicros = new ArrayList<>();
            List<Double> stockMicros = new ArrayList<>();
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                double one = load.perHandshake(ours, names, HANDSHAKES);
                double other = load.perHandshake(stock, List.of(OWN), HANDSHAKES);
                oursMicros.add(one);
                stockMicros.add(other);
                ratios.add(one / other);
            }
            report.figure(
                    "a handshake, processor time of the server, median", Math.round(Load.median(oursMicros)) + " µs");
            report.figure("… of the stock server", Math.round(Load.median(stockMicros)) + " µs");
            report.atMost("ratio, median of the rounds", Load.median(ratios), RATIO, "");
            report.figure(
                    "… smallest and largest of a round",
                    String.format(Locale.ROOT, "%.2f to %.2f", Collections.min(ratios), Collections.max(ratios)));
        }
    }

    private static List<String> obtained(Server server) throws IOException {
        List<String> names = new ArrayList<>();
        for (int number = 0; number < NAMES; number++) {
            names.add("shop-" + number + ".customer.example");
            Client.visit(server.tlsPort(), names.get(number));
        }
        return names;
    }
}
