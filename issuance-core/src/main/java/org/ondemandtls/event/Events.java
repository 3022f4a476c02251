package org.ondemandtls.event;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Where everything that happens is reported: counted always, handed to the listener within limits.
 *
 * <p>Kinds that strangers can cause reach the listener at most {@value #LINES_PER_WINDOW} times in ten
 * seconds each; the first event of a later window says how many were left out. Safe for use by many
 * threads; never blocks.
 */
public final class Events {

    /** How many events of one kind caused by strangers are handed on per window. */
    static final int LINES_PER_WINDOW = 20;

    /** The length of a window. */
    static final Duration WINDOW = Duration.ofSeconds(10);

    private static final class Tally {
        final LongAdder count = new LongAdder();
        final AtomicLong windowEnd = new AtomicLong(Long.MIN_VALUE);
        final AtomicInteger inWindow = new AtomicInteger();
    }

    // When is by the monotonic clock.
    private record Failing(String reason, long when) {}

    private final Map<EventKind, Tally> tallies = new EnumMap<>(EventKind.class);
    private final Map<String, LongAdder> overflows = new ConcurrentHashMap<>();
    private final Map<String, Failing> failing = new ConcurrentHashMap<>();
    private final EventListener listener;
    private final LongSupplier nanoTime;
    private final List<EventListener> taps = new CopyOnWriteArrayList<>();
    private final Figures figures = new Figures();

    /**
     * Makes the place for events.
     *
     * @param listener who is told
     * @param nanoTime a monotonic clock in nanoseconds, as {@link System#nanoTime()}
     */
    public Events(EventListener listener, LongSupplier nanoTime) {
        this.listener = listener;
        this.nanoTime = nanoTime;
        for (EventKind kind : EventKind.values()) {
            tallies.put(kind, new Tally());
        }
    }

    /**
     * Reports an event that concerns no particular name.
     *
     * @param kind what kind of thing
     * @param text one line in words
     */
    public void publish(EventKind kind, String text) {
        publish(kind, null, text);
    }

    /**
     * Reports an event.
     *
     * @param kind what kind of thing
     * @param name the server name it concerns, null where it concerns none
     * @param text one line in words: no key, no token, nothing a client sent but the canonical name
     */
    public void publish(EventKind kind, @Nullable ServerName name, String text) {
        Tally tally = tally(kind);
        tally.count.increment();
        FlightRecorder.step(kind, name, text);
        if (!taps.isEmpty()) {
            Event event = new Event(kind, name, text);
            taps.forEach(tap -> tap.on(event));
        }
        if (!kind.causedByStrangers()) {
            tell(new Event(kind, name, text));
            return;
        }
        int leftOut = admit(tally);
        if (leftOut >= 0) {
            String suffix = leftOut == 0 ? "" : " (" + leftOut + " more like this were not logged)";
            tell(new Event(kind, name, text + suffix));
        }
    }

    // A listener is the application's, perhaps: what it throws must not end what is reported, an order
    // or a stop. For an error, as of a class that cannot be loaded any more, no slot may be lost either.
    private void tell(Event event) {
        try {
            listener.on(event);
        } catch (RuntimeException | Error e) {
            tally(EventKind.DEFECT).count.increment();
        }
    }

    /**
     * Reports that a bound was reached and something refused for it.
     *
     * @param bound the bound, by its key
     * @param name the server name refused, null where it is not known
     */
    public void overflowed(String bound, @Nullable ServerName name) {
        overflows.computeIfAbsent(bound, key -> new LongAdder()).increment();
        figures.count(Figure.OVERFLOW, bound);
        publish(EventKind.OVERLOADED, name, "refused: too many at once (" + bound + ")");
    }

    /**
     * Hands everything to somebody inside the engine as well, without limits: whoever that is bounds what he does with it.
     *
     * @param tap who is told
     */
    public void tap(EventListener tap) {
        taps.add(tap);
    }

    /** What is counted and timed beside the events. */
    public Figures figures() {
        return figures;
    }

    /** How often each bound was reached and something refused for it, by its key; those never reached are left out. */
    public Map<String, Long> overflows() {
        Map<String, Long> counts = new TreeMap<>();
        overflows.forEach((bound, count) -> counts.put(bound, count.sum()));
        return counts;
    }

    /**
     * What everybody depends on and does not work: the CA, the store, permission.
     *
     * @param within how long ago its last failure may be; what nobody has used since is not known to fail still
     * @return by what it is, why it failed the last time, in words without a name; empty where all works
     */
    public Map<String, String> failing(Duration within) {
        long now = nanoTime.getAsLong();
        Map<String, String> reasons = new TreeMap<>();
        failing.forEach((what, last) -> {
            if (now - last.when() <= within.toNanos()) {
                reasons.put(what, last.reason());
            }
        });
        return reasons;
    }

    /** Notes that something failed, for {@link #failing(Duration)}. */
    void fails(String what, String reason) {
        failing.put(what, new Failing(reason, nanoTime.getAsLong()));
    }

    /** Notes that something works. */
    void works(String what) {
        failing.remove(what);
    }

    /** How often events of {@code kind} happened since the start, logged or not. */
    public long count(EventKind kind) {
        return tally(kind).count.sum();
    }

    // Returns how many were left out before this one, or -1 if this one is to be left out as well.
    private int admit(Tally tally) {
        long now = nanoTime.getAsLong();
        long end = tally.windowEnd.get();
        if (end == Long.MIN_VALUE || now - end >= 0) {
            if (tally.windowEnd.compareAndSet(end, now + WINDOW.toNanos())) {
                return Math.max(0, tally.inWindow.getAndSet(1) - LINES_PER_WINDOW);
            }
        }
        return tally.inWindow.incrementAndGet() <= LINES_PER_WINDOW ? 0 : -1;
    }

    private Tally tally(EventKind kind) {
        Tally tally = tallies.get(kind);
        if (tally == null) {
            throw new IllegalStateException("no tally for " + kind);
        }
        return tally;
    }
}
