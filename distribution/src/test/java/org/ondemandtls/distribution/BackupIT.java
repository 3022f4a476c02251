package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.TlsProbe;

/** A backup is made while new names are visited, and what was there before it is served after it was restored. */
@Tag("once")
class BackupIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int NAMES = 10;

    @TempDir
    private static Path directory;

    // One server for all media: each has names of its own store.
    private static ServerProcess server;

    @BeforeAll
    static void layOut() throws Exception {
        server = ServerLine.JETTY_12_1.layOut(directory.resolve("base")).withoutPlainHttp();
        for (Class<?> driver : List.of(org.postgresql.Driver.class, org.mariadb.jdbc.Driver.class)) {
            Path jar = Path.of(
                    driver.getProtectionDomain().getCodeSource().getLocation().toURI());
            Files.copy(jar, server.jars().resolve(jar.getFileName()));
        }
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static ServerProcess internal() {
        return server.withoutProperties()
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "*.customer.example");
    }

    @Test
    void aDirectory() throws Exception {
        internal().start();
        Map<String, X509Certificate> before = visits();
        Path backup = directory.resolve("backup.tar.gz");

        Command saved = whileVisitorsCome(() -> shell("tar -C " + server.base() + " -czf " + backup
                + " --warning=no-file-changed --ignore-failed-read ondemand-tls"));
        server.stop();
        Command restored = shell("cd " + server.base() + " && mv ondemand-tls ondemand-tls.old && tar -xpzf " + backup);

        assertThat(saved.exitCode()).as(saved.stderr()).isBetween(0, 1);
        assertThat(restored.exitCode()).as(restored.stderr()).isZero();
        server.start();
        assertThat(visits()).isEqualTo(before);
        assertThat(server.store().resolve("quarantine"))
                .satisfiesAnyOf(
                        quarantine -> assertThat(quarantine).doesNotExist(),
                        quarantine -> assertThat(quarantine).isEmptyDirectory());
        server.stop();
    }

    @ParameterizedTest
    @EnumSource
    void aDatabase(Database.Kind kind) throws Exception {
        try (Database database = Database.start(kind)) {
            String store = database.fresh();
            internal().property("onDemandTls.store", store).start();
            Map<String, X509Certificate> before = visits();
            Path backup = directory.resolve(kind + ".sql");

            whileVisitorsCome(() -> {
                database.backUp(store, backup);
                return null;
            });
            server.stop();
            Database.update(store, "DELETE FROM ondemand_tls_certificate");
            database.restore(store, backup);

            server.start();
            assertThat(visits()).isEqualTo(before);
            assertThat(Database.query(store, "SELECT count(*) FROM ondemand_tls_quarantine"))
                    .containsExactly("0");
            server.stop();
        }
    }

    private static Map<String, X509Certificate> visits() {
        Map<String, X509Certificate> leaves = new LinkedHashMap<>();
        for (int i = 0; i < NAMES; i++) {
            leaves.put("shop-" + i, visit("shop-" + i));
        }
        return leaves;
    }

    private static X509Certificate visit(String label) {
        TlsProbe.Outcome outcome = TlsProbe.trustingAnything().handshake(server.tlsPort(), label + ".customer.example");
        assertThat(outcome.failure()).as(label + "\n" + server.log()).isEmpty();
        return outcome.leaf();
    }

    private static <T> T whileVisitorsCome(Callable<T> task) throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Void> visitors = CompletableFuture.runAsync(() -> {
            for (int i = 0; !over.get(); i++) {
                visit("later-" + i);
            }
        });
        try {
            return task.call();
        } finally {
            over.set(true);
            visitors.get();
        }
    }

    private static Command shell(String line) {
        return Command.run(List.of("sh", "-c", line), PATIENCE);
    }
}
