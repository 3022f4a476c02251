package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.HappeningPages;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.ShelfContract;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link KeptHistory}: what happened to names without a certificate is in the store, at a cost strangers cannot raise. */
class KeptHistoryTest {

    private static final String SHOP = "shop.example.com";

    @TempDir
    private Path base;

    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();
    private final ManualTime time = new ManualTime();
    private final Events events = new RecordedEvents().events();
    private CertificateStore store;
    private KeptHistory history;

    @BeforeEach
    void open() throws IOException {
        store = new MemoryCertificateStore(medium, Files.createDirectory(base.resolve("one")), time.clock());
        history = on(store, events);
    }

    /** One whose thread is at its end, so that the test writes. */
    private KeptHistory on(CertificateStore where, Events heard) {
        Recent recent = new Recent(time.clock());
        KeptHistory made = new KeptHistory(where, recent, time.machine(), heard);
        made.close();
        heard.tap(recent);
        heard.tap(made);
        return made;
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void happens(EventKind kind, String name, String text) {
        events.publish(kind, ServerName.parse(name), text);
    }

    private void writeAll() throws StoreException {
        while (history.isWaiting()) {
            history.write(true, true);
        }
    }

    @Test
    void anotherServerSeesWhatHappenedHere() throws Exception {
        happens(EventKind.DENIED, SHOP, "denied: not ours");
        happens(EventKind.REJECTED, SHOP, "not obtained: caa");
        writeAll();

        try (CertificateStore other =
                new MemoryCertificateStore(medium, Files.createDirectory(base.resolve("two")), time.clock())) {
            assertThat(on(other, new RecordedEvents().events()).of(SHOP))
                    .containsExactly(
                            new Happening(time.clock().instant(), "denied", "denied: not ours"),
                            new Happening(time.clock().instant(), "rejected", "not obtained: caa"));
        }
    }

    private void strangersCome() {
        for (int i = 0; i < 10_000; i++) {
            happens(EventKind.DENIED, "stranger" + i + ".example.net", "denied: not ours");
        }
    }

    @Test
    void strangersBringAboutOneWriteHoweverManyNamesTheyAskFor() throws Exception {
        strangersCome();

        assertThat(history.write(true, true)).isEqualTo(1);
        assertThat(store.secretPaths()).containsExactly(HappeningPages.OF_ANYBODY);
    }

    @Test
    void namesThatPermissionWasGrantedForAreNotPushedOut() throws Exception {
        happens(EventKind.NOT_READY, SHOP, "its A record leads elsewhere");
        strangersCome();

        history.write(false, true);

        assertThat(history.of(SHOP)).extracting(Happening::kind).containsExactly("not_ready");
        assertThat(store.secretPaths()).containsExactly(HappeningPages.pageOf(SHOP));
    }

    @Test
    void aCertificateThatCannotBeReadKeepsNoOtherNameFromBeingWritten() throws Exception {
        store.save(ShelfContract.stored("a.example.org"));
        ((MemoryCertificateStore) store).unreadable("a.example.org", true);
        happens(EventKind.DENIED, "a.example.org", "denied: not ours");
        happens(EventKind.DENIED, SHOP, "denied: not ours");

        assertThat(history.write(true, false)).isEqualTo(1);

        assertThat(history.of(SHOP)).hasSize(1);
        assertThat(history.of("a.example.org")).isEmpty();
        assertThat(history.isWaiting()).isFalse();
    }

    @Test
    void aDeniedNameThatAnOperatorAskedForIsNotPushedOut() throws Exception {
        happens(EventKind.DENIED, SHOP, "denied: not ours");
        history.keep(ServerName.parse(SHOP));
        strangersCome();
        writeAll();

        assertThat(history.of(SHOP)).extracting(Happening::kind).containsExactly("denied");
    }

    @Test
    void ofNamesThatArePermittedAFewPagesAreWrittenAtOnce() throws Exception {
        for (int i = 0; i < 10_000; i++) {
            happens(EventKind.REJECTED, "shop" + i + ".example.com", "not obtained: caa");
        }

        assertThat(history.write(true, true)).isEqualTo(KeptHistory.PAGES_AT_ONCE);
    }

    @Test
    void whatAnotherServerWroteOverIsWrittenAgain() throws Exception {
        happens(EventKind.DENIED, SHOP, "denied: not ours");
        history.write(true, true);
        for (String page : store.secretPaths()) {
            store.writePublic(page, new byte[0]);
        }

        assertThat(history.write(true, true)).isEqualTo(1);
        assertThat(history.write(true, true)).as("it is there").isZero();
        assertThat(history.of(SHOP)).hasSize(1);
        assertThat(history.isWaiting()).isFalse();
    }

    @Test
    void whatWaitsIsWrittenWhenTheServerStops() throws Exception {
        happens(EventKind.DENIED, SHOP, "denied: not ours");

        history.close();

        assertThat(history.of(SHOP)).hasSize(1);
    }

    @Test
    void whatIsNoTroubleOfANameIsNotWritten() throws Exception {
        happens(EventKind.CHALLENGE, SHOP, "looked at");
        happens(EventKind.OBTAINED, SHOP, "obtained from the CA");

        assertThat(history.isWaiting()).isFalse();
        assertThat(history.of(SHOP)).isEqualTo(List.of());
    }
}
