package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.ManualTime;

/** {@link HappeningPages}: what happened to names without a certificate, within bounds. */
class HappeningPagesTest {

    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");

    @TempDir
    private Path base;

    private CertificateStore store;
    private HappeningPages pages;

    @BeforeEach
    void open() throws IOException {
        store = new MemoryCertificateStore(new MemoryCertificateStore.Medium(), base, new ManualTime().clock());
        pages = new HappeningPages(store);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static Happening one(String kind, long second) {
        return new Happening(NOON.plusSeconds(second), kind, kind + " at " + second);
    }

    private boolean add(String name, Happening... news) throws StoreException {
        return pages.add(HappeningPages.pageOf(name), Map.of(name, List.of(news)));
    }

    @Test
    void whatIsCutInTheMidstOfACharacterIsWrittenOnce() throws Exception {
        Happening cut = new Happening(NOON, "rejected", "not obtained: \ud83d");

        assertThat(add("shop.example.com", cut)).isTrue();
        assertThat(add("shop.example.com", cut)).as("what is there already").isFalse();
        assertThat(pages.of("shop.example.com")).containsExactly(cut);
    }

    /** Names on the page of the first. */
    private static List<String> ofOnePage(int many) {
        List<String> names = new ArrayList<>();
        for (int i = 0; names.size() < many; i++) {
            String name = "name" + i + ".example.com";
            if (names.isEmpty() || HappeningPages.pageOf(name).equals(HappeningPages.pageOf(names.get(0)))) {
                names.add(name);
            }
        }
        return names;
    }

    @Test
    void aNameHasItsLastHappenings() throws Exception {
        for (int second = 0; second <= HappeningPages.PER_NAME; second++) {
            add("shop.example.com", one("denied", second));
        }

        assertThat(pages.of("shop.example.com"))
                .hasSize(HappeningPages.PER_NAME)
                .startsWith(one("denied", 1))
                .endsWith(one("denied", HappeningPages.PER_NAME));
    }

    @Test
    void whatIsThereAlreadyIsNotWrittenAgain() throws Exception {
        assertThat(add("shop.example.com", one("denied", 1))).isTrue();
        assertThat(add("shop.example.com", one("denied", 1))).isFalse();
        assertThat(add("shop.example.com")).isFalse();
    }

    @Test
    void whereAPageIsFullTheNameNothingWasHeardOfForLongestGoes() throws Exception {
        List<String> names = ofOnePage(HappeningPages.NAMES + 1);
        add(names.get(0), one("rejected", 0));
        add(names.get(1), one("rejected", 1));
        add(names.get(0), one("rejected", 2));
        for (int i = 2; i < names.size(); i++) {
            add(names.get(i), one("rejected", i + 1));
        }

        assertThat(pages.of(names.get(0))).hasSize(2);
        assertThat(pages.of(names.get(1))).isEmpty();
        assertThat(pages.of(names.get(2))).hasSize(1);
    }

    @Test
    void namesOfStrangersHaveOnePageWhichIsThereFromTheStart() throws Exception {
        pages.prepare();
        assertThat(store.secretPaths()).containsExactly(HappeningPages.OF_ANYBODY);

        for (int i = 0; i <= HappeningPages.NAMES_OF_ANYBODY; i++) {
            pages.add(
                    HappeningPages.OF_ANYBODY,
                    Map.of("stranger" + i + ".example.net", List.of(one("denied", i), one("denied", 1_000 + i))));
        }

        assertThat(store.secretPaths()).containsExactly(HappeningPages.OF_ANYBODY);
        assertThat(pages.of("stranger0.example.net")).isEmpty();
        assertThat(pages.of("stranger1.example.net")).hasSize(2);
    }

    @Test
    void wordsOfAnyKindStayOnOneLine() throws Exception {
        add("shop.example.com", new Happening(NOON, "rejected", "a\tb\nother.example.com\t" + NOON + "\tdenied\tü"));

        assertThat(pages.of("shop.example.com"))
                .extracting(Happening::text)
                .containsExactly("a b other.example.com " + NOON + " denied ü");
        assertThat(pages.of("other.example.com")).isEmpty();
    }

    @Test
    void linesThatCannotBeReadAreLeftOut() throws Exception {
        store.writePublic(
                HappeningPages.pageOf("shop.example.com"),
                ("shop.example.com\tsoon\tdenied\tx\nnonsense\nshop.example.com\t" + NOON + "\tdenied\tno\n")
                        .getBytes(UTF_8));

        assertThat(pages.of("shop.example.com")).containsExactly(new Happening(NOON, "denied", "no"));
    }
}
