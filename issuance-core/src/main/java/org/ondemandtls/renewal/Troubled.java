package org.ondemandtls.renewal;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.StoreException;

/**
 * The records whose turn failed: each is told once, with its name, and left alone for a while, so that none keeps another
 * from its turn.
 *
 * <p><b>Memory.</b> At most {@value #MOST}; the one that failed longest ago makes room. Safe for use by many threads.
 */
final class Troubled {

    /** How long a record is left alone after its turn failed. */
    static final Duration LEFT_ALONE = Duration.ofMinutes(5);

    /** How long one that fails no more is remembered; one that fails on is told of once. */
    static final Duration FORGOTTEN_AFTER = Duration.ofHours(1);

    /** How many are known at most. */
    static final int MOST = 10_000;

    private final Events events;
    private final LongSupplier nanoTime;
    private final Map<String, Long> until = new LinkedHashMap<>();

    Troubled(Events events, LongSupplier nanoTime) {
        this.events = events;
        this.nanoTime = nanoTime;
    }

    /** Whether a record's turn failed so short ago that it is not looked at now. */
    synchronized boolean isLeftAlone(String firstName) {
        Long end = until.get(firstName);
        return end != null && nanoTime.getAsLong() - end < 0;
    }

    /** How many records have failed lately. */
    synchronized int size() {
        long now = nanoTime.getAsLong();
        until.values().removeIf(end -> now - end > FORGOTTEN_AFTER.toNanos());
        return until.size();
    }

    /**
     * A record's turn has failed.
     *
     * @param firstName the record's first name, which may be none that a server has
     * @param failure why
     */
    void failed(String firstName, Throwable failure) {
        boolean first;
        synchronized (this) {
            first = until.remove(firstName) == null;
            if (until.size() >= MOST) {
                until.remove(until.keySet().iterator().next());
            }
            until.put(firstName, nanoTime.getAsLong() + LEFT_ALONE.toNanos());
        }
        EventKind kind = failure instanceof StoreException ? EventKind.STORE_FAILED : EventKind.DEFECT;
        events.publish(
                first ? kind : EventKind.STILL_FAILING,
                null,
                "the record of " + firstName + " cannot be processed now (" + words(failure) + "); tried again every "
                        + LEFT_ALONE.toMinutes() + " min");
    }

    /** What went wrong: a store's own words, and for what no one foresaw also what it is. */
    static String words(Throwable failure) {
        return failure instanceof StoreException ? String.valueOf(failure.getMessage()) : failure.toString();
    }
}
