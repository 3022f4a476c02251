package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.BufferUtil;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;

/**
 * Jetty's TLS connection, with what the gate knew about it and the octets that were read before it.
 */
final class GatedSslConnection extends SslConnection {

    private final Admission.@Nullable Serve serve;
    private final @Nullable String serverName;

    // Octets for which the stock input buffer, which holds one TLS record, has no room yet.
    private ByteBuffer waiting = BufferUtil.EMPTY_BUFFER;

    /**
     * Takes over from a connection that has read the ClientHello.
     *
     * @param connector the connector that accepted it
     * @param factory gives the settings
     * @param endPoint where the encrypted octets come from
     * @param engine the engine, bound where {@code serve} is not null
     * @param serve the certificate the gate decided on; null where the server's own answers
     * @param serverName the server the client named, null for none
     */
    GatedSslConnection(
            Connector connector,
            OnDemandSslConnectionFactory factory,
            EndPoint endPoint,
            SSLEngine engine,
            Admission.@Nullable Serve serve,
            @Nullable String serverName) {
        super(
                connector.getByteBufferPool(),
                connector.getExecutor(),
                factory.getSslContextFactory(),
                endPoint,
                engine,
                factory.isDirectBuffersForEncryption(),
                factory.isDirectBuffersForDecryption());
        this.serve = serve;
        this.serverName = serverName;
    }

    /**
     * What the end point of a request was served with.
     *
     * @param endPoint the end point an HTTP connection stands on
     * @return the TLS connection, null if the end point is not one the gate has seen
     */
    static @Nullable GatedSslConnection of(@Nullable EndPoint endPoint) {
        EndPoint current = endPoint;
        while (current != null) {
            if (current instanceof SslEndPoint ssl) {
                return ssl.getSslConnection() instanceof GatedSslConnection gated ? gated : null;
            }
            current = current instanceof EndPoint.Wrapper wrapper ? wrapper.unwrap() : null;
        }
        return null;
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

    @Override
    public void onUpgradeTo(ByteBuffer buffer) {
        super.onUpgradeTo(buffer);
        waiting = buffer;
    }

    // Called under the connection's own lock, before every unwrap.
    @Override
    protected int networkFill(ByteBuffer input) throws IOException {
        return waiting.hasRemaining() ? BufferUtil.append(input, waiting) : super.networkFill(input);
    }
}
