package org.ondemandtls.event;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Tells of something that everybody depends on and that has stopped working: once when it stops, once a minute while it
 * lasts, once when it is over, however many names it keeps from their certificates.
 *
 * <p>It is over when it works and has not failed for {@link #QUIET}: what fails for some names and works for others would
 * otherwise be told of at the pace of whoever asks for them in turn.
 *
 * <p>Safe for use by many threads; never blocks.
 */
public final class Outage {

    /** How long the same reason is not repeated. */
    static final Duration REPEATED_AFTER = Duration.ofMinutes(1);

    /** How many reasons are told of in that time; strangers choose the names, and by these perhaps the reason. */
    static final int MOST_REASONS = 8;

    /** How long nothing may have failed for an outage to be over. */
    static final Duration QUIET = Duration.ofSeconds(10);

    private final Events events;
    private final EventKind kind;
    private final String what;
    private final LongSupplier nanoTime;

    // When each was told of last, for as long as it is not repeated.
    private final Map<String, Long> told = new HashMap<>();
    private long lastFailure;
    private boolean failing;

    /**
     * Watches one thing.
     *
     * @param events where it is told
     * @param kind the kind of event a failure is
     * @param what the thing, as the subject of a sentence: {@code "the CA"}
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public Outage(Events events, EventKind kind, String what, LongSupplier nanoTime) {
        this.events = events;
        this.kind = kind;
        this.what = what;
        this.nanoTime = nanoTime;
    }

    /**
     * It has failed for a name. The first time for a reason this is an event of the kind given; until a minute later it is one
     * for those who look for details.
     *
     * @param name the name that is kept waiting, null where it concerns none in particular
     * @param newReason why, in words without the name
     */
    public void failed(@Nullable ServerName name, String newReason) {
        boolean loud;
        synchronized (this) {
            long now = nanoTime.getAsLong();
            lastFailure = now;
            told.values().removeIf(when -> now - when >= REPEATED_AFTER.toNanos());
            loud = !told.containsKey(newReason) && told.size() < MOST_REASONS;
            if (loud) {
                told.put(newReason, now);
            }
            failing = true;
        }
        events.fails(what, newReason);
        events.publish(loud ? kind : EventKind.STILL_FAILING, name, newReason);
    }

    /** It has worked: for good, where it has not failed for a while. */
    public void worked() {
        synchronized (this) {
            if (!failing || nanoTime.getAsLong() - lastFailure < QUIET.toNanos()) {
                return;
            }
            failing = false;
            told.clear();
        }
        events.works(what);
        events.publish(EventKind.RECOVERED, what + " works again");
    }
}
