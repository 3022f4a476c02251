package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link RetryAfter}: seconds or a date, within bounds, or nothing. */
class RetryAfterTest {

    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-20T12:00:00Z"), ZoneOffset.UTC);

    private static Optional<Duration> read(Map<String, List<String>> headers) {
        return RetryAfter.in(HttpHeaders.of(headers, (name, value) -> true), CLOCK);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "' 30 ', 30", "86400, 86400", "86401, 86400", "999999999, 86400"})
    void secondsAreReadUpToADay(String text, long seconds) {
        assertThat(read(Map.of("Retry-After", List.of(text)))).hasValue(Duration.ofSeconds(seconds));
    }

    @Test
    void aDateCountsFromTheAnswersOwnDateWhereItHasOne() {
        List<String> until = List.of("Fri, 20 Nov 2026 12:01:00 GMT");

        assertThat(read(Map.of("Retry-After", until))).hasValue(Duration.ofMinutes(1));
        assertThat(read(Map.of("Retry-After", until, "Date", List.of("Fri, 20 Nov 2026 12:00:50 GMT"))))
                .hasValue(Duration.ofSeconds(10));
        assertThat(read(Map.of("Retry-After", until, "Date", List.of("Fri, 20 Nov 2026 13:00:00 GMT"))))
                .hasValue(Duration.ZERO);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "too many certificates (50) already issued, retry after 2026-11-20 12:00:30 UTC: see https://ca/ | 30",
                "retry after 2026-11-20T12:01:00Z | 60",
                "Retry after 2026-11-20 11:59:59 UTC | 0",
                "retry after 2026-12-20 12:00:00 UTC | 86400"
            })
    void aDateIsReadFromTheCasWords(String words, long seconds) {
        assertThat(RetryAfter.in(words, CLOCK.instant())).hasValue(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "retry after lunch",
                "retry after 2026-13-20 12:00:00 UTC",
                "retry after 2026-11-20 12:00:00",
                "too many since 2026-11-20 12:00:00 UTC"
            })
    void wordsWithoutADateSayNothing(String words) {
        assertThat(RetryAfter.in(words, CLOCK.instant())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "-1", "1.5", "99999999999999999999", "Fri, 99 Nov 2026 12:01:00 GMT"})
    void whatCannotBeReadIsAsGoodAsNothing(String text) {
        assertThat(read(Map.of("Retry-After", List.of(text)))).isEmpty();
        assertThat(read(Map.of())).isEmpty();
    }

    @Test
    void aRefusalAsksForASecondAtLeastAndADayAtMost() {
        assertThat(RetryAfter.clamped(Optional.of(Duration.ZERO))).isEqualTo(Duration.ofSeconds(1));
        assertThat(RetryAfter.clamped(Optional.of(Duration.ofMillis(999)))).isEqualTo(Duration.ofSeconds(1));
        assertThat(RetryAfter.clamped(Optional.of(Duration.ofMillis(1001)))).isEqualTo(Duration.ofMillis(1001));
        assertThat(RetryAfter.clamped(Optional.of(Duration.ofDays(2)))).isEqualTo(Duration.ofDays(1));
        assertThat(RetryAfter.clamped(Optional.empty())).isEqualTo(Duration.ofSeconds(10));
    }
}
