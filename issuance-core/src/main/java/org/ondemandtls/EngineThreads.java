package org.ondemandtls;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.ondemandtls.machine.Pool;
import org.ondemandtls.machine.Threads;

/**
 * Every thread of one engine: its timer, its pools, and their end.
 *
 * <p>Built and ended by one thread; the executors it gives are safe for many.
 */
final class EngineThreads {

    private static final String PREFIX = "ondemand-tls-";
    private static final Duration IDLE_THREAD = Duration.ofSeconds(60);
    private static final Duration ORDERLY_STOP = Duration.ofSeconds(3);
    private static final Duration STOP_WAIT = Duration.ofSeconds(5);

    private final LongSupplier nanoTime;
    private final List<ExecutorService> executors = new ArrayList<>();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor scheduler;

    /**
     * Makes the timer.
     *
     * @param nanoTime a monotonic clock in nanoseconds
     */
    EngineThreads(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.scheduler = new ScheduledThreadPoolExecutor(
                1,
                factory(Threads.numbered(PREFIX + "timer-"), threads),
                // A handshake that comes while the engine ends has its answer already; its timer is not missed.
                new ThreadPoolExecutor.DiscardPolicy());
        scheduler.setRemoveOnCancelPolicy(true);
        scheduler.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        // Where the system has no thread for it, the start fails, and not the first handshake that waits.
        scheduler.prestartAllCoreThreads();
        executors.add(scheduler);
    }

    /** Runs short tasks later; its one thread never blocks. */
    ScheduledThreadPoolExecutor scheduler() {
        return scheduler;
    }

    /**
     * Makes a pool of threads that end when they have had nothing to do for a minute.
     *
     * @param what what it does, as a part of its threads' names
     * @param size how many threads at most
     * @param queue how many tasks wait at most; one more is rejected
     */
    ThreadPoolExecutor pool(String what, int size, int queue) {
        return pool(Threads.numbered(PREFIX + what + '-'), size, queue);
    }

    /** The same for work that mostly waits: its threads are none of the system's where the JDK has such. */
    ThreadPoolExecutor waitingPool(String what, int size, int queue) {
        return pool(Threads.waiting(PREFIX + what + '-'), size, queue);
    }

    private ThreadPoolExecutor pool(ThreadFactory made, int size, int queue) {
        Pool pool = Pool.bounded(size, queue, IDLE_THREAD, factory(made, threads));
        executors.add(pool);
        return pool;
    }

    /** Ends all at once, without waiting: the engine could not be built. */
    void abandon() {
        executors.forEach(ExecutorService::shutdownNow);
    }

    /** Refuses new tasks and waits for those that run; returns within seconds, with every thread gone that can be ended. */
    void end() {
        // Without interrupts at first: one would cut short the saving of a certificate that was granted.
        executors.forEach(ExecutorService::shutdown);
        long start = nanoTime.getAsLong();
        if (!awaitEnd(start + ORDERLY_STOP.toNanos())) {
            executors.forEach(ExecutorService::shutdownNow);
            awaitEnd(start + STOP_WAIT.toNanos());
        }
    }

    private boolean awaitEnd(long deadline) {
        boolean ended = true;
        try {
            for (ExecutorService executor : executors) {
                ended &= executor.awaitTermination(Math.max(0, deadline - nanoTime.getAsLong()), TimeUnit.NANOSECONDS);
            }
            // An executor has ended a moment before its last thread has.
            for (Thread thread : threads) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - nanoTime.getAsLong());
                if (left > 0) {
                    thread.join(left);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return ended;
    }

    // Not of an instance: what holds an executor would hold everything.
    private static ThreadFactory factory(ThreadFactory made, Set<Thread> threads) {
        return task -> {
            threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
            Thread thread = made.newThread(task);
            threads.add(thread);
            return thread;
        };
    }
}
