package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardThreadExecutor;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.ParkingLot;
import org.ondemandtls.testing.TlsProbe;

/** What Tomcat documents of its connectors goes on to work as documented: executors, attributes, JMX. */
class ConnectorIT {

    private static final int VISITS = 40;
    private static final int VIRTUAL_THREADS_SINCE = 21;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(VISITS);
    private TomcatFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new TomcatFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void requestsAndHandshakesRunOnTheExecutorThatIsNamed() throws Exception {
        StandardThreadExecutor executor = new StandardThreadExecutor();
        executor.setName("shared");
        executor.setNamePrefix("shared-exec-");
        executor.setMaxThreads(3);
        executor.setMinSpareThreads(1);
        fixture.tomcat.getService().addExecutor(executor);
        fixture.secure.getProtocolHandler().setExecutor(executor);
        fixture.start();

        assertManyWaitAndAreAnswered();

        assertThat(fixture.threads).isNotEmpty().allMatch(thread -> thread.startsWith("shared-exec-"));
        assertThat(executor.getPoolSize()).isLessThanOrEqualTo(3);
    }

    /** Before JDK 21 there are none, and Tomcat says so itself when it is asked for them. */
    @Test
    void virtualThreadsServeWhereTheJdkHasThem() throws Exception {
        if (Runtime.version().feature() < VIRTUAL_THREADS_SINCE) {
            assertThatThrownBy(() -> {
                        fixture.secure.setProperty("useVirtualThreads", "true");
                        fixture.start();
                    })
                    .hasStackTraceContaining("irtual")
                    .hasStackTraceContaining("21");
            return;
        }
        assertThat(fixture.secure.setProperty("useVirtualThreads", "true")).isTrue();
        fixture.start();

        assertManyWaitAndAreAnswered();

        assertThat(fixture.threads).isNotEmpty().allMatch(thread -> thread.contains("-virt-"));
    }

    @Test
    void attributesOfTheConnectorAreHeeded() throws Exception {
        fixture.secure.setProperty("maxHttpHeaderSize", "2048");
        fixture.secure.setProperty("server", "somebody");
        fixture.secure.setProperty("maxKeepAliveRequests", "1");
        fixture.start();

        String answer = fixture.visit("shop.customer.test");
        String tooLarge = TlsProbe.trustingAnything()
                .get(fixture.port(), "shop.customer.test", "/" + "x".repeat(4_000))
                .answer();

        assertThat(answer).startsWith("HTTP/1.1 200 ").contains("Server: somebody", "Connection: close");
        assertThat(tooLarge).startsWith("HTTP/1.1 400 ");
    }

    @Test
    void aHalfOfTheConnectionsThatAreTakenMayWaitSoThatKnownNamesAreServedMeanwhile() throws Exception {
        fixture.secure.setProperty("maxConnections", "8");
        fixture.start();
        fixture.visit("known.customer.test");
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            visits.add(visit("slow" + i + ".customer.test"));
        }
        await().until(() -> fixture.parked() == 4 && fixture.busyThreads() == 0);

        var fifth = TlsProbe.trustingAnything().handshake(fixture.port(), "slow4.customer.test");
        String known = fixture.visit("known.customer.test");

        assertThat(fifth.alert()).contains("internal_error");
        assertThat(fixture.engine().status().getOverflows()).containsEntry(ParkingLot.CONNECTOR, 1L);
        assertThat(fixture.engine().status().getParkedLimit()).isEqualTo(4);
        assertThat(known).startsWith("HTTP/1.1 200 ");
        fixture.slowAnswers.countDown();
        for (CompletableFuture<String> visit : visits) {
            assertThat(visit.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void aConnectorThatStopsTellsThoseWhoWaitThereAndNobodyElse() throws Exception {
        Connector other = TomcatFixture.connector();
        fixture.keys.forEach(other::setProperty);
        fixture.tomcat.getService().addConnector(other);
        fixture.start();
        CompletableFuture<String> stays = visit("slow1.customer.test");
        int port = other.getLocalPort();
        CompletableFuture<TlsProbe.Outcome> ends = CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().handshake(port, "slow2.customer.test"), clients);
        // It counts a moment before the connector knows of it; then its worker is free again.
        ThreadPoolExecutor workers =
                (ThreadPoolExecutor) other.getProtocolHandler().getExecutor();
        await().until(() -> fixture.parked() == 2 && workers.getActiveCount() == 0);

        other.stop();

        assertThat(ends.get(2, TimeUnit.MINUTES).alert()).contains("internal_error");
        assertThat(fixture.parked()).isEqualTo(1);
        fixture.slowAnswers.countDown();
        assertThat(stays.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void hostConfigurationsThatWereReplacedOrRemovedAreForgotten() throws Exception {
        fixture.serveItself("own.operator.test");
        fixture.start();
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) fixture.secure.getProtocolHandler();
        for (int i = 0; i < 3; i++) {
            fixture.reloadItself("own" + i + ".operator.test");
        }
        protocol.addSslHostConfig(fixture.hostConfig("more.operator.test", "more.operator.test"));
        assertThat(protocol.onDemandEndpoint().knownHostConfigs()).isEqualTo(2);

        protocol.onDemandEndpoint().removeSslHostConfig("more.operator.test");

        assertThat(protocol.onDemandEndpoint().knownHostConfigs()).isEqualTo(1);
    }

    @Test
    void jmxShowsTheConnectorAndReloadsItsHostConfigurations() throws Exception {
        fixture.start();
        fixture.visit("shop.customer.test");
        MBeanServer beans = ManagementFactory.getPlatformMBeanServer();

        ObjectName pool = only(beans, "Tomcat:type=ThreadPool,name=\"https-jsse-nio-127.0.0.1-auto-*\",*");
        ObjectName handler = only(beans, "Tomcat:type=ProtocolHandler,port=auto-*,address=\"127.0.0.1\"");
        beans.invoke(handler, "reloadSslHostConfigs", new Object[0], new String[0]);

        assertThat(beans.getAttribute(pool, "maxThreads")).isEqualTo(TomcatFixture.THREADS);
        assertThat(beans.getAttribute(pool, "connectionCount")).isInstanceOf(Long.class);
        assertThat(beans.getAttribute(new ObjectName("org.ondemandtls:type=OnDemandTls"), "InventorySize"))
                .isEqualTo(1L);
        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void portsThatAPublicCaDoesNotLookAtAreWorthALine() throws Exception {
        fixture.redirectToHttps();
        fixture.start();
        OnDemandTlsProtocol connector = (OnDemandTlsProtocol) fixture.secure.getProtocolHandler();
        OnDemandTlsConfig ofAPublicCa = ConfigReader.read(
                Map.of(
                        "onDemandTls.permission.names",
                        "a.customer.test",
                        "onDemandTls.acme.directory",
                        "letsencrypt-staging"),
                directory);

        assertThat(SharedEngine.portAdvice(ofAPublicCa, List.of(connector)))
                .contains("a public CA looks at ports 80 and 443 only; this server listens on http "
                        + fixture.plainPort() + ", https " + fixture.port()
                        + ": forward those ports to it, or set the port attributes of the <Connector> elements to 80"
                        + " and 443");
        assertThat(SharedEngine.portAdvice(fixture.engine().config(), List.of(connector)))
                .isEmpty();
    }

    private void assertManyWaitAndAreAnswered() throws Exception {
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < VISITS; i++) {
            visits.add(visit("slow" + i % 10 + ".customer.test"));
        }
        await().until(() -> fixture.parked() == VISITS);
        assertThat(fixture.visit("known.customer.test")).startsWith("HTTP/1.1 200 ");

        fixture.slowAnswers.countDown();

        for (CompletableFuture<String> visit : visits) {
            assertThat(visit.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
        }
    }

    private CompletableFuture<String> visit(String name) {
        return CompletableFuture.supplyAsync(() -> fixture.visit(name), clients);
    }

    private static ObjectName only(MBeanServer beans, String pattern) throws Exception {
        return beans.queryNames(new ObjectName(pattern), null).stream()
                .findFirst()
                .orElseThrow(() -> new AssertionError(pattern + " is not there"));
    }
}
