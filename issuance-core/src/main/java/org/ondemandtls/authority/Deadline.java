package org.ondemandtls.authority;

import java.time.Duration;
import java.util.function.LongSupplier;

/** A moment of monotonic time by which something has to be done. */
final class Deadline {

    private final LongSupplier nanoTime;
    private final long end;

    private Deadline(LongSupplier nanoTime, long end) {
        this.nanoTime = nanoTime;
        this.end = end;
    }

    /** The moment {@code wait} from now. */
    static Deadline in(Duration wait, LongSupplier nanoTime) {
        return new Deadline(nanoTime, nanoTime.getAsLong() + wait.toNanos());
    }

    /** The time left; zero once the moment has come. */
    Duration left() {
        return Duration.ofNanos(Math.max(0, end - nanoTime.getAsLong()));
    }

    /** Whether the moment has come. */
    boolean isOver() {
        return left().isZero();
    }
}
