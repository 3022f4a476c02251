package org.ondemandtls.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.ondemandtls.testing.Pebble;

/** Whether a first visit is slower where the management page is on and read all the time, by turns with one without it. */
final class PageCost implements Benchmarks.Measurement {

    private static final int STARTS = 3;
    private static final int VISITS = 40;
    private static final double NO_SLOWER = 1.1;
    private static final HttpClient READER = HttpClient.newHttpClient();

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("First visit with the management page, " + setting.title());
        report.condition(
                "Two servers in JVMs of their own, each with its own Pebble as above: one without the page, one"
                        + " with it, whose figures and list of names are read once a second meanwhile, as often as fifteen"
                        + " Prometheus do.");
        report.condition(STARTS + " fresh JVMs of each at the same time, in each " + VISITS
                + " visits to new names, to the one and the other by turns.");
        Client.warmUp();
        List<Duration> off = new ArrayList<>();
        List<Duration> on = new ArrayList<>();
        int reads = 0;
        try (Scene without = Scene.set(setting, "page-off", Pebble.options());
                Scene with = Scene.set(setting, "page-on", Pebble.options())) {
            with.server().carryingThePage();
            for (int start = 0; start < STARTS; start++) {
                without.server().start();
                with.server().start();
                // The account is there, and what only the first visit of all waits for is over.
                Client.visit(without.server().tlsPort(), "before-" + start + ".customer.example");
                Client.visit(with.server().tlsPort(), "before-" + start + ".customer.example");
                reads += readMeanwhile(with.server().plainPort(), without, with, start, off, on);
                report.progress("start " + (start + 1) + ": median without "
                        + Times.millis(Times.of(off).median()) + ", with "
                        + Times.millis(Times.of(on).median()));
                without.server().close();
                with.server().close();
            }
        }
        Duration median = Times.of(off).median();
        report.figure("first visit without the page, median of " + off.size(), Times.millis(median));
        report.figure(
                "first visit with the page, read " + reads + " times meanwhile, median of " + on.size(),
                Times.millis(Times.of(on).median()));
        report.atMost(
                "the one with it against the one without",
                (double) Times.of(on).median().toNanos() / median.toNanos(),
                NO_SLOWER,
                "");
        report.figure(
                "99th percentile without and with",
                Times.millis(Times.of(off).percentile(99)) + ", "
                        + Times.millis(Times.of(on).percentile(99)));
    }

    private static int readMeanwhile(
            int port, Scene without, Scene with, int start, List<Duration> off, List<Duration> on) throws Exception {
        ScheduledExecutorService second = Executors.newSingleThreadScheduledExecutor();
        int reads = 0;
        try {
            Future<Integer> reading = second.submit(() -> read(port));
            for (int visit = 0; visit < VISITS; visit++) {
                if (reading.isDone()) {
                    reading.get();
                    reads++;
                    reading = second.schedule(() -> read(port), 1, TimeUnit.SECONDS);
                }
                String name = "n" + visit + "-" + start + ".customer.example";
                // Neither always comes first.
                if (visit % 2 == 0) {
                    off.add(Client.visit(without.server().tlsPort(), name).took());
                    on.add(Client.visit(with.server().tlsPort(), name).took());
                } else {
                    on.add(Client.visit(with.server().tlsPort(), name).took());
                    off.add(Client.visit(without.server().tlsPort(), name).took());
                }
            }
        } catch (ExecutionException e) {
            throw new IOException("the page cannot be read", e);
        } finally {
            second.shutdownNow();
        }
        return reads;
    }

    private static int read(int port) throws IOException, InterruptedException {
        String site = "http://localhost:" + port + "/ondemand-tls/";
        int octets = 0;
        for (String path : List.of("metrics", "api/v1/names?limit=50")) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(site + path))
                    .header(
                            "Authorization",
                            "Basic " + Base64.getEncoder().encodeToString("looker:secret".getBytes(UTF_8)))
                    .build();
            HttpResponse<String> answer = READER.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new IOException(path + ": status " + answer.statusCode());
            }
            octets += answer.body().length();
        }
        return octets;
    }
}
