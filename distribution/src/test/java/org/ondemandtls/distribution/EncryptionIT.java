package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** A real Jetty and a real ACME CA: encryption switched on and turned over, and no key in clear anywhere afterwards. */
@Tag("once")
class EncryptionIT {

    private static final String BEFORE = "before.customer.example";
    private static final String AFTER = "after.customer.example";
    private static final String OLD = "b2xkIGtleSwgMzIgb2N0ZXRzLCBub3QgYSBnb29kIDE=";
    private static final String NEW = "bmV3IGtleSwgMzIgb2N0ZXRzLCBub3QgYSBnb29kIDE=";

    /** What every P-256 key in PKCS #8 begins with, as the JDK and as OpenSSL write it. */
    private static final List<String> KEY_BEGINS = List.of("MEECAQAwEwYHKoZIzj0", "MIGHAgEAMBMGByqGSM49");

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

    @Test
    void noKeyIsInClearInAnyFileOrLogOnceEncryptionIsOnWhicheverKeyItIs() throws Exception {
        server = ServerLine.JETTY_12_1.layOut(directory.resolve("base")).withoutPlainHttp();
        try (Pebble pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"))) {
            server.property("onDemandTls.acme.directory", pebble.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            pebble.trustedRoots().toString())
                    .property("onDemandTls.permission.ask", ask.uri().toString())
                    .property("onDemandTls.permission.askTimeout", "20s")
                    .start();
            TlsProbe client = TlsProbe.trusting(pebble.issuerRoot());
            assertThat(client.handshake(server.tlsPort(), BEFORE).failure()).isEmpty();
            assertThat(clearKeys()).as("the search finds what it is for").isNotEmpty();
            server.stop();

            keys(OLD);
            server.property("onDemandTls.store.encryptionKey.file", "keys").start();
            assertThat(client.handshake(server.tlsPort(), BEFORE).failure()).isEmpty();
            assertThat(client.handshake(server.tlsPort(), AFTER).failure()).isEmpty();
            awaitEverythingEncrypted();
            assertThat(clearKeys()).isEmpty();
            List<String> logs = new ArrayList<>(List.of(server.log()));
            server.stop();

            keys(NEW);
            String refusal = server.startInVain();
            assertThat(refusal)
                    .contains("holds keys encrypted under another key than those given")
                    .contains("correct onDemandTls.store.encryptionKey");
            logs.add(refusal);

            for (String step : List.of(OLD + "," + NEW, NEW + "," + OLD, NEW)) {
                keys(step);
                server.start();
                assertThat(client.handshake(server.tlsPort(), BEFORE).failure()).isEmpty();
                assertThat(client.handshake(server.tlsPort(), AFTER).failure()).isEmpty();
                if (step.equals(NEW + "," + OLD)) {
                    awaitEverythingEncrypted();
                }
                logs.add(server.log());
                server.stop();
            }

            pebble.assertIssued(2);
            assertThat(clearKeys()).isEmpty();
            assertThat(logs).noneMatch(EncryptionIT::showsAKey);
        }
    }

    private void keys(String keys) throws IOException {
        Path file = server.base().resolve("keys");
        Files.writeString(file, keys + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private void awaitEverythingEncrypted() {
        Awaitility.await()
                .atMost(ServerProcess.PATIENCE)
                .untilAsserted(() -> assertThat(server.log()).contains("everything in "));
    }

    private List<Path> clearKeys() throws Exception {
        return ServerProcess.whileFilesMove(this::filesWithAKey);
    }

    private List<Path> filesWithAKey() throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> all = Files.walk(server.store())) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                if (showsAKey(Files.readString(file, StandardCharsets.ISO_8859_1))) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    private static boolean showsAKey(String text) {
        return text.contains("PRIVATE KEY-----")
                || KEY_BEGINS.stream().anyMatch(text::contains)
                || Stream.of(OLD, NEW).anyMatch(key -> text.contains(key) || text.contains(hex(key)));
    }

    private static String hex(String key) {
        return HexFormat.of().formatHex(Base64.getDecoder().decode(key));
    }
}
