package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.store.Medium.Due;
import org.ondemandtls.store.Medium.Expected;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.Medium.Kept;

/** What every medium promises; what a store makes of it is tested over memory. */
public abstract class MediumContract {

    private static final Instant NOW = ShelfContract.NOW;

    private Medium medium;

    /** An empty medium. */
    protected abstract Medium open() throws Exception;

    /** Has another content in a record of the medium that was opened last. */
    protected abstract void damage(Shelf shelf, String key, byte[] content) throws Exception;

    @BeforeEach
    void openMedium() throws Exception {
        medium = open();
    }

    @AfterEach
    void closeMedium() {
        medium.close();
    }

    private static Kept certificate(long revision, Instant due, String... names) {
        StoredCertificate stored = ShelfContract.stored(names).withDue(due).withRevision(revision);
        return new Kept(
                Shelf.CERTIFICATE,
                stored.firstName(),
                RecordCodec.encode(stored, 0, KeySealing.none()),
                revision,
                RecordCodec.marks(stored, KeySealing.none()));
    }

    private static Kept secret(String path, String content) {
        return new Kept(Shelf.SECRET, path, content.getBytes(US_ASCII), 0, Medium.Marks.under("plain"));
    }

    private Kept putFirst(Instant due, String... names) throws StoreException {
        Kept record = certificate(1, due, names);
        medium.put(record, new Expected.Revision(0), null);
        return record;
    }

    private Found own(Shelf shelf, String key) throws StoreException {
        return medium.view(shelf, List.of(key)).own(key).orElseThrow();
    }

    @Test
    void aRecordComesBackUnderItsKeyAndItsOtherNames() throws Exception {
        Kept record = putFirst(NOW, "a.example.com", "b.example.com");

        Medium.View view = medium.view(Shelf.CERTIFICATE, List.of("a.example.com", "b.example.com"));

        Found own = view.own("a.example.com").orElseThrow();
        assertThat(own.content().read()).isEqualTo(record.content());
        assertThat(own.handle()).isEqualTo(medium.handle(Shelf.CERTIFICATE, "a.example.com"));
        assertThat(view.led("b.example.com").orElseThrow().content().read()).isEqualTo(record.content());
        assertThat(view.own("b.example.com")).isEmpty();
        assertThat(view.led("a.example.com")).isEmpty();
    }

    @Test
    void aChangeThatExpectedSomethingElseChangesNothing() throws Exception {
        Kept first = putFirst(NOW, "a.example.com");
        Kept late = certificate(3, NOW, "a.example.com");

        assertThatThrownBy(() -> medium.put(late, new Expected.Revision(0), null))
                .isInstanceOf(StaleRevisionException.class);
        assertThatThrownBy(() -> medium.put(late, new Expected.Revision(2), null))
                .isInstanceOf(StaleRevisionException.class);
        assertThatThrownBy(() ->
                        medium.remove(Shelf.CERTIFICATE, "a.example.com", List.of(), new Expected.Revision(2), null))
                .isInstanceOf(StaleRevisionException.class);

        assertThat(own(Shelf.CERTIFICATE, "a.example.com").content().read()).isEqualTo(first.content());
    }

    @Test
    void whatIsToBeTheFirstIsNotPutInPlaceOfAnother() throws Exception {
        medium.put(secret("accounts/a", "one"), new Expected.Revision(0), null);

        assertThatThrownBy(() -> medium.put(secret("accounts/a", "two"), new Expected.Revision(0), null))
                .isInstanceOf(StaleRevisionException.class);
        assertThat(own(Shelf.SECRET, "accounts/a").content().read()).asString().isEqualTo("one");
        medium.put(secret("accounts/a", "two"), Expected.ANY, null);
        assertThat(own(Shelf.SECRET, "accounts/a").content().read()).asString().isEqualTo("two");
    }

    @Test
    void whatIsRemovedIsGoneUnderAllItsNames() throws Exception {
        putFirst(NOW, "a.example.com", "b.example.com");

        for (int i = 0; i < 2; i++) {
            medium.remove(Shelf.CERTIFICATE, "a.example.com", List.of("b.example.com"), new Expected.Revision(1), null);
        }

        Medium.View view = medium.view(Shelf.CERTIFICATE, List.of("a.example.com", "b.example.com"));
        assertThat(view.own("a.example.com")).isEmpty();
        assertThat(view.led("b.example.com")).isEmpty();
        assertThat(medium.due(Instant.MAX, null, 10)).isEmpty();
        assertThat(medium.firstDue()).isEmpty();
    }

    @Test
    void whatIsDueIsListedInItsOrderPageByPage() throws Exception {
        for (int i = 4; i >= 0; i--) {
            putFirst(NOW.plus(Duration.ofMinutes(40L * (i / 2))), "n" + i + ".example.com");
        }
        putFirst(NOW.plus(Duration.ofDays(1)), "later.example.com");

        List<String> met = new ArrayList<>();
        Due last = null;
        for (List<Due> page = medium.due(NOW.plus(Duration.ofHours(2)), last, 2);
                !page.isEmpty();
                page = medium.due(NOW.plus(Duration.ofHours(2)), last, 2)) {
            assertThat(page).hasSizeLessThanOrEqualTo(2);
            page.forEach(due -> met.add(due.found().handle()));
            last = page.get(page.size() - 1);
        }

        assertThat(met)
                .containsExactly(
                        "n0.example.com", "n1.example.com", "n2.example.com", "n3.example.com", "n4.example.com");
        assertThat(medium.firstDue()).contains(NOW);
    }

    @Test
    void aShelfIsGoneThroughUntilTheVisitorHasEnough() throws Exception {
        putFirst(NOW, "a.example.com");
        medium.put(secret("accounts/a", "one"), Expected.ANY, null);
        medium.put(secret("accounts/b", "two"), Expected.ANY, null);
        List<String> all = new ArrayList<>();
        List<String> some = new ArrayList<>();

        medium.each(Shelf.SECRET, found -> all.add(found.handle()));
        medium.each(Shelf.SECRET, found -> !some.add(found.handle()));

        assertThat(all).containsExactlyInAnyOrder("accounts/a", "accounts/b");
        assertThat(some).hasSize(1);
    }

    @Test
    void allNamesAreMetWhetherFirstOrNot() throws Exception {
        putFirst(NOW, "a.example.com", "b.example.com");
        putFirst(NOW, "*.example.com");
        List<String> names = new ArrayList<>();

        medium.names(names::add, () -> false);

        assertThat(names)
                .contains(
                        medium.handle(Shelf.CERTIFICATE, "a.example.com"),
                        medium.handle(Shelf.CERTIFICATE, "b.example.com"),
                        medium.handle(Shelf.CERTIFICATE, "*.example.com"));
    }

    @Test
    void anotherFormIsPutOnlyInPlaceOfWhatWasRead() throws Exception {
        medium.put(secret("accounts/a", "one"), Expected.ANY, null);
        Found read = own(Shelf.SECRET, "accounts/a");
        byte[] before = read.content().read();
        medium.put(secret("accounts/a", "two"), Expected.ANY, null);

        assertThat(medium.rewrite(read, before, new byte[] {'x'}, "plain")).isFalse();
        assertThat(medium.rewrite(read, "two".getBytes(US_ASCII), new byte[] {'x'}, "plain"))
                .isTrue();

        assertThat(own(Shelf.SECRET, "accounts/a").content().read()).asString().isEqualTo("x");
    }

    @Test
    void whatIsSetAsideIsOutOfTheWayOnce() throws Exception {
        putFirst(NOW, "a.example.com");
        Found read = own(Shelf.CERTIFICATE, "a.example.com");

        assertThat(medium.setAside(read, "a test", true)).isPresent();
        assertThat(medium.setAside(read, "a test", true)).isEmpty();

        assertThat(medium.view(Shelf.CERTIFICATE, List.of("a.example.com")).own("a.example.com"))
                .isEmpty();
        List<byte[]> aside = new ArrayList<>();
        medium.removeSetAside(aside::add);
        assertThat(aside).hasSize(1);
        medium.removeSetAside(aside::add);
        assertThat(aside).hasSize(1);
    }

    private List<String> keys(Shelf shelf) throws StoreException {
        List<String> keys = List.of("a.example.com", "b.example.com");
        for (String key : keys) {
            switch (shelf) {
                case CERTIFICATE -> putFirst(NOW, key);
                case ORDER ->
                    medium.put(
                            new Kept(
                                    shelf,
                                    key,
                                    key.getBytes(US_ASCII),
                                    0,
                                    new Medium.Marks(List.of(), NOW, "plain", "", false)),
                            Expected.ANY,
                            null);
                case HOLD ->
                    medium.put(
                            new Kept(shelf, key, key.getBytes(US_ASCII), 0, Medium.Marks.under("")),
                            Expected.ANY,
                            null);
                case SECRET -> medium.put(secret("accounts/" + key, key), Expected.ANY, null);
            }
        }
        return shelf == Shelf.SECRET
                ? keys.stream().map(key -> "accounts/" + key).toList()
                : keys;
    }

    // How many are met, and how many of them can be read.
    private static List<Integer> readable(Collection<Found> met) throws StoreException {
        int readable = 0;
        for (Found found : met) {
            try {
                found.content().read();
                readable++;
            } catch (UnreadableException tooLarge) {
                assertThat(tooLarge).hasMessageContaining("larger than anything we write");
            }
        }
        return List.of(met.size(), readable);
    }

    @ParameterizedTest
    @EnumSource(Shelf.class)
    void whatIsTooLargeIsMetWithTheOthersUnreadAndCanBeSetAside(Shelf shelf) throws Exception {
        List<String> keys = keys(shelf);
        byte[] large = new byte[5 << 20];
        Arrays.fill(large, (byte) 'x');
        damage(shelf, keys.get(0), large);

        List<Found> met = new ArrayList<>();
        medium.each(shelf, met::add);
        assertThat(readable(met)).containsExactly(2, 1);
        Medium.View view = medium.view(shelf, keys);
        Found found = view.own(keys.get(0)).orElseThrow();
        assertThat(readable(List.of(found, view.own(keys.get(1)).orElseThrow())))
                .containsExactly(2, 1);
        if (shelf == Shelf.CERTIFICATE) {
            assertThat(readable(
                            medium.due(NOW, null, 9).stream().map(Due::found).toList()))
                    .containsExactly(2, 1);
            assertThat(readable(medium.page("", "", 9).values())).containsExactly(2, 1);
        }
        if (shelf == Shelf.ORDER) {
            assertThat(readable(medium.idleOrders())).containsExactly(2, 1);
        }

        assertThat(medium.setAside(found, "too large", true)).isPresent();
        assertThat(medium.setAside(found, "too large", true)).isEmpty();
        assertThat(medium.view(shelf, keys).own(keys.get(0))).isEmpty();
        assertThat(medium.view(shelf, keys).own(keys.get(1))).isPresent();
        List<byte[]> aside = new ArrayList<>();
        medium.removeSetAside(content -> !aside.add(content));
        assertThat(aside).hasSize(1);
    }

    @Test
    void whatWasWrittenSinceItWasReadIsNotSetAside() throws Exception {
        putFirst(NOW, "a.example.com");
        Found read = own(Shelf.CERTIFICATE, "a.example.com");
        medium.put(certificate(2, NOW, "a.example.com"), new Expected.Revision(1), null);

        assertThat(medium.setAside(read, "a test", true)).isEmpty();

        assertThat(medium.view(Shelf.CERTIFICATE, List.of("a.example.com")).own("a.example.com"))
                .isPresent();
    }
}
