package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.file.FileLedger;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link Records}: a record is read whole or not at all, and keeps no other from being read. */
class RecordsTest {

    private static final String BIG = "big.example.com";
    private static final String SHOP = ShelfContract.SHOP.value();

    private final RecordedEvents recorded = new RecordedEvents();
    private final ManualTime time = new ManualTime();

    @TempDir
    private Path directory;

    private MemoryMedium medium;
    private CertificateStore store;
    private Optional<Error> lacking = Optional.empty();

    @BeforeEach
    void open() throws Exception {
        medium = new MemoryMedium(
                new MemoryMedium.World(),
                new FileLedger(directory, time.clock(), recorded.events()),
                false,
                KeySealing.none());
        store = new MemoryCertificateStore(medium, recorded.events(), KeySealing.none());
        for (String name : List.of(BIG, SHOP)) {
            store.save(ShelfContract.stored(name));
        }
    }

    @AfterEach
    void close() {
        store.close();
    }

    static List<Error> errors() {
        return List.of(
                new OutOfMemoryError("Java heap space"),
                new StackOverflowError("deep"),
                new NoClassDefFoundError("a/Provider"));
    }

    private Records<StoredCertificate> records() {
        return new Records<>(
                medium,
                Shelf.CERTIFICATE,
                KeySealing.none(),
                recorded.events(),
                new Troubles(recorded.events()),
                this::decode,
                StoredCertificate::firstName);
    }

    private StoredCertificate decode(byte[] content, KeySealing sealing) throws UnreadableException {
        StoredCertificate record = RecordCodec.decodeCertificate(content, sealing);
        if (lacking.isPresent() && record.firstName().equals(BIG)) {
            throw lacking.get();
        }
        return record;
    }

    private Medium.Found found(String name) throws StoreException {
        return medium.view(Shelf.CERTIFICATE, List.of(name)).own(name).orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("errors")
    void oneThatThisProcessCannotDecodeNowStaysWhereItIsAndKeepsNoOtherFromBeingRead(Error error) throws Exception {
        lacking = Optional.of(error);
        Records<StoredCertificate> records = records();

        assertThat(records.readable(List.of(found(BIG), found(SHOP))))
                .extracting(StoredCertificate::firstName)
                .containsExactly(SHOP);
        assertThatThrownBy(() -> records.get(BIG))
                .isInstanceOf(RecordUnreadableException.class)
                .hasMessageContaining(String.valueOf(error.getMessage()));

        assertThat(medium.aside()).isZero();
        assertThat(recorded.lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(BIG);
        lacking = Optional.empty();
        assertThat(records.get(BIG)).isPresent();
    }

    @Test
    void oneWhoseDecodingFailsForWhatStandsInItIsSetAside() throws Exception {
        Records<StoredCertificate> records = new Records<>(
                medium,
                Shelf.CERTIFICATE,
                KeySealing.none(),
                recorded.events(),
                new Troubles(recorded.events()),
                (content, sealing) -> {
                    throw new IllegalStateException("nobody foresaw this");
                },
                StoredCertificate::firstName);

        assertThat(records.get(BIG)).isEmpty();

        assertThat(medium.aside()).isEqualTo(1);
    }
}
