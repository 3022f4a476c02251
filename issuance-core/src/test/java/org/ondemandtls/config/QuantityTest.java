package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Quantity}: whole numbers with their unit. */
class QuantityTest {

    @ParameterizedTest
    @CsvSource({"0ms,PT0S", "500ms,PT0.5S", "30s,PT30S", "5m,PT5M", "12h,PT12H", "7d,PT168H", "007s,PT7S"})
    void aDurationIsANumberAndItsUnit(String text, Duration duration) {
        assertThat(Quantity.duration(text)).isEqualTo(duration);
    }

    @Test
    void theLongestDurationThatCanBeWrittenFits() {
        assertThat(Quantity.duration("999999999999d")).isEqualTo(Duration.ofDays(999_999_999_999L));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "30", "s", "-1s", "+1s", "1.5s", "30 s", "30S", "1M", "1w", "PT30S", "9999999999999s", "٣s"})
    void anythingElseIsNoDuration(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Quantity.duration(text))
                .withMessageContaining("500ms, 30s, 5m, 12h or 7d");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT0.001S", "PT2.5S", "PT25S", "P7D"})
    void aWrittenDurationIsReadAgain(Duration duration) {
        assertThat(Quantity.duration(Quantity.text(duration))).isEqualTo(duration);
    }
}
