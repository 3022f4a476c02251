package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/**
 * A real server killed at a chosen file operation of an issuance, deterministically, by {@code strace}: what an order
 * needs is on disk before the CA is asked, and the next start finishes it.
 */
class CrashIT {

    private static final String FIRST = "first.customer.example";
    private static final String NAME = "shop.customer.example";

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
            long before = pebble.orders();

            server.under(
                            Tools.onPath("strace", "apt-get install strace").toString(),
                            "-f",
                            "-qq",
                            "-o",
                            directory.resolve("strace.log").toString(),
                            "-e",
                            "trace=" + operation,
                            "-e",
                            "inject=" + operation + ":signal=SIGKILL:when=" + number)
                    .start();
            client.handshake(server.tlsPort(), NAME);
            assertThat(server.process().ended(Duration.ofSeconds(30)))
                    .as("killed at %s %d:\n%s", operation, number, server.log())
                    .isTrue();

            server.under().start();
            // Without a visitor where the order was in the journal; with one where the crash came before that.
            if (journaled()) {
                Awaitility.await("the order is finished by the start alone")
                        .atMost(Duration.ofSeconds(15))
                        .until(() -> !journaled());
            }
            assertThat(client.handshake(server.tlsPort(), NAME).failure())
                    .as(server.log())
                    .isEmpty();
            assertThat(pebble.orders() - before).isBetween(1L, (long) mostOrders);
            assertThat(files("tmp")).isEmpty();
            assertThat(files("orders")).isEmpty();
            assertThat(files("quarantine")).isEmpty();
            assertThat(client.handshake(server.tlsPort(), FIRST).failure()).isEmpty();
        }
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
