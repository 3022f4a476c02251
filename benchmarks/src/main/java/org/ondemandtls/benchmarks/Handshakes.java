package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.ondemandtls.testing.Command;
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
    private static final int LOAD_CORE = 1;
    private static final double RATIO = 0.95;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final String OWN = "own.example";

    private final Random random = new Random(1);

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("Handshakes for served names, " + setting.title());
        report.condition(
                "Full TLS 1.3 handshakes, P-256, one after another: " + NAMES
                        + " names at random, by turns with a stock server that has one certificate; " + ROUNDS
                        + " rounds of "
                        + HANDSHAKES + " each after " + WARM_UP
                        + ". Servers on one core, the client on the other (`taskset`); processor time by the system's accounting.");
        Command.run(
                List.of(
                        "taskset",
                        "-a",
                        "-p",
                        "-c",
                        Integer.toString(LOAD_CORE),
                        Long.toString(ProcessHandle.current().pid())),
                PATIENCE);
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
            SSLContext client = client();
            report.progress(ROUNDS + " rounds of " + HANDSHAKES + " handshakes with each");
            shake(client, ours, names, WARM_UP);
            shake(client, stock, List.of(OWN), WARM_UP);
            List<Double> oursMicros = new ArrayList<>();
            List<Double> stockMicros = new ArrayList<>();
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                double one = perHandshake(client, ours, names);
                double other = perHandshake(client, stock, List.of(OWN));
                oursMicros.add(one);
                stockMicros.add(other);
                ratios.add(one / other);
            }
            report.figure("a handshake, processor time of the server, median", Math.round(median(oursMicros)) + " µs");
            report.figure("… of the stock server", Math.round(median(stockMicros)) + " µs");
            report.atMost("ratio, median of the rounds", median(ratios), RATIO, "");
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

    // In microseconds; the system counts in ticks of ten milliseconds.
    private double perHandshake(SSLContext client, Server server, List<String> names) throws IOException {
        Duration before = server.processorTime();
        shake(client, server, names, HANDSHAKES);
        return server.processorTime().minus(before).toNanos() / 1e3 / HANDSHAKES;
    }

    private void shake(SSLContext client, Server server, List<String> names, int times) throws IOException {
        for (int time = 0; time < times; time++) {
            String name = names.get(random.nextInt(names.size()));
            Socket tcp = new Socket();
            tcp.setTcpNoDelay(true);
            tcp.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.tlsPort()));
            try (var socket = (SSLSocket) client.getSocketFactory().createSocket(tcp, name, server.tlsPort(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(name)));
                parameters.setProtocols(new String[] {"TLSv1.3"});
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                // Closed before a ticket is read: the next handshake is a full one again.
                socket.getSession().invalidate();
            }
        }
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }

    private static SSLContext client() throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new AnyTrust()}, null);
        return context;
    }

    /** What is measured is the server. */
    private static final class AnyTrust extends X509ExtendedTrustManager {

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
