package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** A real server that looks at a name's DNS before it spends an order, with a real CA and the DNS that the CA asks too. */
@Tag("once")
class PreflightIT {

    private static final String NAME = "shop.customer.example";
    private static final String ALLOWED = "allowed.customer.example";

    // By this name CAA records speak of Pebble from 2.8 on.
    private static final String CA = "pebble.letsencrypt.org";

    private static final String HERE = "127.0.0.1";
    // The same machine, and another server.
    private static final String NEXT_DOOR = "127.0.0.9";
    private static final String ELSEWHERE = "192.0.2.7";

    private static final Duration LIFE = Duration.ofSeconds(100);
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");

    @TempDir
    private Path directory;

    private ServerProcess server;
    private Pebble pebble;
    private TlsProbe client;
    private int ordered;

    @AfterEach
    void stop() {
        server.close();
        pebble.close();
        ask.close();
    }

    private void layOut(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve("base"));
        pebble = Pebble.options()
                .httpPort(server.httpPort())
                .profile("moments", LIFE)
                .start(directory.resolve("pebble"));
        client = TlsProbe.trusting(pebble.issuerRoot());
        server.property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s")
                .property("onDemandTls.acme.challenges", "http-01")
                .property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString())
                .property("onDemandTls.preflight", "true")
                .property("onDemandTls.preflight.resolver", pebble.dnsServer())
                .property("onDemandTls.preflight.addresses", HERE + "," + NEXT_DOOR)
                .property("onDemandTls.preflight.httpPort", Integer.toString(server.httpPort()));
    }

    private void pointTo(String name, String address) {
        pebble.dns("/clear-a", "{\"host\":\"" + name + ".\"}");
        pebble.dns("/add-a", "{\"host\":\"" + name + ".\",\"addresses\":[\"" + address + "\"]}");
    }

    private void issueOnly(String name, String authority) {
        pebble.dns(
                "/add-caa",
                "{\"host\":\"" + name + ".\",\"policies\":[{\"tag\":\"issue\",\"value\":\"" + authority + "\"}]}");
    }

    private TlsProbe.Outcome visit(String name) {
        return client.handshake(server.tlsPort(), name);
    }

    /**
     * Visits names with the same DNS until one is looked at in time: an order goes ahead where a busy machine is late.
     *
     * @return the name
     */
    private String assertNotOrdered(String label, Consumer<String> dns, UnaryOperator<String> verdict) {
        List<String> visited = new ArrayList<>();
        // Who was slow to answer about DNS is left alone for half a minute.
        Awaitility.await()
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofSeconds(5))
                .until(() -> {
                    String name = label + visited.size() + ".customer.example";
                    visited.add(name);
                    dns.accept(name);
                    long before = pebble.orders();
                    TlsProbe.Outcome outcome = visit(name);
                    if (!server.log().contains("name=" + name + " not ordered: ")) {
                        ordered++;
                        return false;
                    }
                    assertThat(outcome.alert()).as(name).contains("internal_error");
                    assertThat(pebble.orders()).as(name).isEqualTo(before);
                    assertThat(server.log()).contains("name=" + name + " not ordered: " + verdict.apply(name));
                    return true;
                });
        return visited.get(visited.size() - 1);
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_1", "TOMCAT_11"})
    void whatCannotSucceedCostsNoOrderNewOrRenewedAndWorksOnceDnsIsMended(ServerLine line) throws Exception {
        layOut(line);
        server.start();
        issueOnly(ALLOWED, CA);
        TlsProbe.Outcome first = visit(NAME);
        assertThat(first.failure()).as(server.log()).isEmpty();
        // Before it counts as visited: without a window of its own it may be renewed at once.
        moved(first);
        assertThat(visit(NAME).failure()).isEmpty();
        assertThat(visit(ALLOWED).failure()).isEmpty();

        String astray = assertNotOrdered(
                "astray",
                name -> pointTo(name, ELSEWHERE),
                name -> "customer: change A " + name + " from " + ELSEWHERE + " to " + HERE + " or " + NEXT_DOOR);
        assertNotOrdered(
                "forbidden",
                name -> issueOnly(name, "other.example"),
                name -> "customer: add CAA " + name + " 0 issue \"" + CA + "\"; by the records there only"
                        + " other.example may issue");
        issueOnly("target.elsewhere.example", "other.example");
        assertNotOrdered(
                "alias",
                name -> pebble.dns(
                        "/set-cname", "{\"host\":\"" + name + ".\",\"target\":\"target.elsewhere.example.\"}"),
                name -> "customer: add CAA " + name + " 0 issue \"" + CA + "\"");
        HttpServer neighbour = HttpServer.create(new InetSocketAddress(NEXT_DOOR, server.httpPort()), 0);
        neighbour.start();
        try {
            assertNotOrdered(
                    "neighbour",
                    name -> pointTo(name, NEXT_DOOR),
                    name -> "operator: http://" + name + "/.well-known/acme-challenge/ at " + NEXT_DOOR
                            + " is answered by another server (404); send its port 80 to this one");
        } finally {
            neighbour.stop(0);
        }

        Awaitility.await().atMost(PATIENCE).until(() -> server.log().contains("name=" + NAME + " moved away: "));
        assertThat(server.log())
                .contains("name=" + NAME + " moved away: its address is now " + ELSEWHERE
                        + "; your customer must act: change A " + NAME + " from " + ELSEWHERE + " to " + HERE);
        assertThat(visit(NAME).leaf()).isEqualTo(first.leaf());
        if (ordered == 0) {
            pebble.assertIssued(2);
            assertThat(ServerProcess.whileFilesMove(this::holds))
                    .as("no step of a schedule")
                    .allMatch(hold -> hold.contains("replacedEarly"));
        }

        pointTo(NAME, HERE);
        pointTo(astray, HERE);
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() ->
                        visit(astray).failure().isEmpty() && !visit(NAME).leaf().equals(first.leaf()));
    }

    // Its time to be renewed has come, and its DNS leads elsewhere.
    private void moved(TlsProbe.Outcome served) {
        pointTo(NAME, ELSEWHERE);
        Instant now = Instant.now();
        pebble.setRenewalInfo(
                served.leaf(),
                "{\"suggestedWindow\": {\"start\": \"" + now.minusSeconds(3600) + "\", \"end\": \""
                        + now.minusSeconds(1800) + "\"}}");
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_1", "TOMCAT_11"})
    void aResolverThatDoesNotAnswerIsNoObstacle(ServerLine line) throws Exception {
        layOut(line);
        try (DatagramSocket silent = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            server.property("onDemandTls.preflight.resolver", HERE + ":" + silent.getLocalPort())
                    .start();
            for (int i = 0; i < 20; i++) {
                assertThat(visit("n" + i + ".stranger.example").alert()).contains("unrecognized_name");
            }
            silent.setSoTimeout(1);
            assertThatThrownBy(() -> silent.receive(new DatagramPacket(new byte[512], 512)))
                    .as("nobody asks DNS for what permission denies")
                    .isInstanceOf(SocketTimeoutException.class);

            assertThat(visit(NAME).failure()).as(server.log()).isEmpty();

            pebble.assertIssued(1);
            silent.receive(new DatagramPacket(new byte[512], 512));
            Awaitility.await().atMost(PATIENCE).until(() -> server.log().contains("the DNS resolver does not answer"));
        }
    }

    private List<String> holds() throws IOException {
        try (Stream<Path> holds = Files.list(server.store().resolve("holds"))) {
            return holds.map(PreflightIT::text).toList();
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
