package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.store.Ledger.Outcome.Spent;
import org.ondemandtls.store.Ledger.Quota;

/** {@link Reckoning} and {@link Ledger}: what counts, for how long, and when it fits again. */
class ReckoningTest {

    private static final long NOW = Instant.parse("2026-11-29T10:00:00Z").toEpochMilli();
    private static final Duration HOUR = Duration.ofHours(1);

    private static Instant at(long millis) {
        return Instant.ofEpochMilli(millis);
    }

    @ParameterizedTest
    @CsvSource({"0, true", "999, true", "1000, false", "1001, false", "-999, true", "-1000, false"})
    void anEntryCountsForLessThanAWindowBeforeAndAfterNow(long age, boolean counts) {
        assertThat(Reckoning.counts(NOW - age, NOW, 1000)).isEqualTo(counts);
    }

    @Nested
    class WhatIsUsedUp {

        private final Quota first = new Quota("first", 1, HOUR);
        private final Quota second = new Quota("second", 1, HOUR.multipliedBy(2));

        @Test
        void isNothingWhereNothingIsInTheWay() {
            assertThat(Reckoning.spent(List.of(first), List.of(second), NOW, (quota, now) -> OptionalLong.empty()))
                    .isEmpty();
        }

        @Test
        void fitsAgainAWindowAfterWhatIsInTheWay() {
            assertThat(Reckoning.spent(List.of(first), List.of(), NOW, (quota, now) -> OptionalLong.of(NOW - 60_000)))
                    .contains(new Spent(first, at(NOW - 60_000).plus(HOUR)));
            assertThat(Reckoning.spent(List.of(), List.of(second), NOW, (quota, now) -> OptionalLong.of(NOW)))
                    .contains(new Spent(second, at(NOW).plus(second.window())));
        }

        @Test
        void isToldOfTheOneThatIsInTheWayForLongest() {
            for (List<Quota> order : List.of(List.of(first, second), List.of(second, first))) {
                assertThat(Reckoning.spent(order, List.of(), NOW, (quota, now) -> OptionalLong.of(NOW)))
                        .map(Spent::quota)
                        .contains(second);
            }
            assertThat(Reckoning.spent(
                            List.of(first),
                            List.of(second),
                            NOW,
                            (quota, now) -> OptionalLong.of(quota.equals(second) ? NOW - HOUR.toMillis() - 1 : NOW)))
                    .map(Spent::quota)
                    .contains(first);
        }

        @Test
        void byAnEntryOfTheFutureIsInTheWayForOneWindowAndNoLonger() {
            assertThat(Reckoning.spent(List.of(first), List.of(), NOW, (quota, now) -> OptionalLong.of(NOW + 5_000)))
                    .contains(new Spent(first, at(NOW).plus(HOUR)));
        }

        @Test
        void isAllWhereNoneMayBe() {
            Quota none = new Quota("none", 0, HOUR);

            assertThat(Reckoning.spent(List.of(none), List.of(), NOW, (quota, now) -> OptionalLong.empty()))
                    .contains(new Spent(none, at(NOW).plus(HOUR)));
        }
    }

    @Test
    void whatCountsUnderOneKeyIsKeptForTheLongestOfItsWindows() {
        Quota brief = new Quota("same", 5, HOUR);
        Quota lasting = new Quota("same", 50, HOUR.multipliedBy(3));
        Quota other = new Quota("other", 5, HOUR);

        assertThat(Reckoning.keys(List.of(brief, lasting, other)))
                .isEqualTo(Map.of("same", HOUR.multipliedBy(3), "other", HOUR));
        assertThat(Reckoning.keys(List.of(lasting, brief))).isEqualTo(Map.of("same", HOUR.multipliedBy(3)));
    }

    @Nested
    class AQuota {

        @Test
        void hasAWindowOfAMonthAtMost() {
            assertThat(new Quota("key", 1, Ledger.LONGEST_WINDOW).window()).isEqualTo(Ledger.LONGEST_WINDOW);
            for (Duration none : List.of(Duration.ZERO, HOUR.negated(), Ledger.LONGEST_WINDOW.plusNanos(1))) {
                assertThatThrownBy(() -> new Quota("key", 1, none)).isInstanceOf(IllegalArgumentException.class);
            }
        }

        @Test
        void isOfNoneAtLeast() {
            assertThat(new Quota("key", 0, HOUR).most()).isZero();
            assertThatThrownBy(() -> new Quota("key", -1, HOUR)).isInstanceOf(IllegalArgumentException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "a key", "a\nkey", "kéy", "key\u007f"})
        void hasAKeyOfVisibleAscii(String none) {
            assertThat(Ledger.isKey(none)).isFalse();
            assertThatThrownBy(() -> new Quota(none, 1, HOUR)).isInstanceOf(IllegalArgumentException.class);
        }

        @Test
        void hasAKeyOfABoundedLength() {
            assertThat(Ledger.isKey("!~")).isTrue();
            assertThat(Ledger.isKey("k".repeat(Ledger.LONGEST_KEY))).isTrue();
            assertThat(Ledger.isKey("k".repeat(Ledger.LONGEST_KEY + 1))).isFalse();
        }
    }
}
