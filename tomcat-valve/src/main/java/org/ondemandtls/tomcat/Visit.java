package org.ondemandtls.tomcat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.apache.tomcat.util.net.NioEndpoint.NioSocketWrapper;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;

/**
 * How far one connection has come on its way to a TLS handshake.
 *
 * <p>A channel is used again for other connections; a visit is not. What happens outside Tomcat's own threads, a timer
 * or the end of a wait, changes the state here and then has the connection looked at by one of them: at most one such
 * look is under way, and none once the handshake belongs to Tomcat.
 *
 * <p><b>Threads.</b> Safe for use by many; nothing blocks, and no foreign code runs under the lock.
 */
final class Visit {

    /** Where a visit stands. */
    enum State {
        /** The ClientHello is being read. */
        READING,
        /** The time for the ClientHello is over; a worker is on its way. */
        EXPIRED,
        /** A worker acts on the gate's answer. */
        DECIDED,
        /** The gate's answer is being awaited, without a thread. */
        PARKED,
        /** The answer has come; a worker is on its way. */
        SETTLED,
        /** The client has left while it was parked; a worker is on its way. */
        GONE,
        /** The handshake is Tomcat's. */
        ADMITTED,
        /** A challenge certificate is being shown. */
        PROVING,
        /** The last was said; what the peer still sends is thrown away. */
        FAREWELL,
        /** The time for the farewell is over; a worker is on its way. */
        CUT,
        /** Closed. */
        OVER
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final OnDemandEndpoint endpoint;
    private final NioSocketWrapper wrapper;

    // Guarded by the lock.
    private State state = State.READING;
    private @Nullable Future<?> timer;
    private @Nullable CompletableFuture<Admission.Settled> awaited;
    private Admission.@Nullable Settled settled;

    /**
     * A connection that has been accepted.
     *
     * @param endpoint has it looked at
     * @param wrapper what Tomcat knows it by
     */
    Visit(OnDemandEndpoint endpoint, NioSocketWrapper wrapper) {
        this.endpoint = endpoint;
        this.wrapper = wrapper;
    }

    /** Where it stands now. */
    State state() {
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
    boolean move(State from, State to) {
        lock.lock();
        try {
            if (state != from) {
                return false;
            }
            state = to;
            stopTimer();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Limits the time in a state.
     *
     * @param from the state it stands at
     * @param after how long it may stand there
     * @param to the state it goes to then, to be looked at by a worker
     */
    void limit(State from, Duration after, State to) {
        Future<?> limit = endpoint.later(
                () -> {
                    if (move(from, to)) {
                        endpoint.look(wrapper);
                    }
                },
                after);
        lock.lock();
        try {
            if (state == from) {
                timer = limit;
            } else if (limit != null) {
                limit.cancel(false);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for the gate's answer, from {@link State#DECIDED} on.
     *
     * @param answer the answer to come
     */
    void park(CompletableFuture<Admission.Settled> answer) {
        lock.lock();
        try {
            if (state == State.DECIDED) {
                state = State.PARKED;
                awaited = answer;
            }
        } finally {
            lock.unlock();
        }
        if (state() == State.OVER) {
            answer.cancel(false);
            return;
        }
        answer.whenComplete((answered, gone) -> {
            if (answered != null && settle(answered)) {
                endpoint.look(wrapper);
            }
        });
    }

    /**
     * Looks whether the client of a parked visit is still there.
     *
     * @param gone reads what the client has sent meanwhile; run only while the visit is parked, by one thread at a time
     */
    void watch(BooleanSupplier gone) {
        lock.lock();
        try {
            if (state != State.PARKED || !gone.getAsBoolean()) {
                return;
            }
            state = State.GONE;
        } finally {
            lock.unlock();
        }
        endpoint.look(wrapper);
    }

    /** The answer; null unless {@link State#SETTLED} has been reached. */
    Admission.@Nullable Settled settled() {
        lock.lock();
        try {
            return settled;
        } finally {
            lock.unlock();
        }
    }

    /** Ends it from wherever it stands, and gives its place in the parking lot back. */
    void end() {
        CompletableFuture<Admission.Settled> abandoned;
        lock.lock();
        try {
            state = State.OVER;
            stopTimer();
            abandoned = awaited;
        } finally {
            lock.unlock();
        }
        endpoint.forget(this);
        if (abandoned != null) {
            abandoned.cancel(false);
        }
    }

    private boolean settle(Admission.Settled answered) {
        lock.lock();
        try {
            if (state != State.PARKED) {
                return false;
            }
            state = State.SETTLED;
            settled = answered;
        } finally {
            lock.unlock();
        }
        endpoint.forget(this);
        return true;
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }
}
