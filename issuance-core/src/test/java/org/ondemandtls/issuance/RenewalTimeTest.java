package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link RenewalTime}: early enough for every lifetime, in the CA's window where there is one, never on the hour. */
class RenewalTimeTest {

    private static final Instant FROM = Instant.parse("2026-11-24T08:30:00Z");

    private static KeyedCertificate valid(Duration lifetime) {
        return TestLeaves.valid(TestCertificates.key().getPublic(), FROM, FROM.plus(lifetime), "a.example.com");
    }

    @ParameterizedTest
    @CsvSource({
        // lifetime, earliest and latest part of it
        "PT120S, 0.449, 0.501",
        "PT144H, 0.445, 0.51",
        "PT239H, 0.446, 0.51",
        "PT240H, 0.614, 0.675",
        "PT1080H, 0.616, 0.668",
        "PT1536H, 0.616, 0.668",
        "PT2160H, 0.616, 0.668",
        "PT4800H, 0.616, 0.668"
    })
    void followsTheLifetime(Duration lifetime, double earliest, double latest) {
        KeyedCertificate certificate = valid(lifetime);
        Random random = new Random(7);
        for (int i = 0; i < 200; i++) {
            Duration used = Duration.between(FROM, RenewalTime.byLifetime(certificate, random::nextDouble));

            assertThat((double) used.toMillis() / lifetime.toMillis()).isBetween(earliest, latest);
        }
    }

    @Test
    void isSpreadAndKeepsOffTheFullHour() {
        KeyedCertificate certificate = valid(Duration.ofDays(90));
        Random random = new Random(7);

        assertThat(random.doubles(500)
                        .mapToObj(r -> RenewalTime.byLifetime(certificate, random::nextDouble)
                                .atZone(ZoneOffset.UTC))
                        .toList())
                .allSatisfy(at -> assertThat(at.getMinute()).isBetween(5, 54))
                .extracting(at -> at.toLocalDate())
                .satisfies(days -> assertThat(days.stream().distinct()).hasSizeGreaterThan(3));
    }

    @Nested
    class TheCasWindow {

        private final KeyedCertificate certificate = valid(Duration.ofDays(90));
        private final Instant start = FROM.plus(Duration.ofDays(40));
        private final Instant end = FROM.plus(Duration.ofDays(42));
        private final RenewalWindow window = new RenewalWindow(start, end, Optional.empty());

        @Test
        void givesAMomentInIt() {
            Random random = new Random(7);
            for (int i = 0; i < 200; i++) {
                assertThat(RenewalTime.inWindow(certificate, window, Optional.empty(), FROM, random::nextDouble))
                        .isBetween(start, end);
            }
        }

        @Test
        void keepsTheMomentWhileItStays() {
            Instant before = start.plus(Duration.ofHours(7));

            assertThat(RenewalTime.inWindow(certificate, window, Optional.of(before), FROM, () -> 0.9))
                    .isEqualTo(before);
        }

        @Test
        void givesAnotherMomentWhereItMoved() {
            assertThat(RenewalTime.inWindow(certificate, window, Optional.of(end.plusSeconds(1)), FROM, () -> 0.5))
                    .isBetween(start, end);
        }

        @Test
        void inThePastMeansNow() {
            assertThat(RenewalTime.inWindow(certificate, window, Optional.empty(), end, () -> 0.5))
                    .isEqualTo(end);
            assertThat(RenewalTime.inWindow(
                            certificate, window, Optional.empty(), end.plus(Duration.ofDays(1)), () -> 0.5))
                    .isEqualTo(end.plus(Duration.ofDays(1)));
        }

        @ParameterizedTest
        @ValueSource(ints = {40, 84, 86, 89})
        void isNotFollowedIntoTheLastTwentiethOfTheCertificatesLife(int startDay) {
            Instant last = FROM.plus(Duration.ofHours(24 * 85 + 12));
            Instant lateStart = FROM.plus(Duration.ofDays(startDay));
            for (int endDay : new int[] {90, 200}) {
                RenewalWindow late = new RenewalWindow(lateStart, FROM.plus(Duration.ofDays(endDay)), Optional.empty());
                Instant earliest = lateStart.isBefore(last) ? lateStart : last;
                for (double random : new double[] {0.0, 0.5, 0.999, 1.0}) {
                    assertThat(RenewalTime.inWindow(certificate, late, Optional.empty(), FROM, () -> random))
                            .isBetween(earliest, last);
                }
            }
        }

        @Test
        void thatLeadsIntoTheLastTwentiethKeepsItsMomentBeforeItAndMeansNowWithinIt() {
            RenewalWindow late =
                    new RenewalWindow(FROM.plus(Duration.ofDays(86)), FROM.plus(Duration.ofDays(90)), Optional.empty());
            Instant chosen = RenewalTime.inWindow(certificate, late, Optional.empty(), FROM, () -> 0.5);

            assertThat(RenewalTime.inWindow(certificate, late, Optional.of(chosen), FROM, () -> 0.9))
                    .isEqualTo(chosen);
            Instant within = chosen.plusSeconds(1);
            assertThat(RenewalTime.inWindow(certificate, late, Optional.of(chosen), within, () -> 0.9))
                    .isEqualTo(within);
        }
    }

    @Test
    void theFirstAdviceIsAskedForWithinATwentiethOfALifeAndSixHours() {
        KeyedCertificate life = valid(Duration.ofDays(90));
        KeyedCertificate moments = valid(Duration.ofSeconds(120));

        assertThat(RenewalTime.firstAdvice(life, FROM, () -> 1.0)).isEqualTo(FROM.plus(Duration.ofHours(6)));
        assertThat(RenewalTime.firstAdvice(moments, FROM, () -> 1.0)).isEqualTo(FROM.plusSeconds(6));
        assertThat(RenewalTime.firstAdvice(life, FROM, () -> 0.0)).isEqualTo(FROM);
    }

    @ParameterizedTest
    @CsvSource({
        // the minute chosen first, and the one that is kept to
        "0, 30",
        "4, 30",
        "5, 5",
        "30, 30",
        "54, 54",
        "55, 30",
        "59, 30"
    })
    void keepsToFiveMinutesFromTheFullHourAndTheFirstOfThemIncluded(int minute, int kept) {
        Instant from = Instant.parse("2026-11-24T08:00:00Z").plus(Duration.ofMinutes(minute));
        KeyedCertificate certificate = TestLeaves.valid(
                TestCertificates.key().getPublic(), from, from.plus(Duration.ofDays(90)), "a.example.com");
        Iterator<Double> random = List.of(0.0, 0.5).iterator();

        Instant at = RenewalTime.byLifetime(certificate, random::next);

        assertThat(at.atZone(ZoneOffset.UTC).getMinute()).isEqualTo(kept);
        assertThat(at.truncatedTo(ChronoUnit.HOURS)).isEqualTo(Instant.parse("2027-01-23T08:00:00Z"));
    }

    @Test
    void keepsOffTheFullHourFromALifeOfADayOn() {
        Instant from = Instant.parse("2026-11-24T08:00:00Z");
        for (Duration life : List.of(Duration.ofDays(1), Duration.ofDays(1).minusHours(2))) {
            KeyedCertificate certificate =
                    TestLeaves.valid(TestCertificates.key().getPublic(), from, from.plus(life), "a.example.com");

            assertThat(RenewalTime.byLifetime(certificate, () -> 0.0)
                            .atZone(ZoneOffset.UTC)
                            .getMinute())
                    .as("a life of %s", life)
                    .isEqualTo(life.toHours() == 24 ? 5 : 0);
        }
    }

    @Test
    void aMomentAtAnEndOfTheCasWindowIsKept() {
        KeyedCertificate certificate = valid(Duration.ofDays(90));
        Instant start = FROM.plus(Duration.ofDays(40));
        Instant end = FROM.plus(Duration.ofDays(42));
        RenewalWindow window = new RenewalWindow(start, end, Optional.empty());

        for (Instant before : List.of(start, end)) {
            assertThat(RenewalTime.inWindow(certificate, window, Optional.of(before), FROM, () -> 0.5))
                    .isEqualTo(before);
        }
        assertThat(RenewalTime.inWindow(certificate, window, Optional.of(start.minusMillis(1)), FROM, () -> 0.5))
                .isEqualTo(FROM.plus(Duration.ofDays(41)));
    }

    @Test
    void leavesTheFullHourOnlyForAnotherMomentInTheCasWindow() {
        KeyedCertificate certificate = valid(Duration.ofDays(90));
        Instant hour = Instant.parse("2027-01-10T08:00:00Z");
        RenewalWindow wide = new RenewalWindow(hour.minusSeconds(3600), hour.plusSeconds(3600), Optional.empty());
        RenewalWindow late = new RenewalWindow(hour.minusSeconds(120), hour.plusSeconds(240), Optional.empty());
        RenewalWindow early = new RenewalWindow(hour.plusSeconds(60), hour.plusSeconds(240), Optional.empty());

        assertThat(RenewalTime.inWindow(certificate, wide, Optional.empty(), FROM, () -> 0.5))
                .isEqualTo(hour.plusSeconds(1800));
        assertThat(RenewalTime.inWindow(certificate, late, Optional.empty(), FROM, () -> 0.0))
                .as("five past seven is before it begins")
                .isEqualTo(late.start());
        assertThat(RenewalTime.inWindow(certificate, early, Optional.empty(), FROM, () -> 0.5))
                .as("half past eight is behind its end")
                .isEqualTo(hour.plusSeconds(150));
    }
}
