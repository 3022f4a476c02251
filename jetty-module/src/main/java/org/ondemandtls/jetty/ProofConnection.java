package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.ChallengeTls;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.TlsProvider;

/**
 * The application side of an {@code acme-tls/1} connection: none. Lets the handshake end, then closes; what the peer
 * sends is never looked at, and nothing is sent to it.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8737#section-4">RFC 8737 section 4</a>
 */
final class ProofConnection extends AbstractConnection implements SslHandshakeListener {

    private final HandshakeGate gate;
    private final Admission.Prove prove;
    private final Scheduler.Task deadline;

    private volatile boolean shaken;

    private ProofConnection(
            Connector connector, EndPoint sslEndPoint, HandshakeGate gate, Admission.Prove prove, Duration patience) {
        super(sslEndPoint, connector.getExecutor());
        this.gate = gate;
        this.prove = prove;
        this.deadline =
                connector.getScheduler().schedule(sslEndPoint::close, patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Makes the TLS connection that shows a challenge certificate.
     *
     * @param connector the connector that accepted it
     * @param endPoint where the encrypted octets come from
     * @param gate is told when the certificate has been seen
     * @param prove what the gate decided
     * @param tls makes the engine
     * @param patience how long the handshake may take
     * @return a connection to upgrade to
     */
    static Connection connect(
            Connector connector,
            EndPoint endPoint,
            HandshakeGate gate,
            Admission.Prove prove,
            TlsProvider tls,
            Duration patience) {
        SSLEngine engine = ChallengeTls.engine(prove, tls);
        SslConnection ssl =
                new SslConnection(connector.getByteBufferPool(), connector.getExecutor(), null, endPoint, engine);
        ssl.setRenegotiationAllowed(false);
        ProofConnection proof = new ProofConnection(connector, ssl.getSslEndPoint(), gate, prove, patience);
        ssl.addHandshakeListener(proof);
        ssl.getSslEndPoint().setConnection(proof);
        return ssl;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        fillInterested();
    }

    @Override
    public void onFillable() {
        ByteBuffer buffer = BufferUtil.allocate(getInputBufferSize());
        try {
            int filled = getEndPoint().fill(buffer);
            if (filled != 0 || shaken) {
                getEndPoint().close();
                return;
            }
            fillInterested();
        } catch (IOException e) {
            getEndPoint().close();
        }
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        deadline.cancel();
        super.onClose(cause);
    }

    // Closing here would cut off the flight that ends the handshake: it is written after this returns.
    @Override
    public void handshakeSucceeded(Event event) {
        shaken = true;
        gate.proved(prove, getEndPoint().getRemoteSocketAddress());
    }

    @Override
    public void handshakeFailed(Event event, Throwable failure) {
        gate.proved(prove);
    }
}
