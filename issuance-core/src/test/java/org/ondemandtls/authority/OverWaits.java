package org.ondemandtls.authority;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Time in which the waits after a fault are over at once: it moves on by each of them, so that it ends an order's patience as
 * if they had been kept. It goes on by itself, as the machine's does, for all that a CA takes.
 */
final class OverWaits {

    private final AtomicLong skipped = new AtomicLong();

    /** Monotonic time, the waits that were left out included. */
    long nanoTime() {
        return System.nanoTime() + skipped.get();
    }

    /** The same limits with waits that are left out. */
    CaSession.Limits over(CaSession.Limits limits) {
        return new CaSession.Limits(limits.request(), new CountDownLatch(1) {
            @Override
            public boolean await(long wait, TimeUnit unit) throws InterruptedException {
                if (limits.closed().await(0, unit)) {
                    return true;
                }
                skipped.addAndGet(unit.toNanos(wait));
                return false;
            }
        });
    }
}
