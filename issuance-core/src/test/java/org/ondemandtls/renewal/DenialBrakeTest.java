package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link DenialBrake}: from how many denials on it holds, for how long, and what releases it. */
class DenialBrakeTest {

    private static final Duration DAY = Duration.ofDays(1);

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();

    @TempDir
    private Path directory;

    private MemoryCertificateStore store;
    private DenialBrake brake;

    @BeforeEach
    void open() throws Exception {
        store = new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock());
        brake = brake(Optional.of(DAY));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private DenialBrake brake(Optional<Duration> recheck) {
        return new DenialBrake(store, recheck, time.clock(), time::nanoTime, recorded.events());
    }

    private static String name(int number) {
        return "name" + number + ".example";
    }

    private void serve(int from, int to) {
        for (int i = from; i < to; i++) {
            brake.served(name(i));
        }
    }

    private void deny(int from, int to) throws Exception {
        for (int i = from; i < to; i++) {
            brake.denied(name(i), now());
        }
    }

    private void grant(int from, int to) throws Exception {
        for (int i = from; i < to; i++) {
            brake.granted(name(i));
        }
    }

    private Instant now() {
        return time.clock().instant();
    }

    @Nested
    class IsPutOn {

        @Test
        void byTheFirstDenialOfMoreThanHalfOfTwentyNames() throws Exception {
            serve(0, DenialBrake.FEWEST);
            deny(0, DenialBrake.FEWEST / 2);
            assertThat(brake.until()).isEmpty();

            deny(DenialBrake.FEWEST / 2, DenialBrake.FEWEST / 2 + 1);

            assertThat(brake.until()).contains(now().plus(DenialBrake.LONGEST));
            assertThat(recorded.lines(EventKind.MASS_DENIAL))
                    .singleElement()
                    .asString()
                    .contains("11 of the last 20");
        }

        @Test
        void byNoNumberOfDenialsOfFewerThanTwenty() throws Exception {
            serve(0, DenialBrake.FEWEST - 1);
            deny(0, DenialBrake.FEWEST - 1);
            assertThat(brake.until()).isEmpty();

            deny(DenialBrake.FEWEST - 1, DenialBrake.FEWEST);

            assertThat(brake.until()).isPresent();
        }

        @Test
        void onceHoweverOftenANameIsDenied() throws Exception {
            serve(0, 40);
            for (int i = 0; i < 100; i++) {
                deny(0, 1);
            }
            assertThat(brake.until()).isEmpty();
            deny(1, 40);
            Instant until = brake.until().orElseThrow();

            time.advance(Duration.ofHours(1));
            deny(0, 40);

            assertThat(brake.until()).contains(until);
            assertThat(recorded.lines(EventKind.MASS_DENIAL)).hasSize(1);
        }

        @Test
        void byDenialsWithinOnePeriodOnly() throws Exception {
            serve(0, 20);
            deny(0, 10);
            time.advance(DAY);
            // As old as a period, and so within it; what is older does not count, whatever it was.
            deny(10, 11);
            assertThat(brake.until()).isPresent();
        }

        @Test
        void notByDenialsOfWhichSomeAreOlderThanAPeriod() throws Exception {
            serve(0, 20);
            deny(0, 10);
            time.advance(DAY.plusNanos(1));

            deny(10, 11);
            deny(20, 28);

            assertThat(brake.until()).isEmpty();
        }

        @Test
        void notByNamesThatHaveBeenDeniedForLong() throws Exception {
            serve(0, 20);
            for (int i = 0; i < 20; i++) {
                brake.denied(name(i), now().minus(DAY));
            }

            assertThat(brake.until()).isEmpty();
            for (int i = 0; i < 20; i++) {
                brake.denied(name(i), now().minus(DAY).plusMillis(1));
            }
            assertThat(brake.until()).isPresent();
        }

        @Test
        void byDenialsOfOneDayWhereOnlyRenewalsAsk() throws Exception {
            brake = brake(Optional.empty());
            serve(0, 20);
            for (int i = 0; i < 20; i++) {
                brake.denied(name(i), now().minus(DAY));
            }
            assertThat(brake.until()).isEmpty();

            deny(0, 20);

            assertThat(brake.until()).isPresent();
        }

        @Test
        void countingWhatIsServedAsItWasAnsweredLast() throws Exception {
            serve(0, 20);
            deny(0, 10);

            // Being served tells nothing new of a name that was denied.
            serve(0, 10);
            deny(10, 11);

            assertThat(brake.until()).isPresent();
        }
    }

    @Nested
    class OnceItIsOn {

        @BeforeEach
        void putOn() throws Exception {
            serve(0, 20);
            deny(0, 20);
            assertThat(brake.until()).isPresent();
        }

        @Test
        void keepsWhatIsDeniedForAWeekAndNoMomentLonger() throws Exception {
            Instant since = now().minus(DAY.multipliedBy(3));
            assertThat(brake.keeps(since)).isTrue();
            time.advance(DenialBrake.LONGEST.minusMillis(1));
            assertThat(brake.keeps(since)).isTrue();

            time.advance(Duration.ofMillis(1));

            assertThat(brake.keeps(since)).isFalse();
            assertThat(brake.until()).isEmpty();
        }

        @Test
        void holdsOnAServerThatSawNothingOfIt() throws Exception {
            assertThat(brake(Optional.of(DAY)).keeps(now().minus(DAY))).isTrue();
        }

        @Test
        void isReleasedOnceMostAreGrantedAgainThoughNotBeforeAPeriodIsOver() throws Exception {
            grant(0, 20);
            assertThat(brake.until()).isPresent();
            time.advance(DAY);

            grant(0, 1);

            assertThat(brake.until()).isEmpty();
            assertThat(recorded.lines(EventKind.MASS_DENIAL)).hasSize(2);
            assertThat(recorded.lines(EventKind.MASS_DENIAL).get(1))
                    .contains("denied names are withdrawn as usual again");
        }

        @Test
        void isNotReleasedWhileMoreThanHalfAreDenied() throws Exception {
            time.advance(DAY);
            deny(0, 20);

            grant(0, 9);
            assertThat(brake.until()).isPresent();

            grant(9, 10);
            assertThat(brake.until()).isEmpty();
        }

        @Test
        void isLiftedByAnOperatorForLongEnoughThatAllCanBeAskedFor() throws Exception {
            assertThat(brake.confirm()).isTrue();
            assertThat(brake.confirm()).isFalse();
            assertThat(brake.until()).isEmpty();

            time.advance(DAY.multipliedBy(2).minusMillis(1));
            deny(20, 60);
            assertThat(brake.until()).isEmpty();
            time.advance(Duration.ofMillis(1));
            deny(60, 61);

            assertThat(brake.until()).isPresent();
        }
    }

    @Nested
    class WhoseRecordCannotBeRead {

        private static final String RECORD = "permission/denials";

        @BeforeEach
        void putOn() throws Exception {
            serve(0, 20);
            deny(0, 11);
        }

        @Test
        void goesOnAsItWasKnownLast() throws Exception {
            Instant until = brake.until().orElseThrow();
            store.unreadable(RECORD, true);

            assertThat(brake.until()).contains(until);
            assertThat(brake.keeps(now().minus(DAY))).isTrue();
            assertThat(brake.confirm()).isTrue();
            assertThat(brake.keeps(now().minus(DAY))).isFalse();
        }

        @Test
        void keepsNoNameFromItsEndAfterARestart() throws Exception {
            store.unreadable(RECORD, true);
            brake = brake(Optional.of(DAY));

            assertThat(brake.until()).isEmpty();
            assertThat(brake.keeps(now().minus(DAY))).isFalse();
            brake.denied(name(1), now());
            brake.granted(name(2));
        }
    }

    @Test
    void nothingIsConfirmedWhereItIsNotOn() throws Exception {
        assertThat(brake.confirm()).isFalse();
        serve(0, 20);
        deny(0, 20);

        assertThat(brake.until()).isPresent();
    }
}
