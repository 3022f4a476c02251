package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import org.apache.tomcat.util.buf.ByteBufferUtils;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint.NioSocketWrapper;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.HelloReading;
import org.ondemandtls.handshake.NamelessSession;
import org.ondemandtls.handshake.ServedMatcher;
import org.ondemandtls.handshake.SessionScope;
import org.ondemandtls.handshake.Visit;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.RequestedName;

/**
 * Tomcat's TLS channel with the gate in front: reads the ClientHello, asks, and lets Tomcat handshake only when there
 * is something to handshake with.
 *
 * <p>Tomcat calls {@link #handshake} on a worker whenever the connection is readable, and registers whatever interest
 * it returns. {@link #NOTHING} is no interest: the connection is then left alone until {@link Visit} has it looked at
 * again, and no thread is held.
 *
 * <p><b>Threads.</b> All but {@link #watch} runs on Tomcat's workers, one at a time per connection, under the lock of
 * its socket wrapper.
 *
 * <p><b>Cost.</b> What an unauthenticated peer holds here: one connection, one timer of the wheel, and the octets of a
 * ClientHello it has really sent, at most 32 KiB; for {@code onDemandTls.handshake.helloTimeout} at most, or, once parked, for {@code
 * onDemandTls.handshake.deadline}.
 */
final class GatedChannel extends FrugalChannel {

    /** No interest op of {@link SelectionKey}, so that Tomcat registers nothing, and neither of its two verdicts. */
    static final int NOTHING = 1 << 30;

    private final OnDemandEndpoint endpoint;

    // Of the connection this channel is used for now; one worker after another, in an order the wrapper's lock makes.
    private volatile @Nullable Visit visit;
    private volatile @Nullable HelloReading reading;
    private @Nullable String requestedName;
    private Admission.@Nullable Serve serve;
    private Admission.@Nullable Prove prove;
    private @Nullable ShownProof shown;
    private ClientHelloParser.Progress.@Nullable Invalid unreadable;
    private volatile boolean unwrapping;
    private volatile boolean bound;
    private @Nullable Served served;
    private volatile boolean counted;

    /**
     * A channel for use by one connection after another.
     *
     * @param buffers the buffers of the decrypted side
     * @param endpoint gives the gate
     */
    GatedChannel(LatentBuffers buffers, OnDemandEndpoint endpoint) {
        super(buffers, endpoint);
        this.endpoint = endpoint;
    }

    /** Begins with a connection that has been accepted. */
    @Override
    public void reset(SocketChannel channel, @Nullable NioSocketWrapper wrapper) throws IOException {
        super.reset(channel, wrapper);
        endReading();
        requestedName = null;
        serve = null;
        prove = null;
        shown = null;
        unreadable = null;
        unwrapping = false;
        bound = false;
        served = null;
        counted = false;
        // Tomcat takes the connection away from a channel in the same way.
        if (wrapper == null) {
            return;
        }
        reading = endpoint.reading();
        Visit begun = endpoint.visit(wrapper);
        visit = begun;
        begun.limit(Visit.State.READING, endpoint.helloTimeout(), Visit.State.EXPIRED);
    }

    /** How far the connection has come. */
    Visit visit() {
        Visit current = visit;
        if (current == null) {
            throw new IllegalStateException("no connection uses this channel yet");
        }
        return current;
    }

    /** What this connection was served with; its handshake is complete. */
    Served served() {
        Served known = served;
        if (known == null) {
            known = new Served(
                    requestedName,
                    serve != null ? serve.certificate().names() : endpoint.namesShown(sslEngine, requestedName),
                    endpoint.hostConfigName(requestedName));
            served = known;
        }
        return known;
    }

    /** Whether this channel carries that connection, and not its next one already. */
    boolean isUsedBy(SocketWrapperBase<NioChannel> wrapper) {
        return wrapper.equals(socketWrapper);
    }

    @Override
    public boolean isHandshakeComplete() {
        return super.isHandshakeComplete() && visit().state() == Visit.State.ADMITTED;
    }

    @Override
    public int handshake(boolean read, boolean write) throws IOException {
        return switch (visit().state()) {
            case READING -> readHello();
            case EXPIRED -> refuseSlow();
            case SETTLED -> resume();
            case ADMITTED -> shakeHands(read, write);
            case PROVING -> shown != null ? shown.proceed() : prove(read, write);
            case FAREWELL -> discard();
            case GONE, CUT -> leave();
            case DECIDED, PARKED, OVER -> NOTHING;
        };
    }

    @Override
    public void close(boolean force) throws IOException {
        endVisit();
        super.close(force);
    }

    /**
     * Looks whether the client of a parked connection is still there. What it has sent meanwhile is kept, as far as
     * there is room behind its ClientHello; what comes after that stays in the socket, and the client's leaving is
     * then noticed at the deadline.
     *
     * <p>Called on the engine's timer; does not block.
     *
     * @param watched the visit that was parked
     */
    void watch(Visit watched) {
        watched.watch(this::hasLeft);
    }

    @Override
    protected SSLEngineResult handshakeUnwrap(boolean read) throws IOException {
        if (!unwrapping) {
            unwrapping = true;
            bringBackRest();
            if (serve != null && !bound) {
                bindAnew(serve);
            }
        }
        return super.handshakeUnwrap(read);
    }

    private int readHello() {
        try {
            if (unreadable != null) {
                return judgePlain(unreadable);
            }
            while (true) {
                int octets = sc.read(emptied());
                if (octets < 0) {
                    return leave();
                }
                if (octets == 0) {
                    letGo();
                    return mayWait() ? SelectionKey.OP_READ : refuseUnfinished();
                }
                netInBuffer.flip();
                HelloReading current = reading;
                if (current == null) {
                    return leave();
                }
                ClientHelloParser.Progress progress = current.feed(netInBuffer);
                if (progress instanceof ClientHelloParser.Progress.Complete complete) {
                    keep(current.records());
                    endReading();
                    return admit(complete.hello());
                }
                if (progress instanceof ClientHelloParser.Progress.Invalid invalid) {
                    return refuseUnreadable(invalid);
                }
            }
        } catch (IOException e) {
            return leave();
        }
    }

    private int admit(ClientHello hello) throws IOException {
        if (!visit().move(Visit.State.READING, Visit.State.DECIDED)) {
            return refuseSlow();
        }
        if (hello.requestedName() instanceof RequestedName.Named named) {
            requestedName = named.name().value();
        } else if (hello.requestedName() instanceof RequestedName.Other other) {
            requestedName = other.text();
        }
        Admission admission = endpoint.admit(hello, sc.getRemoteAddress());
        if (admission instanceof Admission.Park park) {
            Visit current = visit();
            giveBack();
            current.park(park, () -> endpoint.remember(current, this));
            return NOTHING;
        }
        return admission instanceof Admission.Settled settled ? proceed(settled) : leave();
    }

    private int resume() throws IOException {
        Admission.Settled settled = visit().settled();
        if (settled == null || !visit().move(Visit.State.SETTLED, Visit.State.DECIDED)) {
            return leave();
        }
        // The wait counts as idle time, which would end the handshake as soon as it begins.
        socketWrapper.updateLastRead();
        return proceed(settled);
    }

    private int proceed(Admission.Settled settled) throws IOException {
        if (settled instanceof Admission.Refuse refuse) {
            return refuse(refuse, hasMoreThanHello());
        }
        if (settled instanceof Admission.Prove proof) {
            return beginProof(proof);
        }
        if (settled instanceof Admission.Show show) {
            shown = new ShownProof(this, show, endpoint.helloTimeout());
            return shown.begin(netInBuffer.flip());
        }
        serve = settled instanceof Admission.Serve served ? served : null;
        if (!visit().move(Visit.State.DECIDED, Visit.State.ADMITTED)) {
            return leave();
        }
        takeBack();
        setRestAside();
        return shakeHands(true, true);
    }

    private int shakeHands(boolean read, boolean write) throws IOException {
        boolean before = super.isHandshakeComplete();
        int verdict = sniComplete ? super.handshake(read, write) : begin(serve, read, write);
        if (!before && super.isHandshakeComplete()) {
            // Before the first octet of the application.
            if (requestedName == null
                    && NamelessSession.isOfAName(
                            sslEngine.getSession(), name -> serve == null && endpoint.covers(name))) {
                return leave();
            }
            if (serve != null && !counted) {
                counted = true;
                endpoint.completed(serve);
            }
        }
        return verdict;
    }

    // Tomcat makes its engine in here, and begins.
    private int begin(Admission.@Nullable Serve decided, boolean read, boolean write) throws IOException {
        if (decided != null) {
            BindingContext.expect(engine -> {
                ServedMatcher.bind(engine, decided);
                bound = true;
            });
        }
        OnDemandEndpoint.hasRead(requestedName);
        try {
            return SessionScope.of(decided, requestedName).during(() -> super.handshake(read, write));
        } finally {
            OnDemandEndpoint.hasRead(null);
            BindingContext.expectNone();
        }
    }

    // Where the user gave the host configuration certificates of its own, Tomcat has made an engine that shows those.
    private void bindAnew(Admission.Serve decided) throws IOException {
        SSLEngine engine = SessionScope.of(decided, requestedName).during(() -> endpoint.onDemandEngine(requestedName));
        engine.setUseClientMode(false);
        engine.setSSLParameters(sslEngine.getSSLParameters());
        ServedMatcher.bind(engine, decided);
        engine.beginHandshake();
        sslEngine = engine;
        handshakeStatus = engine.getHandshakeStatus();
    }

    private int beginProof(Admission.Prove proof) throws IOException {
        if (!visit().move(Visit.State.DECIDED, Visit.State.PROVING)) {
            return leave();
        }
        prove = proof;
        unwrapping = true;
        SSLEngine engine = endpoint.challengeEngine(proof);
        sslEngine = engine;
        sniComplete = true;
        getBufHandler().expand(engine.getSession().getApplicationBufferSize());
        netInBuffer = ByteBufferUtils.expand(netInBuffer, engine.getSession().getPacketBufferSize());
        netOutBuffer = ByteBufferUtils.expand(netOutBuffer, engine.getSession().getPacketBufferSize());
        netOutBuffer.clear().limit(0);
        engine.beginHandshake();
        handshakeStatus = engine.getHandshakeStatus();
        return prove(true, true);
    }

    private int prove(boolean read, boolean write) {
        int verdict;
        try {
            verdict = super.handshake(read, write);
        } catch (IOException e) {
            verdict = -1;
        }
        if (verdict > 0) {
            return verdict;
        }
        if (prove != null) {
            endpoint.proved(prove, verdict < 0 ? null : sc);
        }
        if (verdict < 0 || !visit().move(Visit.State.PROVING, Visit.State.FAREWELL)) {
            return leave();
        }
        try {
            // Says so within TLS; the socket stays open.
            close();
            return bidFarewell();
        } catch (IOException e) {
            return leave();
        }
    }

    private int refuseUnreadable(ClientHelloParser.Progress.Invalid invalid) {
        if (invalid.fault() != ClientHelloParser.Fault.NOT_TLS) {
            return visit().giveUp() ? refuse(endpoint.refuseUnreadable(invalid), true) : leave();
        }
        netInBuffer.position(netInBuffer.limit()).limit(netInBuffer.capacity());
        return judgePlain(invalid);
    }

    // Who shuts down his side has said all he will say, and waits for the answer.
    private int judgePlain(ClientHelloParser.Progress.Invalid invalid) {
        if (readOn() && PlainHttp.mayBegin(netInBuffer)) {
            unreadable = invalid;
            giveBack();
            return SelectionKey.OP_READ;
        }
        takeBack();
        readOn();
        // The peer may just have been given up by the timer: then its look finds the refusal made.
        if (!visit().giveUp()) {
            return leave();
        }
        Admission.Refuse refuse = endpoint.refuseUnreadable(invalid);
        return PlainHttp.is(netInBuffer) ? say(PlainHttp.answer(), true) : refuse(refuse, true);
    }

    // Whether more may come.
    private boolean readOn() {
        try {
            return sc.read(netInBuffer) >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    private boolean mayWait() throws IOException {
        HelloReading current = reading;
        return current == null || current.mayWait(sc.getRemoteAddress());
    }

    private int refuseUnfinished() {
        return visit().giveUp() ? refuse(endpoint.refuseUnfinished(), true) : leave();
    }

    private void endReading() {
        HelloReading current = reading;
        if (current != null) {
            current.end();
            reading = null;
        }
    }

    private int refuseSlow() {
        return visit().giveUp() ? refuse(endpoint.refuseSlow(), true) : leave();
    }

    // Who has said a ClientHello, and nothing more, waits for our answer.
    private int refuse(Admission.Refuse refuse, boolean moreToCome) {
        return say(refuse.alert().record(), moreToCome);
    }

    private int say(ByteBuffer last, boolean moreToCome) {
        endReading();
        if (visit().state() != Visit.State.DECIDED) {
            return leave();
        }
        try {
            // A few octets, the first of this connection: the socket has room for them. Said before the state tells so:
            // a
            // connector that stops waits for that, and closes the socket.
            sc.write(last);
            if (!visit().move(Visit.State.DECIDED, Visit.State.FAREWELL)) {
                return leave();
            }
            return moreToCome || !isSilent() ? bidFarewell() : leave();
        } catch (IOException e) {
            return leave();
        }
    }

    // Our close turns into a reset, which may overtake the alert, only where there is something left to read.
    private boolean isSilent() throws IOException {
        return sc.read(emptied()) <= 0;
    }

    int bidFarewell() throws IOException {
        sc.shutdownOutput();
        visit().limit(Visit.State.FAREWELL, Visit.FAREWELL, Visit.State.CUT);
        return discard();
    }

    private int discard() {
        try {
            int octets;
            do {
                octets = sc.read(emptied());
                if (octets == 0) {
                    return SelectionKey.OP_READ;
                }
            } while (octets > 0 && visit().bearsMore(octets));
        } catch (IOException e) {
            // The peer has closed its side the hard way; so do we.
        }
        return leave();
    }

    // Not by Tomcat's verdict of -1: that would write an entry to the access log for each stranger.
    int leave() {
        endVisit();
        socketWrapper.close();
        return NOTHING;
    }

    private boolean hasLeft() {
        try {
            return netInBuffer.hasRemaining() && sc.read(netInBuffer) < 0;
        } catch (IOException e) {
            // A reset: gone as well.
            return true;
        }
    }

    // A channel may be thrown away before any connection used it.
    private void endVisit() {
        Visit current = visit;
        if (current != null) {
            current.end();
        }
        endReading();
    }
}
