package org.ondemandtls.jetty;

import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.HandshakeGate;

/**
 * Tells the gate that a handshake it had a certificate for is complete; Jetty tells of the first one of a connection only.
 *
 * @param gate is told
 * @param serve what it decided
 */
record CompletionListener(HandshakeGate gate, Admission.Serve serve) implements SslHandshakeListener {

    @Override
    public void handshakeSucceeded(Event event) {
        gate.completed(serve);
    }
}
