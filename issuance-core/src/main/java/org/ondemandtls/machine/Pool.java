package org.ondemandtls.machine;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads that run tasks and end when they have had nothing to do for a while.
 *
 * <p>Where the system has no thread to give (a limit of the process or of its container), a task waits for one of those there
 * are; with none, or with no room to wait, it is rejected as one too many is. The JDK's own pools throw {@link
 * OutOfMemoryError} then, which is no lack of heap and nothing that the caller expects.
 */
public final class Pool extends ThreadPoolExecutor {

    private Pool(int core, int most, Duration idle, BlockingQueue<Runnable> queue, ThreadFactory threads) {
        super(core, most, idle.toNanos(), TimeUnit.NANOSECONDS, queue, threads);
    }

    /**
     * Makes one whose tasks wait for a thread.
     *
     * @param size how many threads at most
     * @param queue how many tasks wait at most; one more is rejected
     * @param idle how long a thread is kept that has nothing to do
     * @param threads makes them
     */
    public static Pool bounded(int size, int queue, Duration idle, ThreadFactory threads) {
        Pool pool = new Pool(size, size, idle, new LinkedBlockingQueue<>(queue), threads);
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * Makes one where each task has a thread at once, for callers that are bounded by themselves.
     *
     * @param idle how long a thread is kept that has nothing to do
     * @param threads makes them
     */
    public static Pool atOnce(Duration idle, ThreadFactory threads) {
        return new Pool(0, Integer.MAX_VALUE, idle, new SynchronousQueue<>(), threads);
    }

    @Override
    public void execute(Runnable task) {
        try {
            super.execute(task);
        } catch (OutOfMemoryError e) {
            if (isShutdown() || getPoolSize() == 0 || !getQueue().offer(task)) {
                throw new RejectedExecutionException("the system has no thread to give", e);
            }
            // The last of its threads may have ended meanwhile.
            if (getPoolSize() == 0 && remove(task)) {
                throw new RejectedExecutionException("the system has no thread to give", e);
            }
        }
    }
}
