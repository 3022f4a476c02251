package org.ondemandtls.handshake;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How far one connection has come on its way to a TLS handshake; its octets are the host's.
 *
 * <p>What happens outside the server's own threads, a timer or the end of a wait, changes the state here and then has the
 * connection looked at by one of them: at most one such look is under way, and none once the handshake belongs to the
 * server.
 *
 * <p><b>Threads.</b> Safe for use by many; nothing blocks, and of the host only what is given to {@link #park} and {@link
 * #watch} runs under the lock.
 */
public final class Visit {

    /** How long a refused peer has to close its side before it is cut off. */
    public static final Duration FAREWELL = Duration.ofSeconds(1);

    /**
     * How many octets behind its ClientHello are read of a peer that is parked. What comes after them stays in the socket, and
     * its leaving is noticed at the deadline.
     */
    public static final int ROOM = 512;

    /** How many octets a refused peer may still send; they are read so that our close does not turn into a reset. */
    static final int FAREWELL_OCTETS = 64 * 1024;

    /** The server's connection that a visit belongs to. */
    public interface Host {

        /**
         * Runs a short task on a timer.
         *
         * @param task does not block
         * @param delay how long from now
         * @return takes the task back; null if it will not be run
         */
        @Nullable
        Runnable later(Runnable task, Duration delay);

        /** Has the connection looked at by a thread of the server's; closes it where there is none. */
        void look();

        /**
         * Takes note that nobody waits for the gate's answer any more.
         *
         * @param visit the visit that is settled or over
         */
        void forget(Visit visit);
    }

    /** Where a visit stands. */
    public enum State {
        /** The ClientHello is being read. */
        READING,
        /** The time for the ClientHello is over; a look is under way. */
        EXPIRED,
        /** One thread, and no other, acts on the gate's answer. */
        DECIDED,
        /** The gate's answer is being awaited, without a thread. */
        PARKED,
        /** The answer has come; a look is under way. */
        SETTLED,
        /** The client has left while it was parked; a look is under way. */
        GONE,
        /** The handshake is the server's. */
        ADMITTED,
        /** A challenge certificate is being shown. */
        PROVING,
        /** The last was said; what the peer still sends is thrown away. */
        FAREWELL,
        /** The time for the farewell is over; a look is under way. */
        CUT,
        /** Closed. */
        OVER
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Host host;

    // Guarded by the lock.
    private State state = State.READING;
    private @Nullable Runnable timer;
    private Admission.@Nullable Park awaited;
    private Admission.@Nullable Settled settled;
    private int farewellOctets;
    private @Nullable CompletableFuture<Void> answered;

    /**
     * A connection that has been accepted.
     *
     * @param host has it looked at
     */
    public Visit(Host host) {
        this.host = host;
    }

    /** Where it stands now. */
    public State state() {
        lock.lock();
        try {
            return state;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Goes on from one state to another; a timer that was set for the former is void.
     *
     * @return false if it does not stand at {@code from}: nothing has changed then
     */
    public boolean move(State from, State to) {
        lock.lock();
        try {
            if (state != from) {
                return false;
            }
            become(to);
            stopTimer();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Decides about a peer that has not said a ClientHello, or not in time.
     *
     * @return false if something else has been decided: nothing has changed then
     */
    public boolean giveUp() {
        return move(State.READING, State.DECIDED) || move(State.EXPIRED, State.DECIDED);
    }

    /**
     * Limits the time in a state.
     *
     * @param from the state it stands at
     * @param after how long it may stand there
     * @param to the state it goes to then, to be looked at
     */
    public void limit(State from, Duration after, State to) {
        Runnable stop = host.later(
                () -> {
                    if (move(from, to)) {
                        host.look();
                    }
                },
                after);
        lock.lock();
        try {
            if (state == from) {
                timer = stop;
                return;
            }
        } finally {
            lock.unlock();
        }
        if (stop != null) {
            stop.run();
        }
    }

    /**
     * Waits for the gate's answer, from {@link State#DECIDED} on.
     *
     * @param answer the answer to come
     * @param parked run when it is parked, and before it can be settled
     */
    public void park(Admission.Park answer, Runnable parked) {
        lock.lock();
        try {
            if (state == State.DECIDED) {
                become(State.PARKED);
                awaited = answer;
                parked.run();
            }
        } finally {
            lock.unlock();
        }
        if (state() == State.OVER) {
            answer.outcome().cancel(false);
            return;
        }
        AtEnd.of(answer.outcome(), (answered, gone) -> {
            if (answered != null && settle(answered)) {
                host.look();
            }
        });
    }

    /**
     * Looks whether the client of a parked visit is still there.
     *
     * @param gone reads what the client has sent meanwhile; run only while the visit is parked, by one thread at a time
     */
    public void watch(BooleanSupplier gone) {
        lock.lock();
        try {
            if (state != State.PARKED || !gone.getAsBoolean()) {
                return;
            }
            become(State.GONE);
        } finally {
            lock.unlock();
        }
        host.look();
    }

    /** The answer; null unless {@link State#SETTLED} has been reached. */
    public Admission.@Nullable Settled settled() {
        lock.lock();
        try {
            return settled;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Counts what a refused peer still sends.
     *
     * @param octets how many have come
     * @return whether it may send more
     */
    public boolean bearsMore(int octets) {
        lock.lock();
        try {
            farewellOctets += octets;
            return farewellOctets < FAREWELL_OCTETS;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the wait of visits whose connector stops, each with {@code internal_error}, and gives the server a moment to say
     * so.
     *
     * @param parked those that wait, and perhaps others
     * @param patience how long this may take
     */
    public static void refuse(Collection<Visit> parked, Duration patience) {
        List<Visit> refused = List.copyOf(parked);
        refused.forEach(Visit::refuse);
        CompletableFuture<?>[] answers = refused.stream().map(Visit::answered).toArray(CompletableFuture[]::new);
        try {
            CompletableFuture.allOf(answers).get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException | ExecutionException e) {
            // The server goes on to stop.
            return;
        }
    }

    private void refuse() {
        Admission.Park waiting;
        lock.lock();
        try {
            waiting = state == State.PARKED ? awaited : null;
        } finally {
            lock.unlock();
        }
        if (waiting != null) {
            waiting.stop().run();
        }
    }

    /** Done once nobody is about to answer. */
    private CompletableFuture<Void> answered() {
        lock.lock();
        try {
            CompletableFuture<Void> known = answered == null ? new CompletableFuture<>() : answered;
            answered = known;
            become(state);
            return known;
        } finally {
            lock.unlock();
        }
    }

    // Under the lock; whoever waits for the future runs nothing of his own when it is done.
    private void become(State next) {
        state = next;
        if (answered != null && next != State.SETTLED && next != State.DECIDED) {
            answered.complete(null);
        }
    }

    /** Ends it from wherever it stands, and gives its place in the parking lot back. */
    public void end() {
        Admission.Park abandoned;
        lock.lock();
        try {
            become(State.OVER);
            stopTimer();
            abandoned = awaited;
        } finally {
            lock.unlock();
        }
        host.forget(this);
        if (abandoned != null) {
            abandoned.outcome().cancel(false);
        }
    }

    private boolean settle(Admission.Settled answered) {
        lock.lock();
        try {
            if (state != State.PARKED) {
                return false;
            }
            become(State.SETTLED);
            settled = answered;
        } finally {
            lock.unlock();
        }
        host.forget(this);
        return true;
    }

    private void stopTimer() {
        if (timer != null) {
            timer.run();
            timer = null;
        }
    }
}
