package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.Alert;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.HelloReading;
import org.ondemandtls.handshake.SessionScope;
import org.ondemandtls.handshake.TimerWheel;
import org.ondemandtls.handshake.Visit;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.RequestedName;

/**
 * A connection before its TLS handshake: reads the ClientHello, asks the gate, and becomes what the gate decided.
 *
 * <p><b>Threads.</b> Reads and decides on the selector's thread, for neither blocks. A parked handshake holds no
 * thread; it resumes on the connector's executor.
 *
 * <p><b>Cost.</b> What an unauthenticated peer holds here: one end point, one timer of the wheel, and the octets of a ClientHello
 * it has really sent, at most 32 KiB; for {@code onDemandTls.handshake.helloTimeout} at most, or, once parked, for
 * {@code onDemandTls.handshake.deadline}.
 */
final class ClientHelloConnection extends AbstractConnection implements Connection.UpgradeFrom, Connection.UpgradeTo {

    // One read; the ClientHello of a browser fits.
    private static final int READ_OCTETS = 2048;

    private final Callback fillCallback = new FillCallback();
    private final Visit visit = new Visit(new OnJetty());
    private final Connector connector;
    private final OnDemandSslConnectionFactory factory;
    private final HandshakeGate gate;
    private final TimerWheel timers;
    private final Duration helloTimeout;

    // Used by one thread at a time: whoever the state belongs to.
    private volatile @Nullable HelloReading reading;
    private ByteBuffer received = BufferUtil.EMPTY_BUFFER;
    private Admission.@Nullable Serve serve;
    private volatile @Nullable String serverName;
    private boolean limited;
    private volatile boolean moreFollowed;
    private int room = Visit.ROOM;

    /**
     * Stands at the beginning of a connection.
     *
     * @param connector the connector that accepted it
     * @param endPoint where the octets come from
     * @param factory makes the connection that takes over
     * @param gate decides
     * @param timers limits what the client may take
     * @param helloTimeout how long the whole ClientHello may take
     */
    ClientHelloConnection(
            Connector connector,
            EndPoint endPoint,
            OnDemandSslConnectionFactory factory,
            HandshakeGate gate,
            TimerWheel timers,
            Duration helloTimeout) {
        super(endPoint, connector.getExecutor());
        this.connector = connector;
        this.factory = factory;
        this.gate = gate;
        this.reading = new HelloReading(gate);
        this.timers = timers;
        this.helloTimeout = helloTimeout;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        orLeave(this::begin);
    }

    private void begin() {
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
        switch (visit.state()) {
            case READING -> orLeave(this::read);
            case PARKED -> visit.watch(this::hasLeft);
            case FAREWELL -> discard();
            default -> {
                // The event was under way when the interest was withdrawn; whoever reads next has its own.
            }
        }
    }

    /** A parked handshake is not idle, its deadline is the parking lot's; nor is one that a thread is about to go on with. */
    @Override
    public boolean onIdleExpired(TimeoutException timeout) {
        return awaitsPeer() || visit.state() == Visit.State.OVER;
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        // Whoever finds the reading ended finds the visit ended, too, and counts no refusal.
        visit.end();
        endReading();
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

    /** The server the client named, in lower case; null where it named none. */
    @Nullable
    String serverName() {
        return serverName;
    }

    // Jetty reports what is thrown, and would keep the connection.
    private void orLeave(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error thrown) {
            leave();
            throw thrown;
        }
    }

    private void read() {
        ByteBuffer buffer = BufferUtil.allocate(READ_OCTETS);
        try {
            while (visit.state() == Visit.State.READING) {
                int filled = getEndPoint().fill(buffer);
                if (filled < 0) {
                    leave();
                    return;
                }
                if (filled == 0) {
                    // Not sooner: most have sent it all by now, and a timer costs as much as they do.
                    limitHello();
                    if (mayWait()) {
                        getEndPoint().fillInterested(fillCallback);
                    }
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
        HelloReading current = reading;
        if (current == null) {
            return false;
        }
        ClientHelloParser.Progress progress = current.feed(buffer);
        if (progress instanceof ClientHelloParser.Progress.Complete complete) {
            moreFollowed = buffer.hasRemaining();
            received = joined(current.records(), buffer);
            // A parked handshake keeps its octets once.
            endReading();
            admit(complete.hello());
            return false;
        }
        if (progress instanceof ClientHelloParser.Progress.Invalid invalid) {
            refuseUnreadable(gate.refuseUnreadable(invalid));
            return false;
        }
        return true;
    }

    private boolean mayWait() {
        HelloReading current = reading;
        if (current == null || current.mayWait(getEndPoint().getRemoteSocketAddress())) {
            return true;
        }
        if (visit.giveUp()) {
            sendAlert(gate.refuseUnfinished(), false);
        }
        return false;
    }

    private void endReading() {
        HelloReading current = reading;
        if (current != null) {
            current.end();
            reading = null;
        }
    }

    private void admit(ClientHello hello) {
        if (!visit.move(Visit.State.READING, Visit.State.DECIDED)) {
            return;
        }
        if (hello.requestedName() instanceof RequestedName.Named named) {
            serverName = named.name().value();
        } else if (hello.requestedName() instanceof RequestedName.Other other) {
            serverName = other.text();
        }
        Admission admission = gate.admit(
                hello,
                getEndPoint().getRemoteSocketAddress(),
                factory.ownCertificates(),
                () -> factory.isFullOfParked(connector));
        if (admission instanceof Admission.Park park) {
            visit.park(park, () -> {
                factory.remember(visit);
                if (ReadInterest.owner(getEndPoint()) != null) {
                    getEndPoint().fillInterested(fillCallback);
                }
            });
        } else if (admission instanceof Admission.Settled settled) {
            proceed(settled);
        }
    }

    private void act() {
        switch (visit.state()) {
            case EXPIRED -> refuseSlow("no complete ClientHello within " + helloTimeout.toMillis() + " ms");
            case SETTLED -> resume();
            case GONE, CUT -> leave();
            default -> {
                // Closed, or refused by another thread, since the look was asked for.
            }
        }
    }

    private void resume() {
        Admission.Settled settled = visit.settled();
        if (settled == null || !visit.move(Visit.State.SETTLED, Visit.State.DECIDED)) {
            return;
        }
        AbstractEndPoint owner = ReadInterest.owner(getEndPoint());
        if (owner != null) {
            ReadInterest.withdraw(owner);
        }
        proceed(settled);
    }

    // A client that goes away gives its place back; what it sends before it has an answer is kept, as far as there is
    // room.
    private boolean hasLeft() {
        ByteBuffer buffer = BufferUtil.allocate(room);
        try {
            int filled = getEndPoint().fill(buffer);
            if (filled > 0) {
                moreFollowed = true;
                room -= filled;
                received = joined(received, buffer);
            }
            if (filled >= 0 && room > 0) {
                getEndPoint().fillInterested(fillCallback);
            }
            return filled < 0;
        } catch (IOException e) {
            // A reset: gone as well.
            return true;
        }
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
            if (settled instanceof Admission.Show show) {
                next = new ProxyConnection(connector, getEndPoint(), show, helloTimeout);
            } else {
                next = settled instanceof Admission.Prove prove
                        ? ProofConnection.connect(
                                connector, getEndPoint(), gate, prove, factory.tlsProvider(), helloTimeout)
                        : factory.newHandshake(connector, getEndPoint(), SessionScope.of(serve, serverName));
            }
        } catch (RuntimeException e) {
            // No SSL context: it is being replaced, the new key store is broken, or the server is going down.
            sendAlert(new Admission.Refuse(Alert.INTERNAL_ERROR), true);
            return;
        }
        if (!visit.move(Visit.State.DECIDED, Visit.State.ADMITTED)) {
            leave();
            return;
        }
        try {
            getEndPoint().upgrade(next);
        } catch (RuntimeException e) {
            leave();
        }
    }

    private void refuseUnreadable(Admission.Refuse refuse) {
        if (visit.giveUp()) {
            sendAlert(refuse, false);
        }
    }

    private void refuseSlow(String reason) {
        if (visit.giveUp()) {
            sendAlert(gate.refuseSlow(reason), false);
        }
    }

    // Who has said a ClientHello, and nothing more, waits for our answer.
    private void sendAlert(Admission.Refuse refuse, boolean helloComplete) {
        boolean more = !helloComplete || moreFollowed;
        received = BufferUtil.EMPTY_BUFFER;
        endReading();
        if (!visit.move(Visit.State.DECIDED, Visit.State.FAREWELL)) {
            return;
        }
        AlertCallback sent = new AlertCallback(more);
        getEndPoint().write(sent, refuse.alert().record());
        if (!sent.left) {
            visit.limit(Visit.State.FAREWELL, Visit.FAREWELL, Visit.State.CUT);
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
            int filled;
            do {
                BufferUtil.clear(buffer);
                filled = getEndPoint().fill(buffer);
                if (filled == 0) {
                    getEndPoint().tryFillInterested(fillCallback);
                    return;
                }
            } while (filled > 0 && visit.bearsMore(filled));
        } catch (IOException e) {
            // The peer has closed its side the hard way; so do we.
        }
        leave();
    }

    private void leave() {
        visit.end();
        getEndPoint().close();
    }

    private boolean awaitsPeer() {
        Visit.State now = visit.state();
        return now == Visit.State.READING || now == Visit.State.FAREWELL;
    }

    private void limitHello() {
        if (!limited) {
            limited = true;
            visit.limit(Visit.State.READING, helloTimeout, Visit.State.EXPIRED);
        }
    }

    private static ByteBuffer joined(ByteBuffer first, ByteBuffer second) {
        return ByteBuffer.allocate(first.remaining() + second.remaining())
                .put(first)
                .put(second)
                .flip();
    }

    /** What a visit wants of Jetty. */
    private final class OnJetty implements Visit.Host {

        @Override
        public Runnable later(Runnable task, Duration delay) {
            return timers.set(task, delay);
        }

        @Override
        public void look() {
            try {
                getExecutor().execute(() -> orLeave(ClientHelloConnection.this::act));
            } catch (RuntimeException | Error notRun) {
                // The server stops, or a thread cannot be started: nobody else would ever end this connection.
                leave();
            }
        }

        @Override
        public void forget(Visit over) {
            factory.forget(over);
        }
    }

    private final class FillCallback implements Callback {

        @Override
        public void succeeded() {
            onFillable();
        }

        @Override
        public void failed(Throwable cause) {
            if (ReadInterest.isWithdrawn(cause)) {
                return;
            }
            if (cause instanceof TimeoutException && visit.state() == Visit.State.READING) {
                refuseSlow("no octet of a ClientHello within the connector's idle timeout");
                return;
            }
            if (awaitsPeer() || visit.state() == Visit.State.PARKED) {
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
