package org.ondemandtls.testing;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.ondemandtls.machine.Time;

/** A clock, a monotonic source and a scheduler that stand still until a test moves them on. */
public final class ManualTime {

    private final PriorityQueue<Task<?>> tasks =
            new PriorityQueue<>(Comparator.<Task<?>>comparingLong(t -> t.at).thenComparingLong(t -> t.number));
    private Instant now = Instant.parse("2026-11-23T20:00:00Z");
    private long nanos = 1_000_000L;
    private Duration asleep = Duration.ZERO;
    // Long enough for its clock to have been set.
    private Duration upBefore = Duration.ofDays(1);
    private long numbers;

    /** The wall clock. */
    public Clock clock() {
        return new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now;
            }
        };
    }

    /** The wall clock of this with the machine's own monotonic time, for what works on threads of its own. */
    public Time machine() {
        return Time.ofMachine().with(clock());
    }

    /** The monotonic source. */
    public long nanoTime() {
        return nanos;
    }

    /** Moves both clocks on and runs, in order and on this thread, what falls due on the way. */
    public void advance(Duration by) {
        long until = nanos + by.toNanos();
        while (!tasks.isEmpty() && tasks.peek().at <= until) {
            Task<?> task = tasks.remove();
            move(task.at - nanos);
            task.run();
        }
        move(until - nanos);
    }

    /** Sets the wall clock forward, or back, and leaves monotonic time alone. */
    public void jump(Duration by) {
        now = now.plus(by);
    }

    /** Has the machine sleep: the wall clock goes on, monotonic time stands still. */
    public void sleep(Duration by) {
        now = now.plus(by);
        asleep = asleep.plus(by);
    }

    /** Has the machine start now: it has been up for no time at all. */
    public void boot() {
        upBefore = Duration.ofNanos(nanos).plus(asleep).negated();
    }

    /** How long the machine has been up, sleep included. */
    public Duration upSinceBoot() {
        return Duration.ofNanos(nanos).plus(asleep).plus(upBefore);
    }

    /** How many tasks are scheduled. */
    public int scheduled() {
        return tasks.size();
    }

    /** A scheduler over this time; its own threads never run. */
    public ScheduledThreadPoolExecutor scheduler() {
        return new ScheduledThreadPoolExecutor(1) {
            @Override
            public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
                return add(new Task<>(command, null, nanos + unit.toNanos(delay), 0));
            }

            @Override
            public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
                return add(new Task<>(callable, nanos + unit.toNanos(delay)));
            }

            @Override
            public ScheduledFuture<?> scheduleWithFixedDelay(
                    Runnable command, long initialDelay, long delay, TimeUnit unit) {
                return add(new Task<>(command, null, nanos + unit.toNanos(initialDelay), unit.toNanos(delay)));
            }
        };
    }

    private void move(long byNanos) {
        nanos += byNanos;
        now = now.plusNanos(byNanos);
    }

    private <V> Task<V> add(Task<V> task) {
        tasks.add(task);
        return task;
    }

    private final class Task<V> extends FutureTask<V> implements ScheduledFuture<V> {

        private final long period;
        private final long number = numbers++;
        private long at;

        Task(Runnable command, V result, long at, long period) {
            super(command, result);
            this.at = at;
            this.period = period;
        }

        Task(Callable<V> callable, long at) {
            super(callable);
            this.at = at;
            this.period = 0;
        }

        @Override
        public void run() {
            if (period == 0) {
                super.run();
            } else if (runAndReset()) {
                at += period;
                tasks.add(this);
            }
        }

        @Override
        public boolean cancel(boolean mayInterrupt) {
            tasks.remove(this);
            return super.cancel(mayInterrupt);
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(at - nanos, TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }

    /** An executor whose tasks wait until the test runs them, one after another, on its own thread. */
    public static final class Tasks implements java.util.concurrent.Executor {

        private final List<Runnable> waiting = new ArrayList<>();

        @Override
        public void execute(Runnable task) {
            waiting.add(task);
        }

        /** Runs everything that waits, and what that adds, until nothing is left. */
        public void runAll() {
            while (!waiting.isEmpty()) {
                waiting.remove(0).run();
            }
        }

        /** How many wait. */
        public int size() {
            return waiting.size();
        }
    }
}
