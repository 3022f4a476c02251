package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.Alert;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.RequestedName;

/**
 * A connection before its TLS handshake: reads the ClientHello, asks the gate, and becomes what the gate decided.
 *
 * <p><b>Threads.</b> Reads and decides on the selector's thread, for neither blocks. A parked handshake holds no
 * thread; it resumes on the connector's executor.
 *
 * <p><b>Cost.</b> What an unauthenticated peer holds here: one end point, one timer, and the octets of a ClientHello
 * it has really sent, at most 16 KiB; for {@code onDemandTls.handshake.helloTimeout} at most, or, once parked, for
 * {@code onDemandTls.handshake.deadline}.
 */
final class ClientHelloConnection extends AbstractConnection implements Connection.UpgradeFrom, Connection.UpgradeTo {

    /** How long a refused peer has to close its side before it is cut off. */
    static final Duration FAREWELL = Duration.ofSeconds(1);

    /** How many octets a refused peer may still send; they are read so that our close does not turn into a reset. */
    static final int FAREWELL_OCTETS = 64 * 1024;

    // One read; the ClientHello of a browser fits.
    private static final int READ_OCTETS = 2048;

    private enum State {
        /** The ClientHello is being read. */
        READING,
        /** One thread, and no other, is about to act on the gate's answer. */
        DECIDED,
        /** The gate's answer is being awaited. */
        PARKED,
        /** An alert is on its way; what the peer still sends is thrown away. */
        REFUSED,
        /** Another connection has taken over, or the peer has gone. */
        OVER
    }

    private final Callback fillCallback = new FillCallback();
    private final ReentrantLock lock = new ReentrantLock();
    private final Connector connector;
    private final OnDemandSslConnectionFactory factory;
    private final HandshakeGate gate;
    private final Duration helloTimeout;

    // Guarded by the lock.
    private State state = State.READING;
    private Scheduler.@Nullable Task timer;
    private @Nullable CompletableFuture<Admission.Settled> outcome;

    // Used by one thread at a time: whoever the state belongs to.
    private @Nullable ClientHelloParser parser = new ClientHelloParser();
    private ByteBuffer received = BufferUtil.EMPTY_BUFFER;
    private Admission.@Nullable Serve serve;
    private volatile boolean serverNameSent;
    private boolean limited;
    private volatile boolean moreFollowed;
    private int farewellOctets;

    /**
     * Stands at the beginning of a connection.
     *
     * @param connector the connector that accepted it
     * @param endPoint where the octets come from
     * @param factory makes the connection that takes over
     * @param gate decides
     * @param helloTimeout how long the whole ClientHello may take
     */
    ClientHelloConnection(
            Connector connector,
            EndPoint endPoint,
            OnDemandSslConnectionFactory factory,
            HandshakeGate gate,
            Duration helloTimeout) {
        super(endPoint, connector.getExecutor());
        this.connector = connector;
        this.factory = factory;
        this.gate = gate;
        this.helloTimeout = helloTimeout;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        ByteBuffer readBefore = received;
        received = BufferUtil.EMPTY_BUFFER;
        if (readBefore.hasRemaining() && !parse(readBefore)) {
            return;
        }
        read();
    }

    /** Takes octets that were read in front of us, by the PROXY protocol for example. */
    @Override
    public void onUpgradeTo(ByteBuffer buffer) {
        received = joined(buffer, BufferUtil.EMPTY_BUFFER);
    }

    /** Hands the ClientHello, and what followed it, to the connection that takes over. */
    @Override
    public ByteBuffer onUpgradeFrom() {
        ByteBuffer handedOver = received;
        received = BufferUtil.EMPTY_BUFFER;
        return handedOver;
    }

    @Override
    public void onFillable() {
        switch (state()) {
            case READING -> read();
            case PARKED -> watch();
            case REFUSED -> discard();
            case DECIDED, OVER -> {
                // The event was under way when the interest was withdrawn; whoever reads next has its own.
            }
        }
    }

    /** A parked handshake is not idle, its deadline is the parking lot's; nor is one that a thread is about to go on with. */
    @Override
    public boolean onIdleExpired(TimeoutException timeout) {
        State now = state();
        return now != State.PARKED && now != State.DECIDED;
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        abandon();
        super.onClose(cause);
    }

    /** Who decided. */
    HandshakeGate gate() {
        return gate;
    }

    /** The certificate the gate decided on; null where the server's own answers. */
    Admission.@Nullable Serve serve() {
        return serve;
    }

    /** Whether the client named a server. */
    boolean serverNameSent() {
        return serverNameSent;
    }

    private void read() {
        ByteBuffer buffer = BufferUtil.allocate(READ_OCTETS);
        try {
            while (state() == State.READING) {
                int filled = getEndPoint().fill(buffer);
                if (filled < 0) {
                    leave();
                    return;
                }
                if (filled == 0) {
                    // Not sooner: most have sent it all by now, and a timer costs as much as they do.
                    limitHello();
                    getEndPoint().fillInterested(fillCallback);
                    return;
                }
                if (!parse(buffer)) {
                    return;
                }
                BufferUtil.clear(buffer);
            }
        } catch (IOException e) {
            leave();
        }
    }

    // Returns whether there is more to read.
    private boolean parse(ByteBuffer buffer) {
        ClientHelloParser current = parser;
        if (current == null) {
            return false;
        }
        ClientHelloParser.Progress progress = current.feed(buffer);
        if (progress instanceof ClientHelloParser.Progress.Complete complete) {
            moreFollowed = buffer.hasRemaining();
            received = joined(current.records(), buffer);
            // A parked handshake keeps its octets once.
            parser = null;
            admit(complete.hello());
            return false;
        }
        if (progress instanceof ClientHelloParser.Progress.Invalid invalid) {
            refuseUnreadable(invalid.reason());
            return false;
        }
        return true;
    }

    private void admit(ClientHello hello) {
        if (!move(State.READING, State.DECIDED)) {
            return;
        }
        serverNameSent = hello.requestedName() instanceof RequestedName.Named;
        Admission admission = gate.admit(hello, gate.clientOf(getEndPoint().getRemoteSocketAddress()));
        if (admission instanceof Admission.Park park) {
            park(park.outcome());
        } else if (admission instanceof Admission.Settled settled) {
            proceed(settled);
        }
    }

    private void park(CompletableFuture<Admission.Settled> awaited) {
        lock.lock();
        try {
            if (state == State.DECIDED) {
                state = State.PARKED;
                outcome = awaited;
                if (fillInterestOwner() != null) {
                    getEndPoint().fillInterested(fillCallback);
                }
            }
        } finally {
            lock.unlock();
        }
        if (state() == State.OVER) {
            awaited.cancel(false);
            return;
        }
        awaited.whenComplete((settled, gone) -> {
            if (settled != null) {
                handOver(settled);
            }
        });
    }

    // Called on a thread of the engine.
    private void handOver(Admission.Settled settled) {
        try {
            getExecutor().execute(() -> resume(settled));
        } catch (RejectedExecutionException stopping) {
            leave();
        }
    }

    private void resume(Admission.Settled settled) {
        lock.lock();
        try {
            if (state != State.PARKED) {
                return;
            }
            state = State.DECIDED;
            AbstractEndPoint owner = fillInterestOwner();
            if (owner != null) {
                // Ours, or none: an event that has taken it meanwhile finds the state changed and does nothing.
                owner.getFillInterest().onFail(new Withdrawn());
                // The wait counts as idle time, and the idle timeout would strike as soon as we are not parked.
                owner.notIdle();
            }
        } finally {
            lock.unlock();
        }
        proceed(settled);
    }

    // A client that goes away gives its place back. One that sends more before it has an answer is read once, and no
    // further: what it sends then stays in the socket, and its leaving is noticed at the deadline.
    private void watch() {
        lock.lock();
        try {
            if (state != State.PARKED) {
                return;
            }
            ByteBuffer buffer = BufferUtil.allocate(READ_OCTETS);
            int filled = getEndPoint().fill(buffer);
            if (filled > 0) {
                moreFollowed = true;
                received = joined(received, buffer);
                return;
            }
            if (filled == 0) {
                getEndPoint().fillInterested(fillCallback);
                return;
            }
        } catch (IOException e) {
            // A reset: gone as well.
        } finally {
            lock.unlock();
        }
        leave();
    }

    private void proceed(Admission.Settled settled) {
        if (settled instanceof Admission.Refuse refuse) {
            sendAlert(refuse, true);
            return;
        }
        if (!getEndPoint().isOpen()) {
            leave();
            return;
        }
        serve = settled instanceof Admission.Serve served ? served : null;
        Connection next;
        try {
            next = settled instanceof Admission.Prove prove
                    ? ProofConnection.connect(connector, getEndPoint(), gate, prove, helloTimeout)
                    : factory.newHandshake(connector, getEndPoint());
        } catch (RuntimeException e) {
            // No SSL context: it is being replaced, the new key store is broken, or the server is going down.
            sendAlert(new Admission.Refuse(Alert.INTERNAL_ERROR), true);
            return;
        }
        try {
            getEndPoint().upgrade(next);
        } catch (RuntimeException e) {
            leave();
        }
    }

    private void tooSlow() {
        refuseUnreadable("no complete ClientHello within " + helloTimeout.toMillis() + " ms");
    }

    private void refuseUnreadable(String reason) {
        if (move(State.READING, State.DECIDED)) {
            sendAlert(gate.refuseUnreadable(reason), false);
        }
    }

    // Who has said a ClientHello, and nothing more, waits for our answer.
    private void sendAlert(Admission.Refuse refuse, boolean helloComplete) {
        boolean more = !helloComplete || moreFollowed;
        received = BufferUtil.EMPTY_BUFFER;
        parser = null;
        if (!move(State.DECIDED, State.REFUSED)) {
            return;
        }
        AlertCallback sent = new AlertCallback(more);
        getEndPoint().write(sent, refuse.alert().record());
        if (!sent.left) {
            schedule(FAREWELL, this::leave);
        }
    }

    // Our close turns into a reset, which may overtake the alert, only where there is something left to read.
    private boolean isSilent() {
        try {
            return getEndPoint().fill(BufferUtil.allocate(1)) <= 0;
        } catch (IOException e) {
            return true;
        }
    }

    private void discard() {
        ByteBuffer buffer = BufferUtil.allocate(READ_OCTETS);
        try {
            while (farewellOctets < FAREWELL_OCTETS) {
                int filled = getEndPoint().fill(buffer);
                if (filled < 0) {
                    break;
                }
                if (filled == 0) {
                    getEndPoint().tryFillInterested(fillCallback);
                    return;
                }
                farewellOctets += filled;
                BufferUtil.clear(buffer);
            }
        } catch (IOException e) {
            // The peer has closed its side the hard way; so do we.
        }
        leave();
    }

    private void leave() {
        abandon();
        getEndPoint().close();
    }

    private void abandon() {
        CompletableFuture<Admission.Settled> awaited;
        lock.lock();
        try {
            state = State.OVER;
            stopTimer();
            awaited = outcome;
        } finally {
            lock.unlock();
        }
        if (awaited != null) {
            awaited.cancel(false);
        }
    }

    private State state() {
        lock.lock();
        try {
            return state;
        } finally {
            lock.unlock();
        }
    }

    private boolean move(State from, State to) {
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

    private void limitHello() {
        if (!limited) {
            limited = true;
            schedule(helloTimeout, this::tooSlow);
        }
    }

    private void schedule(Duration delay, Runnable task) {
        lock.lock();
        try {
            if (state != State.OVER) {
                stopTimer();
                timer = connector.getScheduler().schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
            }
        } finally {
            lock.unlock();
        }
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    private @Nullable AbstractEndPoint fillInterestOwner() {
        EndPoint endPoint = getEndPoint();
        while (endPoint instanceof EndPoint.Wrapper wrapper && !(endPoint instanceof AbstractEndPoint)) {
            endPoint = wrapper.unwrap();
        }
        return endPoint instanceof AbstractEndPoint owner ? owner : null;
    }

    private static ByteBuffer joined(ByteBuffer first, ByteBuffer second) {
        return ByteBuffer.allocate(first.remaining() + second.remaining())
                .put(first)
                .put(second)
                .flip();
    }

    /** Ends a read interest that is no longer wanted; nobody but {@link FillCallback} sees it. */
    private static final class Withdrawn extends Exception {

        Withdrawn() {
            super("read interest withdrawn", null, false, false);
        }
    }

    private final class FillCallback implements Callback {

        @Override
        public void succeeded() {
            onFillable();
        }

        @Override
        public void failed(Throwable cause) {
            if (cause instanceof Withdrawn) {
                return;
            }
            if (cause instanceof TimeoutException && state() == State.READING) {
                refuseUnreadable("no octet of a ClientHello within the connector's idle timeout");
                return;
            }
            if (state() != State.DECIDED && state() != State.OVER) {
                leave();
            }
        }

        @Override
        public InvocationType getInvocationType() {
            return InvocationType.NON_BLOCKING;
        }
    }

    private final class AlertCallback implements Callback {

        private final boolean moreToCome;
        private volatile boolean left;

        AlertCallback(boolean moreToCome) {
            this.moreToCome = moreToCome;
        }

        @Override
        public void succeeded() {
            if (!moreToCome && isSilent()) {
                left = true;
                leave();
                return;
            }
            getEndPoint().shutdownOutput();
            // A timer that refused a slow peer left its read interest registered.
            getEndPoint().tryFillInterested(fillCallback);
        }

        @Override
        public void failed(Throwable cause) {
            leave();
        }

        @Override
        public InvocationType getInvocationType() {
            return InvocationType.NON_BLOCKING;
        }
    }
}
