package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
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

    // One server and one CA for all scenarios that need TLS-ALPN-01 only; each uses names of its own.
    private static AskEndpoint ask;
    private static ServerProcess shared;
    private static Pebble sharedPebble;

    @TempDir
    private static Path everything;

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private ServerProcess own;

    @BeforeParameterizedClassInvocation
    static void startServer(ServerLine line) throws IOException {
        ask = AskEndpoint.granting("*.customer.example");
        Path place = Files.createDirectory(everything.resolve(line.name()));
        shared = layOut(line, place.resolve("base")).withoutPlainHttp();
        // Long enough for a server to be killed meanwhile.
        sharedPebble = pebble(shared, Pebble.options().tlsPort(shared.tlsPort()).validationDelay(3), place);
        shared.start();
    }

    @AfterParameterizedClassInvocation
    static void stopServer() {
        shared.close();
        sharedPebble.close();
        ask.close();
    }

    @AfterEach
    void stopOwnServer() {
        if (own != null) {
            own.close();
        }
    }

    @Test
    void tlsAlpn01AloneWorksWithPort80Closed() throws Exception {
        Path root = sharedPebble.issuerRoot();
        Pebble.Count before = sharedPebble.count();

        var http2 = Curl.trusting(root).http2().get(NAME, shared.tlsPort(), "/");
        var http11 = Curl.trusting(root).http11().get(NAME, shared.tlsPort(), "/");

        assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(200);
        assertThat(http2.httpVersion()).isEqualTo("2");
        assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(200);
        sharedPebble.assertIssued(before, 1);
    }

    @Test
    void http01AloneWorksAndIsAnsweredBeforeARedirectToHttps() throws Exception {
        layOut().sendingEverybodyToHttps();
        try (var pebble = startPebble(Pebble.options().httpPort(own.httpPort()))) {
            own.property("onDemandTls.acme.challenges", "http-01").start();

            assertThat(visit(pebble, own, NAME).failure()).isEmpty();
            pebble.assertIssued(1);
            assertThat(Curl.trusting(pebble.issuerRoot())
                            .getPlain("stranger.example", own.httpPort(), "/")
                            .status())
                    .isBetween(301, 308);
        }
    }

    @Tag("once")
    @Test
    void whereTlsAlpn01CannotReachUsTheSameVisitIsProvedByHttp01InASecondOrder() throws Exception {
        layOut();
        try (var pebble = startPebble(Pebble.options().tlsPort(FreePorts.next()).httpPort(own.httpPort()))) {
            own.start();

            var first = visit(pebble, own, NAME);
            long afterFirst = proofs(pebble);
            var second = visit(pebble, own, "blog.customer.example");

            assertThat(first.failure()).isEmpty();
            assertThat(afterFirst).isEqualTo(2);
            assertThat(second.failure()).isEmpty();
            assertThat(proofs(pebble)).as("what worked is tried first").isEqualTo(3);
            assertThat(pebble.issued()).isEqualTo(2);
        }
    }

    @Tag("once")
    @Test
    void clientsThatComeTogetherShareOneOrderAndOneCertificate() throws Exception {
        String name = "crowd.customer.example";
        Pebble.Count before = sharedPebble.count();
        var client = TlsProbe.trustingAnything();
        List<Callable<Outcome>> visits = new ArrayList<>();
        for (int visitor = 0; visitor < 20; visitor++) {
            visits.add(() -> client.handshake(shared.tlsPort(), name));
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
            sharedPebble.assertIssued(before, 1);
            assertThat(ask.timesAsked(name)).isEqualTo(1);
        } finally {
            visitors.shutdownNow();
        }
    }

    @Tag("once")
    @Test
    void withTheCaGoneServedNamesStayServedOverKillAndStopAndNewOnesAreRefusedUntilItIsBack() throws Exception {
        String name = "served.customer.example";
        var before = visit(sharedPebble, shared, name);
        assertThat(before.failure()).as(shared.log()).isEmpty();
        Path root = sharedPebble.issuerRoot();
        sharedPebble.stop();

        shared.kill9();
        shared.start();
        assertThat(TlsProbe.trusting(root).handshake(shared.tlsPort(), name).leaf())
                .isEqualTo(before.leaf());
        shared.stop();
        shared.start();
        assertThat(TlsProbe.trusting(root).handshake(shared.tlsPort(), name).leaf())
                .isEqualTo(before.leaf());
        var refused = TlsProbe.trusting(root).handshake(shared.tlsPort(), "new.customer.example");
        assertThat(refused.alert()).contains("internal_error");

        sharedPebble.start();
        Awaitility.await()
                .atMost(ServerProcess.PATIENCE)
                .untilAsserted(() -> assertThat(visit(sharedPebble, shared, "new.customer.example")
                                .failure())
                        .isEmpty());
    }

    @Tag("once")
    @Test
    void aServerKilledWhileTheCaValidatesFinishesWithAtMostOneMoreOrder() throws Exception {
        String name = "killed.customer.example";
        long orders = sharedPebble.orders();
        long shown = validations();
        var visitor = Executors.newSingleThreadExecutor();
        try {
            visitor.execute(() -> visit(sharedPebble, shared, name));
            Awaitility.await().atMost(ServerProcess.PATIENCE).until(() -> validations() > shown);
            shared.kill9();
        } finally {
            visitor.shutdownNow();
        }

        shared.start();

        Awaitility.await()
                .atMost(ServerProcess.PATIENCE)
                .untilAsserted(() ->
                        assertThat(visit(sharedPebble, shared, name).failure()).isEmpty());
        // Each may be placed once more, where a stalled machine does not hear the answer.
        assertThat(sharedPebble.orders() - orders)
                .as("%s\n%s", shared.log(), String.join("\n", sharedPebble.requests()))
                .isLessThanOrEqualTo(4);
    }

    private static long validations() {
        return sharedPebble.requests().stream()
                .filter(request -> request.startsWith("POST /chalZ/"))
                .count();
    }

    // How many proofs the CA has looked for: one of each order that its client knows.
    private static long proofs(Pebble pebble) {
        return pebble.log()
                .lines()
                .filter(line -> line.contains(" by completed challenge "))
                .count();
    }

    @Tag("once")
    @Test
    void refusedNoncesAndAPoliteCaAreNoObstacle() throws Exception {
        layOut().withoutPlainHttp();
        try (var pebble = startPebble(Pebble.options()
                .tlsPort(own.tlsPort())
                .rejectNonces(30)
                .chainLength(2)
                .retryAfter(Duration.ofSeconds(1)))) {
            own.start();

            var visit = visit(pebble, own, NAME);

            assertThat(visit.failure()).isEmpty();
            assertThat(visit.chain()).as("leaf and two intermediates").hasSize(3);
        }
    }

    private ServerProcess layOut() throws IOException {
        own = layOut(line, directory.resolve("base"));
        return own;
    }

    private static ServerProcess layOut(ServerLine line, Path base) throws IOException {
        return line.layOut(base)
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
    }

    private Pebble startPebble(Pebble.Options options) throws IOException {
        return pebble(own, options, directory);
    }

    private static Pebble pebble(ServerProcess server, Pebble.Options options, Path directory) {
        var pebble = options.start(directory.resolve("pebble"));
        server.property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString());
        return pebble;
    }

    private static Outcome visit(Pebble pebble, ServerProcess server, String name) {
        return TlsProbe.trusting(pebble.issuerRoot()).handshake(server.tlsPort(), name);
    }
}
