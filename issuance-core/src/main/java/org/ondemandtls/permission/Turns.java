package org.ondemandtls.permission;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ClientBlock;

/**
 * Whose turn it is: so many at once, begun at a rate, and a bounded number more that wait, shared fairly between client
 * blocks. Safe for use by many threads; nothing runs under its lock.
 *
 * @param <T> what has its turn
 */
final class Turns<T> {

    private final int concurrency;
    private final Optional<Allowance> rate;
    private final ScheduledExecutorService scheduler;
    private final Consumer<T> begin;
    private final FairQueue<T> queue;
    private final ReentrantLock lock = new ReentrantLock();

    private int running;
    private boolean wakeScheduled;

    /**
     * Makes an empty one.
     *
     * @param concurrency how many at once
     * @param waiting how many wait at most
     * @param rate how fast they are begun, empty where that does not matter
     * @param scheduler wakes those who wait for nothing but the rate
     * @param begin begins a turn; must not throw, and {@link #end} follows once
     */
    Turns(
            int concurrency,
            int waiting,
            Optional<Allowance> rate,
            ScheduledExecutorService scheduler,
            Consumer<T> begin) {
        this.concurrency = concurrency;
        this.queue = new FairQueue<>(waiting);
        this.rate = rate;
        this.scheduler = scheduler;
        this.begin = begin;
    }

    /**
     * Gives a task its turn, now or later.
     *
     * @return what has no place: null if there was room, the task itself, or another block's newest one
     */
    @Nullable
    T offer(ClientBlock client, T task) {
        T displaced = null;
        boolean now = false;
        lock.lock();
        try {
            if (running < concurrency && queue.size() == 0 && mayBegin()) {
                running++;
                now = true;
            } else {
                displaced = queue.offer(client, task);
                scheduleWake();
            }
        } finally {
            lock.unlock();
        }
        if (now) {
            begin.accept(task);
        }
        return displaced;
    }

    /** Ends a turn, and begins the next one's. */
    void end() {
        T next;
        lock.lock();
        try {
            running--;
            next = next();
            scheduleWake();
        } finally {
            lock.unlock();
        }
        if (next != null) {
            begin.accept(next);
        }
    }

    /** How many wait. */
    int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /** Takes out all that wait. */
    List<T> drain() {
        List<T> left = new ArrayList<>();
        lock.lock();
        try {
            for (T next = queue.poll(); next != null; next = queue.poll()) {
                left.add(next);
            }
        } finally {
            lock.unlock();
        }
        return left;
    }

    private boolean mayBegin() {
        return rate.isEmpty() || rate.get().tryTake();
    }

    // Takes from the queue what may begin now; the caller begins it. Guarded by the lock.
    private @Nullable T next() {
        if (running >= concurrency || queue.size() == 0 || !mayBegin()) {
            return null;
        }
        running++;
        return queue.poll();
    }

    // Where they wait for nothing but their rate, nobody's end makes room for them. Guarded by the lock.
    private void scheduleWake() {
        if (wakeScheduled || running >= concurrency || queue.size() == 0 || rate.isEmpty()) {
            return;
        }
        try {
            scheduler.schedule(this::wake, rate.get().nanosUntilNext(), TimeUnit.NANOSECONDS);
            wakeScheduled = true;
        } catch (RuntimeException | OutOfMemoryError notNow) {
            // The next one that comes or ends tries again.
            wakeScheduled = false;
        }
    }

    private void wake() {
        List<T> turns = new ArrayList<>();
        lock.lock();
        try {
            wakeScheduled = false;
            for (T next = next(); next != null; next = next()) {
                turns.add(next);
            }
            scheduleWake();
        } finally {
            lock.unlock();
        }
        turns.forEach(begin);
    }
}
