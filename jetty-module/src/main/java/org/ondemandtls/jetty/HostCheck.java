package org.ondemandtls.jetty;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Set;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.name.HttpHosts;

/**
 * Answers 421 to a request whose authority the certificate served on its connection does not cover, and takes the
 * trailing dot off the host of all others.
 *
 * <p>Checks only connections the engine served, whether or not their client sent a server name; what the server's own
 * certificates answer is left to Jetty's own check. Stands first among the customizers, so that it sees the request as
 * it was sent and answers before Jetty's 400.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20">RFC 9110 section 15.5.20</a>
 */
final class HostCheck implements HttpConfiguration.Customizer {

    private final JettyOnDemandTls onDemand;
    private final boolean checks;

    /**
     * Checks the requests of one server.
     *
     * @param onDemand gives the engine
     * @param checks whether hosts are checked; if not, trailing dots are taken off and nothing else is done
     */
    HostCheck(JettyOnDemandTls onDemand, boolean checks) {
        this.onDemand = onDemand;
        this.checks = checks;
    }

    @Override
    public Request customize(Request request, HttpFields.Mutable responseHeaders) {
        GatedSslConnection connection = GatedSslConnection.of(
                request.getConnectionMetaData().getConnection().getEndPoint());
        if (connection == null) {
            return request;
        }
        Admission.Serve serve = connection.serve();
        if (checks && serve != null) {
            Set<String> names = serve.certificate().names();
            // An absolute-form request has two; an application may look at either.
            require(names, request.getHttpURI().getHost(), connection, request);
            String header = request.getHeaders().get(HttpHeader.HOST);
            if (header != null) {
                require(names, HttpHosts.withoutPort(header), connection, request);
            }
        }
        return withoutDot(request);
    }

    private void require(Set<String> names, @Nullable String host, GatedSslConnection connection, Request request) {
        if (host == null || HttpHosts.covered(names, host)) {
            return;
        }
        OnDemandTls engine = onDemand.engine();
        if (engine != null) {
            engine.gate().misdirected(connection.serverName(), host, peer(request));
        }
        throw new HttpException.RuntimeException(HttpStatus.MISDIRECTED_REQUEST_421, HandshakeGate.MISDIRECTED_BODY);
    }

    private static String peer(Request request) {
        SocketAddress peer = request.getConnectionMetaData().getRemoteSocketAddress();
        return peer instanceof InetSocketAddress address && address.getAddress() != null
                ? address.getAddress().getHostAddress()
                : "a client of unknown address";
    }

    // The same name (RFC 1034 section 3.1), which Jetty's own check would not find in the certificate.
    private static Request withoutDot(Request request) {
        HttpURI sent = request.getHttpURI();
        String host = sent.getHost();
        if (host == null || host.length() < 2 || !host.endsWith(".")) {
            return request;
        }
        HttpURI same =
                HttpURI.build(sent).host(host.substring(0, host.length() - 1)).asImmutable();
        return new Request.Wrapper(request) {
            @Override
            public HttpURI getHttpURI() {
                return same;
            }
        };
    }
}
