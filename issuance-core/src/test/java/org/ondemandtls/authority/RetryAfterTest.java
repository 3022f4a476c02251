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
    @CsvSource({
        "0, 0",
        "1, 1",
        "' 30 ', 30",
        "0007, 7",
        "000000000000000000000007, 7",
        "86399, 86399",
        "86400, 86400",
        "86401, 86400",
        "99999, 86400",
        "100000, 86400",
        "999999999, 86400",
        "9999999999, 86400",
        "99999999999999999999, 86400",
        "00000099999999999999, 86400"
    })
    void secondsAreReadUpToADay(String text, long seconds) {
        assertThat(read(Map.of("Retry-After", List.of(text)))).hasValue(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @CsvSource({"0.0, 0", "0.001, 1", "1.5, 2", "1.000, 1", "86399.1, 86400", "86400.1, 86400", "99999999999.9, 86400"})
    void aPartOfASecondIsRoundedUp(String text, long seconds) {
        assertThat(read(Map.of("Retry-After", List.of(text)))).hasValue(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Fri, 20 Nov 2026 12:01:00 GMT",
                "fri, 20 nov 2026 12:01:00 gmt",
                "20 Nov 2026 12:01:00 GMT",
                "Mon, 20 Nov 2026 12:01:00 GMT",
                "Fri, 20 Nov 2026 12:01:00 UTC",
                "Fri, 20 Nov 2026 12:01:00 Z",
                "Fri, 20 Nov 2026 14:01:00 +0200",
                "Friday, 20-Nov-26 12:01:00 GMT",
                "Friday, 20-Nov-26 12:01:00 UTC",
                "Fri, 20-Nov-2026 12:01:00 GMT",
                "Fri Nov 20 12:01:00 2026",
                "Fri Nov 20 12:01:00 UTC 2026",
                "Fri Nov 20 12:01:00 2026 GMT",
                "2026-11-20T12:01:00Z",
                "2026-11-20T12:01:00.000Z",
                "2026-11-20t12:01:00.000000000000z",
                "2026-11-20T14:01:00+02:00",
                "2026-11-20T14:01:00+0200",
                "2026-11-20 12:01:00 UTC",
                "2026-11-20 12:01:00 +0000 UTC",
                " 2026-11-20 12:01:00Z "
            })
    void aDateIsReadInAllItsForms(String date) {
        assertThat(read(Map.of("Retry-After", List.of(date)))).hasValue(Duration.ofMinutes(1));
    }

    @Test
    void theDayOfADateMayHaveOneDigit() {
        for (String date : List.of("Fri Nov  6 12:00:00 2026", "Friday, 6-Nov-26 12:00:00 GMT")) {
            assertThat(read(Map.of("Retry-After", List.of(date), "Date", List.of("Friday, 06-Nov-26 11:59:00 GMT"))))
                    .hasValue(Duration.ofMinutes(1));
        }
    }

    @ParameterizedTest
    @CsvSource({"26, 60", "94, 0", "76, 86400", "77, 0", "99, 0", "00, 0"})
    void aYearOfTwoDigitsIsAtMost50YearsAhead(String year, long seconds) {
        assertThat(read(Map.of("Retry-After", List.of("Friday, 20-Nov-" + year + " 12:01:00 GMT"))))
                .hasValue(Duration.ofSeconds(seconds));
    }

    @Test
    void aYearOfTwoDigitsMayBeInTheNextCentury() {
        assertThat(read(Map.of(
                        "Retry-After", List.of("Friday, 01-Jan-00 00:00:30 GMT"),
                        "Date", List.of("Thu, 31 Dec 2099 23:59:30 GMT"))))
                .hasValue(Duration.ofMinutes(1));
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
                "retry after 2026-11-20T12:01:00.000Z | 60",
                "retry after 2026-11-20 12:01:00.000000 +0000 UTC | 60",
                "retry after 2026-11-20T14:01:00+02:00: see https://ca/ | 60",
                "retry after 2026-11-20 12:01:00 GMT | 60",
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
    @ValueSource(
            strings = {
                "",
                "soon",
                "-1",
                "+1",
                "1.",
                ".5",
                "1,5",
                "1e3",
                "1 s",
                "Fri, 99 Nov 2026 12:01:00 GMT",
                "Friday, 99-Nov-26 12:01:00 GMT",
                "Fri Nov 99 12:01:00 2026",
                "Fri Now 20 12:01:00 2026",
                "Fri, 20 Nov 2026 12:01:00 CET",
                "Fri, 20 Nov 2026 12:01:00",
                "2026-13-20T12:01:00Z",
                "2026-11-20T25:01:00Z",
                "2026-11-20T12:01:00+99:00",
                // Nobody says where.
                "2026-11-20T12:01:00"
            })
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
