package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** {@link NameFingerprint}: no false "no", and few false "maybe"s for as many names as it was made for. */
class NameFingerprintTest {

    private static final int CAPACITY = 1024;

    private final NameFingerprint fingerprint = new NameFingerprint(CAPACITY);

    private static List<String> names(String kind) {
        return IntStream.range(0, CAPACITY).mapToObj(i -> kind + i + ".example").toList();
    }

    @Test
    void aNameThatWasAddedMayAlwaysBeThere() {
        names("there").forEach(fingerprint::add);

        assertThat(names("there")).allMatch(fingerprint::mayContain);
    }

    @Test
    void aNameThatWasNotAddedIsHardlyEverTakenForOneThatWas() {
        assertThat(names("other")).noneMatch(fingerprint::mayContain);
        names("there").forEach(fingerprint::add);

        assertThat(names("other").stream().filter(fingerprint::mayContain)).hasSizeLessThan(20);
    }

    @Test
    void itIsFullOnceMoreWasAddedThanItWasMadeFor() {
        names("there").forEach(fingerprint::add);
        assertThat(fingerprint.isFull()).isFalse();

        fingerprint.add("one.more.example");

        assertThat(fingerprint.isFull()).isTrue();
    }

    @Test
    void itIsMadeForAThousandNamesAtLeast() {
        NameFingerprint small = new NameFingerprint(1);
        names("there").forEach(small::add);

        assertThat(small.isFull()).isFalse();
        assertThat(names("there")).allMatch(small::mayContain);
    }

    @Test
    void nobodyOutsideKnowsWhichNamesAreTakenForOthers() {
        NameFingerprint another = new NameFingerprint(CAPACITY);
        for (String name : names("there")) {
            fingerprint.add(name);
            another.add(name);
        }
        List<String> many = IntStream.range(0, 40_000).mapToObj(i -> "x" + i).toList();

        List<String> taken = many.stream().filter(fingerprint::mayContain).toList();

        assertThat(taken).isNotEmpty().anyMatch(name -> !another.mayContain(name));
    }
}
