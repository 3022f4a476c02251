package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.TlsProbe.Outcome;

/** A real server with the overlay and a real ACME CA that comes back to it over TLS-ALPN-01 and HTTP-01. */
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class AcmeFirstVisitIT {

    private static final String NAME = "shop.customer.example";

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private ServerProcess server;

    @BeforeEach
    void openAskEndpoint() {
        ask = AskEndpoint.granting("*.customer.example");
    }

    @AfterEach
    void stopServer() {
        if (server != null) {
            server.close();
        }
        ask.close();
    }

    @Test
    void tlsAlpn01AloneWorksWithPort80Closed() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options().tlsPort(server.tlsPort()))) {
            server.start();
            Path root = pebble.issuerRoot();

            var http2 = Curl.trusting(root).http2().get(NAME, server.tlsPort(), "/");
            var http11 = Curl.trusting(root).http11().get(NAME, server.tlsPort(), "/");

            assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(200);
            assertThat(http2.httpVersion()).isEqualTo("2");
            assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(200);
            assertThat(pebble.orders()).isEqualTo(1);
        }
    }

    @Test
    void http01AloneWorks() throws Exception {
        layOut();
        try (var pebble = startPebble(Pebble.options().httpPort(server.httpPort()))) {
            server.property("onDemandTls.acme.challenges", "http-01").start();

            var visit = visit(pebble, NAME);

            assertThat(visit.failure()).isEmpty();
            assertThat(pebble.orders()).isEqualTo(1);
        }
    }

    @Tag("once")
    @Test
    void http01AnswersBeforeARedirectToHttps() throws Exception {
        layOut().sendingEverybodyToHttps();
        try (var pebble = startPebble(Pebble.options().httpPort(server.httpPort()))) {
            server.property("onDemandTls.acme.challenges", "http-01").start();

            assertThat(visit(pebble, NAME).failure()).isEmpty();
            assertThat(Curl.trusting(pebble.issuerRoot())
                            .getPlain("stranger.example", server.httpPort(), "/")
                            .status())
                    .isBetween(301, 308);
        }
    }

    @Tag("once")
    @Test
    void whereTlsAlpn01CannotReachUsTheSameVisitIsProvedByHttp01InASecondOrder() throws Exception {
        layOut();
        try (var pebble = startPebble(Pebble.options().tlsPort(FreePorts.next()).httpPort(server.httpPort()))) {
            server.start();

            var first = visit(pebble, NAME);
            long afterFirst = pebble.orders();
            var second = visit(pebble, "blog.customer.example");

            assertThat(first.failure()).isEmpty();
            assertThat(afterFirst).isEqualTo(2);
            assertThat(second.failure()).isEmpty();
            assertThat(pebble.orders()).as("what worked is tried first").isEqualTo(3);
        }
    }

    @Tag("once")
    @Test
    void clientsThatComeTogetherShareOneOrderAndOneCertificate() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options().tlsPort(server.tlsPort()))) {
            server.start();
            var client = TlsProbe.trustingAnything();
            List<Callable<Outcome>> visits = new ArrayList<>();
            for (int visitor = 0; visitor < 20; visitor++) {
                visits.add(() -> client.handshake(server.tlsPort(), NAME));
            }
            var visitors = Executors.newFixedThreadPool(visits.size());
            try {
                List<Outcome> outcomes = new ArrayList<>();
                for (var outcome : visitors.invokeAll(visits)) {
                    outcomes.add(outcome.get());
                }

                assertThat(outcomes)
                        .extracting(Outcome::leaf)
                        .containsOnly(outcomes.get(0).leaf());
                assertThat(pebble.orders()).isEqualTo(1);
                assertThat(ask.timesAsked(NAME)).isEqualTo(1);
            } finally {
                visitors.shutdownNow();
            }
        }
    }

    @Tag("once")
    @Test
    void withTheCaGoneServedNamesStayServedOverKillAndStopAndNewOnesAreRefusedUntilItIsBack() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options().tlsPort(server.tlsPort()))) {
            server.start();
            var before = visit(pebble, NAME);
            assertThat(before.failure()).as(server.log()).isEmpty();
            Path root = pebble.issuerRoot();
            pebble.stop();

            server.kill9();
            server.start();
            assertThat(TlsProbe.trusting(root).handshake(server.tlsPort(), NAME).leaf())
                    .isEqualTo(before.leaf());
            server.stop();
            server.start();
            assertThat(TlsProbe.trusting(root).handshake(server.tlsPort(), NAME).leaf())
                    .isEqualTo(before.leaf());
            var refused = TlsProbe.trusting(root).handshake(server.tlsPort(), "new.customer.example");
            assertThat(refused.alert()).contains("internal_error");

            pebble.start();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(
                                    visit(pebble, "new.customer.example").failure())
                            .isEmpty());
        }
    }

    @Tag("once")
    @Test
    void aServerKilledWhileTheCaValidatesFinishesWithAtMostOneMoreOrder() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options().tlsPort(server.tlsPort()).validationDelay(3))) {
            server.start();
            var visitor = Executors.newSingleThreadExecutor();
            try {
                visitor.execute(() -> visit(pebble, NAME));
                Awaitility.await()
                        .atMost(Duration.ofSeconds(20))
                        .until(() ->
                                pebble.requests().stream().anyMatch(request -> request.startsWith("POST /chalZ/")));
                server.kill9();
            } finally {
                visitor.shutdownNow();
            }

            server.start();

            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () -> assertThat(visit(pebble, NAME).failure()).isEmpty());
            assertThat(pebble.orders()).isLessThanOrEqualTo(2);
        }
    }

    @Tag("once")
    @Test
    void refusedNoncesAndAPoliteCaAreNoObstacle() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options()
                .tlsPort(server.tlsPort())
                .rejectNonces(30)
                .chainLength(2)
                .retryAfter(Duration.ofSeconds(1)))) {
            server.start();

            var visit = visit(pebble, NAME);

            assertThat(visit.failure()).isEmpty();
            assertThat(visit.chain()).as("leaf and two intermediates").hasSize(3);
        }
    }

    private ServerProcess layOut() throws IOException {
        server = line.layOut(directory.resolve("base"))
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
        return server;
    }

    private Pebble startPebble(Pebble.Options options) throws IOException {
        var pebble = options.start(directory.resolve("pebble"));
        server.property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString());
        return pebble;
    }

    private Outcome visit(Pebble pebble, String name) {
        return TlsProbe.trusting(pebble.issuerRoot()).handshake(server.tlsPort(), name);
    }
}
