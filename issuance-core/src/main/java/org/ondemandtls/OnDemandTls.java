package org.ondemandtls;

import javax.net.ssl.X509ExtendedKeyManager;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.status.Status;

/**
 * The engine as a whole.
 *
 * <p>Life: {@link #open} before the server's connectors start, {@link #serve} once they accept connections (a CA
 * comes back through them), {@link #close} when the server stops. Each is called once, by one thread.
 */
public final class OnDemandTls implements AutoCloseable {

    private OnDemandTls() {}

    /**
     * Opens the store and builds every floor; no certificate is read, obtained or renewed yet.
     *
     * @param config what the operator said
     * @param staticCertificates what the server serves by itself
     * @param listener writes events to the server's log
     * @return the engine
     * @throws StartException if something the operator configured cannot be used, in one line that says what to do
     */
    public static OnDemandTls open(
            OnDemandTlsConfig config, StaticCertificates staticCertificates, EventListener listener)
            throws StartException {
        throw new UnsupportedOperationException();
    }

    /** Begins to work: finishes open orders, makes the authority ready. Call it when the connectors accept. */
    public void serve() {
        throw new UnsupportedOperationException();
    }

    /** What the engine was opened with. */
    public OnDemandTlsConfig config() {
        throw new UnsupportedOperationException();
    }

    /** Decides per ClientHello. */
    public HandshakeGate gate() {
        throw new UnsupportedOperationException();
    }

    /** The HTTP-01 proofs on display. */
    public ChallengeBoard challenges() {
        throw new UnsupportedOperationException();
    }

    /** The key manager for the server's one {@code SSLContext}. */
    public X509ExtendedKeyManager keyManager() {
        throw new UnsupportedOperationException();
    }

    /** Counters and gauges. */
    public Status status() {
        throw new UnsupportedOperationException();
    }

    /** Refuses new work, ends parked handshakes, and returns within seconds with every thread gone. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
