package org.ondemandtls.jetty;

import java.util.Set;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.name.HttpHosts;

/**
 * Answers 421 to a request whose authority the certificate served on its connection does not cover.
 *
 * <p>Looks only at connections the engine served and whose client sent a server name; what the server's own
 * certificates answer is left to Jetty's own check. Stands first among the customizers, so that it sees the request as
 * it was sent and answers before Jetty's 400.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20">RFC 9110 section 15.5.20</a>
 */
final class HostCheck implements HttpConfiguration.Customizer {

    @Override
    public Request customize(Request request, HttpFields.Mutable responseHeaders) {
        GatedSslConnection connection = GatedSslConnection.of(
                request.getConnectionMetaData().getConnection().getEndPoint());
        if (connection == null || !connection.serverNameSent()) {
            return request;
        }
        Admission.Serve serve = connection.serve();
        if (serve != null) {
            Set<String> names = serve.certificate().names();
            // An absolute-form request has two; an application may look at either.
            require(names, request.getHttpURI().getHost());
            String header = request.getHeaders().get(HttpHeader.HOST);
            if (header != null) {
                require(names, HttpHosts.withoutPort(header));
            }
        }
        return request;
    }

    private static void require(Set<String> names, @Nullable String host) {
        if (host == null || HttpHosts.covered(names, host)) {
            return;
        }
        throw new HttpException.RuntimeException(HttpStatus.MISDIRECTED_REQUEST_421, "Misdirected Request");
    }
}
