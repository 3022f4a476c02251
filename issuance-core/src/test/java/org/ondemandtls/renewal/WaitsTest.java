package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.TestLeaves;

/** {@link Waits} and {@link Rechecks}: when renewal does something again. */
class WaitsTest {

    private static final Instant NOW = Instant.parse("2026-11-29T10:00:00Z");
    private static final Duration DAY = Duration.ofDays(1);
    private static final String SHOP = "shop.example.com";

    private static StoredCertificate lasting(Duration lifetime) {
        KeyedCertificate certificate = TestLeaves.leaf(NOW, lifetime.minus(DAY), SHOP);
        return StoredCertificate.obtained(certificate, "ca", NOW, NOW.plus(lifetime));
    }

    @Nested
    class AWait {

        @Test
        void isATwentiethOfALifeAtMost() {
            assertThat(Waits.partOfLife(lasting(Duration.ofDays(90)), Waits.MENDED))
                    .isEqualTo(Waits.MENDED);
            assertThat(Waits.partOfLife(lasting(Duration.ofHours(10)), Waits.MENDED))
                    .isBetween(Duration.ofMinutes(29), Duration.ofMinutes(30));
        }

        @Test
        void isFiveSecondsAtLeastHoweverShortALifeIs() {
            assertThat(Waits.partOfLife(lasting(Duration.ofSeconds(20)), Waits.RETRY))
                    .isEqualTo(Duration.ofSeconds(5));
        }

        @Test
        void isUpToATenthLongerThanItWasMeant() {
            Duration wait = Duration.ofMinutes(10);

            assertThat(Waits.jittered(wait, () -> 0.0)).isEqualTo(wait);
            assertThat(Waits.jittered(wait, () -> 0.5)).isEqualTo(wait.plusSeconds(30));
            assertThat(Waits.jittered(wait, () -> 0.99)).isBetween(wait.plusSeconds(59), wait.plusSeconds(60));
        }

        @ParameterizedTest
        @CsvSource({"5, 5 s", "119, 119 s", "120, 2 min", "3600, 60 min"})
        void isToldAsPeopleSayIt(long seconds, String words) {
            assertThat(Waits.words(Duration.ofSeconds(seconds))).isEqualTo(words);
        }
    }

    @Nested
    class AName {

        private final Rechecks rechecks = new Rechecks(Optional.of(DAY));

        @ParameterizedTest
        @ValueSource(strings = {SHOP, "a.example", "b.example", "www.example.net"})
        void isAskedForOnceInEachPeriodAtAMomentOfItsOwn(String name) {
            Instant first = rechecks.after(name, NOW).orElseThrow();

            assertThat(first).isAfter(NOW).isBeforeOrEqualTo(NOW.plus(DAY));
            assertThat(rechecks.after(name, first.minusMillis(1))).contains(first);
            assertThat(rechecks.after(name, first)).contains(first.plus(DAY));
            assertThat(rechecks.after(name, first.plusMillis(1))).contains(first.plus(DAY));
        }

        @Test
        void isAskedForAtAnotherMomentThanItsNeighbours() {
            assertThat(rechecks.after("a.example", NOW)).isNotEqualTo(rechecks.after("b.example", NOW));
        }

        @Test
        void isNotAskedForWhereNoPeriodIsGiven() {
            Rechecks none = new Rechecks(Optional.empty());

            assertThat(none.after(SHOP, NOW)).isEmpty();
            assertThat(none.isDue(lasting(Duration.ofDays(90)), NOW.plus(DAY.multipliedBy(10))))
                    .isFalse();
        }

        @Test
        void isDueFromItsMomentOn() {
            Instant moment = rechecks.after(SHOP, NOW).orElseThrow();
            StoredCertificate record = lasting(Duration.ofDays(90)).withDue(moment);

            assertThat(rechecks.isDue(record, moment.minusMillis(1))).isFalse();
            assertThat(rechecks.isDue(record, moment)).isTrue();
            assertThat(rechecks.isDue(
                            record.withDue(moment.plusMillis(1)),
                            moment.plus(DAY).minusMillis(1)))
                    .isFalse();
            assertThat(rechecks.isDue(record.withDue(moment.plusMillis(1)), moment.plus(DAY)))
                    .isTrue();
        }
    }
}
