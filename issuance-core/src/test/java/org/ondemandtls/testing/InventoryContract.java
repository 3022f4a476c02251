package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;

/** A server with more certificates in its store than it may keep in memory, and visitors who ask for ever other ones. */
public abstract class InventoryContract<F extends HostFixture> extends HostContract<F> {

    private static final String OFTEN = "often.customer.test";
    private static final int STORED = 60;
    private static final int SIZE = 20;
    private static final int TOGETHER = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ExecutorService clients = Executors.newFixedThreadPool(TOGETHER);

    @BeforeEach
    void fillStore() throws Exception {
        fixture.keys.put("onDemandTls.inventory.size", Integer.toString(SIZE));
        KeyPair key = TestCertificates.key();
        Instant now = Instant.now();
        try (FileCertificateStore store =
                FileCertificateStore.open(root(), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO)) {
            for (String name : Stream.concat(Stream.of(OFTEN), names()).toList()) {
                store.save(StoredCertificate.obtained(
                        TestLeaves.leaf(key.getPublic(), key.getPrivate(), now, name),
                        "internal",
                        now,
                        now.plus(Duration.ofDays(30))));
            }
        }
    }

    @AfterEach
    void endClients() {
        clients.shutdownNow();
    }

    private static Stream<String> names() {
        return IntStream.range(0, STORED).mapToObj(i -> "n" + i + ".customer.test");
    }

    private Path root() {
        return Path.of(fixture.keys.get("onDemandTls.store"));
    }

    private long loads() {
        return fixture.engine().status().getEvents().getOrDefault(EventKind.LOADED.name(), 0L);
    }

    private Path bundleOf(String name) throws IOException {
        try (Stream<Path> files = Files.walk(root().resolve("certificates"))) {
            return files.filter(file -> file.endsWith(name + ".pem"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    // Whoever reads waits for what is written.
    private static void makePipe(Path file) throws IOException {
        Files.delete(file);
        assertThat(Command.run(List.of("mkfifo", file.toString()), PATIENCE).exitCode())
                .isZero();
    }

    private CompletableFuture<TlsProbe.Outcome> later(String name) {
        return CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().patience(PATIENCE).handshake(fixture.port(), name), clients);
    }

    @Test
    void whatIsVisitedOftenStaysInMemoryHoweverManyOthersAreVisited() throws Exception {
        fixture.launch();
        for (int i = 0; i < SIZE; i++) {
            assertThat(fixture.visit(OFTEN)).startsWith("HTTP/1.1 200");
        }
        assertThat(loads()).isEqualTo(1);

        for (String name : names().toList()) {
            assertThat(fixture.visit(name)).startsWith("HTTP/1.1 200");
            assertThat(fixture.engine().status().getInventorySize()).isLessThanOrEqualTo(SIZE);
            assertThat(fixture.visit(OFTEN)).startsWith("HTTP/1.1 200");
        }

        assertThat(loads()).as("each of the others once, it never again").isEqualTo(1 + STORED);
        assertThat(fixture.ask.questions()).isEmpty();
    }

    @Test
    void aStoreThatHangsHoldsUpAFewAndRefusesTheRestAndKnownNamesAreServed() throws Exception {
        fixture.keys.put("onDemandTls.shield.lookupsInFlight", "1");
        fixture.keys.put("onDemandTls.shield.lookupsQueued", "4");
        List<String> names = names().toList();
        Path bundle = bundleOf(names.get(0));
        byte[] content = Files.readAllBytes(bundle);
        makePipe(bundle);
        fixture.launch();
        assertThat(fixture.visit(OFTEN)).startsWith("HTTP/1.1 200");

        List<CompletableFuture<TlsProbe.Outcome>> visits = new ArrayList<>(List.of(later(names.get(0))));
        // Returns when somebody reads.
        try (OutputStream pipe = Files.newOutputStream(bundle)) {
            names.subList(1, 5).forEach(name -> visits.add(later(name)));
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(5));
            TlsProbe.Outcome refused = later(names.get(5)).join();

            assertThat(refused.alert()).contains("internal_error");
            assertThat(fixture.engine().status().getOverflows()).containsEntry("onDemandTls.shield.lookupsQueued", 1L);
            assertThat(fixture.visit(OFTEN)).as("in memory").startsWith("HTTP/1.1 200");
            pipe.write(content);
        }

        assertThat(visits)
                .allSatisfy(visit -> assertThat(visit.join().failure()).isEmpty());
        assertThat(fixture.visit(names.get(5))).as("not remembered").startsWith("HTTP/1.1 200");
        assertThat(fixture.ask.questions()).isEmpty();
    }

    @Test
    void whatIsInTheStoreIsReadOnceHoweverManyComeForIt() throws Exception {
        String name = names().findFirst().orElseThrow();
        Path bundle = bundleOf(name);
        byte[] content = Files.readAllBytes(bundle);
        // Who came second would wait for ever.
        makePipe(bundle);
        fixture.launch();
        List<CompletableFuture<TlsProbe.Outcome>> visits =
                IntStream.range(0, TOGETHER).mapToObj(i -> later(name)).toList();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(TOGETHER));
        assertThat(fixture.visit(OFTEN)).as("others meanwhile").startsWith("HTTP/1.1 200");

        Files.write(bundle, content);

        assertThat(visits)
                .allSatisfy(visit -> assertThat(visit.join().failure()).isEmpty());
        assertThat(loads()).isEqualTo(2);
        assertThat(fixture.ask.questions()).isEmpty();
    }
}
