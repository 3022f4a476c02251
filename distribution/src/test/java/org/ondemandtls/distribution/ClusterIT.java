package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.sql.Driver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/**
 * Several real servers, Jetty and Tomcat mixed, on one real database behind a load balancer that knows nothing: they act as
 * one, whatever becomes of one of them or of the database. They never speak to each other, so that cutting them off from
 * each other changes nothing.
 */
class ClusterIT {

    private static final String NAME = "shop.customer.example";
    private static final String KNOWN = "known.customer.example";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Map<Database.Kind, Database> DATABASES = new ConcurrentHashMap<>();

    @TempDir
    private Path directory;

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");
    private final List<ServerProcess> servers = new ArrayList<>();
    private final ExecutorService visitors = Executors.newCachedThreadPool();
    private Database database;
    private String store;
    private LoadBalancer balancer;

    @AfterEach
    void stop() throws IOException {
        visitors.shutdownNow();
        for (ServerProcess server : servers) {
            server.close();
        }
        if (balancer != null) {
            balancer.close();
        }
        ask.close();
    }

    @AfterAll
    static void stopDatabases() {
        DATABASES.values().forEach(Database::close);
        DATABASES.clear();
    }

    /** Where each scenario is tried; {@link MariaDbClusterIT} has the other. */
    static Stream<Database.Kind> kinds() {
        return Stream.of(Database.Kind.POSTGRESQL);
    }

    private void layOut(Database.Kind kind, ServerLine... lines) throws Exception {
        layOut(DATABASES.computeIfAbsent(kind, Database::start), lines);
    }

    private void layOut(Database on, ServerLine... lines) throws Exception {
        database = on;
        store = database.fresh();
        balancer = new LoadBalancer();
        for (ServerLine line : lines) {
            ServerProcess server = line.layOut(directory.resolve("base" + servers.size()));
            server.withDriver(driver(on.kind()))
                    .property("onDemandTls.store", store)
                    .property("onDemandTls.permission.ask", ask.uri().toString())
                    .property("onDemandTls.permission.askTimeout", "20s");
            servers.add(server);
        }
        balancer.balance(servers.stream().map(ServerProcess::tlsPort).toList());
    }

    private static Class<? extends Driver> driver(Database.Kind kind) {
        return kind == Database.Kind.POSTGRESQL ? org.postgresql.Driver.class : org.mariadb.jdbc.Driver.class;
    }

    private Pebble pebble(Pebble.Options options) {
        Pebble pebble = options.start(directory.resolve("pebble"));
        use(pebble.directory().toString(), pebble.trustedRoots());
        return pebble;
    }

    private void use(String directories, Path trustedRoots) {
        for (ServerProcess server : servers) {
            server.property("onDemandTls.acme.directory", directories)
                    .property("onDemandTls.acme.trustedRoots", trustedRoots.toString());
        }
    }

    private void startAll() throws Exception {
        List<Future<?>> started = new ArrayList<>();
        for (ServerProcess server : servers) {
            started.add(visitors.submit(server::start));
        }
        for (Future<?> one : started) {
            one.get();
        }
    }

    private Future<TlsProbe.Outcome> visit(TlsProbe client, ServerProcess server, String name) {
        return visitors.submit(() -> client.handshake(server.tlsPort(), name));
    }

    private String logs() {
        return servers.stream().map(ServerProcess::log).collect(Collectors.joining("\n=====\n"));
    }

    // One database after the other: six servers in cold code starve the CA's own look at them.
    @ResourceLock("many names at once")
    @ParameterizedTest
    @EnumSource(Database.Kind.class)
    void everyServerAskedForEveryNameAtOnceCostsOneOrderPerName(Database.Kind kind) throws Exception {
        layOut(kind, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11, ServerLine.JETTY_12_0);
        // So many names at once take what the machine gives; how long is not what is asked here.
        servers.forEach(server -> server.property("onDemandTls.handshake.deadline", "3m"));
        try (Pebble pebble = pebble(Pebble.options().tlsPort(balancer.port()))) {
            pebble.unlessItStandsStill(attempt -> {
                startOver();
                costsOneOrderPerName(
                        pebble,
                        IntStream.range(0, 20)
                                .mapToObj(number -> "shop" + attempt + "-" + number + ".customer.example")
                                .toList());
            });
        }
    }

    /** Starts all servers with an empty store. */
    private void startOver() throws Exception {
        servers.forEach(ServerProcess::close);
        store = database.fresh();
        servers.forEach(server -> server.property("onDemandTls.store", store));
        startAll();
    }

    private void costsOneOrderPerName(Pebble pebble, List<String> names) throws Exception {
        TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE);
        List<List<Future<TlsProbe.Outcome>>> visits = new ArrayList<>();
        for (String name : names) {
            visits.add(
                    servers.stream().map(server -> visit(client, server, name)).toList());
        }

        for (List<Future<TlsProbe.Outcome>> ofOneName : visits) {
            Set<X509Certificate> served = new HashSet<>();
            for (Future<TlsProbe.Outcome> visit : ofOneName) {
                TlsProbe.Outcome outcome = visit.get();
                assertThat(outcome.failure()).as(this::logs).isEmpty();
                served.add(outcome.leaf());
            }
            assertThat(served).hasSize(1);
        }
        pebble.assertIssued(names.size());
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(Database.query(store, "SELECT COUNT(*) FROM ondemand_tls_order"))
                        .containsExactly("0"));
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void anyServerAnswersAnyHttpChallenge() throws Exception {
        layOut(Database.Kind.POSTGRESQL, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11);
        ServerProcess jetty = servers.get(0);
        ServerProcess tomcat = servers.get(1);
        LoadBalancer http = new LoadBalancer();
        try (http;
                Pebble pebble = pebble(Pebble.options().httpPort(http.port()))) {
            servers.forEach(server -> server.property("onDemandTls.acme.challenges", "http-01"));
            startAll();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE);

            http.balance(List.of(tomcat.httpPort()));
            assertThat(visit(client, jetty, "jetty.customer.example").get().failure())
                    .as(this::logs)
                    .isEmpty();
            http.balance(List.of(jetty.httpPort()));
            assertThat(visit(client, tomcat, "tomcat.customer.example").get().failure())
                    .as(this::logs)
                    .isEmpty();

            for (ServerProcess server : servers) {
                for (String unknown : List.of("unknown-token", "../index.html")) {
                    assertThat(plain(server, "/.well-known/acme-challenge/" + unknown))
                            .as("goes to the application")
                            .isEqualTo("404");
                }
            }
            pebble.assertIssued(2);
        }
    }

    private static String plain(ServerProcess server, String path) {
        Command done = Command.run(
                List.of(
                        "curl",
                        "-sS",
                        "-o",
                        "/dev/null",
                        "--path-as-is",
                        "-w",
                        "%{http_code}",
                        "-H",
                        "Host: " + NAME,
                        "http://127.0.0.1:" + server.httpPort() + path),
                PATIENCE);
        assertThat(done.stderr()).as(server.log()).isEmpty();
        return done.stdout();
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void theOrderOfAServerThatDiesIsFinishedByAnother(Database.Kind kind) throws Exception {
        layOut(kind, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11);
        ServerProcess first = servers.get(0);
        ServerProcess other = servers.get(1);
        try (Pebble pebble = pebble(Pebble.options().tlsPort(balancer.port()));
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            use(proxy.directory().toString(), proxy.trustedRoots());
            CountDownLatch reached = new CountDownLatch(1);
            proxy.first(1, FaultyAcmeProxy.path("/finalize-order/"), (request, ca) -> {
                reached.countDown();
                return null;
            });
            startAll();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE);
            visit(client, first, NAME);
            assertThat(reached.await(3, TimeUnit.MINUTES)).as(this::logs).isTrue();

            long killed = System.nanoTime();
            first.kill9();

            Awaitility.await("finished without a visitor")
                    .atMost(PATIENCE)
                    .until(() -> other.log().contains("continues the open order")
                            && Database.query(store, "SELECT COUNT(*) FROM ondemand_tls_certificate")
                                    .equals(List.of("1")));
            report("taken over after the holder was killed, " + kind, killed);
            assertThat(visit(client, other, NAME).get().failure()).isEmpty();
            pebble.assertIssued(1);
        }
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void theLateWriteOfAServerThatStoodStillIsRefused(Database.Kind kind) throws Exception {
        standStill(kind, Duration.ZERO);
    }

    @Tag("long")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void theLateWriteOfAServerThatStoodStillForAMinuteIsRefused(Database.Kind kind) throws Exception {
        standStill(kind, Duration.ofSeconds(60));
    }

    private void standStill(Database.Kind kind, Duration atLeast) throws Exception {
        layOut(kind, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11);
        ServerProcess first = servers.get(0);
        ServerProcess other = servers.get(1);
        try (Pebble pebble = pebble(Pebble.options().tlsPort(balancer.port()));
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            use(proxy.directory().toString(), proxy.trustedRoots());
            // Whoever asks again has read the answer before.
            CountDownLatch reached = new CountDownLatch(2);
            FaultyAcmeProxy.Fault unfinished = FaultyAcmeProxy.replace("\"valid\"", "\"processing\"");
            proxy.when(
                    FaultyAcmeProxy.path("/finalize-order/").or(FaultyAcmeProxy.path("/my-order/")), (request, ca) -> {
                        reached.countDown();
                        return unfinished.answer(request, ca);
                    });
            // A visitor of the other waits until the lease of the first is over, and for an order then.
            servers.forEach(server -> server.property("onDemandTls.handshake.deadline", "3m"));
            startAll();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE.multipliedBy(2));
            visit(client, first, NAME);
            assertThat(reached.await(3, TimeUnit.MINUTES)).as(this::logs).isTrue();

            long stopped = System.nanoTime();
            signal("-STOP", first);
            proxy.heal();
            TlsProbe.Outcome byOther = visit(client, other, NAME).get();
            assertThat(byOther.failure()).as(other.log()).isEmpty();
            report("taken over after the holder stood still, " + kind, stopped);
            Duration left = atLeast.minusNanos(System.nanoTime() - stopped);
            if (!left.isNegative()) {
                Awaitility.await().pollDelay(left).atMost(left.plus(PATIENCE)).until(() -> true);
            }
            signal("-CONT", first);

            Awaitility.await()
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(first.log()).contains("a late write for " + NAME + " was refused"));
            TlsProbe.Outcome byFirst = visit(client, first, NAME).get();
            assertThat(byFirst.failure()).as(first.log()).isEmpty();
            assertThat(byFirst.leaf()).isEqualTo(byOther.leaf());
            pebble.assertIssued(1);
        }
    }

    private static void signal(String signal, ServerProcess server) {
        // Tomcat's script has become the JVM by then.
        Command.run(List.of("kill", signal, Long.toString(server.process().pid())), PATIENCE);
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void aDatabaseThatIsGoneDisturbsNoNameThatIsServed(Database.Kind kind) throws Exception {
        outage(kind, Duration.ofSeconds(8));
    }

    @Tag("long")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void aDatabaseThatIsGoneForAMinuteDisturbsNoNameThatIsServed(Database.Kind kind) throws Exception {
        outage(kind, Duration.ofSeconds(60));
    }

    private void outage(Database.Kind kind, Duration time) throws Exception {
        try (Database own = Database.start(kind)) {
            layOut(own, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11);
            outage(time);
        }
    }

    private void outage(Duration time) throws Exception {
        try (Pebble pebble = pebble(Pebble.options().tlsPort(balancer.port()))) {
            startAll();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE);
            for (ServerProcess server : servers) {
                assertThat(visit(client, server, KNOWN).get().failure())
                        .as(this::logs)
                        .isEmpty();
            }

            long end = System.nanoTime() + time.toNanos();
            int visits = 0;
            int number = 0;
            database.stop();
            try {
                while (System.nanoTime() - end < 0) {
                    for (ServerProcess server : servers) {
                        assertThat(visit(client, server, KNOWN).get().failure())
                                .as(this::logs)
                                .isEmpty();
                        visits++;
                    }
                    if (visits % 20 == 0) {
                        assertThat(visit(client, servers.get(number % 2), "new" + number++ + ".customer.example")
                                        .get()
                                        .alert())
                                .contains("internal_error");
                    }
                }
                pebble.assertIssued(1);
            } finally {
                database.restart();
            }

            long back = System.nanoTime();
            for (ServerProcess server : servers) {
                String name = "after" + server.tlsPort() + ".customer.example";
                Awaitility.await("recovers by itself")
                        .atMost(PATIENCE)
                        .pollInterval(Duration.ofMillis(200))
                        .untilAsserted(() -> assertThat(
                                        visit(client, server, name).get().failure())
                                .as(server.log())
                                .isEmpty());
                report("recovered after an outage of " + time.toSeconds() + " s, " + database.kind(), back);
            }
            pebble.assertIssued(3);
            System.out.println("handshakes during the outage: " + visits);
        }
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void whatOneRenewsIsServedByTheOthersWithinSeconds(Database.Kind kind) throws Exception {
        layOut(kind, ServerLine.JETTY_12_1, ServerLine.TOMCAT_11);
        try (Pebble pebble =
                pebble(Pebble.options().tlsPort(balancer.port()).profile("moments", Duration.ofSeconds(40)))) {
            servers.forEach(server -> server.property("onDemandTls.acme.profile", "moments"));
            startAll();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot()).patience(PATIENCE);
            X509Certificate first = visit(client, servers.get(0), NAME).get().leaf();

            long[] changed = new long[2];
            Set<X509Certificate> successors = new HashSet<>();
            Awaitility.await()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> {
                        for (int i = 0; i < 2; i++) {
                            TlsProbe.Outcome outcome =
                                    visit(client, servers.get(i), NAME).get();
                            assertThat(outcome.failure()).as(this::logs).isEmpty();
                            if (changed[i] == 0 && !outcome.leaf().equals(first)) {
                                changed[i] = System.nanoTime();
                                successors.add(outcome.leaf());
                            }
                        }
                        return changed[0] != 0 && changed[1] != 0;
                    });

            assertThat(successors).hasSize(1);
            Duration apart = Duration.ofNanos(Math.abs(changed[0] - changed[1]));
            System.out.println("news of a renewal after " + apart.toMillis() + " ms, " + kind);
        }
    }

    @Tag("once")
    @Execution(ExecutionMode.CONCURRENT)
    @ParameterizedTest
    @MethodSource("kinds")
    void aDumpOfAnEncryptedStoreHoldsNoPrivateKey(Database.Kind kind) throws Exception {
        layOut(kind, ServerLine.JETTY_12_1);
        servers.get(0)
                .property("onDemandTls.store.encryptionKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
                .property("onDemandTls.issuer", "internal");
        startAll();
        TlsProbe client = TlsProbe.trustingAnything();
        assertThat(visit(client, servers.get(0), NAME).get().failure())
                .as(this::logs)
                .isEmpty();

        String dump = database.dump(store);

        assertThat(dump).contains("BEGIN CERTIFICATE").contains(NAME);
        assertThat(dump).doesNotContain("PRIVATE KEY-----");
    }

    private static void report(String what, long since) {
        System.out.println(what + ": " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since) + " ms");
    }
}
