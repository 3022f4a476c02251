package org.ondemandtls.machine;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Makes the engine's threads: daemons, which keep no process and no web application alive. Safe for use by many threads. */
public final class Threads {

    private static final long LONGEST_END = TimeUnit.SECONDS.toMillis(5);

    // The first where a virtual thread that waits inside a synchronized block holds none of the system's (JEP 491).
    private static final int LIGHT_SINCE = 24;

    private Threads() {}

    /**
     * Makes a thread.
     *
     * @param name its name
     * @param task what it does
     * @return the thread, not started yet
     */
    public static Thread daemon(String name, Runnable task) {
        return named(new Thread(task), name);
    }

    /**
     * Makes threads with a number.
     *
     * @param prefix what comes before the number in their names
     */
    public static ThreadFactory numbered(String prefix) {
        return numbered(prefix, Thread::new);
    }

    /**
     * Makes threads with a number for work that mostly waits. On JDK 24 and later they are virtual: one that waits holds no
     * thread of the system. Elsewhere they are as those of {@link #numbered}.
     *
     * @param prefix what comes before the number in their names
     */
    public static ThreadFactory waiting(String prefix) {
        return numbered(prefix, Runtime.version().feature() < LIGHT_SINCE ? Thread::new : virtual());
    }

    private static ThreadFactory numbered(String prefix, ThreadFactory made) {
        AtomicInteger number = new AtomicInteger();
        return task -> named(made.newThread(task), prefix + number.incrementAndGet());
    }

    private static Thread named(Thread thread, String name) {
        thread.setName(name);
        thread.setDaemon(true);
        // Not the caller's: a web application's class loader must not be kept alive by a thread of ours.
        thread.setContextClassLoader(Threads.class.getClassLoader());
        return thread;
    }

    // By reflection: compiled for JDK 17.
    private static ThreadFactory virtual() {
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            return (ThreadFactory) Class.forName("java.lang.Thread$Builder")
                    .getMethod("factory")
                    .invoke(builder);
        } catch (ReflectiveOperationException none) {
            return Thread::new;
        }
    }

    /**
     * Wakes a thread that was told to end, and waits up to five seconds until it has.
     *
     * @param thread the thread, perhaps the caller's own, which is not waited for; null for none
     */
    public static void end(@Nullable Thread thread) {
        if (thread == null || thread == Thread.currentThread()) {
            return;
        }
        LockSupport.unpark(thread);
        try {
            thread.join(LONGEST_END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
