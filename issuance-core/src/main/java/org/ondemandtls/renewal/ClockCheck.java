package org.ondemandtls.renewal;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.ondemandtls.authority.Authority;

/**
 * Has the CAs say what time it is while this machine's clock is not trusted, so that a clock which was set rightly is not waited
 * for. At once, and then every few minutes; a CA that hangs keeps nobody but its like waiting.
 *
 * <p><b>Threads.</b> Looks are made by one thread at a time, and never block.
 */
final class ClockCheck {

    /** How long after one round the next may begin. */
    static final Duration EVERY = Duration.ofMinutes(5);

    private final Desk desk;
    private final AtomicBoolean asking = new AtomicBoolean();
    private long generation;
    private long next;

    ClockCheck(Desk desk) {
        this.desk = desk;
        this.next = desk.nanos();
    }

    /** The clock is not trusted now. */
    void look() {
        long jump = desk.floors().watch().generation();
        if (jump != generation) {
            generation = jump;
            next = desk.nanos();
        }
        if (desk.nanos() - next < 0 || !asking.compareAndSet(false, true)) {
            return;
        }
        next = desk.nanos() + EVERY.toNanos();
        try {
            desk.ports().advice().execute(this::ask);
        } catch (RejectedExecutionException e) {
            // The engine is stopping, or its tasks are many.
            asking.set(false);
        } catch (Error e) {
            asking.set(false);
            throw e;
        }
    }

    private void ask() {
        try {
            for (Authority authority : desk.floors().authorities()) {
                if (desk.floors().watch().isTrusted()) {
                    return;
                }
                authority.askForTime();
            }
        } finally {
            asking.set(false);
        }
    }
}
