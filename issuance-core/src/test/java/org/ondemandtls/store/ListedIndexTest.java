package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@link ListedIndex}: pages go on where their places say. */
class ListedIndexTest {

    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");

    private final ListedIndex index = new ListedIndex();

    private static Listed at(String name, long nanos) {
        Instant moment = NOON.plusNanos(nanos);
        return new Listed(name, "example.com", "ca", moment, moment, Listed.Standing.RENEWED);
    }

    @Test
    void entriesOfOneMillisecondAreEachMetOnce() {
        index.saved(at("a.example.com", 600));
        index.saved(at("b.example.com", 200));

        Instant later = NOON.plusSeconds(1);
        for (Listed.Slice slice : List.of(new Listed.Expiring(later), new Listed.Late(later))) {
            List<Listed> first = index.page(slice, "", 1);
            List<Listed> second = index.page(slice, slice.place(first.get(0)), 9);

            assertThat(first).extracting(Listed::name).containsExactly("a.example.com");
            assertThat(second).extracting(Listed::name).containsExactly("b.example.com");
        }
    }

    @Test
    void anEntryThatIsForgottenIsInNoList() {
        index.saved(at("a.example.com", 1));
        index.saved(at("a.example.com", 2));

        index.forgotten("a.example.com");

        assertThat(index.page(new Listed.Expiring(NOON.plusSeconds(1)), "", 9)).isEmpty();
        assertThat(index.page(new Listed.OfDomain("example.com"), "", 9)).isEmpty();
    }

    @Test
    void anEntryThatIsMetIsListedUnlessItIsKnownBetter() {
        Listed met = at("a.example.com", 1);
        Listed saved = new Listed("a.example.com", "example.com", "ca", NOON, NOON, Listed.Standing.IDLE);
        index.met(met);
        assertThat(index.page(new Listed.OfDomain("example.com"), "", 9)).containsExactly(met);

        index.saved(saved);
        index.met(met);

        assertThat(index.page(new Listed.OfStanding(Listed.Standing.IDLE), "", 9))
                .containsExactly(saved);
        assertThat(index.page(new Listed.OfStanding(Listed.Standing.RENEWED), "", 9))
                .isEmpty();
        index.forgotten("a.example.com");
        index.met(met);
        assertThat(index.page(new Listed.OfIssuer("ca"), "", 9)).containsExactly(met);
    }

    @Test
    void aPageOfAHundredThousandEntriesIsNoScan() {
        int entries = 100_000;
        for (int i = 0; i < entries; i++) {
            index.saved(at("name" + i + ".example.com", i * 1_000_000L));
        }
        Instant later = NOON.plusSeconds(3_600);
        int pages = 50;

        for (Listed.Slice slice :
                List.of(new Listed.Expiring(later), new Listed.Late(later), new Listed.OfDomain("example.com"))) {
            String after = "";
            long begun = System.nanoTime();
            for (int page = 0; page < pages; page++) {
                List<Listed> found = index.page(slice, after, 500);
                assertThat(found).hasSize(500);
                after = slice.place(found.get(499));
            }
            assertThat(Duration.ofNanos((System.nanoTime() - begun) / pages))
                    .as("%s", slice)
                    .isLessThan(Duration.ofMillis(200));
        }
    }
}
