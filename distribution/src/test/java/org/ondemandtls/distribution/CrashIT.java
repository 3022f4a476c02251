package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.UndeclaredThrowableException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.management.remote.JMXConnector;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/**
 * A real server killed at a chosen file operation of an issuance, deterministically, by {@code strace}: what an order
 * needs is on disk before the CA is asked, and the next start finishes it.
 */
@Tag("once")
class CrashIT {

    private static final String FIRST = "first.customer.example";
    private static final String NAME = "shop.customer.example";
    // Longer than any wait here.
    private static final Duration HELD = Duration.ofMinutes(20);

    @TempDir
    private Path directory;

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");
    private ServerProcess server;

    @AfterEach
    void stopServer() {
        if (server != null) {
            server.close();
        }
        ask.close();
    }

    /**
     * On the thread that works on the order, renames are in turn: the journal with key and CSR, the journal with the
     * order's URL, the bundle. The unlink removes the journal.
     */
    @ParameterizedTest(name = "{0} killed at {1} number {2}")
    @CsvSource({
        "JETTY_12_0, rename, 1, 1",
        "JETTY_12_1, rename, 2, 2",
        "JETTY_12_1, rename, 3, 1",
        "JETTY_12_1, unlink, 1, 1",
        "TOMCAT_10_1, rename, 3, 1",
        "TOMCAT_11, rename, 2, 2",
    })
    void aServerKilledAtAnyStepLosesNothing(ServerLine line, String operation, int number, int mostOrders)
            throws Exception {
        killAndRecover(line, operation, number, mostOrders);
    }

    @Tag("long")
    @ParameterizedTest(name = "killed at {0} number {1}")
    @CsvSource({
        "fsync, 1, 1",
        "fsync, 2, 1",
        "fsync, 3, 2",
        "fsync, 4, 2",
        "fsync, 5, 1",
        "fsync, 6, 1",
        "fsync, 7, 1",
        "fsync, 8, 1"
    })
    void aServerKilledAtAnySynchronisationLosesNothing(String operation, int number, int mostOrders) throws Exception {
        killAndRecover(ServerLine.JETTY_12_1, operation, number, mostOrders);
    }

    private void killAndRecover(ServerLine line, String operation, int number, int mostOrders) throws Exception {
        server = line.layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
        try (Pebble pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"))) {
            server.property("onDemandTls.acme.directory", pebble.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            pebble.trustedRoots().toString())
                    .start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(client.handshake(server.tlsPort(), FIRST).failure()).isEmpty();
            server.stop();
            Pebble.Count before = pebble.count();

            holdBefore(operation, number);
            server.start();
            CompletableFuture<Void> killer = CompletableFuture.runAsync(() -> {
                Awaitility.await()
                        .atMost(ServerProcess.PATIENCE)
                        .untilAsserted(() -> assertThat(isMet(operation, number))
                                .as("held at %s %d:\n%s", operation, number, server.log())
                                .isTrue());
                server.kill9();
            });
            client.handshake(server.tlsPort(), NAME);
            killer.join();

            server.under().start();
            // Without a visitor where the order was in the journal; with one where the crash came before that.
            if (journaled()) {
                Awaitility.await("the order is finished by the start alone")
                        .atMost(ServerProcess.PATIENCE)
                        .until(() -> !journaled());
            }
            assertThat(client.handshake(server.tlsPort(), NAME).failure())
                    .as(server.log())
                    .isEmpty();
            // Each may be placed once more, where a stalled machine does not hear the answer.
            assertThat(pebble.orders() - before.orders())
                    .as("%s\n%s", server.log(), String.join("\n", pebble.requests()))
                    .isBetween(1L, 2L * mostOrders);
            assertThat(pebble.issued() - before.issued()).as(server.log()).isEqualTo(1);
            assertNothingIsLeft("orders");
            assertNothingIsLeft("tmp");
            assertThat(files("quarantine")).isEmpty();
            assertThat(client.handshake(server.tlsPort(), FIRST).failure()).isEmpty();
        }
    }

    /**
     * In turn: what is due is put off by a thread of the renewal's, journal, order's URL and bundle are written by one of the
     * order's; strace counts for each thread. From the second rename on it is the order's thread that is met.
     */
    @Test
    void aServerKilledInARenewalServesWhatItHadAndLosesNothing() throws Exception {
        try (Pebble pebble = readyToRenew(ServerLine.JETTY_12_1)) {
            assertThat(isKilledWhileRenewing(pebble, "rename", 2)).isTrue();
            assertThat(isKilledWhileRenewing(pebble, "rename", 3)).isTrue();
        }
    }

    @Tag("long")
    @ParameterizedTest(name = "killed at every {1}")
    @CsvSource({
        "JETTY_12_1, rename",
        "TOMCAT_11, rename",
        "JETTY_12_1, fsync",
        "TOMCAT_11, fsync",
        "JETTY_12_1, unlink",
        "JETTY_12_1, mkdir"
    })
    void aServerKilledAtEveryStepOfARenewalLosesNothing(ServerLine line, String operation) throws Exception {
        try (Pebble pebble = readyToRenew(line)) {
            int number = 1;
            while (isKilledWhileRenewing(pebble, operation, number)) {
                number++;
                assertThat(number).isLessThan(50);
            }
            report(line + ": killed at " + (number - 1) + " operations " + operation + " on the way to a renewal");
        }
    }

    @Tag("long")
    @Test
    void aServerKilledAtTwoHundredMomentsOfARenewalLosesNothing() throws Exception {
        int renewed = 0;
        int ordered = 0;
        ScheduledExecutorService killer = Executors.newSingleThreadScheduledExecutor();
        try (Pebble pebble = readyToRenew(ServerLine.JETTY_12_1)) {
            server.managed().start();
            for (int round = 0; round < 200; round++) {
                X509Certificate old = visit().leaf();
                long before = pebble.orders();
                try (JMXConnector connector = server.management()) {
                    OnDemandTlsMXBean engine = ServerProcess.engine(connector);
                    assertThat(visit().failure()).isEmpty();
                    killer.schedule(server::kill9, ThreadLocalRandom.current().nextInt(400), TimeUnit.MILLISECONDS);
                    engine.retry(NAME);
                    assertThat(server.process().ended(ServerProcess.PATIENCE)).isTrue();
                } catch (IOException | UndeclaredThrowableException killed) {
                    assertThat(server.process().ended(ServerProcess.PATIENCE)).isTrue();
                }

                boolean urlKept = urlKept();
                server.start();

                assertNothingIsLost(pebble, old, before, urlKept);
                renewed += visit().leaf().equals(old) ? 0 : 1;
                ordered += (int) (pebble.orders() - before);
            }
            report("200 moments: " + ordered + " orders, " + renewed + " renewed");
        } finally {
            killer.shutdownNow();
        }
    }

    private TlsProbe.Outcome visit() {
        return TlsProbe.trustingAnything().handshake(server.tlsPort(), NAME);
    }

    /** A server that has stopped, with a certificate. */
    private Pebble readyToRenew(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
        Pebble pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"));
        server.property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString())
                .start();
        assertThat(visit().failure()).isEmpty();
        server.stop();
        return pebble;
    }

    /** Whether the server, which has stopped, is killed before it has renewed; it has stopped again then. */
    private boolean isKilledWhileRenewing(Pebble pebble, String operation, int number) throws Exception {
        X509Certificate old = makeDue();
        long before = pebble.orders();
        holdBefore(operation, number);
        server.begin();
        boolean[] met = {false};
        Awaitility.await().atMost(ServerProcess.PATIENCE).untilAsserted(() -> {
            met[0] = isMet(operation, number);
            assertThat(met[0] || server.log().contains("name=" + NAME + " renewed by "))
                    .as("%s\n%s", server.log(), String.join("\n", pebble.requests()))
                    .isTrue();
        });
        if (!met[0]) {
            server.process().terminate(Duration.ofSeconds(10));
            server.close();
            return false;
        }
        server.kill9();
        boolean urlKept = urlKept();
        server.under().start();
        assertNothingIsLost(pebble, old, before, urlKept);
        server.stop();
        return true;
    }

    /**
     * Has a thread of the next start wait before its operation of that number, until it is killed. strace stops nothing
     * else on its way, so that the server is as fast as without.
     */
    private void holdBefore(String operation, int number) throws IOException {
        Files.deleteIfExists(trace());
        server.under(
                Tools.onPath("strace", "apt-get install strace").toString(),
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-o",
                trace().toString(),
                "-e",
                "trace=" + operation,
                "-e",
                "inject=" + operation + ":delay_enter=" + HELD.toNanos() / 1000 + ":when=" + number);
    }

    /** Whether a thread is held there: a line begins with the operation, also while it waits. */
    private boolean isMet(String operation, int number) throws IOException {
        if (!Files.exists(trace())) {
            return false;
        }
        Pattern begun = Pattern.compile("^(\\d+) +" + operation + "\\(");
        try (Stream<String> lines = Files.lines(trace())) {
            return lines
                    .map(begun::matcher)
                    .filter(Matcher::find)
                    .collect(Collectors.groupingBy(line -> line.group(1), Collectors.counting()))
                    .values()
                    .stream()
                    .anyMatch(times -> times >= number);
        }
    }

    private Path trace() {
        return directory.resolve("strace.log");
    }

    // Without it the order is one too many: another is placed when it is looked at next.
    private boolean urlKept() throws IOException {
        for (Path order : files("orders")) {
            if (Files.readString(order).contains("\nurl: ")) {
                return true;
            }
        }
        return false;
    }

    private void assertNothingIsLost(Pebble pebble, X509Certificate old, long before, boolean urlKept) {
        assertThat(visit().failure()).as(server.log()).isEmpty();
        assertNothingIsLeft("orders");
        // One before the kill and one after it; each may be placed again where its answer is lost on a machine that
        // stalls.
        assertThat(pebble.orders() - before)
                .as("%s\n%s", server.log(), String.join("\n", pebble.requests()))
                .isLessThanOrEqualTo(4);
        assertNothingIsLeft("tmp");
        assertThat(files("quarantine")).isEmpty();
        if (urlKept) {
            assertThat(visit().leaf()).as(server.log()).isNotEqualTo(old);
        }
    }

    // By the server alone: it may still be at it.
    private void assertNothingIsLeft(String kind) {
        Awaitility.await(kind)
                .atMost(ServerProcess.PATIENCE)
                .untilAsserted(() -> assertThat(files(kind)).as(server.log()).isEmpty());
    }

    private X509Certificate makeDue() throws Exception {
        Instant now = Instant.now();
        try (FileCertificateStore store = FileCertificateStore.open(
                server.store(), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO)) {
            StoredCertificate stored = store.find(ServerName.parse(NAME)).orElseThrow();
            // Whatever came before, it is looked at again soon by itself.
            assertThat(stored.due()).isBefore(stored.certificate().notAfter());
            store.save(stored.withVisited(now).withRenew(now).withDue(now));
            return stored.certificate().leaf();
        }
    }

    private static void report(String line) throws IOException {
        Files.writeString(
                Path.of("target/crashes.txt"), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private boolean journaled() {
        return !files("orders").isEmpty();
    }

    private List<Path> files(String kind) {
        try (Stream<Path> files = Files.list(server.store().resolve(kind))) {
            return files.toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
