package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Ledger.Outcome;
import org.ondemandtls.store.Ledger.Quota;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link FileCertificateStore}: what only files can show. */
class FileCertificateStoreTest extends ShelfContract {

    private final RecordedEvents recorded = new RecordedEvents();

    @TempDir
    private Path base;

    private Path root() {
        return base.resolve("store");
    }

    @Override
    protected CertificateStore open() throws Exception {
        return FileCertificateStore.open(root(), recorded.events(), time.machine(), Duration.ZERO);
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
            store.keepHold(hold(new Scope.Name(SHOP), 1));
            store.ledger().count("orders/ca", Duration.ofHours(1));

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
        void ofACrashedWriterThatCannotBeClearedAwayAreInNobodysWay() throws Exception {
            store.close();
            for (int i = 0; i < 36; i++) {
                Files.createDirectories(root().resolve("tmp/" + Integer.toString(i, 36) + "/not empty"));
            }

            store = open();

            store.save(stored(SHOP.value()));
            assertThat(store.find(SHOP)).isPresent();
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
        void thatHasNoNameToServeIsSetAsideAndKeepsNoOtherFromItsTurn() throws Exception {
            store.save(stored(SHOP.value()).withDue(NOW));
            store.save(stored("other.example.org").withDue(NOW));
            KeyedCertificate nameless = TestLeaves.leaf(NOW, Duration.ofDays(90), "localhost");
            assertThat(nameless.names()).isEmpty();
            Bundle whole = Bundle.decode(RecordCodec.CERTIFICATE, Files.readAllBytes(bundle(SHOP.value())));
            damage(new Bundle(
                            whole.kind(),
                            whole.fields(),
                            List.of(
                                    new Bundle.Block(
                                            "PRIVATE KEY", nameless.key().getEncoded()),
                                    new Bundle.Block(
                                            "CERTIFICATE", nameless.leaf().getEncoded())))
                    .encode());

            assertThat(store.due(NOW, 9))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly("other.example.org");
            assertThat(bundle(SHOP.value())).doesNotExist();
        }

        @Test
        void whoseKeyIsAnothersIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            StoredCertificate one = stored(SHOP.value());
            StoredCertificate two = stored(SHOP.value());
            damage(RecordCodec.encode(
                    stored(new org.ondemandtls.certificate.KeyedCertificate(
                            one.certificate().key(), two.certificate().chain())),
                    0,
                    KeySealing.none()));

            assertSetAside();
        }
    }

    @Nested
    class AFileThatCannotBeRead {

        private static final Instant DUE = Instant.parse("2027-01-22T20:14:05Z");
        private static final ServerName OTHER = ServerName.parse("other.example.org");

        // Reading a directory fails for root too.
        private void makeUnreadable(Path file) throws Exception {
            Files.delete(file);
            Files.createDirectory(file);
        }

        private Path orderFile(ServerName name) {
            return root().resolve("orders").resolve(name.value() + ".order");
        }

        @Test
        void keepsNoOtherFromBeingDueAndIsNamedOnce() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored(OTHER.value()).withDue(DUE.plusSeconds(1)));
            makeUnreadable(bundle(SHOP.value()));

            assertThat(store.due(DUE.plusSeconds(1), 10))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly(OTHER.value());
            assertThat(store.due(DUE.plusSeconds(1), 1)).hasSize(1);

            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(bundle(SHOP.value()).toString());
            assertThat(bundle(SHOP.value())).exists();
        }

        @Test
        void keepsNoOtherFromBeingDueWithALineThatFitsItsChecksumAndIsNoneOfOurs() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored(OTHER.value()).withDue(DUE.plusSeconds(1)));
            String text =
                    "ondemand-tls certificate 1\nnames: shop.example.com\n-----BEGIN X-----\n-----END X-----\nx\n";
            Files.writeString(bundle(SHOP.value()), text + "sha-256: " + Sha256.hex(text) + '\n');

            assertThat(store.due(DUE.plusSeconds(1), 10))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly(OTHER.value());

            assertThat(recorded.lines(EventKind.QUARANTINED)).hasSize(1);
        }

        @Test
        void keepsNoOtherFromBeingListed() throws Exception {
            store.save(stored("a.example.com"));
            store.save(stored("b.example.com"));
            makeUnreadable(bundle("a.example.com"));
            Listed.Slice slice = new Listed.OfDomain("example.com");

            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> store.listed(slice, "", 9).isPresent());

            assertThat(store.listed(slice, "", 9).orElseThrow())
                    .extracting(Listed::name)
                    .containsExactly("b.example.com");
        }

        @Test
        void leavesItsNameToTheWildcard() throws Exception {
            store.save(stored("*.example.com"));
            store.save(stored(SHOP.value()));
            makeUnreadable(bundle(SHOP.value()));

            assertThat(store.find(SHOP)).map(StoredCertificate::firstName).contains("*.example.com");
        }

        @Test
        void becauseAnotherNameLeadsToItByTooMuchIsWrittenAnew() throws Exception {
            ServerName second = ServerName.parse("second.example.com");
            StoredCertificate both = store.save(stored(SHOP.value(), second.value()));
            Path see = bundle(second.value()).resolveSibling(second.value() + ".see");
            assertThat(see).exists();
            Files.write(see, new byte[(1 << 20) + 1]);

            assertThat(store.find(second)).isEmpty();
            store.save(both.withVisited(DUE));

            assertThat(store.find(second)).map(StoredCertificate::firstName).contains(SHOP.value());
        }

        @Nested
        class ByWhichAnotherNameLeads {

            private final ServerName second = ServerName.parse("second.example.com");
            private StoredCertificate both;
            private Path see;

            @BeforeEach
            void save() throws Exception {
                both = store.save(stored(SHOP.value(), second.value()));
                see = bundle(second.value()).resolveSibling(second.value() + ".see");
                Files.delete(see);
            }

            // Neither to be read nor to be replaced.
            private void block() throws Exception {
                Files.createDirectories(see.resolve("not empty"));
            }

            private void assertTold() {
                assertThat(recorded.lines(EventKind.STORE_FAILED))
                        .singleElement()
                        .asString()
                        .contains(see.toString());
            }

            @Test
            void isNamedByTheLookUp() throws Exception {
                block();

                assertThatThrownBy(() -> store.find(second)).hasMessageContaining(see.toString());
            }

            @Test
            void doesNotKeepItsCertificateFromBeingSaved() throws Exception {
                block();

                StoredCertificate saved =
                        store.save(store.save(both.withVisited(DUE)).withDue(DUE));

                assertThat(store.find(SHOP)).map(StoredCertificate::revision).contains(saved.revision());
                assertTold();
            }

            @Test
            void doesNotKeepItsCertificateFromBeingRemoved() throws Exception {
                block();

                store.forget(both);

                assertThat(store.find(SHOP)).isEmpty();
                assertThat(bundle(SHOP.value())).doesNotExist();
                assertTold();
            }

            @Test
            void isWrittenAnewWhereThatIsPossible() throws Exception {
                Files.createSymbolicLink(see, see);

                StoredCertificate saved = store.save(both.withVisited(DUE));

                assertThat(store.find(second)).map(StoredCertificate::revision).contains(saved.revision());
            }

            @Test
            void isRemovedWithItsCertificateWhereThatIsPossible() throws Exception {
                Files.createSymbolicLink(see, see);

                store.forget(both);

                assertThat(Files.isSymbolicLink(see)).isFalse();
                assertThat(store.find(second)).isEmpty();
            }
        }

        @Test
        void inADirectoryOfOthersIsNobodysBusiness() throws Exception {
            store.save(stored(SHOP.value()));
            Path foreign = Files.createDirectories(root().resolve("certificates/lost+found"));
            Files.writeString(foreign.resolve("x.pem"), "?");
            java.util.List<String> met = new java.util.ArrayList<>();

            store.visitAll(certificate -> met.add(certificate.firstName()));

            assertThat(met).containsExactly(SHOP.value());
            assertThat(foreign.resolve("x.pem")).exists();
        }

        @Test
        void keepsNoOpenOrderFromBeingFinished() throws Exception {
            store.journal(SharedStoreContract.order(SHOP));
            store.journal(SharedStoreContract.order(OTHER));
            makeUnreadable(orderFile(SHOP));

            assertThat(store.openOrders()).extracting(OpenOrder::name).containsExactly(OTHER);
        }

        @Test
        void keepsTheOthersFromNoRoundThroughAll() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored(OTHER.value()));
            makeUnreadable(bundle(SHOP.value()));
            java.util.List<String> met = new java.util.ArrayList<>();

            store.visitAll(certificate -> met.add(certificate.firstName()));

            assertThat(met).containsExactly(OTHER.value());
        }

        @Test
        void becauseItIsTooLargeIsSetAside() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            Files.write(bundle(SHOP.value()), new byte[(1 << 20) + 1]);

            assertThat(store.find(SHOP)).isEmpty();

            assertThat(bundle(SHOP.value())).doesNotExist();
            assertThat(recorded.lines(EventKind.QUARANTINED)).hasSize(1);
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
        void saysThatItWaitsWhileAnotherHasTheStore() {
            assertThatThrownBy(() ->
                            FileCertificateStore.open(root(), recorded.events(), time.machine(), Duration.ofMillis(1)))
                    .hasMessageContaining("in use by another server");

            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("another process uses the store " + root())
                    .contains("for it to end");
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

            FileCertificateStore.open(open, recorded.events(), time.machine(), Duration.ZERO)
                    .close();

            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(open)))
                    .isEqualTo("rwx------");
        }

        @Test
        void refusesAFilledDirectoryThatOthersCanReadAndSaysHowToMendIt() throws Exception {
            store.close();
            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwxr-xr-x"));

            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("chmod -R go-rwx " + root());

            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwx------"));
            store = open();
        }

        @Test
        void refusesAFormatThatIsNoneOrNeedsALaterVersionAndSaysWhatToDo() throws Exception {
            store.close();

            for (String format : List.of("1", "", "ondemand-tls store 0\n", "ondemand-tls store x\n")) {
                Files.writeString(root().resolve("FORMAT"), format);
                assertThatThrownBy(FileCertificateStoreTest.this::open)
                        .isInstanceOf(StoreException.class)
                        .hasMessageContaining("FORMAT")
                        .hasMessageContaining("use the version that wrote it");
            }
            Files.writeString(root().resolve("FORMAT"), "ondemand-tls store 2\n");
            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("has the format of version 2")
                    .hasMessageContaining("need a server that knows version 2 or later")
                    .hasMessageContaining("restore the backup");
            Files.writeString(root().resolve("FORMAT"), "ondemand-tls store 3\noldest: 2\n");
            assertThatThrownBy(FileCertificateStoreTest.this::open)
                    .hasMessageContaining("need a server that knows version 2 or later");

            Files.writeString(root().resolve("FORMAT"), "ondemand-tls store 1\n");
            store = open();
            assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();
        }

        @Test
        void worksOnWhatALaterVersionLeftWhereThatAllowsItAndLeavesItAsItIs() throws Exception {
            StoredCertificate kept = store.save(stored(SHOP.value()));
            store.close();
            String format = "ondemand-tls store 3\noldest: 1\nsomething: else\n";
            Files.writeString(root().resolve("FORMAT"), format);
            List<Path> later = List.of(
                    root().resolve("INDEX"),
                    Files.createDirectory(root().resolve(".later")).resolve("note.pem"),
                    root().resolve("certificates/index"),
                    root().resolve("orders/shop.note"),
                    root().resolve("holds/shop.note"));
            for (Path each : later) {
                Files.writeString(each, "of a later version");
            }

            store = open();

            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("the format of version 3", "knows version 1 and works with it");
            store.save(kept.withVisited(NOW));
            store.writeSecret("accounts/one.pem", new byte[] {1});
            store.close();
            store = open();
            assertThat(store.find(SHOP)).isPresent();
            assertThat(store.openOrders()).isEmpty();
            assertThat(store.secretPaths()).containsExactly("accounts/one.pem");
            assertThat(later).allSatisfy(each -> assertThat(each).hasContent("of a later version"));
            assertThat(root().resolve("FORMAT")).hasContent(format);
            assertThat(recorded.lines(EventKind.QUARANTINED)).isEmpty();
        }

        @Test
        void refusesAFileInPlaceOfTheDirectory() throws Exception {
            Path file = Files.writeString(base.resolve("file"), "x");

            assertThatThrownBy(() -> FileCertificateStore.open(file, recorded.events(), time.machine(), Duration.ZERO))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("onDemandTls.store");
        }
    }

    @Nested
    class TheIndexOfDueTimes {

        private static final Instant DUE = Instant.parse("2027-01-22T20:14:05Z");

        private Path hint(Instant due, String file) {
            return root().resolve("due")
                    .resolve(due.toString().substring(0, 13))
                    .resolve(due.toString().substring(14, 16) + due.toString().substring(17, 19) + '_' + file);
        }

        private void stale(Path hint) throws Exception {
            Files.createDirectories(hint.getParent());
            Files.createFile(hint);
        }

        @Test
        void isADirectoryPerHourWithAnEmptyFilePerCertificate() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored("*.example.com").withDue(DUE));
            store.save(stored("con.test").withDue(DUE));

            assertThat(hint(DUE, "shop.example.com")).isEmptyFile();
            assertThat(hint(DUE, "_wildcard_.example.com")).isEmptyFile();
            assertThat(hint(DUE, "_con.test")).isEmptyFile();
            assertThat(store.due(DUE, 10)).hasSize(3);
        }

        @Test
        void leavesNoHintBehindWhenADueTimeMoves() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()).withDue(DUE));

            store.save(first.withDue(DUE.plusSeconds(1)));

            assertThat(hint(DUE, "shop.example.com")).doesNotExist();
            assertThat(hint(DUE.plusSeconds(1), "shop.example.com")).exists();
        }

        @Test
        void losesAHintThatDoesNotAgreeWhenItIsMet() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.close();
            Path early = hint(NOW.minusSeconds(7200), "shop.example.com");
            Path gone = hint(NOW.minusSeconds(7200), "never.example.com");
            Path odd = hint(NOW.minusSeconds(7200), "..");
            stale(early);
            stale(gone);
            stale(odd);
            store = open();

            assertThat(store.nextDue()).contains(NOW.minusSeconds(7200));
            assertThat(store.due(NOW, 1)).isEmpty();

            assertThat(early.getParent()).doesNotExist();
            assertThat(store.nextDue()).contains(DUE);
            assertThat(store.due(DUE, 1)).hasSize(1);
        }

        @Test
        void removesHoursThatHaveComeAndAreEmpty() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()).withDue(NOW.minusSeconds(7200)));
            store.save(first.withDue(DUE));

            assertThat(store.due(NOW, 10)).isEmpty();

            assertThat(hint(NOW.minusSeconds(7200), "x").getParent()).doesNotExist();
            store.save(stored("a.example.com").withDue(NOW.minusSeconds(7200)));
            assertThat(store.due(NOW, 10)).hasSize(1);
        }

        @Test
        void passesOverAnHourThatCannotBeListedAndTellsItOnce() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored("other.example.org").withDue(DUE.plusSeconds(7200)));
            store.save(stored("early.example.org").withDue(DUE.minusSeconds(7200)));
            Path hour = hint(DUE, SHOP.value()).getParent();
            Path away = Files.move(hour, base.resolve("away"));
            Files.createFile(hour);

            for (int i = 0; i < 2; i++) {
                assertThat(store.due(DUE.plusSeconds(7200), 10))
                        .extracting(StoredCertificate::firstName)
                        .containsExactly("early.example.org", "other.example.org");
            }

            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(hour.toString());
            Files.delete(hour);
            Files.move(away, hour);
            assertThat(store.due(DUE, 10)).hasSize(2);
        }

        @Test
        void knowsTheFirstDueTimeOfTheHoursThatCanBeListedUntilTheOthersCanBe() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored("other.example.org").withDue(DUE.plusSeconds(7200)));
            store.close();
            Path hour = hint(DUE, SHOP.value()).getParent();
            Path away = Files.move(hour, base.resolve("away"));
            Files.createFile(hour);
            store = open();

            assertThat(store.nextDue()).contains(DUE.plusSeconds(7200));

            Files.delete(hour);
            Files.move(away, hour);
            assertThat(store.nextDue()).contains(DUE);
        }

        @Test
        void isNotInTheWayOfASaveOrARemovalWhereAnOldHintCannotBeRemoved() throws Exception {
            StoredCertificate shop = store.save(stored(SHOP.value()).withDue(DUE));
            Path hint = hint(DUE, SHOP.value());
            Files.delete(hint);
            Files.createDirectories(hint.resolve("not empty"));

            StoredCertificate moved = store.save(shop.withDue(DUE.plusSeconds(7200)));

            assertThat(store.due(DUE.plusSeconds(7200), 10)).hasSize(1);
            store.forget(store.save(moved.withDue(DUE)));
            assertThat(store.find(SHOP)).isEmpty();
            assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);
        }

        @Test
        void isNotDisturbedByWhatIsNotOurs() throws Exception {
            store.close();
            Path foreign = hint(NOW.minusSeconds(7200), "x").resolveSibling("notes.txt");
            stale(foreign);
            stale(root().resolve("due/elsewhere/0000_shop.example.com"));
            stale(root().resolve("due/0000-00-00T00/0000_shop.example.com"));
            stale(root().resolve("due/2026-02-30T10/0000_shop.example.com"));
            store = open();

            assertThat(store.due(NOW, 10)).isEmpty();
            assertThat(store.nextDue()).isEmpty();
            assertThat(foreign).exists();
        }

        @Test
        void isBuiltOnceForAStoreThatWasFilledBeforeThereWasOne() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.save(stored("a".repeat(63) + '.' + "b".repeat(63) + '.' + "c".repeat(63) + '.' + "d".repeat(61))
                    .withDue(DUE.plusSeconds(1)));
            store.close();
            removeIndex();
            store = open();

            Awaitility.await().until(() -> Files.exists(root().resolve("due/complete")));

            assertThat(store.nextDue()).contains(DUE);
            assertThat(store.due(DUE.plusSeconds(1), 10)).hasSize(2);
        }

        @Test
        void asksToBeAskedAgainSoonWhileItIsBeingBuilt() throws Exception {
            store.close();
            Files.delete(root().resolve("due/complete"));
            // A bundle that cannot be read ends the building without its end.
            Path shard = Files.createDirectory(root().resolve("certificates/00"));
            Files.createDirectory(shard.resolve("directory.pem"));
            store = open();
            Awaitility.await()
                    .until(() -> recorded.lines(EventKind.STORE_FAILED).stream()
                            .anyMatch(line -> line.contains("cannot read which certificates in ")));

            assertThat(store.nextDue()).contains(NOW.plusSeconds(60));
            store.save(stored(SHOP.value()).withDue(NOW.plusSeconds(59)));
            assertThat(store.nextDue()).contains(NOW.plusSeconds(59));
        }

        @Test
        void getsALostHintBackWhenTheNameIsVisited() throws Exception {
            store.save(stored(SHOP.value()).withDue(DUE));
            store.close();
            Files.delete(hint(DUE, "shop.example.com"));
            store = open();
            assertThat(store.due(DUE, 10)).isEmpty();

            store.find(SHOP);

            assertThat(store.due(DUE, 10)).hasSize(1);
        }

        private void removeIndex() throws Exception {
            try (Stream<Path> all = Files.walk(root().resolve("due"))) {
                for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    @Nested
    class ABundleFromBeforeRenewal {

        @Test
        void isPlannedForRenewalWhenItIsDue() throws Exception {
            StoredCertificate saved = store.save(stored(SHOP.value()));
            Bundle bundle = Bundle.decode(RecordCodec.CERTIFICATE, Files.readAllBytes(bundle(SHOP.value())));
            bundle.fields().remove("renew");
            Files.write(bundle(SHOP.value()), bundle.encode());

            StoredCertificate found = store.find(SHOP).orElseThrow();

            assertThat(found.renew()).isEqualTo(saved.due());
            assertThat(found.window()).isEmpty();
            assertThat(found.deniedSince()).isEmpty();
        }
    }

    @Nested
    class AHoldFile {

        private static final Scope OTHER = new Scope.Name(ServerName.parse("other.example.com"));

        private Path file(Scope scope) throws Exception {
            byte[] digest = java.security.MessageDigest.getInstance("SHA-256")
                    .digest(ScopeKeys.of(scope).getBytes(US_ASCII));
            return root().resolve("holds").resolve(java.util.HexFormat.of().formatHex(digest) + ".hold");
        }

        @Test
        void inThePlaceOfAnotherIsSetAside() throws Exception {
            store.keepHold(hold(new Scope.Name(SHOP), 1));
            store.keepHold(hold(OTHER, 3));
            Files.copy(file(OTHER), file(new Scope.Name(SHOP)), java.nio.file.StandardCopyOption.REPLACE_EXISTING);

            assertThat(store.hold(new Scope.Name(SHOP))).isEmpty();
            assertThat(store.holds(10)).extracting(Hold::scope).containsExactly(OTHER);
            assertThat(recorded.lines(EventKind.QUARANTINED))
                    .hasSize(1)
                    .first()
                    .asString()
                    .contains("another scope");
        }

        @Test
        void thatCannotBeReadIsToldOnceWithItsPlaceAndNoFailureOfTheStore() throws Exception {
            store.keepHold(hold(OTHER, 3));
            Files.delete(file(OTHER));
            Files.createDirectory(file(OTHER));

            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> store.hold(OTHER)).isInstanceOf(RecordUnreadableException.class);
            }

            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(file(OTHER).toString());
        }

        @Test
        void thatIsDamagedAndCannotBeSetAsideIsAsOneThatCannotBeRead() throws Exception {
            store.keepHold(hold(OTHER, 3));
            Files.writeString(file(OTHER), "torn");
            Files.delete(root().resolve("quarantine"));
            Files.createFile(root().resolve("quarantine"));

            assertThatThrownBy(() -> store.hold(OTHER)).isInstanceOf(RecordUnreadableException.class);

            assertThat(file(OTHER)).exists();
        }

        @Test
        void thatIsTornIsSetAside() throws Exception {
            store.keepHold(hold(OTHER, 3));
            byte[] whole = Files.readAllBytes(file(OTHER));
            Files.write(file(OTHER), java.util.Arrays.copyOf(whole, whole.length / 2));

            assertThat(store.hold(OTHER)).isEmpty();
            assertThat(file(OTHER)).doesNotExist();
        }
    }

    @Nested
    class TheLedgerOnDisk {

        private final Quota quota = new Quota("orders/ca", 2, Duration.ofDays(7));

        private Path log() {
            return log(time.clock().instant());
        }

        private Path log(Instant day) {
            return root().resolve("ledger/" + day.toString().substring(0, 10) + ".log");
        }

        private void reserve() throws Exception {
            assertThat(store.ledger().reserve(List.of(quota), List.of())).isInstanceOf(Outcome.Reserved.class);
        }

        @Test
        void dropsATornLastLineAndGoesOnBehindIt() throws Exception {
            reserve();
            reserve();
            store.close();
            byte[] whole = Files.readAllBytes(log());
            Files.write(log(), java.util.Arrays.copyOf(whole, whole.length - 1));
            store = open();
            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);

            reserve();
            store.close();
            store = open();

            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(2);
        }

        @Test
        void passesOverADamagedLine() throws Exception {
            reserve();
            reserve();
            store.close();
            byte[] whole = Files.readAllBytes(log());
            whole[12] ^= 1;
            Files.write(log(), whole);
            store = open();

            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
        }

        @Test
        void isOpenedWithoutADayThatCannotBeReadWhichIsToldAndSetAside() throws Exception {
            reserve();
            Path unreadable = log();
            time.advance(Duration.ofDays(1));
            reserve();
            store.close();
            Path whole = Files.move(unreadable, base.resolve("whole"));
            Files.createDirectory(unreadable);

            store = open();

            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(unreadable.toString(), ".unreadable");
            store.close();
            Files.move(whole, unreadable);
            store = open();
            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(2);
        }

        @Test
        void goesOnCountingOnADayThatCannotBeRead() throws Exception {
            store.close();
            Files.createSymbolicLink(log(), log());
            store = open();

            reserve();
            store.close();
            store = open();

            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
        }

        @Test
        void isOpenedWithoutADayThatIsTooLarge() throws Exception {
            store.close();
            try (RandomAccessFile sparse = new RandomAccessFile(log().toFile(), "rw")) {
                sparse.setLength((256L << 20) + 1);
            }

            store = open();

            reserve();
        }

        @Test
        void isNotKeptFromCountingByAnOldDayThatCannotBeRemoved() throws Exception {
            store.ledger().count("failures/shop.example.com", Duration.ofHours(1));
            Path first = log();
            Files.delete(first);
            Files.createDirectories(first.resolve("not empty"));
            time.advance(Duration.ofDays(1));

            reserve();

            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
            assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);
        }

        @Test
        void losesADayWhenNothingOfItCountsAnyMore() throws Exception {
            reserve();
            Path first = log();
            for (int day = 1; day <= 8; day++) {
                time.advance(Duration.ofDays(1));
                store.ledger().count("failures/shop.example.com", Duration.ofHours(1));
                assertThat(Files.exists(first)).as("day %d", day).isEqualTo(day < 7);
            }

            try (Stream<Path> logs = Files.list(root().resolve("ledger"))) {
                assertThat(logs).containsExactly(log());
            }
        }

        @Test
        void losesNothingWhenTheClockLeaps() throws Exception {
            reserve();
            Path first = log();

            time.advance(Duration.ofDays(90));
            reserve();

            assertThat(first).exists();
            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
            time.advance(Duration.ofDays(-90));
            assertThat(store.ledger().used(quota.key(), quota.window())).isEqualTo(1);
        }

        @Test
        void losesOldDaysAtOpenUnlessTheClockMayHaveLeapt() throws Exception {
            reserve();
            Path first = log();
            time.advance(Duration.ofDays(8));
            store.close();
            store = open();
            assertThat(first).exists();

            store.ledger().count("failures/shop.example.com", Duration.ofHours(1));
            store.close();
            store = open();

            assertThat(first).doesNotExist();
            assertThat(log()).exists();
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
                // Otherwise it looks ten times a second, and there are fifty surveys.
                Awaitility.await()
                        .pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(1))
                        .until(() -> !store.mayHold(ServerName.parse("nobody.example.net")));

                assertThat(store.mayHold(ServerName.parse(name))).isTrue();
            }
        }
    }

    /** Tries to open a store in a process of its own. */
    static final class Locked {
        public static void main(String[] arguments) throws Exception {
            String said = "opened";
            try {
                FileCertificateStore.open(
                        Path.of(arguments[0]), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO);
            } catch (StoreException e) {
                said = String.valueOf(e.getMessage());
            }
            new java.io.FileOutputStream(java.io.FileDescriptor.out).write(said.getBytes(US_ASCII));
        }
    }
}
