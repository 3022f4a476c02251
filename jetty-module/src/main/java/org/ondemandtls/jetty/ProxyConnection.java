package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.ProxyExchange;

/**
 * Carries the octets of a proxy that may be fetching a proof; neither Jetty's TLS nor its HTTP sees them.
 *
 * <p><b>Threads.</b> Those of the connector's executor, one at a time.
 */
final class ProxyConnection extends AbstractConnection implements Connection.UpgradeTo {

    private static final int READ_OCTETS = 4096;

    // What a peer that has its answer may still send, so that our close does not turn into a reset.
    private static final int FAREWELL_OCTETS = 64 * 1024;

    private final ProxyExchange exchange;
    private final Scheduler.Task deadline;
    private ByteBuffer received = BufferUtil.EMPTY_BUFFER;
    private int afterwards;

    /**
     * Takes over from a connection that has read the ClientHello.
     *
     * @param connector the connector that accepted it
     * @param endPoint where the encrypted octets come from
     * @param show what the gate decided
     * @param patience how long all of it may take
     */
    ProxyConnection(Connector connector, EndPoint endPoint, Admission.Show show, Duration patience) {
        super(endPoint, connector.getExecutor());
        this.exchange = new ProxyExchange(show);
        this.deadline = connector.getScheduler().schedule(endPoint::close, patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void onUpgradeTo(ByteBuffer buffer) {
        received = buffer;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        try {
            // Signing is no work for a selector.
            getExecutor().execute(() -> take(received));
        } catch (RuntimeException | Error stopping) {
            getEndPoint().close();
        }
    }

    @Override
    public void onFillable() {
        ByteBuffer buffer = BufferUtil.allocate(READ_OCTETS);
        try {
            int filled = getEndPoint().fill(buffer);
            if (filled > 0) {
                take(buffer);
            } else if (filled == 0) {
                fillInterested();
            } else {
                getEndPoint().close();
            }
        } catch (IOException e) {
            getEndPoint().close();
        }
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        deadline.cancel();
        super.onClose(cause);
    }

    private void take(ByteBuffer octets) {
        if (exchange.isOver()) {
            afterwards += octets.remaining();
            if (afterwards > FAREWELL_OCTETS) {
                getEndPoint().close();
            } else {
                fillInterested();
            }
            return;
        }
        ByteBuffer said = exchange.feed(octets);
        if (said.hasRemaining()) {
            getEndPoint()
                    .write(Callback.from(this::goOn, failure -> getEndPoint().close()), said);
        } else {
            goOn();
        }
    }

    private void goOn() {
        if (exchange.isOver()) {
            getEndPoint().shutdownOutput();
        }
        fillInterested();
    }
}
