package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Punycode}: one encoding for each label, and one label for each encoding. */
class PunycodeTest {

    @ParameterizedTest
    @CsvSource({
        "bücher, bcher-kva",
        "ü, tda",
        "straße, strae-oqa",
        "\uD83D\uDCA9, ls8h",
        // Samples of RFC 3492 section 7.1, the letters of the last two in lower case.
        "他们为什么不说中文, ihqwcrb4cv8a8dqg056pqjye",
        "почемужеонинеговорятпорусски, b1abfaaepdrnnbgefbadotcwatmq2g4l",
        "3年b組金八先生, 3b-ww4c5e180e575a65lsy2b",
        "安室奈美恵-with-super-monkeys, -with-super-monkeys-pc58ag80a8qai00g7n9n"
    })
    void encodesAndDecodes(String label, String encoded) {
        int[] codePoints = label.codePoints().toArray();

        assertThat(Punycode.encode(codePoints)).isEqualTo(encoded);
        assertThat(Punycode.decode(encoded)).isEqualTo(codePoints);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-", "a-", "abc-", "-abc", "z", "99999999999", "0", "a-99999999", "a.b", "a_", "Tda"})
    void whatIsNoEncodingIsRefused(String encoded) {
        assertThat(Punycode.decode(encoded)).isNull();
    }

    @Test
    void whateverDecodesIsTheOneEncoding() {
        var random = new Random(3492);
        String alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-";
        int decoded = 0;
        for (int i = 0; i < 100_000; i++) {
            String encoded = random.ints(random.nextInt(60), 0, alphabet.length())
                    .collect(StringBuilder::new, (s, c) -> s.append(alphabet.charAt(c)), StringBuilder::append)
                    .toString();
            int[] codePoints = Punycode.decode(encoded);
            if (codePoints != null) {
                decoded++;
                assertThat(Punycode.encode(codePoints)).isEqualTo(encoded);
            }
        }
        assertThat(decoded).isGreaterThan(100);
    }

    @Test
    void labelsThatCannotFitAreNotEncoded() {
        assertThat(Punycode.encode("ü".repeat(63).codePoints().toArray())).isNotEmpty();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Punycode.encode("ü".repeat(64).codePoints().toArray()));
    }
}
