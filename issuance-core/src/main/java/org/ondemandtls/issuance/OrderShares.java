package org.ondemandtls.issuance;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Shares the threads for orders between first visits and renewals. Each side has a queue of its own and half of the threads.
 * What one side does not use it lends, but for one thread: the other side's next task begins at once, and until it has its
 * half it is given each thread that becomes free.
 *
 * <p>Safe for use by many threads; nothing blocks.
 */
public final class OrderShares {

    /** Who wants orders. */
    public enum Side {
        /** Somebody waits for a first certificate. */
        VISITS,
        /** A certificate that is there is to be succeeded. */
        RENEWALS
    }

    private record Turn(Side side, Runnable task) {}

    private final Executor threads;
    private final int size;
    private final int queued;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Side, Queue<Runnable>> waiting = new EnumMap<>(Side.class);
    private final Map<Side, Integer> running = new EnumMap<>(Side.class);

    /**
     * Makes it.
     *
     * @param threads runs the tasks; at least {@code size} at once
     * @param size how many tasks run at the same time, at least 1
     * @param queued how many tasks of each side wait at most; one more is rejected
     */
    public OrderShares(Executor threads, int size, int queued) {
        this.threads = threads;
        this.size = size;
        this.queued = queued;
        for (Side side : Side.values()) {
            running.put(side, 0);
        }
    }

    /** What runs one side's tasks; rejects what does not fit its queue. */
    public Executor of(Side side) {
        return task -> submit(side, task);
    }

    /** How many tasks of a side wait for a thread. */
    public int queued(Side side) {
        lock.lock();
        try {
            return waitingOf(side).size();
        } finally {
            lock.unlock();
        }
    }

    private void submit(Side side, Runnable task) {
        lock.lock();
        try {
            if (!mayBegin(side)) {
                if (waitingOf(side).size() >= queued) {
                    throw new RejectedExecutionException("too many orders wait");
                }
                waitingOf(side).add(task);
                return;
            }
            running.merge(side, 1, Integer::sum);
        } finally {
            lock.unlock();
        }
        begin(side, task);
    }

    private void begin(Side side, Runnable task) {
        try {
            threads.execute(() -> run(side, task));
        } catch (RuntimeException | Error e) {
            // Also where no thread can be started: a place that is not given back is lost for good.
            lock.lock();
            try {
                running.merge(side, -1, Integer::sum);
            } finally {
                lock.unlock();
            }
            throw e;
        }
    }

    private void run(Side first, Runnable task) {
        Side side = first;
        @Nullable Runnable next = task;
        while (next != null) {
            try {
                next.run();
            } catch (RuntimeException | Error thrown) {
                // The thread ends with it; what waits goes on with another one.
                handOn(side);
                throw thrown;
            }
            @Nullable Turn turn = ended(side);
            side = turn == null ? side : turn.side();
            next = turn == null ? null : turn.task();
        }
    }

    private void handOn(Side side) {
        Turn turn = ended(side);
        if (turn != null) {
            begin(turn.side(), turn.task());
        }
    }

    private @Nullable Turn ended(Side side) {
        lock.lock();
        try {
            running.merge(side, -1, Integer::sum);
            Side next = nextSide(side);
            Runnable task = waitingOf(next).poll();
            if (task == null) {
                return null;
            }
            running.merge(next, 1, Integer::sum);
            return new Turn(next, task);
        } finally {
            lock.unlock();
        }
    }

    private Queue<Runnable> waitingOf(Side side) {
        return waiting.computeIfAbsent(side, any -> new ArrayDeque<>());
    }

    // The side with less than its half goes first; where they have the same, the one that has not had the thread: a
    // single thread would serve one side only. Guarded by the lock.
    private Side nextSide(Side last) {
        Side other = last == Side.RENEWALS ? Side.VISITS : Side.RENEWALS;
        boolean lastHasLess = running.getOrDefault(last, 0) < running.getOrDefault(other, 0);
        Side fewer = lastHasLess ? last : other;
        Side more = lastHasLess ? other : last;
        boolean goes = !waitingOf(fewer).isEmpty() || !mayBegin(more);
        return goes ? fewer : more;
    }

    // One thread is never lent. Guarded by the lock.
    private boolean mayBegin(Side side) {
        int all = running.values().stream().mapToInt(Integer::intValue).sum();
        return all < size && (size == 1 || running.getOrDefault(side, 0) < size - 1);
    }
}
