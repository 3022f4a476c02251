package org.ondemandtls.store;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.machine.Threads;
import org.ondemandtls.machine.Time;

/**
 * A task in the background that is tried again until it succeeds, whatever it throws. There is a thread only while there is
 * something to do. Safe for use by many threads.
 */
public final class UntilDone implements AutoCloseable {

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    /** What is to be done; may block, and ends soon after {@link UntilDone#isClosed}. */
    @FunctionalInterface
    public interface Task {
        /**
         * Does it once, from the beginning.
         *
         * @throws IOException to be tried again later
         * @throws StoreException to be tried again later
         */
        void run() throws IOException, StoreException;
    }

    private final Time time;
    private final String threadName;
    private final Duration firstPause;
    private final Task task;
    private final Consumer<Exception> failed;
    private final AtomicBoolean wanted = new AtomicBoolean();
    private final AtomicBoolean running = new AtomicBoolean();

    private volatile boolean closed;

    private volatile @Nullable Thread thread;

    /**
     * Makes it; nothing runs yet.
     *
     * @param time what it rests by
     * @param threadName the name of its thread
     * @param firstPause the pause after the first failure; it doubles up to one minute
     * @param task what is to be done
     * @param failed told of the first failure in a row, on the thread of the task
     */
    public UntilDone(Time time, String threadName, Duration firstPause, Task task, Consumer<Exception> failed) {
        this.time = time;
        this.threadName = threadName;
        this.firstPause = firstPause;
        this.task = task;
        this.failed = failed;
    }

    /** Has the task done once more from the beginning, after the run that is under way. Does not block. */
    public void start() {
        wanted.set(true);
        runIfWanted();
    }

    /** Whether the task is being done, or waits to be tried again. */
    public boolean isRunning() {
        return running.get();
    }

    /** Whether the task is to end. */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Waits on the thread of the task, not longer than until {@link #close}.
     *
     * @param nanos how long
     */
    public void rest(long nanos) {
        time.rest(nanos, this::isClosed);
    }

    /** Ends the task, waiting up to five seconds for it. */
    @Override
    public void close() {
        closed = true;
        Threads.end(thread);
    }

    private void runIfWanted() {
        if (wanted.get() && !closed && running.compareAndSet(false, true)) {
            Thread fresh = Threads.daemon(threadName, this::work);
            thread = fresh;
            fresh.start();
        }
    }

    private void work() {
        try {
            long pause = firstPause.toNanos();
            boolean told = false;
            while (!closed && wanted.getAndSet(false)) {
                try {
                    task.run();
                    pause = firstPause.toNanos();
                    told = false;
                } catch (IOException | StoreException | RuntimeException | Error e) {
                    wanted.set(true);
                    if (!told && !closed) {
                        told = true;
                        failed.accept(e instanceof Exception known ? known : new StoreException("a defect: " + e, e));
                    }
                    rest(pause);
                    pause = Math.min(2 * pause, LONGEST_PAUSE.toNanos());
                }
            }
        } finally {
            running.set(false);
        }
        // It may have been wanted again just before this thread was seen to end.
        runIfWanted();
    }
}
