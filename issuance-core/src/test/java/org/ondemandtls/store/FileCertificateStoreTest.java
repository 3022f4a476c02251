package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.RecordedEvents;

/** {@link FileCertificateStore}: the contract, and what only files can show. */
class FileCertificateStoreTest extends CertificateStoreContract {

    private final RecordedEvents recorded = new RecordedEvents();

    @TempDir
    private Path base;

    private Path root() {
        return base.resolve("store");
    }

    @Override
    CertificateStore open() throws Exception {
        return FileCertificateStore.open(root(), recorded.events(), Duration.ZERO);
    }

    private Path bundle(String name) throws Exception {
        return ((FileCertificateStore) store).fileOf(ServerName.parse(name));
    }

    @Nested
    class Written {

        @Test
        void belongToTheirOwnerAlone() throws Exception {
            store.save(stored(SHOP.value()));
            store.writeSecret("accounts/one.pem", new byte[] {1});

            try (Stream<Path> all = Files.walk(root())) {
                for (Path path : all.toList()) {
                    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                            .as("%s", path)
                            .isEqualTo(Files.isDirectory(path) ? "rwx------" : "rw-------");
                }
            }
        }

        @Test
        void leaveNothingBesideAndNothingTemporary() throws Exception {
            store.save(stored(SHOP.value()));

            try (Stream<Path> left = Files.list(root().resolve("tmp"))) {
                assertThat(left).isEmpty();
            }
        }

        @Test
        void ofACrashedWriterAreClearedAway() throws Exception {
            store.close();
            Files.writeString(root().resolve("tmp/torn"), "half a bundle");

            store = open();

            assertThat(root().resolve("tmp/torn")).doesNotExist();
        }

        @Test
        void canBeReadWithOrdinaryTools() throws Exception {
            store.save(stored(SHOP.value()));

            assertThat(Files.readString(bundle(SHOP.value())))
                    .startsWith("ondemand-tls certificate 1\nnames: shop.example.com\n")
                    .contains("-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----")
                    .containsPattern("\nsha-256: [0-9a-f]{64}\n$");
        }
    }

    @Nested
    class ADamagedBundle {

        private void damage(byte[] content) throws Exception {
            Files.write(bundle(SHOP.value()), content);
        }

        private void assertSetAside() throws Exception {
            assertThat(store.find(SHOP)).isEmpty();
            assertThat(bundle(SHOP.value())).doesNotExist();
            assertThat(recorded.lines(EventKind.QUARANTINED)).hasSize(1);
            try (Stream<Path> aside = Files.list(root().resolve("quarantine"))) {
                assertThat(aside).hasSize(1);
            }
            assertThat(store.save(stored(SHOP.value())).revision()).isEqualTo(1);
        }

        @Test
        void thatIsTruncatedIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            byte[] whole = Files.readAllBytes(bundle(SHOP.value()));
            damage(java.util.Arrays.copyOf(whole, whole.length - 40));

            assertSetAside();
        }

        @Test
        void thatIsEmptyIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            damage(new byte[0]);

            assertSetAside();
        }

        @Test
        void withOneBitFlippedAnywhereIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            byte[] whole = Files.readAllBytes(bundle(SHOP.value()));
            for (int at = 0; at < whole.length; at += 37) {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) 0x81;
                damage(flipped);

                assertThat(store.find(SHOP)).as("octet %d", at).isEmpty();
            }
        }

        @Test
        void ofAnotherNameIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored("other.example.org"));
            damage(Files.readAllBytes(bundle("other.example.org")));

            assertSetAside();
        }

        @Test
        void whoseKeyIsAnothersIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            StoredCertificate one = stored(SHOP.value());
            StoredCertificate two = stored(SHOP.value());
            damage(RecordCodec.encode(stored(new org.ondemandtls.certificate.KeyedCertificate(
                    one.certificate().key(), two.certificate().chain()))));

            assertSetAside();
        }
    }

    @Nested
    class Opening {

        @Test
        void isRefusedWhileAnotherHasTheStore() {
            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("in use by another server")
                    .hasMessageContaining("database");
        }

        @Test
        void byALoserLeavesTheWinnersLock() throws Exception {
            assertThatThrownBy(FileCertificateStoreTest.this::open).isInstanceOf(StoreException.class);
            Process other = new ProcessBuilder(
                            System.getProperty("java.home") + "/bin/java",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Locked.class.getName(),
                            root().toString())
                    .redirectErrorStream(true)
                    .start();

            String said = new String(other.getInputStream().readAllBytes(), US_ASCII);

            assertThat(said).contains("in use by another server");
        }

        @Test
        void tightensAnEmptyDirectory() throws Exception {
            Path open = Files.createDirectory(base.resolve("empty"));
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));

            FileCertificateStore.open(open, recorded.events(), Duration.ZERO).close();

            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(open)))
                    .isEqualTo("rwx------");
        }

        @Test
        void refusesAFilledDirectoryThatOthersCanReadAndSaysHowToMendIt() throws Exception {
            store.close();
            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwxr-x---"));

            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("chmod -R go-rwx " + root());

            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwx------"));
            store = open();
        }

        @Test
        void refusesAFormatOfAnotherVersion() throws Exception {
            store.close();
            Files.writeString(root().resolve("FORMAT"), "ondemand-tls store 2\n");

            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("FORMAT");

            Files.writeString(root().resolve("FORMAT"), "ondemand-tls store 1\n");
            store = open();
        }

        @Test
        void refusesAFileInPlaceOfTheDirectory() throws Exception {
            Path file = Files.writeString(base.resolve("file"), "x");

            assertThatThrownBy(() -> FileCertificateStore.open(file, recorded.events(), Duration.ZERO))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("onDemandTls.store");
        }
    }

    @Nested
    class TheFingerprint {

        @Test
        void knowsAfterTheSurveyThatANameIsNotThere() throws Exception {
            store.save(stored(SHOP.value()));
            store.close();
            store = open();

            Awaitility.await().until(() -> !store.mayHold(ServerName.parse("nobody.example.net")));

            assertThat(store.mayHold(SHOP)).isTrue();
        }

        @Test
        void neverForgetsANameSavedWhileTheSurveyRuns() throws Exception {
            for (int i = 0; i < 50; i++) {
                store.close();
                store = open();
                String name = "n" + i + ".example.com";
                store.save(stored(name));
                Awaitility.await().until(() -> !store.mayHold(ServerName.parse("nobody.example.net")));

                assertThat(store.mayHold(ServerName.parse(name))).isTrue();
            }
        }
    }

    /** Tries to open a store in a process of its own. */
    static final class Locked {
        public static void main(String[] arguments) throws Exception {
            String said = "opened";
            try {
                FileCertificateStore.open(Path.of(arguments[0]), new RecordedEvents().events(), Duration.ZERO);
            } catch (StoreException e) {
                said = String.valueOf(e.getMessage());
            }
            new java.io.FileOutputStream(java.io.FileDescriptor.out).write(said.getBytes(US_ASCII));
        }
    }
}
