package org.ondemandtls.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.NameReport;
import org.ondemandtls.status.NameState;
import org.ondemandtls.testing.NoServer;

/** {@link OnDemandTlsMetrics} with a real registry of Prometheus' on a real engine. */
class OnDemandTlsMetricsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final Pattern TYPE = Pattern.compile("(?m)^# TYPE (ondemandtls_\\S+) ");

    @TempDir
    private Path base;

    private static Set<String> names(String text) {
        Set<String> names = new TreeSet<>();
        Matcher matcher = TYPE.matcher(text);
        while (matcher.find()) {
            names.add(matcher.group(1));
        }
        return names;
    }

    @Test
    void prometheusSeesTheNamesOfTheEnginesOwnEndpoint() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com")
                .build(base);
        var host = new NoServer();
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (OnDemandTls engine = OnDemandTls.open(config, host);
                OnDemandTlsMetrics metrics = new OnDemandTlsMetrics(engine.status())) {
            metrics.bindTo(registry);
            engine.serve();
            engine.status().operations().obtain(SHOP);
            Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> {
                NameReport report = engine.status().operations().lookUp(SHOP);
                return report.state() == NameState.SERVED && !report.inFlight();
            });

            String theirs = registry.scrape();
            String ours = engine.status().figuresText();

            Set<String> expected = names(ours);
            // No handshake, no limit of the CA's, no steps of an ACME order, and so no series.
            expected.removeAll(Set.of(
                    "ondemandtls_budget_left",
                    "ondemandtls_handshakes_served_total",
                    "ondemandtls_handshakes_refused_total",
                    "ondemandtls_order_step_seconds",
                    "ondemandtls_overflows_total"));
            assertThat(theirs)
                    .contains(
                            "ondemandtls_order_seconds_count{ca=\"internal\",purpose=\"obtain\",result=\"obtained\"} 1")
                    .contains("ondemandtls_commands_total{command=\"obtain\"} 1.0")
                    .contains("ondemandtls_events_total{kind=\"obtained\"} 1.0")
                    .contains("ondemandtls_ca_well{ca=\"internal\"} 1.0")
                    .contains("ondemandtls_renewals_oldest_overdue_seconds 0.0")
                    .contains("ondemandtls_certificates_in_memory 1.0");
            assertThat(names(theirs)).containsAll(expected);
        }
    }

    @Test
    void anEngineThatFollowsAnotherIsTheOneThatIsRead() throws Exception {
        var registry = new SimpleMeterRegistry();
        try (OnDemandTls first = open("first");
                OnDemandTlsMetrics metrics = new OnDemandTlsMetrics(first.status())) {
            metrics.bindTo(registry);
            first.serve();
            first.status().operations().withdraw(SHOP);
            assertThat(withdrawn(registry)).isEqualTo(1);
        }
        assertThat(registry.find("ondemandtls.store.up").gauge()).isNull();

        try (OnDemandTls second = open("second");
                OnDemandTlsMetrics metrics = new OnDemandTlsMetrics(second.status())) {
            metrics.bindTo(registry);
            second.serve();

            assertThat(registry.get("ondemandtls.store.up").gauge().value()).isEqualTo(1);
            assertThat(withdrawn(registry)).isZero();
            second.status().operations().withdraw(SHOP);
            assertThat(withdrawn(registry)).isEqualTo(1);
            assertThat(registry.get("ondemandtls.commands")
                            .tag("command", "withdraw")
                            .counter()
                            .count())
                    .isEqualTo(2);
        }
    }

    private OnDemandTls open(String directory) throws Exception {
        return OnDemandTls.open(
                OnDemandTlsConfig.builder()
                        .issuer(Issuer.INTERNAL)
                        .set("onDemandTls.permission.names", "*.example.com")
                        .build(base.resolve(directory)),
                new NoServer());
    }

    private static double withdrawn(SimpleMeterRegistry registry) {
        return registry.get("ondemandtls.events")
                .tag("kind", "withdrawn")
                .functionCounter()
                .count();
    }
}
