package org.ondemandtls.tomcat;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.Optional;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.name.HttpHosts;
import org.ondemandtls.name.ServerName;

/**
 * Redirects a plain request to HTTPS if its host has a certificate that can be served, and only then: a customer whose
 * certificate is not there yet is not locked out. Nothing is obtained for it.
 *
 * <pre>{@code
 * <Valve className="org.ondemandtls.tomcat.AcmeChallengeValve"/>
 * <Valve className="org.ondemandtls.tomcat.CertificateRedirectValve"/>
 * }</pre>
 *
 * <p>The answer is 308, so that method and body are sent again, to the same host, path and query. It must not be stored:
 * a name that is withdrawn can be reached by HTTP again at once. The port is the {@code redirectPort} of the connector
 * the request came by. Requests that are secure, whose host is no server name, or whose path is not made of visible
 * ASCII go on untouched. It stands behind the {@link AcmeChallengeValve}, which keeps a CA's pending validations on
 * HTTP, and behind a {@code RemoteIpValve}, which says whether a request was secure at the proxy.
 *
 * <p><b>Threads.</b> Never blocks. Where only the store knows, which is so for the first request after a start, the
 * request goes on as one without a certificate; the look-up it has caused brings the certificate into memory, and the
 * next request is redirected.
 *
 * <p><b>Cost.</b> Anybody may cause it: for a name that is in memory or was never stored two look-ups, otherwise one read
 * of the store within the bounds the engine sets for strangers.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.4.9">RFC 9110 section 15.4.9</a>
 */
public class CertificateRedirectValve extends ValveBase {

    private static final int PERMANENT_REDIRECT = 308;

    /** Made by Tomcat. Asynchronous requests pass it as well. */
    public CertificateRedirectValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        Optional<ServerName> host =
                request.isSecure() ? Optional.empty() : HttpHosts.serverName(request.getServerName());
        Optional<String> location = host.flatMap(name ->
                HttpHosts.httpsLocation(name, request.getConnector().getRedirectPortWithOffset(), target(request)));
        if (location.isEmpty() || !isKnownToBeServable(request.getConnector(), host.orElseThrow())) {
            getNext().invoke(request, response);
            return;
        }
        response.setStatus(PERMANENT_REDIRECT);
        response.setHeader("Location", location.get());
        response.setHeader("Cache-Control", "no-store");
        response.setContentLength(0);
        response.finishResponse();
    }

    private static @Nullable String target(Request request) {
        String query = request.getQueryString();
        return query == null ? request.getRequestURI() : request.getRequestURI() + "?" + query;
    }

    private static boolean isKnownToBeServable(Connector connector, ServerName host) {
        for (Connector sibling : connector.getService().findConnectors()) {
            OnDemandTls engine = AcmeChallengeValve.engine(sibling);
            if (engine != null && engine.isServable(host).getNow(false)) {
                return true;
            }
        }
        return false;
    }
}
