package org.ondemandtls.event;

import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Writes what happens into a recording of Java Flight Recorder, where one is running: orders and their steps, looks at DNS,
 * permission, the store, refusals, and every event as a step of a name's. Costs next to nothing where none is; nothing at all
 * on a Java without it. Nothing is loaded before somebody has begun a recording: the first event of a kind costs some
 * hundredths of a second.
 */
public final class FlightRecorder {

    private static final boolean THERE = isThere();

    // Read without a lock: written once, and a thread that still sees false asks again.
    private static volatile boolean used;

    private FlightRecorder() {}

    /** Ends what was begun. */
    @FunctionalInterface
    public interface Span {

        /**
         * Says how it ended.
         *
         * @param result in one word
         */
        void end(String result);
    }

    /**
     * Begins an order.
     *
     * @param name the name ordered
     * @param ca the CA
     * @param purpose {@code obtain} or {@code renew}
     */
    public static Span order(ServerName name, String ca, String purpose) {
        return isUsed() ? FlightEvents.order(name.value(), ca, purpose) : result -> {};
    }

    /**
     * Begins a step of an order.
     *
     * @param name the name ordered
     * @param ca the CA
     * @param step in one word
     */
    public static Span orderStep(ServerName name, String ca, String step) {
        return isUsed() ? FlightEvents.orderStep(name.value(), ca, step) : result -> {};
    }

    /**
     * Begins a look at a name before an order.
     *
     * @param name the name looked at
     * @param look {@code dns} or {@code probe}
     */
    public static Span preflight(ServerName name, String look) {
        return isUsed() ? FlightEvents.preflight(name.value(), look) : result -> {};
    }

    /**
     * Begins a question to permission.
     *
     * @param name the name asked for
     */
    public static Span permission(ServerName name) {
        return isUsed() ? FlightEvents.permission(name.value()) : result -> {};
    }

    /**
     * Begins an operation of the store.
     *
     * @param operation which
     */
    public static Span store(String operation) {
        return isUsed() ? FlightEvents.store(operation) : result -> {};
    }

    /**
     * A handshake was refused.
     *
     * @param reason in one word
     */
    public static void refusal(String reason) {
        if (isUsed()) {
            FlightEvents.refusal(reason);
        }
    }

    /** Something happened. */
    static void step(EventKind kind, @Nullable ServerName name, String text) {
        if (isUsed()) {
            FlightEvents.step(kind.name(), name == null ? "" : name.value(), text);
        }
    }

    private static boolean isUsed() {
        if (!used && THERE && FlightEvents.isUsed()) {
            used = true;
        }
        return used;
    }

    private static boolean isThere() {
        try {
            return Class.forName("jdk.jfr.Event").getName().startsWith("jdk.jfr.");
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
