package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link ClockWatch}: a jump of the wall clock is noticed against monotonic time, in both directions. */
class ClockWatchTest {

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();
    private final ClockWatch watch = new ClockWatch(time.clock(), time::nanoTime, recorded.events());

    @Test
    void aClockThatGoesOnIsTrusted() {
        for (int day = 0; day < 100; day++) {
            time.advance(Duration.ofDays(1));
            assertThat(watch.isTrusted()).isTrue();
        }
        assertThat(watch.generation()).isZero();
        assertThat(recorded.lines(EventKind.CLOCK)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"P90D", "P-365D", "PT121S", "PT-121S"})
    void oneThatJumpsIsNotUntilItIsBack(Duration jump) {
        time.jump(jump);
        assertThat(watch.isTrusted()).isFalse();
        assertThat(watch.generation()).isEqualTo(1);
        time.advance(Duration.ofHours(3));
        assertThat(watch.isTrusted()).isFalse();

        time.jump(jump.negated());

        assertThat(watch.isTrusted()).isTrue();
        assertThat(watch.generation()).isEqualTo(2);
        assertThat(recorded.lines(EventKind.CLOCK)).hasSize(2);
        assertThat(recorded.lines(EventKind.CLOCK).get(0))
                .contains("jumped by " + jump.toSeconds() + " s")
                .contains("check this machine's time");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT119S", "PT-119S"})
    void aSmallStepIsFollowed(Duration step) {
        for (int i = 0; i < 20; i++) {
            time.jump(step);
            assertThat(watch.isTrusted()).isTrue();
        }
    }

    @Test
    void oneThatStaysWhereItJumpedToIsTakenForRightAfterADay() {
        time.jump(Duration.ofDays(90));
        assertThat(watch.isTrusted()).isFalse();
        time.advance(Duration.ofHours(24).minusNanos(1));
        assertThat(watch.isTrusted()).isFalse();

        time.advance(Duration.ofNanos(1));

        assertThat(watch.isTrusted()).isTrue();
        assertThat(watch.generation()).isEqualTo(2);
    }

    private Optional<Instant> now() {
        return Optional.of(time.clock().instant());
    }

    @Test
    void oneThatAgreesWithACaIsTrustedAtOnce() {
        time.jump(Duration.ofDays(90));
        assertThat(watch.isTrusted()).isFalse();

        watch.compare(() -> now().map(there -> there.plus(ClockWatch.TOLERANCE)));

        assertThat(watch.isTrusted()).isTrue();
        assertThat(watch.generation()).isEqualTo(2);
        assertThat(recorded.lines(EventKind.CLOCK)).last().asString().contains("the CA has the same time");
        time.advance(Duration.ofHours(30));
        assertThat(watch.isTrusted()).isTrue();
    }

    @Test
    void oneThatDoesNotAgreeWithACaIsWaitedForAsBefore() {
        time.jump(Duration.ofDays(90));

        watch.compare(() -> now().map(there -> there.minus(Duration.ofDays(90))));
        watch.compare(() -> now().map(there -> there.minus(ClockWatch.TOLERANCE).minusMillis(1)));
        watch.compare(Optional::empty);

        assertThat(watch.isTrusted()).isFalse();
        time.advance(Duration.ofHours(24));
        assertThat(watch.isTrusted()).isTrue();
    }

    @Test
    void aCaWithAnotherTimeDoesNotShakeAClockThatDidNotJump() {
        watch.compare(() -> {
            throw new AssertionError("nobody needs to know");
        });

        assertThat(watch.isTrusted()).isTrue();
    }

    @Test
    void aMachineThatIsOffAtNightAndHasItsClockSetLateRenewsByDay() {
        int trusted = 0;
        for (int day = 0; day < 90; day++) {
            ClockWatch started = startedWithTheMachine();
            time.advance(Duration.ofMinutes(40));
            assertThat(started.isTrusted()).isTrue();
            time.jump(Duration.ofHours(10));
            assertThat(started.isTrusted()).isFalse();
            started.compare(this::now);
            for (int hour = 0; hour < 13; hour++) {
                trusted += started.isTrusted() ? 1 : 0;
                time.advance(Duration.ofHours(1));
            }
        }

        assertThat(trusted).isEqualTo(90 * 13);
    }

    @Test
    void anotherJumpBeginsTheDayAnew() {
        time.jump(Duration.ofDays(90));
        assertThat(watch.isTrusted()).isFalse();
        time.advance(Duration.ofHours(23));
        time.jump(Duration.ofDays(10));
        assertThat(watch.isTrusted()).isFalse();
        time.advance(Duration.ofHours(23));

        assertThat(watch.isTrusted()).isFalse();
    }

    @Test
    void aMachineThatSleepsEveryNightKeepsItsTrustWhereTheKernelSaysSo() {
        ClockWatch told =
                new ClockWatch(time.clock(), time::nanoTime, () -> Optional.of(time.upSinceBoot()), recorded.events());
        for (int day = 0; day < 90; day++) {
            time.advance(Duration.ofHours(14));
            assertThat(told.isTrusted()).isTrue();
            time.sleep(Duration.ofHours(10));
            assertThat(told.isTrusted()).isTrue();
        }
        assertThat(told.generation()).isZero();
        assertThat(recorded.lines(EventKind.CLOCK)).isEmpty();
    }

    @Test
    void whatTheKernelDoesNotExplainIsAJump() {
        ClockWatch told =
                new ClockWatch(time.clock(), time::nanoTime, () -> Optional.of(time.upSinceBoot()), recorded.events());
        time.sleep(Duration.ofHours(10));
        time.jump(Duration.ofHours(1));

        assertThat(told.isTrusted()).isFalse();

        time.jump(Duration.ofHours(-1));
        assertThat(told.isTrusted()).isTrue();
    }

    private ClockWatch startedWithTheMachine() {
        time.boot();
        return new ClockWatch(time.clock(), time::nanoTime, () -> Optional.of(time.upSinceBoot()), recorded.events());
    }

    @Test
    void whatWasNotedBeforeTheClockWasSetIsMovedWithIt() {
        Instant evening = time.clock().instant().minus(Duration.ofHours(2));
        ClockWatch started = startedWithTheMachine();
        Instant first = time.clock().instant();
        time.advance(Duration.ofMinutes(1));
        time.jump(Duration.ofHours(10));
        assertThat(started.isTrusted()).isTrue();
        Instant second = time.clock().instant();
        time.advance(Duration.ofMinutes(1));
        time.jump(Duration.ofDays(3));

        assertThat(started.corrected(first))
                .isEqualTo(first.plus(Duration.ofDays(3)).plus(Duration.ofHours(10)));
        assertThat(started.corrected(second)).isEqualTo(second.plus(Duration.ofDays(3)));
        assertThat(started.corrected(evening)).as("noted by an earlier process").isEqualTo(evening);
        Instant right = time.clock().instant();
        time.advance(Duration.ofDays(5));
        assertThat(started.corrected(right)).isEqualTo(right);
    }

    @Test
    void whatAnEarlierProcessNotedSinceTheMachineStartedIsMovedToo() {
        Instant noted = time.clock().instant();
        time.advance(Duration.ofMinutes(5));
        ClockWatch second = new ClockWatch(
                time.clock(), time::nanoTime, () -> Optional.of(Duration.ofMinutes(6)), new RecordedEvents().events());
        time.jump(Duration.ofDays(3));

        assertThat(second.corrected(noted)).isEqualTo(noted.plus(Duration.ofDays(3)));
    }

    @Test
    void aMachineWhoseClockIsSetAfterEachStartIsTrustedAllDay() {
        int trusted = 0;
        for (int day = 0; day < 90; day++) {
            ClockWatch started = startedWithTheMachine();
            time.advance(Duration.ofMinutes(1));
            assertThat(started.isTrusted()).isTrue();
            time.jump(Duration.ofHours(10));
            for (int hour = 0; hour < 14; hour++) {
                trusted += started.isTrusted() ? 1 : 0;
                time.advance(Duration.ofHours(1));
            }
            assertThat(started.generation()).isEqualTo(1);
        }

        assertThat(trusted).isEqualTo(90 * 14);
        assertThat(recorded.lines(EventKind.CLOCK))
                .hasSize(90)
                .allMatch(line -> line.contains("the clock was set by 36000 s while the machine was starting"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"P-90D", "PT-2H", "P400D"})
    void whatItIsSetByIsNoJumpInEitherDirection(Duration set) {
        ClockWatch started = startedWithTheMachine();
        time.advance(ClockWatch.BEING_SET.minusNanos(1));
        time.jump(set);
        assertThat(started.isTrusted()).isTrue();

        time.advance(Duration.ofNanos(1));
        time.jump(set);

        assertThat(started.isTrusted()).isFalse();
    }

    @Test
    void aMachineWhoseKernelDoesNotTellIsWaitedForOnceAndNotEachMorning() {
        int trusted = 0;
        for (int day = 0; day < 90; day++) {
            for (int hour = 0; hour < 14; hour++) {
                time.advance(Duration.ofHours(1));
                trusted += watch.isTrusted() ? 1 : 0;
            }
            time.jump(Duration.ofHours(10));
        }

        assertThat(trusted).isGreaterThan(86 * 14);
        assertThat(recorded.lines(EventKind.CLOCK)).hasSize(2);
    }

    @Test
    void aGuestThatItsHypervisorPausesEveryNightIsWaitedForOnceThoughItsKernelTellsAnUptime() {
        ClockWatch paused = new ClockWatch(
                time.clock(), time::nanoTime, () -> Optional.of(Duration.ofNanos(time.nanoTime())), recorded.events());
        int trusted = 0;
        for (int day = 0; day < 90; day++) {
            for (int hour = 0; hour < 14; hour++) {
                time.advance(Duration.ofHours(1));
                trusted += paused.isTrusted() ? 1 : 0;
            }
            time.jump(Duration.ofHours(10));
        }

        assertThat(trusted).isGreaterThan(86 * 14);
        assertThat(recorded.lines(EventKind.CLOCK)).hasSize(2);
    }
}
