package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ondemandtls.store.KeySealingTest.under;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.file.FileLedger;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link MediumStore}: what it makes of records that are damaged, unreadable or under another key, whatever the medium. */
class MediumStoreTest {

    private static final ServerName SHOP = ShelfContract.SHOP;

    private final RecordedEvents recorded = new RecordedEvents();
    private final MemoryMedium.World world = new MemoryMedium.World();
    private final ManualTime time = new ManualTime();

    @TempDir
    private Path directory;

    private MemoryMedium medium;
    private CertificateStore store;

    @BeforeEach
    void openInClear() throws Exception {
        open(KeySealing.none());
    }

    @AfterEach
    void close() {
        store.close();
    }

    private MediumStore open(KeySealing sealing) throws Exception {
        if (store != null) {
            store.close();
        }
        medium = new MemoryMedium(world, new FileLedger(directory, time.clock(), recorded.events()), false, sealing);
        MemoryCertificateStore opened = new MemoryCertificateStore(medium, recorded.events(), sealing);
        store = opened;
        return opened;
    }

    private StoredCertificate saved(String... names) throws StoreException {
        return store.save(ShelfContract.stored(names).withDue(ShelfContract.NOW));
    }

    @Test
    void aDamagedCertificateIsSetAsideAndKeepsNoOtherFromItsTurn() throws Exception {
        saved("a.example.com");
        saved(SHOP.value());
        medium.damage(Shelf.CERTIFICATE, "a.example.com", "torn".getBytes(US_ASCII));

        assertThat(store.due(ShelfContract.NOW, 1))
                .extracting(StoredCertificate::firstName)
                .containsExactly(SHOP.value());

        assertThat(medium.aside()).isEqualTo(1);
        assertThat(recorded.lines(EventKind.QUARANTINED))
                .singleElement()
                .asString()
                .contains("the certificate of a.example.com in memory", "it is obtained anew when visited");
        assertThat(saved("a.example.com").revision()).isEqualTo(1);
    }

    @Test
    void aChangeIsMadeAgainWhereSomebodyElseWasFaster() throws Exception {
        saved(SHOP.value());
        AtomicInteger runs = new AtomicInteger();

        StoredCertificate changed = store.update(SHOP, stored -> {
                    if (runs.incrementAndGet() < Retry.ATTEMPTS) {
                        store.save(stored.withVisited(ShelfContract.NOW));
                    }
                    return stored.withDeniedSince(Optional.of(ShelfContract.NOW));
                })
                .orElseThrow();

        assertThat(runs).hasValue(Retry.ATTEMPTS);
        assertThat(changed.visited()).contains(ShelfContract.NOW);
        assertThat(changed.deniedSince()).contains(ShelfContract.NOW);
        assertThat(store.find(SHOP)).map(StoredCertificate::revision).contains(changed.revision());
    }

    @Test
    void aChangeThatComesTooLateEachTimeIsGivenUp() throws Exception {
        saved(SHOP.value());

        assertThatThrownBy(() -> store.update(SHOP, stored -> {
                    store.save(stored.withVisited(ShelfContract.NOW));
                    return stored.withDeniedSince(Optional.of(ShelfContract.NOW));
                }))
                .isInstanceOf(StaleRevisionException.class);
    }

    @Test
    void whatIsNotChangedIsNotSaved() throws Exception {
        saved(SHOP.value());

        assertThat(store.update(SHOP, stored -> stored))
                .hasValueSatisfying(stored -> assertThat(stored.revision()).isEqualTo(1));
        assertThat(store.update(ServerName.parse("other.example.com"), stored -> stored))
                .isEmpty();
    }

    @Test
    void aDamagedHoldIsSetAsideAndTheOthersAreListed() throws Exception {
        store.keepHold(ShelfContract.hold(new Scope.Account("a"), 1));
        store.keepHold(ShelfContract.hold(new Scope.Account("b"), 2));
        medium.damage(Shelf.HOLD, "account/a", "torn".getBytes(US_ASCII));

        assertThat(store.holds(10)).extracting(Hold::refusals).containsExactly(2);

        assertThat(medium.aside()).isEqualTo(1);
    }

    @Test
    void aPageOfNamesHeldIsFilledBehindWhatIsDamagedOrOfNoName() throws Exception {
        for (String name : List.of("a.example.com", "b.example.com", "c.example.com")) {
            store.keepHold(ShelfContract.hold(new Scope.Name(ServerName.parse(name)), 1));
        }
        store.keepHold(ShelfContract.hold(new Scope.Other("name/NOBODY"), 1));
        medium.damage(Shelf.HOLD, "name/a.example.com", "torn".getBytes(US_ASCII));
        medium.damage(Shelf.HOLD, "name/b.example.com", "torn".getBytes(US_ASCII));

        assertThat(store.namesHeld(Scope.Name.class, "", 1))
                .extracting(Hold::scope)
                .containsExactly(new Scope.Name(ServerName.parse("c.example.com")));
        assertThat(store.namesHeld(Scope.Name.class, "c.example.com", 1)).isEmpty();
    }

    @Test
    void aDamagedSecretIsLeftWhereItIs() throws Exception {
        open(under(1));
        store.writeSecret("accounts/a", new byte[] {1});
        medium.damage(Shelf.SECRET, "accounts/a", "ondemand-tls secret 1\ntorn".getBytes(US_ASCII));

        assertThatThrownBy(() -> store.readSecret("accounts/a"))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("bring it back from a backup");
        assertThat(medium.aside()).isZero();
    }

    @Test
    void aRecordUnderAKeyThatIsNotGivenIsToldOnceAndLeftAlone() throws Exception {
        open(under(7));
        saved("a.example.com");
        open(under(1));
        saved(SHOP.value());

        for (int i = 0; i < 2; i++) {
            assertThat(store.due(ShelfContract.NOW, 10))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly(SHOP.value());
        }

        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);
        assertThat(medium.aside()).isZero();
    }

    @Test
    void aPageIsFilledBehindARecordThatIsDamaged() throws Exception {
        for (String name : List.of("a.example.com", "b.example.com", "c.example.com")) {
            saved(name);
        }
        medium.damage(Shelf.CERTIFICATE, "a.example.com", new byte[] {1});

        assertThat(store.page("", "", 2))
                .extracting(StoredCertificate::firstName)
                .containsExactly("b.example.com", "c.example.com");
    }

    @Test
    void recordsArePutUnderAnotherKeyAtTheSameRevision() throws Exception {
        StoredCertificate shop = saved(SHOP.value());
        store.journal(SharedStoreContract.order(SHOP));
        store.writeSecret("accounts/a", new byte[] {1, 2});
        store.writePublic("internal-ca/root.pem", new byte[] {'r'});

        open(under(1)).lookAtEncryption();

        Awaitility.await()
                .untilAsserted(() -> assertThat(recorded.lines(EventKind.ENCRYPTION))
                        .anyMatch(line -> line.contains("older keys are not needed any more")));
        assertThat(medium.hasOtherKeys()).isFalse();
        assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(shop.revision());
        assertThat(store.openOrder(SHOP)).isPresent();
        assertThat(store.readSecret("accounts/a").orElseThrow()).containsExactly(1, 2);
        List<String> inClear = new ArrayList<>();
        for (Shelf shelf : List.of(Shelf.CERTIFICATE, Shelf.ORDER)) {
            medium.each(shelf, found -> {
                try {
                    if (RecordCodec.mayBeInClear(found.content().read())) {
                        inClear.add(found.place());
                    }
                } catch (UnreadableException e) {
                    throw new IllegalStateException(e);
                }
                return true;
            });
        }
        assertThat(inClear).isEmpty();
    }

    static List<Throwable> whatNoMediumShouldThrow() {
        return List.of(new IllegalStateException("broken"), new NoClassDefFoundError("org/example/Driver"));
    }

    @ParameterizedTest
    @MethodSource("whatNoMediumShouldThrow")
    void whatAMediumThrowsAndNeverShouldIsAnOutageThatHeals(Throwable thrown) throws Exception {
        saved(SHOP.value());
        medium.broken(thrown);

        for (Shelf shelf : Shelf.values()) {
            assertThatThrownBy(() -> read(shelf))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("a defect");
        }
        assertThatThrownBy(() -> store.due(ShelfContract.NOW, 1)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> store.ledger().used("orders/ca", Duration.ofHours(1)))
                .isInstanceOf(StoreException.class);

        medium.broken(null);
        assertThat(store.find(SHOP)).isPresent();
    }

    private void read(Shelf shelf) throws StoreException {
        switch (shelf) {
            case CERTIFICATE -> store.find(SHOP);
            case ORDER -> store.openOrder(SHOP);
            case HOLD -> store.hold(new Scope.Name(SHOP));
            case SECRET -> store.readSecret("accounts/a");
        }
    }

    @Test
    void whatAMediumRefusesWithIsHandedOnAsItIs() throws Exception {
        saved(SHOP.value());

        assertThatThrownBy(() -> saved(SHOP.value())).isInstanceOf(StaleRevisionException.class);
    }
}
