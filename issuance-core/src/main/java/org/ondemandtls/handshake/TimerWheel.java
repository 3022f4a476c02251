package org.ondemandtls.handshake;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Timers for things that are nearly always over in time: setting one and taking it back are a few memory accesses, and
 * nothing of it is left. In exchange a timer runs up to {@link #TICK} late.
 *
 * <p>A wheel: each timer hangs in the slot of the tick at which it is due, and one task of the scheduler looks at one slot
 * after another while there is any timer.
 *
 * <p><b>Threads.</b> Safe for many. Timers run on the scheduler's thread, outside of all locks.
 *
 * <p><b>Cost.</b> About 60 octets for a timer that is set, none for one that was taken back. Each slot has a lock of its
 * own, which is held for the linking of one timer.
 */
public final class TimerWheel {

    /** How coarse it is: a timer never runs early, and about this much late at most. */
    public static final Duration TICK = Duration.ofMillis(100);

    // A turn takes 25.6 s: what is due later stays in its slot for another turn.
    private static final int SLOTS = 256;

    private final ScheduledExecutorService scheduler;
    private final LongSupplier nanoTime;
    private final long origin;
    private final Slot[] slots = new Slot[SLOTS];
    private final AtomicInteger set = new AtomicInteger();
    private final AtomicBoolean turning = new AtomicBoolean();

    // Used by the scheduler's thread only, one look after another.
    private long looked;

    /**
     * Makes a wheel that stands still until a timer is set.
     *
     * @param scheduler turns it
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public TimerWheel(ScheduledExecutorService scheduler, LongSupplier nanoTime) {
        this.scheduler = scheduler;
        this.nanoTime = nanoTime;
        this.origin = nanoTime.getAsLong();
        for (int slot = 0; slot < SLOTS; slot++) {
            slots[slot] = new Slot();
        }
    }

    /**
     * Runs a short task later.
     *
     * @param task does not block; what it throws goes to the uncaught exception handler of the scheduler's thread
     * @param delay how long from now
     * @return takes the task back; may be run at any time and more than once
     */
    public Runnable set(Runnable task, Duration delay) {
        // The tick after the one in which it falls due, so that it is never early.
        Timer timer = new Timer(task, tick(nanoTime.getAsLong() + delay.toNanos()) + 1);
        set.incrementAndGet();
        timer.slot.add(timer);
        turn();
        return timer;
    }

    /** How many timers are set now. */
    public int size() {
        return set.get();
    }

    private long tick(long nanos) {
        return (nanos - origin) / TICK.toNanos();
    }

    private void turn() {
        if (!turning.get() && turning.compareAndSet(false, true)) {
            try {
                scheduler.schedule(this::look, TICK.toNanos(), TimeUnit.NANOSECONDS);
            } catch (RuntimeException | Error notRun) {
                // The engine ends, or no thread can be started: the next timer that is set tries again.
                turning.set(false);
            }
        }
    }

    private void look() {
        long now = tick(nanoTime.getAsLong());
        // After a pause of more than a turn every slot is looked at once.
        long from = Math.max(looked + 1, now - SLOTS + 1);
        looked = now;
        List<Timer> due = new ArrayList<>();
        for (long tick = from; tick <= now; tick++) {
            slots[(int) (tick % SLOTS)].take(now, due);
        }
        set.addAndGet(-due.size());
        turning.set(false);
        if (set.get() > 0) {
            turn();
        }
        due.forEach(timer -> run(timer.task));
    }

    // One that throws is a defect of its own and no reason to keep the others from their turn.
    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            Thread current = Thread.currentThread();
            current.getUncaughtExceptionHandler().uncaughtException(current, e);
        }
    }

    private final class Timer implements Runnable {

        private final Runnable task;
        private final long due;
        private final Slot slot;

        // Guarded by the slot's lock; null where it is not in the list.
        private @Nullable Timer before;
        private @Nullable Timer after;

        Timer(Runnable task, long due) {
            this.task = task;
            this.due = due;
            this.slot = slots[(int) (due % SLOTS)];
        }

        @Override
        public void run() {
            if (slot.remove(this)) {
                set.decrementAndGet();
            }
        }
    }

    /** The timers of one tick, and of the same tick of later turns. */
    private static final class Slot {

        private final ReentrantLock lock = new ReentrantLock();
        private @Nullable Timer first;

        void add(Timer timer) {
            lock.lock();
            try {
                timer.after = first;
                if (first != null) {
                    first.before = timer;
                }
                first = timer;
            } finally {
                lock.unlock();
            }
        }

        boolean remove(Timer timer) {
            lock.lock();
            try {
                boolean there = timer.before != null || timer.equals(first);
                if (there) {
                    unlink(timer);
                }
                return there;
            } finally {
                lock.unlock();
            }
        }

        void take(long now, List<Timer> due) {
            lock.lock();
            try {
                Timer next = first;
                while (next != null) {
                    Timer timer = next;
                    next = timer.after;
                    if (timer.due <= now) {
                        unlink(timer);
                        due.add(timer);
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private void unlink(Timer timer) {
            Timer earlier = timer.before;
            Timer later = timer.after;
            if (earlier == null) {
                first = later;
            } else {
                earlier.after = later;
            }
            if (later != null) {
                later.before = earlier;
            }
            timer.before = null;
            timer.after = null;
        }
    }
}
