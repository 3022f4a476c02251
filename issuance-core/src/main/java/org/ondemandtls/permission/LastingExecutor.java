package org.ondemandtls.permission;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Runs every task it took, even where the executor behind it ends first. The JDK's HTTP client counts what is under way by tasks of
 * its executor: one that is dropped keeps the client's thread alive for good.
 *
 * <p><b>Threads.</b> Safe for many. After {@link #close} a task runs on the thread that hands it over.
 */
final class LastingExecutor implements Executor, AutoCloseable {

    private final Executor executor;
    private final Set<Once> taken = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    /**
     * Stands in front of an executor.
     *
     * @param executor runs the tasks until this is closed
     */
    LastingExecutor(Executor executor) {
        this.executor = executor;
    }

    @Override
    public void execute(Runnable task) {
        Once once = new Once(task);
        taken.add(once);
        if (closed) {
            once.run();
            return;
        }
        try {
            executor.execute(once);
        } catch (RuntimeException | Error notRun) {
            if (!closed) {
                taken.remove(once);
                throw notRun;
            }
            once.run();
        }
    }

    /** From now on the executor behind it is not needed any more; runs what it has not begun. */
    @Override
    public void close() {
        closed = true;
        taken.forEach(Once::run);
    }

    private final class Once implements Runnable {

        private final Runnable task;

        Once(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            if (taken.remove(this)) {
                task.run();
            }
        }
    }
}
