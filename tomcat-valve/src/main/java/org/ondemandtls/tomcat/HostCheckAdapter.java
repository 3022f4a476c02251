package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Adapter;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.buf.MessageBytes;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.name.HttpHosts;

/**
 * Answers 421 to a request whose authority the certificate served on its connection does not cover, or for which
 * another {@code <SSLHostConfig>} sets the terms than set those of its connection: one that wants a client's certificate,
 * for example. All others go on, a trailing dot of their host taken off.
 *
 * <p>Stands between the protocol and the container, so that no configuration can leave it out. Of one connection at a
 * time: HTTP/2 makes one for each, an HTTP/1.1 processor has one for all it serves in turn.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20">RFC 9110 section 15.5.20</a>
 */
final class HostCheckAdapter implements Adapter {

    private static final int MISDIRECTED_REQUEST = 421;

    private final Adapter adapter;
    private final OnDemandEndpoint endpoint;
    private final boolean checks;

    // Null where it is not one of ours. Requests of an HTTP/2 connection are served by many threads.
    private volatile @Nullable SocketWrapperBase<?> connection;

    /**
     * Stands in front of the container's adapter.
     *
     * @param adapter what serves requests
     * @param endpoint the connector's
     * @param checks whether hosts are checked; if not, trailing dots are taken off and nothing else is done
     */
    HostCheckAdapter(Adapter adapter, OnDemandEndpoint endpoint, boolean checks) {
        this.adapter = adapter;
        this.endpoint = endpoint;
        this.checks = checks;
    }

    /**
     * Turns to a connection.
     *
     * @param next whose requests come next
     */
    void turnTo(SocketWrapperBase<?> next) {
        connection = next;
    }

    @Override
    public void service(Request request, Response response) throws Exception {
        SocketWrapperBase<?> current = connection;
        if (checks && current != null && current.getSocket() instanceof GatedChannel channel) {
            Served served = channel.served();
            String wrong = misdirected(served, host(request.serverName()));
            if (wrong == null) {
                wrong = misdirected(served, host(request.getMimeHeaders().getValue("host")));
            }
            if (wrong != null) {
                endpoint.misdirected(served.serverName(), wrong, String.valueOf(current.getRemoteAddr()));
                answer(request, response);
                return;
            }
        }
        takeDotOff(request.serverName());
        adapter.service(request, response);
    }

    private void answer(Request request, Response response) throws IOException {
        byte[] body = HandshakeGate.MISDIRECTED_BODY.getBytes(StandardCharsets.US_ASCII);
        response.setStatus(MISDIRECTED_REQUEST);
        response.setContentType("text/plain");
        response.setContentLength(body.length);
        response.doWrite(ByteBuffer.wrap(body));
        adapter.log(request, response, 0);
        response.action(ActionCode.CLOSE, null);
    }

    @Override
    public boolean prepare(Request request, Response response) throws Exception {
        return adapter.prepare(request, response);
    }

    @Override
    public boolean asyncDispatch(Request request, Response response, SocketEvent status) throws Exception {
        return adapter.asyncDispatch(request, response, status);
    }

    @Override
    public void log(Request request, Response response, long time) {
        adapter.log(request, response, time);
    }

    @Override
    public void checkRecycled(Request request, Response response) {
        adapter.checkRecycled(request, response);
    }

    @Override
    public String getDomain() {
        return adapter.getDomain();
    }

    // The host where it is not one of the connection's, null where it is.
    private @Nullable String misdirected(Served served, @Nullable String host) {
        return host == null || isServed(served, host, endpoint.hostConfigName(host)) ? null : host;
    }

    /**
     * Whether a connection carries requests for a host.
     *
     * @param served what the connection was served with; a certificate that is for no name says nothing about hosts
     * @param host the request's
     * @param hostConfig which {@code <SSLHostConfig>} sets the terms for it
     */
    static boolean isServed(Served served, String host, String hostConfig) {
        return hostConfig.equals(served.hostConfig())
                && (served.names().isEmpty() || HttpHosts.covered(served.names(), host));
    }

    private static @Nullable String host(@Nullable MessageBytes authority) {
        return authority == null || authority.isNull() ? null : HttpHosts.withoutPort(authority.toString());
    }

    // The same name (RFC 1034 section 3.1), which the container would not find among its hosts.
    private static void takeDotOff(MessageBytes host) {
        if (!host.isNull()) {
            String text = host.toString();
            if (text.length() > 1 && text.endsWith(".")) {
                host.setString(text.substring(0, text.length() - 1));
            }
        }
    }
}
