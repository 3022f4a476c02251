package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.management.remote.JMXConnector;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/**
 * A real server whose certificates are due while its CA is in trouble: visitors notice nothing, the operator can read why,
 * and renewing goes on by itself once the CA works.
 *
 * <p>In each case visitors come several times a second, from before the trouble until after it, each with a full handshake.
 */
@Tag("once")
class TroubledCaIT {

    // One for each trouble: a successor has to be visited before it is renewed itself.
    private static final List<String> VISITED = Stream.of("a", "b", "c", "d", "e")
            .map(name -> name + ".customer.example")
            .toList();
    // Short, so that a renewal that failed is tried again soon; long enough for a busy machine.
    private static final Duration LIFE = Duration.ofSeconds(100);
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");
    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final AtomicInteger visits = new AtomicInteger();
    private final CountDownLatch gone = new CountDownLatch(1);

    @TempDir
    private Path directory;

    private ServerProcess server;
    private Thread visitors;
    private JMXConnector connector;
    private OnDemandTlsMXBean engine;

    @AfterEach
    void stop() throws Exception {
        if (visitors != null) {
            gone.countDown();
            visitors.join();
        }
        if (connector != null) {
            connector.close();
        }
        if (server != null) {
            server.close();
        }
        ask.close();
    }

    private Pebble.Options layOut(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .managed()
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
        return Pebble.options().tlsPort(server.tlsPort());
    }

    private void use(String directories, Path trustedRoots) {
        server.property("onDemandTls.acme.directory", directories)
                .property("onDemandTls.acme.trustedRoots", trustedRoots.toString());
    }

    /** Starts the server, has the names obtained and visitors come from then on. */
    private void start() throws Exception {
        server.start();
        connector = server.management();
        engine = ServerProcess.engine(connector);
        for (String name : VISITED) {
            assertThat(visit(name).failure()).as(server.log()).isEmpty();
        }
        visitors = new Thread(this::visit, "visitors");
        visitors.setDaemon(true);
        visitors.start();
    }

    private void visit() {
        try {
            while (true) {
                for (String name : VISITED) {
                    TlsProbe.Outcome outcome = visit(name);
                    visits.incrementAndGet();
                    outcome.failure().ifPresent(failure -> failures.add(Instant.now() + " " + name + ": " + failure));
                    if (outcome.failure().isEmpty()
                            && outcome.leaf().getNotAfter().before(Date.from(Instant.now()))) {
                        failures.add(Instant.now() + " " + name + ": expired");
                    }
                }
                if (gone.await(200, TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // Another client each time, so that no session is resumed; a restarted Pebble has another root.
    private TlsProbe.Outcome visit(String name) {
        return TlsProbe.trustingAnything().handshake(server.tlsPort(), name);
    }

    private X509Certificate leaf(String name) {
        return visit(name).leaf();
    }

    // A line comes after what it tells of.
    private void awaitLog(String... lines) {
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(server.log()).contains(lines));
    }

    private void assertNobodyWasRefused() {
        assertThat(failures).as(server.log()).isEmpty();
        assertThat(visits.get()).isGreaterThan(20);
    }

    private void retry(String name) {
        assertThat(engine.retry(name)).endsWith("a renewal begins now");
    }

    /** Has the renewal begin, and waits until the log says why it came to nothing. */
    private void assertNotRenewed(String name, String reason) {
        AtomicInteger mark = new AtomicInteger(server.log().length());
        retry(name);
        Awaitility.await(reason).atMost(PATIENCE).untilAsserted(() -> {
            String since = server.log().substring(mark.get());
            if (since.contains("name=" + name + " renewed by ")) {
                // One of its own was under way already, and had its order before the trouble began.
                mark.addAndGet(since.length());
                retry(name);
            }
            assertThat(since)
                    .containsPattern("name=" + name + " not renewed: " + Pattern.quote(reason)
                            + ".*; tried again in about .*, served until ");
        });
    }

    /** Ends the trouble, and waits until the name is served with another certificate, for which nobody does anything. */
    private void assertRenewedOnceMended(String name, Runnable mend) {
        X509Certificate before = leaf(name);
        mend.run();
        Awaitility.await("renewed by itself")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(leaf(name)).as(server.log()).isNotEqualTo(before));
    }

    private static String inSeconds(long seconds) {
        // A date has whole seconds only: less than one of them is lost.
        return DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(seconds + 1));
    }

    private static FaultyAcmeProxy.Fault limit(String kind) {
        return switch (kind) {
            case "429, seconds" -> FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders recently", "3");
            case "429, date" -> FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders today", inSeconds(3));
            case "503, seconds" -> FaultyAcmeProxy.status(503, Map.of("Retry-After", "3"));
            default -> FaultyAcmeProxy.status(503, Map.of("Retry-After", inSeconds(3)));
        };
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aCaThatLimitsTheRateIsLeftAloneAndNewNamesAreRefusedAtOnce() throws Exception {
        limitTheRate("429, date", "503, seconds");
    }

    @Tag("long")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aCaThatLimitsTheRateInEveryWayIsLeftAlone() throws Exception {
        limitTheRate("429, seconds", "429, date", "503, seconds", "503, date");
    }

    private void limitTheRate(String... kinds) throws Exception {
        try (Pebble pebble =
                        layOut(ServerLine.JETTY_12_1).profile("moments", LIFE).start(directory.resolve("pebble"));
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            use(proxy.directory().toString(), proxy.trustedRoots());
            start();
            for (int i = 0; i < kinds.length; i++) {
                proxy.when(FaultyAcmeProxy.path("/order-plz"), limit(kinds[i]));

                assertNotRenewed(VISITED.get(i), "the CA limits the rate of the account (");

                assertRenewedOnceMended(VISITED.get(i), proxy::heal);
            }

            String last = VISITED.get(kinds.length);
            proxy.when(
                    FaultyAcmeProxy.path("/order-plz"),
                    FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders this week", "3600"));
            assertNotRenewed(last, "the CA limits the rate of the account (");
            assertThat(engine.explain(last))
                    .contains("served with ")
                    .contains("not renewed now: ")
                    .contains("too many new orders this week");
            assertNewNamesAreRefusedWithoutTheCa(proxy);
            assertThat(engine.explain("n0.customer.example"))
                    .startsWith("refused: ")
                    .contains("too many new orders this week");

            // The operator knows better: the limit has been raised.
            X509Certificate limited = leaf(last);
            proxy.heal();
            retry(last);
            Awaitility.await().atMost(PATIENCE).until(() -> !leaf(last).equals(limited));
            assertNobodyWasRefused();
        }
    }

    private void assertNewNamesAreRefusedWithoutTheCa(FaultyAcmeProxy proxy) throws IOException {
        int requests = proxy.requests().size();
        int questions = ask.questions().size();
        List<Long> micros = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            TlsProbe.Outcome refused = visit("n" + i + ".customer.example");

            assertThat(refused.alert()).contains("internal_error");
            micros.add(refused.took().toNanos() / 1000);
        }
        // Neither was asked: what is refused so has waited for nobody.
        assertThat(ask.questions()).hasSize(questions);
        assertThat(proxy.requests().subList(requests, proxy.requests().size()))
                .noneMatch(request -> request.path().contains("/order-plz"));
        micros.sort(null);
        Files.writeString(
                Path.of("target/troubled-ca.txt"),
                "a new name during a limit is refused in us: median " + micros.get(25) + ", slowest " + micros.get(49)
                        + "\n");
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aCaThatHangsIsDownOrMindsEverySecondNonceDisturbsNobody() throws Exception {
        try (Pebble pebble = layOut(ServerLine.TOMCAT_11)
                // The only CA is borne for most of a minute where it hangs; the half of a life that is left has to
                // outlast that.
                .profile("moments", LIFE.multipliedBy(4))
                .rejectNonces(50)
                .start(directory.resolve("pebble"))) {
            use(pebble.directory().toString(), pebble.trustedRoots());
            start();

            assertRenewedOnceMended(VISITED.get(0), () -> retry(VISITED.get(0)));
            assertThat(pebble.log()).contains("reject 50% of good nonces");

            // No connection or no complete answer, whether there was a line to it.
            pebble.freeze();
            assertNotRenewed(VISITED.get(1), "the CA cannot be reached: no co");
            assertRenewedOnceMended(VISITED.get(1), pebble::thaw);

            pebble.stop();
            assertNotRenewed(VISITED.get(2), "the CA cannot be reached: no connection");
            // It has forgotten the account too.
            assertRenewedOnceMended(VISITED.get(2), pebble::start);
            awaitLog("the CA does not know the account any more: making another");
            assertNobodyWasRefused();
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aCaThatIsDownIsHelpedOutByTheNext() throws Exception {
        Pebble.Options options = layOut(ServerLine.JETTY_12_1);
        try (Pebble first = options.start(directory.resolve("first"));
                Pebble second = options.start(directory.resolve("second"))) {
            Path roots = Files.writeString(
                    directory.resolve("roots.pem"),
                    Files.readString(first.trustedRoots()) + Files.readString(second.trustedRoots()));
            use(first.directory() + "," + second.directory(), roots);
            start();
            first.assertIssued(VISITED.size());
            assertThat(second.orders()).isZero();

            first.stop();
            assertRenewedOnceMended(VISITED.get(0), () -> retry(VISITED.get(0)));
            awaitLog("; trying " + second.directory(), "name=" + VISITED.get(0) + " renewed by " + second.directory());
            assertThat(visit("new.customer.example").failure()).as(server.log()).isEmpty();
            awaitLog("name=new.customer.example obtained from " + second.directory());

            // The other way round: the one that was down has forgotten its accounts.
            first.start();
            second.stop();
            // Nobody is asked for two seconds after there was no connection.
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> visit("newer.customer.example").failure().isEmpty());
            awaitLog("name=newer.customer.example obtained from " + first.directory());
            assertRenewedOnceMended(VISITED.get(1), () -> retry(VISITED.get(1)));
            assertNobodyWasRefused();
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void theCasWindowIsFollowedUnlessItCannotBeMeant() throws Exception {
        Duration life = Duration.ofSeconds(400);
        Pebble.Options options = layOut(ServerLine.JETTY_12_0).profile("moments", life);
        try (Pebble pebble = options.start(directory.resolve("pebble"))) {
            use(pebble.directory().toString(), pebble.trustedRoots());
            start();
            String past = "past.customer.example";
            String future = "future.customer.example";
            String garbage = "garbage.customer.example";
            String inverted = "inverted.customer.example";
            Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
            Map<String, String> answers = Map.of(
                    past, window(now.minusSeconds(3600), now.minusSeconds(1800)),
                    future, window(now.plusSeconds(300), now.plusSeconds(310)),
                    garbage, "tomorrow, perhaps",
                    inverted, window(now.plusSeconds(310), now.plusSeconds(300)));
            Map<String, X509Certificate> leaves = new HashMap<>();
            answers.forEach((name, answer) -> {
                X509Certificate leaf = leaf(name);
                leaves.put(name, leaf);
                pebble.setRenewalInfo(leaf, answer);
                // One that was waited for is no visit.
                assertThat(visit(name).failure()).isEmpty();
            });

            // Each is asked about within a twentieth of its life and a look; by it alone it is renewed after 180 s.
            Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
                assertThat(server.log())
                        .as("past")
                        .containsPattern("name=" + past + " to be renewed at .*\\(why: https://ca.example/why\\)")
                        .as("future")
                        .containsPattern("name=" + future + " to be renewed at .*: the CA suggests "
                                + now.plusSeconds(300) + " to " + now.plusSeconds(310))
                        .as("garbage")
                        .containsPattern("name=" + garbage + " no renewal information: .*; it is renewed as planned")
                        .as("inverted")
                        .containsPattern("name=" + inverted
                                + " no renewal information: .* ends before it begins; it is renewed as planned");
                assertThat(leaf(past)).isNotEqualTo(leaves.get(past));
            });

            assertThat(engine.explain(future)).contains("in the CA's window from " + now.plusSeconds(300));
            assertThat(engine.explain(garbage)).contains("to be renewed at ").doesNotContain("window");
            assertThat(engine.explain(inverted)).contains("to be renewed at ").doesNotContain("window");
            for (String name : List.of(future, garbage, inverted)) {
                assertThat(leaf(name)).as(name).isEqualTo(leaves.get(name));
            }
            assertNobodyWasRefused();
        }
    }

    private static String window(Instant start, Instant end) {
        return "{\"suggestedWindow\": {\"start\": \"" + start + "\", \"end\": \"" + end
                + "\"}, \"explanationURL\": \"https://ca.example/why\"}";
    }
}
