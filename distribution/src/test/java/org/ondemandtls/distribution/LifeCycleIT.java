package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.issuance.BootTime;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** What becomes of certificates while a real server runs with a real CA: renewed, withdrawn, forgotten, never lost. */
@Tag("once")
class LifeCycleIT {

    private static final String NAME = "shop.customer.example";
    private static final String OTHER = "other.customer.example";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");

    @TempDir
    private Path directory;

    private ServerProcess server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
        ask.close();
    }

    private ServerProcess layOut(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve("base")).withoutPlainHttp();
        // Several servers start at the same time here: an answer may take its time.
        return server.property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
    }

    private Pebble pebble(String profile, Duration validity) {
        Pebble pebble = Pebble.options()
                .tlsPort(server.tlsPort())
                .profile(profile, validity)
                .start(directory.resolve("pebble"));
        use(pebble.directory().toString(), pebble.trustedRoots());
        return pebble;
    }

    private void use(String directories, Path trustedRoots) {
        server.property("onDemandTls.acme.directory", directories)
                .property("onDemandTls.acme.trustedRoots", trustedRoots.toString());
    }

    // Pebble's window for a life of moments is the whole of it; by lifetime the moment is known beforehand.
    private FaultyAcmeProxy withoutAdvice(Pebble pebble) throws Exception {
        FaultyAcmeProxy proxy =
                new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"));
        proxy.when(FaultyAcmeProxy.path("/dir"), FaultyAcmeProxy.replace("renewalInfo", "somethingElse"));
        use(proxy.directory().toString(), proxy.trustedRoots());
        return proxy;
    }

    private TlsProbe.Outcome visit(TlsProbe client, String name) {
        return client.handshake(server.tlsPort(), name);
    }

    private Set<X509Certificate> visitEverySecond(TlsProbe client, Duration time) {
        Instant end = Instant.now().plus(time);
        return visitEverySecond(
                client, time.plus(PATIENCE), served -> Instant.now().isAfter(end));
    }

    /** Visits once a second until what came back is enough, each time with a full handshake, and keeps it. */
    private Set<X509Certificate> visitEverySecond(
            TlsProbe client, Duration atMost, Predicate<Set<X509Certificate>> enough) {
        Set<X509Certificate> served = new HashSet<>();
        Awaitility.await().pollInterval(Duration.ofSeconds(1)).atMost(atMost).until(() -> {
            TlsProbe.Outcome outcome = visit(client, NAME);
            assertThat(outcome.failure()).as(server.log()).isEmpty();
            assertThat(outcome.leaf().getNotAfter()).isAfter(java.util.Date.from(Instant.now()));
            served.add(outcome.leaf());
            return enough.test(served);
        });
        return served;
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_1", "TOMCAT_11"})
    void aShortLivedNameIsRenewedWhileItIsVisitedAndNoHandshakeFails(ServerLine line) throws Exception {
        layOut(line);
        try (Pebble pebble = pebble("moments", Duration.ofSeconds(40));
                FaultyAcmeProxy proxy = withoutAdvice(pebble)) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visit(client, NAME).failure()).as(server.log()).isEmpty();

            // At half of a life less a twentieth, looked at every five seconds: each 18 to 25 s.
            long begin = System.nanoTime();
            Set<X509Certificate> served =
                    visitEverySecond(client, Duration.ofSeconds(55).plus(PATIENCE), leaves -> leaves.size() >= 3);
            long renewals = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin) / 18 + 1;

            assertThat(pebble.issued()).as(server.log()).isBetween((long) served.size(), renewals + 1);
            // Each may be placed once more, where a stalled machine does not hear the answer.
            assertThat(pebble.orders()).as(server.log()).isBetween((long) served.size(), 2 * (renewals + 1));
            assertThat(ask.questions())
                    .extracting(AskEndpoint.Question::purpose)
                    .contains("obtain", "renew");
            assertThat(proxy.requests()).isNotEmpty();
        }
    }

    @Tag("long")
    @Test
    void twoMinutesOfValidityLastTenMinutesWithoutAFailure() throws Exception {
        layOut(ServerLine.JETTY_12_1);
        try (Pebble pebble = pebble("moments", Duration.ofSeconds(120));
                FaultyAcmeProxy proxy = withoutAdvice(pebble)) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visit(client, NAME).failure()).isEmpty();

            Set<X509Certificate> served = visitEverySecond(client, Duration.ofMinutes(10));

            // 54 to 65 s each: nine to eleven renewals in 600 s, and the first.
            assertThat(served).hasSizeBetween(10, 12);
            assertThat(proxy.requests()).isNotEmpty();
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aNameNobodyVisitsIsNotRenewedAndForgotten() throws Exception {
        layOut(ServerLine.JETTY_12_1).property("onDemandTls.renewal.grace", "5s");
        try (Pebble pebble = pebble("moments", Duration.ofSeconds(15))) {
            server.start();
            assertThat(visit(TlsProbe.trusting(pebble.issuerRoot()), NAME).failure())
                    .isEmpty();
            assertThat(certificates()).hasSize(1);

            Awaitility.await()
                    .atMost(PATIENCE)
                    // The file is gone a moment before that is said.
                    .until(() -> server.log().contains("name=" + NAME + " forgotten: expired at"));

            assertThat(certificates()).isEmpty();
            pebble.assertIssued(1);
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aNameDeniedAtItsRenewalIsServedThenWithdrawnAndServedAgainOnceGranted() throws Exception {
        layOut(ServerLine.TOMCAT_11)
                .property("onDemandTls.permission.withdrawAfter", "6s")
                .property("onDemandTls.permission.rememberDenied", "1s");
        // By Pebble's window it might be renewed in its last seconds, and be over before it can be withdrawn.
        try (Pebble pebble = pebble("moments", Duration.ofSeconds(90));
                FaultyAcmeProxy proxy = withoutAdvice(pebble)) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            TlsProbe.Outcome first = visit(client, NAME);
            assertThat(first.failure()).isEmpty();
            assertThat(visit(client, NAME).failure()).isEmpty();
            ask.answer(name -> AskEndpoint.Answer.DENIED);

            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> server.log().contains("name=" + NAME + " not renewed: not permitted"));
            TlsProbe.Outcome denied = visit(client, NAME);
            // A machine that stalls may be late for that.
            if (!server.log().contains("name=" + NAME + " withdrawn")) {
                assertThat(denied.leaf()).isEqualTo(first.leaf());
            }
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> server.log().contains("name=" + NAME + " withdrawn: denied at every ask"));
            assertThat(visit(client, NAME).alert()).contains("unrecognized_name");

            ask.answer(name -> AskEndpoint.Answer.GRANTED);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> visit(client, NAME).failure().isEmpty());
            assertThat(proxy.requests()).isNotEmpty();
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void aNameDeniedLongBeforeItsRenewalIsWithdrawnWhenTheTimeIsOver() throws Exception {
        layOut(ServerLine.JETTY_12_1)
                .property("onDemandTls.permission.recheck", "5s")
                .property("onDemandTls.permission.withdrawAfter", "6s")
                .property("onDemandTls.permission.rememberDenied", "1s");
        try (Pebble pebble = pebble("default", Duration.ofDays(90))) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visit(client, NAME).failure()).isEmpty();
            assertThat(visit(client, NAME).failure()).isEmpty();
            ask.answer(name -> AskEndpoint.Answer.DENIED);

            Awaitility.await()
                    .atMost(PATIENCE.multipliedBy(3))
                    .until(() -> server.log().contains("name=" + NAME + " withdrawn: denied at every ask"));
            assertThat(visit(client, NAME).alert()).contains("unrecognized_name");

            ask.answer(name -> AskEndpoint.Answer.GRANTED);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> visit(client, NAME).failure().isEmpty());
            pebble.assertIssued(1);
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_0", "TOMCAT_10_1"})
    void theOperatorsOwnNamesAreObtainedAtTheStartWithoutAVisit(ServerLine line) throws Exception {
        layOut(line).property("onDemandTls.names", "www.operator.example,app.operator.example");
        try (Pebble pebble = pebble("default", Duration.ofDays(90))) {
            server.start();

            Awaitility.await().atMost(PATIENCE).until(() -> certificates().size() == 2);

            pebble.assertIssued(2);
            assertThat(ask.questions()).isEmpty();
            assertThat(visit(TlsProbe.trusting(pebble.issuerRoot()), "www.operator.example")
                            .failure())
                    .isEmpty();
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_1", "TOMCAT_11"})
    void theNextCaIsAskedInTheSameVisitWhereTheFirstIsDown(ServerLine line) throws Exception {
        layOut(line);
        try (Pebble pebble = pebble("default", Duration.ofDays(90))) {
            use("https://localhost:" + FreePorts.next() + "/dir," + pebble.directory(), pebble.trustedRoots());
            server.start();

            TlsProbe.Outcome first = visit(TlsProbe.trusting(pebble.issuerRoot()), NAME);

            assertThat(first.failure()).as(server.log()).isEmpty();
            assertThat(server.log()).contains("name=" + NAME).contains("trying " + pebble.directory());
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void whatTheCaLimitsIsNotAskedForUntilItsTimeNotEvenAfterARestart() throws Exception {
        layOut(ServerLine.JETTY_12_1);
        try (Pebble pebble = pebble("default", Duration.ofDays(90));
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            use(proxy.directory().toString(), proxy.trustedRoots());
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visit(client, NAME).failure()).as(server.log()).isEmpty();
            proxy.when(
                    FaultyAcmeProxy.path("/order-plz"),
                    FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders recently", "3600"));

            assertThat(visit(client, OTHER).alert()).contains("internal_error");
            long asked = orders(proxy);
            assertThat(visit(client, "third.customer.example").alert()).contains("internal_error");
            server.stop();
            server.start();
            assertThat(visit(client, "fourth.customer.example").alert()).contains("internal_error");

            assertThat(orders(proxy)).isEqualTo(asked);
            assertThat(visit(client, NAME).failure()).isEmpty();
            assertThat(server.log()).contains("the CA limits the rate of the account");
        }
    }

    // A JVM takes up to a minute to start under libfaketime on a busy machine.
    @Tag("long")
    @ParameterizedTest
    @ValueSource(strings = {"+100d", "-365d"})
    void aClockThatJumpsCostsAVisitedNameOneOrderAtMostAndNothingIsLost(String jump) throws Exception {
        // Before that the clock of a machine is being set, and no jump is one.
        Awaitility.await()
                .atMost(Duration.ofMinutes(20))
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> new BootTime()
                        .get()
                        .filter(up -> up.compareTo(Duration.ofMinutes(16)) < 0)
                        .isEmpty());
        Path clock = Files.writeString(directory.resolve("clock"), "+0");
        layOut(ServerLine.JETTY_12_1)
                // A slow machine is slower under a clock that is read from a file.
                .property("onDemandTls.permission.names", NAME)
                .under(
                        "env",
                        "LD_PRELOAD=" + libfaketime(),
                        "FAKETIME_TIMESTAMP_FILE=" + clock,
                        "FAKETIME_CACHE_DURATION=1",
                        "FAKETIME_DONT_FAKE_MONOTONIC=1");
        try (Pebble pebble = pebble("default", Duration.ofDays(90))) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(visit(client, NAME).failure()).as(server.log()).isEmpty();
            assertThat(visit(client, NAME).failure()).isEmpty();
            long before = pebble.orders();

            Files.writeString(clock, jump);
            Awaitility.await().atMost(PATIENCE).until(() -> server.log().contains("the clock jumped by"));
            for (int visits = 0; visits < 5; visits++) {
                assertThat(visit(client, NAME).alert()).as(server.log()).contains("internal_error");
            }

            assertThat(pebble.orders() - before).isLessThanOrEqualTo(1);
            assertThat(certificates()).hasSize(1);
            Files.writeString(clock, "+0");
            Awaitility.await().atMost(PATIENCE).until(() -> server.log().contains("the clock is back"));
            assertThat(visit(client, NAME).failure()).as(server.log()).isEmpty();
            assertThat(pebble.orders() - before).isLessThanOrEqualTo(1);
        }
    }

    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @ValueSource(ints = 6)
    void aServerKilledAtAnyMomentLosesNothing(int times) throws Exception {
        killAtRandom(times);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(ints = 200)
    void aServerKilledAtTwoHundredMomentsLosesNothing(int times) throws Exception {
        killAtRandom(times);
    }

    private void killAtRandom(int times) throws Exception {
        layOut(ServerLine.JETTY_12_1);
        ScheduledExecutorService killer = Executors.newSingleThreadScheduledExecutor();
        try (Pebble pebble = pebble("default", Duration.ofDays(90))) {
            server.start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            for (int round = 0; round < times; round++) {
                String name = "n" + round + ".customer.example";
                long before = pebble.orders();
                killer.schedule(server::kill9, ThreadLocalRandom.current().nextInt(400), TimeUnit.MILLISECONDS);
                visit(client, name);
                assertThat(server.process().ended(PATIENCE)).isTrue();

                server.start();
                Awaitility.await(name)
                        .atMost(PATIENCE)
                        .until(() -> visit(client, name).failure().isEmpty());

                // One before the kill and one after it, each placed once more where its answer is lost on a machine
                // that stalls.
                assertThat(pebble.orders() - before)
                        .as("%s\n%s\n%s", name, server.log(), String.join("\n", pebble.requests()))
                        .isBetween(1L, 4L);
                assertThat(files("quarantine")).isEmpty();
            }
            for (int round = 0; round < times; round++) {
                assertThat(visit(client, "n" + round + ".customer.example").failure())
                        .isEmpty();
            }
            assertThat(certificates()).hasSize(times);
        } finally {
            killer.shutdownNow();
        }
    }

    private static long orders(FaultyAcmeProxy proxy) {
        return proxy.requests().stream()
                .filter(request -> request.path().contains("/order-plz"))
                .count();
    }

    private List<Path> certificates() throws Exception {
        return ServerProcess.whileFilesMove(() -> {
            try (Stream<Path> files = Files.walk(server.store().resolve("certificates"))) {
                return files.filter(file -> file.toString().endsWith(".pem")).toList();
            }
        });
    }

    private List<Path> files(String kind) throws IOException {
        try (Stream<Path> files = Files.list(server.store().resolve(kind))) {
            return files.toList();
        }
    }

    private static Path libfaketime() throws IOException {
        try (Stream<Path> architectures = Files.list(Path.of("/usr/lib"))) {
            Optional<Path> found = architectures
                    .map(directory -> directory.resolve("faketime/libfaketimeMT.so.1"))
                    .filter(Files::exists)
                    .findFirst();
            return found.orElseThrow(
                    () -> new AssertionError("libfaketime is missing; install it with: apt-get install faketime"));
        }
    }
}
