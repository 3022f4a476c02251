package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.OptionalSslConnectionFactory;
import org.eclipse.jetty.server.ProxyConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What may stand in front of TLS on a connector: the PROXY protocol, and a detector of protocols. */
class InFrontOfTlsIT {

    private static final String NAME = "shop.customer.test";
    private static final byte[] V1 =
            "PROXY TCP4 198.51.100.7 192.0.2.1 55555 443\r\n".getBytes(StandardCharsets.US_ASCII);
    // Section 2.2 of the PROXY protocol: signature, version 2 and PROXY, TCP over IPv4, 12 octets of addresses.
    private static final byte[] V2 = {
        0x0D,
        0x0A,
        0x0D,
        0x0A,
        0x00,
        0x0D,
        0x0A,
        0x51,
        0x55,
        0x49,
        0x54,
        0x0A,
        0x21,
        0x11,
        0x00,
        0x0C,
        (byte) 198,
        51,
        100,
        7,
        (byte) 192,
        0,
        2,
        1,
        (byte) 0xD9,
        0x03,
        0x01,
        (byte) 0xBB
    };

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newCachedThreadPool();
    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                String seen = "from " + Request.getRemoteAddr(request) + (request.isSecure() ? " secure" : " plain");
                Content.Sink.write(response, true, seen, callback);
                return true;
            }
        });
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    static Stream<byte[]> proxyHeaders() {
        return Stream.of(V1, V2);
    }

    @ParameterizedTest
    @MethodSource("proxyHeaders")
    void theProxyProtocolTellsTheClientsAddressOnAFirstVisit(byte[] header) throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();

        assertThat(visitBehind(header, NAME)).startsWith("HTTP/1.1 200 ").endsWith("from 198.51.100.7 secure");
    }

    @ParameterizedTest
    @MethodSource("proxyHeaders")
    void aVisitBehindTheProxyProtocolMayWaitLongerThanTheIdleTimeout(byte[] header) throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();
        CompletableFuture<String> visit =
                CompletableFuture.supplyAsync(() -> quietly(() -> visitBehind(header, "slow.customer.test")), clients);
        await().until(() -> fixture.parked() == 1);
        fixture.idleTimeout(Duration.ofMillis(300));
        await().atMost(Duration.ofMinutes(2)).pollDelay(Duration.ofSeconds(7)).until(() -> !visit.isDone());
        // Shorter than the wait, which does not count.
        fixture.idleTimeout(Duration.ofSeconds(6));

        fixture.slowAnswers.countDown();

        assertThat(visit.get(2, TimeUnit.MINUTES)).endsWith("from 198.51.100.7 secure");
    }

    @ParameterizedTest
    @MethodSource("proxyHeaders")
    void octetsReadWithTheProxyHeaderAreNotLost(byte[] header) throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(header);
        both.writeBytes(Hellos.clientHello(NAME));
        try (Socket tcp = fixture.client().tcp()) {
            tcp.getOutputStream().write(both.toByteArray());

            assertThat(tcp.getInputStream().read()).isEqualTo(22);
        }
    }

    @Test
    void clientsBehindTheProxyProtocolAreCountedByTheirOwnAddresses() throws Exception {
        fixture.keys.put("onDemandTls.shield.newNamesPerClient", "1/10m");
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();
        byte[] neighbour = proxyHeader("198.51.100.250");
        byte[] stranger = proxyHeader("198.51.101.7");

        assertThat(visitBehind(V1, "first.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(quietly(() -> visitBehind(neighbour, "second.customer.test")))
                .as("of the same /24")
                .contains("internal_error");
        assertThat(visitBehind(stranger, "second.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(fixture.engine().status().getOverflows()).containsEntry("onDemandTls.shield.newNamesPerClient", 1L);
    }

    private static byte[] proxyHeader(String address) {
        return ("PROXY TCP4 " + address + " 192.0.2.1 55555 443\r\n").getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void aRefusalBehindTheProxyProtocolIsAnAlert() throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();

        assertThat(quietly(() -> visitBehind(V2, "denied.customer.test"))).contains("unrecognized_name");
    }

    @Test
    void theGateStandsInsideADetectorAndPlainHttpBesideIt() throws Exception {
        SslConnectionFactory ssl = fixture.secure.getConnectionFactory(SslConnectionFactory.class);
        put(new DetectorConnectionFactory(ssl), "http/1.1");
        fixture.start();

        assertThat(fixture.client().get(NAME)).startsWith("HTTP/1.1 200 ").endsWith(" secure");
        assertThat(quietly(() -> fixture.client().get("denied.customer.test"))).contains("unrecognized_name");
        try (Socket plain = fixture.client().tcp()) {
            assertThat(Client.get(plain, NAME)).startsWith("HTTP/1.1 200 ").endsWith(" plain");
        }
        assertThat(fixture.advice()).isEmpty();
    }

    @Test
    void aWaitBehindADetectorHoldsNoThreadAndSurvivesAStartAgain() throws Exception {
        SslConnectionFactory ssl = fixture.secure.getConnectionFactory(SslConnectionFactory.class);
        put(new DetectorConnectionFactory(ssl, new ProxyConnectionFactory("SSL")), "http/1.1");
        fixture.start();
        fixture.client().get(NAME);
        fixture.server.stop();
        fixture.server.start();
        CompletableFuture<?>[] visits = new CompletableFuture<?>[ServerFixture.THREADS * 2];
        Arrays.setAll(
                visits,
                i -> CompletableFuture.supplyAsync(
                        () -> quietly(() -> fixture.client().get("slow" + i + ".customer.test")), clients));
        await().until(() -> fixture.ask.questions().size() == 1 + visits.length);

        assertThat(fixture.client().get(NAME)).endsWith(" secure");
        fixture.slowAnswers.countDown();

        for (CompletableFuture<?> visit : visits) {
            assertThat((String) visit.get(2, TimeUnit.MINUTES)).endsWith(" secure");
        }
    }

    @Test
    @SuppressWarnings("deprecation")
    void aFactoryThatHidesTlsFromTheGateIsReportedOnceAtEachStart() throws Exception {
        SslConnectionFactory hidden = new SslConnectionFactory(fixture.tls, "http/1.1");
        org.eclipse.jetty.server.ServerConnector third = new org.eclipse.jetty.server.ServerConnector(
                fixture.server,
                new OptionalSslConnectionFactory(hidden, "http/1.1"),
                fixture.secure.getConnectionFactory("http/1.1"));
        third.setHost("127.0.0.1");
        fixture.server.addConnector(third);
        fixture.start();

        assertThat(fixture.advice()).hasSize(1);
        assertThat(fixture.advice().get(0))
                .contains("no certificates on demand")
                .hasLineCount(1);
        fixture.server.stop();
        fixture.server.start();

        assertThat(fixture.advice()).hasSize(2);
        assertThat(fixture.client().get(NAME)).endsWith(" secure");
    }

    @Test
    void theListenersOfReplacedFactoriesHearOfConnections() throws Exception {
        SslConnectionFactory ssl = fixture.secure.getConnectionFactory(SslConnectionFactory.class);
        DetectorConnectionFactory detector = new DetectorConnectionFactory(ssl);
        CountingListener sslListener = new CountingListener();
        CountingListener detectorListener = new CountingListener();
        ssl.addBean(sslListener);
        detector.addEventListener(detectorListener);
        put(detector, "http/1.1");
        fixture.start();

        fixture.client().get(NAME);

        // The connection that reads the ClientHello, and the one that takes over.
        assertThat(sslListener.opened).hasValue(2);
        assertThat(detectorListener.opened).hasValue(1);
    }

    private void put(ConnectionFactory first, String fallback) {
        fixture.secure.removeConnectionFactory("SSL");
        ConnectionFactory http = fixture.secure.getConnectionFactory(fallback);
        fixture.secure.removeConnectionFactory(fallback);
        fixture.secure.addFirstConnectionFactory(http);
        fixture.secure.addFirstConnectionFactory(first);
    }

    private String visitBehind(byte[] header, String name) throws Exception {
        Client client = fixture.client();
        try (Socket tcp = client.tcp()) {
            tcp.getOutputStream().write(header);
            try (SSLSocket socket = client.handshake(tcp, name, "TLSv1.3", "http/1.1")) {
                return Client.get(socket, name);
            }
        }
    }

    private static String quietly(java.util.concurrent.Callable<String> visit) {
        try {
            return visit.call();
        } catch (Exception e) {
            return e.toString();
        }
    }

    private static final class CountingListener implements Connection.Listener {

        final java.util.concurrent.atomic.AtomicInteger opened = new java.util.concurrent.atomic.AtomicInteger();

        @Override
        public void onOpened(Connection connection) {
            opened.incrementAndGet();
        }
    }
}
