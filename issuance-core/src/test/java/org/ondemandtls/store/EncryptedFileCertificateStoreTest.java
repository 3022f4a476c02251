package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ondemandtls.store.KeySealingTest.key;
import static org.ondemandtls.store.KeySealingTest.under;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;

/** {@link FileCertificateStore} with encryption: no key in clear, and the ways from one key to another. */
class EncryptedFileCertificateStoreTest extends ShelfContract {

    private final RecordedEvents recorded = new RecordedEvents();

    @TempDir
    private Path base;

    private Path root() {
        return base.resolve("store");
    }

    @Override
    protected CertificateStore open() throws Exception {
        return open(under(1));
    }

    private FileCertificateStore open(KeySealing sealing) throws Exception {
        return FileCertificateStore.open(root(), recorded.events(), time.machine(), Duration.ZERO, sealing);
    }

    private void reopen(KeySealing sealing) throws Exception {
        store.close();
        store = open(sealing);
    }

    // From here on the store that every test opens before is one without encryption.
    private void beginInClear() throws Exception {
        store.close();
        try (Stream<Path> all = Files.walk(root())) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
        store = open(KeySealing.none());
    }

    private Path bundle(String name) {
        return ((FileCertificateStore) store).fileOf(ServerName.parse(name));
    }

    private static OpenOrder order(String name) {
        return new OpenOrder(
                ServerName.parse(name),
                "https://ca.example/directory",
                NOW,
                Optional.empty(),
                TestCertificates.key(),
                new byte[] {1, 2, 3});
    }

    private byte[] accountKey() {
        return Pem.privateKey(TestCertificates.key().getPrivate()).getBytes(ISO_8859_1);
    }

    private List<String> contents() throws Exception {
        List<String> contents = new ArrayList<>();
        try (Stream<Path> all = Files.walk(root())) {
            for (Path path : all.filter(Files::isRegularFile).toList()) {
                contents.add(new String(Files.readAllBytes(path), ISO_8859_1));
            }
        }
        return contents;
    }

    private void assertNowhere(PrivateKey key) throws Exception {
        String base64 = Base64.getEncoder().encodeToString(key.getEncoded());
        for (String content : contents()) {
            assertThat(content.replace("\n", "")).doesNotContain(base64).doesNotContain("BEGIN PRIVATE KEY");
        }
    }

    private void awaitEverythingUnder(int number) {
        String id = under(number).keyIds().iterator().next();
        Awaitility.await()
                .untilAsserted(() -> assertThat(recorded.lines(EventKind.ENCRYPTION))
                        .anyMatch(line -> line.contains("everything in") && line.contains(id)));
    }

    @Nested
    class OnDisk {

        @Test
        void noPrivateKeyIsInClear() throws Exception {
            StoredCertificate shop = store.save(stored(SHOP.value()));
            OpenOrder order = order("other.example.com");
            store.journal(order);
            byte[] account = accountKey();
            store.writeSecret("accounts/one.pem", account);
            store.writeSecret("internal-ca/root.key", account);

            assertNowhere(shop.certificate().key());
            assertNowhere(order.key().getPrivate());
            assertThat(contents()).noneMatch(content -> content.contains(new String(account, ISO_8859_1)));
            assertThat(store.readSecret("accounts/one.pem").orElseThrow()).isEqualTo(account);
            assertThat(store.find(SHOP).orElseThrow().certificate().key())
                    .isEqualTo(shop.certificate().key());
        }

        @Test
        void theChainIsStillReadWithOrdinaryTools() throws Exception {
            store.save(stored(SHOP.value()));

            assertThat(Files.readString(bundle(SHOP.value())))
                    .containsPattern("\nkey: aes-256-gcm [0-9a-f]{16}\n")
                    .contains("-----BEGIN ENCRYPTED ONDEMAND-TLS KEY-----", "-----BEGIN CERTIFICATE-----");
        }

        @Test
        void whatIsNoSecretStaysReadable() throws Exception {
            store.writePublic("internal-ca/root.pem", new byte[] {'r'});

            assertThat(Files.readString(root().resolve("internal-ca/root.pem"))).isEqualTo("r");
            assertThat(store.readSecret("internal-ca/root.pem").orElseThrow()).containsExactly('r');
        }

        @Test
        void theKeysThemselvesAreNowhere() throws Exception {
            store.save(stored(SHOP.value()));

            for (String content : contents()) {
                assertThat(content)
                        .doesNotContain(Base64.getEncoder().encodeToString(key(1)))
                        .doesNotContain(new String(key(1), ISO_8859_1))
                        .doesNotContain(HexFormat.of().formatHex(key(1)));
            }
        }
    }

    @Nested
    class WhatWasPutElsewhere {

        // The same file but for its key, which is another record's; the checksum fits.
        private void swapKey(Path from, Path to, String kind) throws Exception {
            Bundle donor = Bundle.decode(kind, Files.readAllBytes(from));
            Bundle victim = Bundle.decode(kind, Files.readAllBytes(to));
            List<Bundle.Block> blocks = new ArrayList<>(victim.blocks());
            blocks.set(0, donor.blocks().get(0));
            Files.write(to, new Bundle(kind, victim.fields(), blocks).encode());
        }

        private void assertSetAside() throws Exception {
            assertThat(recorded.lines(EventKind.QUARANTINED))
                    .singleElement()
                    .asString()
                    .contains("that of another record or revision");
            try (Stream<Path> aside = Files.list(root().resolve("quarantine"))) {
                assertThat(aside).hasSize(1);
            }
        }

        @Test
        void ofAnotherNameIsSetAside() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored("other.example.com"));
            swapKey(bundle("other.example.com"), bundle(SHOP.value()), RecordCodec.CERTIFICATE);

            assertThat(store.find(SHOP)).isEmpty();
            assertSetAside();
            assertThat(store.find(ServerName.parse("other.example.com"))).isPresent();
        }

        @Test
        void ofAnEarlierRevisionIsSetAside() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()));
            Path before = Files.copy(bundle(SHOP.value()), base.resolve("before"));
            store.save(first.withVisited(NOW));
            swapKey(before, bundle(SHOP.value()), RecordCodec.CERTIFICATE);

            assertThat(store.find(SHOP)).isEmpty();
            assertSetAside();
        }

        @Test
        void ofAnotherOrderIsSetAside() throws Exception {
            store.journal(order(SHOP.value()));
            store.journal(order("other.example.com"));
            Path orders = root().resolve("orders");
            swapKey(
                    orders.resolve("other.example.com.order"),
                    orders.resolve("shop.example.com.order"),
                    RecordCodec.ORDER);

            assertThat(store.openOrders())
                    .extracting(order -> order.name().value())
                    .containsExactly("other.example.com");
            assertSetAside();
        }

        @Test
        void ofAnotherSecretIsRefusedAndStaysWhereItIs() throws Exception {
            store.writeSecret("accounts/one.pem", accountKey());
            store.writeSecret("accounts/two.pem", accountKey());
            Path one = root().resolve("accounts/one.pem");
            Files.write(one, Files.readAllBytes(root().resolve("accounts/two.pem")));

            assertThatThrownBy(() -> store.readSecret("accounts/one.pem"))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("bring it back from a backup, or remove it");
            assertThat(one).exists();
        }

        @Test
        void inClearAndDamagedIsRemovedNotKept() throws Exception {
            beginInClear();
            store.save(stored(SHOP.value()));
            byte[] whole = Files.readAllBytes(bundle(SHOP.value()));
            reopen(under(1));
            awaitEverythingUnder(1);
            Files.write(bundle(SHOP.value()), java.util.Arrays.copyOf(whole, whole.length - 40));

            assertThat(store.find(SHOP)).isEmpty();

            assertThat(contents()).noneMatch(content -> content.contains("BEGIN PRIVATE KEY"));
            assertThat(recorded.lines(EventKind.QUARANTINED))
                    .singleElement()
                    .asString()
                    .contains("was deleted, because it is damaged and may contain an unencrypted private key");
        }
    }

    @Nested
    class Opening {

        private String refusal(KeySealing sealing) {
            store.close();
            try {
                open(sealing).close();
                return "opened";
            } catch (Exception e) {
                assertThat(e).isInstanceOf(StoreException.class);
                assertThat(e.getMessage()).doesNotContain("\n");
                return String.valueOf(e.getMessage());
            }
        }

        @Test
        void withAWrongKeyIsRefused() {
            assertThat(refusal(under(2)))
                    .contains("under another key than those given")
                    .contains(under(1).keyIds().iterator().next())
                    .contains("correct onDemandTls.store.encryptionKey");
        }

        @Test
        void withoutAKeyIsRefusedWithTheWayBackToClear() {
            assertThat(refusal(KeySealing.none()))
                    .contains("is encrypted and no key is given")
                    .contains("set onDemandTls.store.encryptionKey")
                    .contains("begin another store");
        }

        @Test
        void leavesTheLockToTheNextWhenItIsRefused() throws Exception {
            assertThat(refusal(under(2))).isNotEqualTo("opened");

            store = open(under(1));
        }

        @Test
        void readsNoRecord() throws Exception {
            store.save(stored(SHOP.value()));
            Files.write(bundle(SHOP.value()), new byte[] {1});

            reopen(under(1));

            assertThat(bundle(SHOP.value())).exists();
        }

        @Test
        void withADamagedNoteOfTheKeysIsRefused() throws Exception {
            Files.writeString(root().resolve("ENCRYPTION"), "?");

            assertThat(refusal(under(1))).contains("bring it back from a backup, or remove it");
        }

        @Test
        void withoutItsNoteStillReadsWhatIsUnderAnyOfTheKeys() throws Exception {
            StoredCertificate shop = store.save(stored(SHOP.value()));
            Files.delete(root().resolve("ENCRYPTION"));

            reopen(under(2, 1));
            awaitEverythingUnder(2);

            assertThat(store.find(SHOP).orElseThrow().certificate().key())
                    .isEqualTo(shop.certificate().key());
        }
    }

    @Nested
    class ARecordUnderAKeyThatWasNotGiven {

        private void bringStranger() throws Exception {
            store.save(stored(SHOP.value()).withDue(NOW));
            store.save(stored("other.example.com").withDue(NOW));
            store.journal(order("stranger.example.com"));
            Path elsewhere = base.resolve("elsewhere");
            try (FileCertificateStore stranger =
                    FileCertificateStore.open(elsewhere, recorded.events(), time.machine(), Duration.ZERO, under(7))) {
                stranger.save(stored(SHOP.value()).withDue(NOW));
                stranger.journal(order("stranger.example.com"));
                Files.write(bundle(SHOP.value()), Files.readAllBytes(stranger.fileOf(SHOP)));
            }
            Files.write(
                    root().resolve("orders/stranger.example.com.order"),
                    Files.readAllBytes(elsewhere.resolve("orders/stranger.example.com.order")));
        }

        @Test
        void isLeftWhereItIsAndSaysWhichKeyItWants() throws Exception {
            bringStranger();

            assertThatThrownBy(() -> store.find(SHOP))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining(under(7).keyIds().iterator().next());
            assertThat(bundle(SHOP.value())).exists();
        }

        @Test
        void keepsNoOtherFromBeingRenewedOrFinished() throws Exception {
            bringStranger();
            store.journal(order("fine.example.com"));

            assertThat(store.due(NOW, 10))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly("other.example.com");
            assertThat(store.openOrders())
                    .extracting(order -> order.name().value())
                    .containsExactly("fine.example.com");
        }
    }

    @Nested
    class AnotherKey {

        @Test
        void whereThereWasNoneEncryptsWhatIsThere() throws Exception {
            beginInClear();
            StoredCertificate shop = store.save(stored(SHOP.value()));
            StoredCertificate wildcard = store.save(stored("*.example.org", "example.org"));
            OpenOrder order = order("open.example.com");
            store.journal(order);
            byte[] account = accountKey();
            store.writeSecret("accounts/one.pem", account);
            store.writePublic("internal-ca/root.pem", new byte[] {'r'});
            Files.write(root().resolve("quarantine/old.pem.1"), account);
            Path tooLarge = Files.write(root().resolve("quarantine/large.pem.1"), new byte[(1 << 20) + 1]);
            Files.createDirectory(root().resolve("quarantine/of-others"));

            reopen(under(1));
            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(shop.revision());
            awaitEverythingUnder(1);

            assertNowhere(shop.certificate().key());
            assertNowhere(wildcard.certificate().key());
            assertNowhere(order.key().getPrivate());
            assertThat(tooLarge).doesNotExist();
            assertThat(contents()).noneMatch(content -> content.contains(new String(account, ISO_8859_1)));
            assertThat(Files.readString(root().resolve("internal-ca/root.pem"))).isEqualTo("r");
            assertThat(store.openOrders()).hasSize(1);
            assertThat(store.readSecret("accounts/one.pem").orElseThrow()).isEqualTo(account);
            assertThat(store.find(ServerName.parse("example.org"))).isPresent();
            assertThat(store.save(shop.withVisited(NOW)).revision()).isEqualTo(2);
            assertThat(store.due(NOW.plus(Duration.ofDays(60)), 10)).hasSize(2);
        }

        @Test
        void takesOverInThreeRestarts() throws Exception {
            StoredCertificate shop = store.save(stored(SHOP.value()));

            reopen(under(1, 2));
            assertThat(store.find(SHOP)).isPresent();
            assertThat(Files.readString(bundle(SHOP.value()))).contains(under(1).form());

            reopen(under(2, 1));
            awaitEverythingUnder(2);
            assertThat(Files.readString(bundle(SHOP.value()))).contains(under(2).form());

            reopen(under(2));
            assertThat(store.find(SHOP).orElseThrow().certificate().key())
                    .isEqualTo(shop.certificate().key());
        }

        @Test
        void isNotLetGoWhileRecordsMayBeUnderIt() throws Exception {
            store.close();
            // As the note is left by a process that ended before everything was written anew.
            Files.write(
                    root().resolve("ENCRYPTION"),
                    new EncryptionState(under(2).keyIds().iterator().next(), under(1).keyIds()).encode());

            assertThatThrownBy(() -> open(under(2)))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining(under(1).keyIds().iterator().next())
                    .hasMessageContaining("behind the first, until the log says");
        }

        @Test
        void isGoneOnWithAfterAnInterruption() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored("other.example.com"));
            store.close();
            Files.write(
                    root().resolve("ENCRYPTION"),
                    new EncryptionState(under(2).keyIds().iterator().next(), under(1).keyIds()).encode());

            store = open(under(2, 1));
            awaitEverythingUnder(2);

            reopen(under(2));
            assertThat(store.find(SHOP)).isPresent();
            assertThat(store.find(ServerName.parse("other.example.com"))).isPresent();
        }

        @Test
        void doesNotDisturbWhoChangesARecordMeanwhile() throws Exception {
            beginInClear();
            List<StoredCertificate> some = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                some.add(store.save(stored("n" + i + ".example.com")));
            }
            reopen(under(1));

            for (StoredCertificate one : some) {
                assertThat(store.save(one.withVisited(NOW)).revision()).isEqualTo(2);
            }
            awaitEverythingUnder(1);

            for (StoredCertificate one : some) {
                assertThat(store.find(ServerName.parse(one.firstName()))
                                .orElseThrow()
                                .visited())
                        .contains(NOW);
                assertNowhere(one.certificate().key());
            }
        }
    }
}
