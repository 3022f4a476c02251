package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.ManualTime;

/** {@link TimerWheel}: never early, hardly late, and nothing is left of what was taken back. */
class TimerWheelTest {

    private static final Duration DELAY = Duration.ofSeconds(10);

    private final ManualTime time = new ManualTime();
    private long stoodStill;
    private final TimerWheel wheel = new TimerWheel(time.scheduler(), () -> time.nanoTime() + stoodStill);
    private final List<String> ran = new ArrayList<>();

    private Runnable set(String what, Duration delay) {
        return wheel.set(() -> ran.add(what), delay);
    }

    @Test
    void aTimerIsNeverEarlyAndTwoTicksLateAtMost() {
        set("one", DELAY);

        time.advance(DELAY.minusNanos(1));
        assertThat(ran).isEmpty();

        time.advance(TimerWheel.TICK.multipliedBy(2).plusNanos(1));
        assertThat(ran).containsExactly("one");
        assertThat(wheel.size()).isZero();
    }

    @Test
    void aClockMayBeginAnywhere() {
        for (long origin : new long[] {Long.MIN_VALUE, -5_000_000_000L, 5_000_000_000L, Long.MAX_VALUE - 1_000}) {
            TimerWheel anywhere = new TimerWheel(time.scheduler(), () -> origin + time.nanoTime());
            ran.clear();
            anywhere.set(() -> ran.add("one"), DELAY);

            time.advance(DELAY.minusNanos(1));
            assertThat(ran).isEmpty();
            time.advance(TimerWheel.TICK.multipliedBy(2).plusNanos(1));
            assertThat(ran).containsExactly("one");
        }
    }

    @Test
    void ofManyInOneTickAnyMayBeTakenBack() {
        List<Runnable> timers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            timers.add(set("t" + i, DELAY));
        }

        timers.get(4).run();
        timers.get(2).run();
        timers.get(0).run();

        assertThat(wheel.size()).isEqualTo(2);
        time.advance(DELAY.plusSeconds(1));
        assertThat(ran).containsExactlyInAnyOrder("t1", "t3");
    }

    @Test
    void goesOnTurningWhereAThreadCouldNotBeStartedOnce() {
        AtomicReference<Error> thrown = new AtomicReference<>(new OutOfMemoryError("unable to create native thread"));
        ScheduledExecutorService scheduler = time.scheduler();
        TimerWheel stalled = new TimerWheel(
                new ScheduledThreadPoolExecutor(1) {
                    @Override
                    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
                        if (thrown.get() != null) {
                            throw thrown.get();
                        }
                        return scheduler.schedule(command, delay, unit);
                    }
                },
                time::nanoTime);
        stalled.set(() -> ran.add("one"), DELAY);
        thrown.set(null);

        stalled.set(() -> ran.add("other"), DELAY);
        time.advance(DELAY.multipliedBy(2));

        assertThat(ran).containsExactlyInAnyOrder("one", "other");
    }

    @Test
    void aTimerThatWasTakenBackDoesNotRunAndIsGoneAtOnce() {
        Runnable first = set("first", DELAY);
        Runnable second = set("second", DELAY);
        Runnable third = set("third", DELAY);

        second.run();
        second.run();
        assertThat(wheel.size()).isEqualTo(2);
        first.run();
        third.run();

        assertThat(wheel.size()).isZero();
        time.advance(DELAY.multipliedBy(2));
        assertThat(ran).isEmpty();
    }

    @Test
    void takingOneBackThatHasRunChangesNothing() {
        Runnable ranBefore = set("early", Duration.ZERO);
        set("late", DELAY);
        time.advance(Duration.ofSeconds(1));

        ranBefore.run();

        assertThat(wheel.size()).isEqualTo(1);
        time.advance(DELAY);
        assertThat(ran).containsExactly("early", "late");
    }

    @Test
    void whatIsDueInALaterTurnStaysForIt() {
        set("later", Duration.ofMinutes(2));
        set("now", Duration.ofMinutes(2).minus(TimerWheel.TICK.multipliedBy(1024)));

        time.advance(Duration.ofSeconds(100));
        assertThat(ran).containsExactly("now");
        time.advance(Duration.ofSeconds(21));
        assertThat(ran).containsExactly("now", "later");
    }

    @Test
    void oneThatThrowsKeepsNoOtherOfItsTickFromRunning() {
        List<Throwable> thrown = new ArrayList<>();
        Thread current = Thread.currentThread();
        Thread.UncaughtExceptionHandler before = current.getUncaughtExceptionHandler();
        current.setUncaughtExceptionHandler((thread, failure) -> thrown.add(failure));
        try {
            set("first", DELAY);
            wheel.set(
                    () -> {
                        throw new IllegalStateException("a defect");
                    },
                    DELAY);
            set("last", DELAY);

            time.advance(DELAY.plusSeconds(1));

            assertThat(ran).containsExactlyInAnyOrder("first", "last");
            assertThat(thrown).singleElement().isInstanceOf(IllegalStateException.class);
        } finally {
            current.setUncaughtExceptionHandler(before);
        }
    }

    @Test
    void itStandsStillWhileThereIsNoTimer() {
        set("one", Duration.ofSeconds(1)).run();
        time.advance(TimerWheel.TICK);

        assertThat(time.scheduled()).isZero();

        set("two", Duration.ofSeconds(1));
        time.advance(Duration.ofSeconds(2));
        assertThat(ran).containsExactly("two");
        assertThat(time.scheduled()).isZero();
    }

    @Test
    void aTaskMaySetTheNextTimer() {
        wheel.set(() -> set("next", Duration.ofSeconds(1)), Duration.ofSeconds(1));

        time.advance(Duration.ofSeconds(3));

        assertThat(ran).containsExactly("next");
    }

    @Test
    void nothingIsMissedWhereTheMachineStoodStillForLong() {
        set("first", Duration.ofSeconds(1));
        set("second", Duration.ofSeconds(30));
        set("third", Duration.ofHours(2));

        stoodStill = Duration.ofHours(1).toNanos();
        time.advance(Duration.ofSeconds(1));

        assertThat(ran).containsExactlyInAnyOrder("first", "second");
        assertThat(wheel.size()).isEqualTo(1);
    }
}
