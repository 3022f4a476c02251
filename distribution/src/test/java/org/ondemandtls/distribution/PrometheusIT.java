package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/** What is shipped for Prometheus and Grafana, with a real Prometheus: it reads real servers, and its rules do what they say. */
@Tag("once")
class PrometheusIT {

    private static final String INSTALL = "apt-get install prometheus";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Path SHIPPED = Tools.root().resolve("etc/grafana");
    private static final Path RULES = SHIPPED.resolve("ondemand-tls-alerts.yml");
    // Long enough for a renewal to be overdue for some looks at the store before the certificate ends.
    private static final Duration LIFE = Duration.ofMinutes(5);
    private static final Pattern EXPRESSION = Pattern.compile("\"expr\": \"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern FIGURE = Pattern.compile("ondemandtls_[a-z_]+");
    private static final Pattern ALERT = Pattern.compile("- alert: (\\w+)");

    @TempDir
    private Path directory;

    private static List<String> all(Pattern pattern, String text, int group) {
        List<String> found = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group(group));
        }
        return found;
    }

    private static void promtool(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(Tools.onPath("promtool", INSTALL).toString()));
        command.addAll(List.of(arguments));
        Command ran = Command.run(command, PATIENCE);
        assertThat(ran.exitCode()).as(ran.stdout() + ran.stderr()).isZero();
    }

    @Test
    void eachAlertRingsWhereItShouldAndOnlyThere() throws IOException {
        promtool("check", "rules", RULES.toString());
        promtool(
                "test", "rules", SHIPPED.resolve("ondemand-tls-alerts-test.yml").toString());

        String tests = Files.readString(SHIPPED.resolve("ondemand-tls-alerts-test.yml"));
        String operations = Files.readString(Tools.root().resolve("docs/OPERATIONS.md"));
        assertThat(all(ALERT, Files.readString(RULES), 1)).isNotEmpty().allSatisfy(alert -> {
            assertThat(tests).contains("alertname: " + alert);
            assertThat(operations).contains("### " + alert + "\n");
        });
    }

    @ParameterizedTest
    @MethodSource("org.ondemandtls.distribution.ServerLine#tried")
    void aRealOneReadsAServerAndKnowsEveryFigureOfDashboardAndRules(ServerLine line) throws Exception {
        try (AskEndpoint ask = AskEndpoint.granting("*.customer.example");
                ServerProcess server = line.layOut(directory.resolve("base")).carryingThePage();
                Pebble pebble = Pebble.options()
                        .tlsPort(server.tlsPort())
                        .blocked("bad.customer.example")
                        .start(directory.resolve("pebble"))) {
            server.property("onDemandTls.permission.ask", ask.uri().toString())
                    .property("onDemandTls.permission.askTimeout", "20s")
                    .property("onDemandTls.acme.directory", pebble.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            pebble.trustedRoots().toString())
                    .start();
            TlsProbe visitor = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visitor.handshake(server.tlsPort(), "shop.customer.example")
                            .failure())
                    .isEmpty();
            assertThat(visitor.handshake(server.tlsPort(), "stranger.example").failure())
                    .isNotEmpty();
            String metrics = "http://localhost:" + server.httpPort() + "/ondemand-tls/metrics";
            Set<String> figures =
                    new TreeSet<>(all(Pattern.compile("# TYPE (ondemandtls_[a-z_]+) "), get(metrics, "looker"), 1));
            List<String> expressions =
                    all(EXPRESSION, Files.readString(SHIPPED.resolve("ondemand-tls-dashboard.json")), 1).stream()
                            .map(text -> text.replace("\\\"", "\"").replace("$instance", ".*"))
                            .toList();
            assertThat(all(FIGURE, expressions + Files.readString(RULES), 0))
                    .allSatisfy(name -> assertThat(figures)
                            .as(name)
                            .containsAnyOf(name, name.replaceFirst("_(bucket|count|sum)$", "")));

            int port = FreePorts.next();
            try (BackgroundProcess prometheus = prometheus(RULES, server.httpPort(), port)) {
                prometheus.awaitPort(port, PATIENCE);
                String site = "http://localhost:" + port + "/api/v1/";
                Awaitility.await()
                        .atMost(PATIENCE)
                        .until(() -> query(site, "ondemandtls_order_seconds_count{result=\"obtained\"}")
                                .contains("\"value\""));
                for (String expression : expressions) {
                    assertThat(query(site, expression)).as(expression).contains("\"status\":\"success\"");
                }
                for (String there : List.of(
                        "ondemandtls_ca_well == 1",
                        "ondemandtls_store_up == 1",
                        "ondemandtls_vantage_networks == 1",
                        "ondemandtls_handshakes_served_total > 0",
                        "ondemandtls_handshakes_refused_total > 0",
                        "ondemandtls_permission_seconds_count{answer=\"granted\"}",
                        "ondemandtls_order_step_seconds_count{step=\"validate\"}",
                        "sum(ondemandtls_certificates_by_days_left) > 0")) {
                    // One scrape that is late makes every series stale.
                    Awaitility.await()
                            .atMost(PATIENCE)
                            .untilAsserted(() ->
                                    assertThat(query(site, there)).as(there).contains("\"value\""));
                }
                assertThat(get(site + "alerts", "")).doesNotContain("firing");

                assertThat(visitor.handshake(server.tlsPort(), "bad.customer.example")
                                .failure())
                        .isNotEmpty();
                Awaitility.await()
                        .atMost(PATIENCE)
                        .until(() -> get(site + "alerts", "").contains("OnDemandTlsNameFails"));
                assertThat(get(site + "alerts", "")).doesNotContain("OnDemandTlsCaDown");
            }
        }
    }

    /**
     * Each cause of the rules' tests with series, as it really comes about. The rules wait shorter than for an operator; the
     * server and what it reports are as shipped.
     */
    @Tag("long")
    @Test
    void eachTroubleOfAServerRingsItsAlert() throws Exception {
        try (AskEndpoint ask = AskEndpoint.granting("*.customer.example");
                Database database = Database.start(Database.Kind.POSTGRESQL);
                ServerProcess server =
                        ServerLine.JETTY_12_1.layOut(directory.resolve("base")).carryingThePage();
                Pebble pebble = Pebble.options()
                        .tlsPort(server.tlsPort())
                        .profile("moments", LIFE)
                        .blocked("bad.customer.example")
                        .start(directory.resolve("pebble"));
                FaultyAcmeProxy ca =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            server.withDriver(org.postgresql.Driver.class)
                    .property("onDemandTls.store", database.url())
                    .property("onDemandTls.permission.ask", ask.uri().toString())
                    .property("onDemandTls.permission.askTimeout", "20s")
                    .property("onDemandTls.budget.orders", "40/3h")
                    .property("onDemandTls.acme.directory", ca.directory().toString())
                    .property("onDemandTls.acme.trustedRoots", ca.trustedRoots().toString())
                    .start();
            int port = FreePorts.next();
            try (BackgroundProcess prometheus = prometheus(impatientRules(), server.httpPort(), port)) {
                prometheus.awaitPort(port, PATIENCE);
                String alerts = "http://localhost:" + port + "/api/v1/alerts";
                TlsProbe visitor = TlsProbe.trusting(pebble.issuerRoot());

                ask.answer(name -> AskEndpoint.Answer.status(503));
                awaitRinging(alerts, "OnDemandTlsPermissionDoesNotAnswer", visitOf(visitor, server, "first"));

                // Before permission is back: where the CA has issued just now, it is not down.
                ca.when(FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.status(503, Map.of()));
                ask.answer(name -> AskEndpoint.Answer.GRANTED);
                awaitRinging(alerts, "OnDemandTlsCaDown", visitOf(visitor, server, "late"));
                ca.heal();

                awaitRinging(
                        alerts,
                        "OnDemandTlsNameFails",
                        () -> visitor.handshake(server.tlsPort(), "bad.customer.example"));

                awaitRinging(alerts, "OnDemandTlsBudgetNearlySpent", visitOf(visitor, server, "many"));
                awaitRinging(alerts, "OnDemandTlsBudgetSpent", visitOf(visitor, server, "more"));

                ca.when(FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.status(503, Map.of()));
                // Only what is visited is renewed.
                awaitRinging(alerts, "OnDemandTlsRenewalsOverdue", () -> {
                    for (int i = 1; i <= 6; i++) {
                        visitor.handshake(server.tlsPort(), "many" + i + ".customer.example");
                    }
                });

                database.hang(true);
                awaitRinging(alerts, "OnDemandTlsStoreDown", () -> {});
                database.hang(false);

                server.stop();
                awaitRinging(alerts, "OnDemandTlsNotScraped", () -> {});
            }
        }
    }

    /** Something that makes trouble once more. */
    private interface Trouble {
        void again() throws Exception;
    }

    // To two names nobody has heard of.
    private static Trouble visitOf(TlsProbe visitor, ServerProcess server, String prefix) {
        AtomicInteger count = new AtomicInteger();
        return () -> {
            for (int i = 0; i < 2; i++) {
                visitor.handshake(server.tlsPort(), prefix + count.incrementAndGet() + ".customer.example");
            }
        };
    }

    private static void awaitRinging(String alerts, String alert, Trouble trouble) {
        Awaitility.await()
                .alias(alert)
                .atMost(LIFE.plus(PATIENCE))
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> {
                    trouble.again();
                    return isRinging(get(alerts, ""), alert);
                });
    }

    private static boolean isRinging(String alerts, String alert) {
        return Pattern.compile("\\{\"labels\":\\{[^{}]*\"" + alert + "\"[^{}]*},\"annotations\":\\{[^{}]*},"
                        + "\"state\":\"firing\"")
                .matcher(alerts)
                .find();
    }

    // A day is ten seconds there, and nobody waits for minutes before it rings.
    private Path impatientRules() throws IOException {
        String rules = Files.readString(RULES)
                .replaceAll("for: \\d+[mh]", "for: 1s")
                .replace("oldest_overdue_seconds > 86400", "oldest_overdue_seconds > 10");
        assertThat(rules).contains("oldest_overdue_seconds > 10").doesNotContainPattern("for: \\d+[mh]");
        return Files.writeString(directory.resolve("rules.yml"), rules);
    }

    private BackgroundProcess prometheus(Path rules, int target, int port) throws IOException {
        Path home = Files.createDirectories(directory.resolve("prometheus"));
        Files.writeString(home.resolve("password"), "secret");
        Path configuration = Files.writeString(
                home.resolve("prometheus.yml"), """
                global:
                  scrape_interval: 1s
                  evaluation_interval: 1s
                rule_files:
                  - %s
                scrape_configs:
                  - job_name: ondemand-tls
                    metrics_path: /ondemand-tls/metrics
                    basic_auth:
                      username: looker
                      password_file: %s
                    static_configs:
                      - targets: ["localhost:%d"]
                """.formatted(rules, home.resolve("password"), target));
        promtool("check", "config", configuration.toString());
        return BackgroundProcess.start(
                List.of(
                        Tools.onPath("prometheus", INSTALL).toString(),
                        "--config.file=" + configuration,
                        "--storage.tsdb.path=" + home.resolve("data"),
                        "--web.listen-address=127.0.0.1:" + port),
                home,
                Map.of(),
                home.resolve("prometheus.log"));
    }

    private static String query(String site, String expression) throws IOException, InterruptedException {
        return get(site + "query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8), "");
    }

    private static String get(String url, String user) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        if (!user.isEmpty()) {
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString((user + ":secret").getBytes(StandardCharsets.UTF_8)));
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
