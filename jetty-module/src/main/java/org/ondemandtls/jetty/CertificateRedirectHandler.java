package org.ondemandtls.jetty;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.NetworkConnector;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.name.HttpHosts;
import org.ondemandtls.name.ServerName;

/**
 * Redirects a plain request to HTTPS if its host has a certificate that can be served, and only then: a customer whose
 * certificate is not there yet is not locked out. Nothing is obtained for it.
 *
 * <pre>{@code
 * server.insertHandler(new CertificateRedirectHandler());
 * }</pre>
 *
 * <p>The answer is 308, so that method and body are sent again, to the same host, path and query. It must not be stored:
 * a name that is withdrawn can be reached by HTTP again at once. The port is the {@code securePort} of the connector's
 * {@code HttpConfiguration}, and where that is not set, the one the server's on-demand connector listens on. Requests
 * that are secure, by TLS or by what a trusted proxy says, whose host is no server name, or whose path is not made of
 * visible ASCII go on untouched. A CA's validations do not come here: they are answered outside of this handler.
 *
 * <p><b>Threads.</b> Never blocks. Where only the store knows, the request waits without a thread, for {@link
 * #LOOK_UP_WAIT} at most, and goes on as one without a certificate where nothing was said by then.
 *
 * <p><b>Cost.</b> Anybody may cause it: for a name that is in memory or was never stored two look-ups, otherwise one read
 * of the store within the bounds the engine sets for strangers.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.4.9">RFC 9110 section 15.4.9</a>
 */
public final class CertificateRedirectHandler extends Handler.Wrapper {

    /** How long a request may wait for the store. */
    static final Duration LOOK_UP_WAIT = Duration.ofSeconds(2);

    private @Nullable JettyOnDemandTls onDemand;

    @Override
    protected void doStart() throws Exception {
        onDemand = getServer().getBean(JettyOnDemandTls.class);
        if (onDemand == null) {
            String mistake = "CertificateRedirectHandler has no On-Demand TLS to ask: call"
                    + " JettyOnDemandTls.addTo before the server starts, or add the module ondemand-tls";
            StartFailure.report(mistake);
            throw new IllegalStateException(mistake);
        }
        super.doStart();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        JettyOnDemandTls component = onDemand;
        OnDemandTls engine = component == null ? null : component.engine();
        HttpURI uri = request.getHttpURI();
        Optional<ServerName> host = request.isSecure() ? Optional.empty() : HttpHosts.serverName(uri.getHost());
        Optional<String> location =
                host.flatMap(name -> HttpHosts.httpsLocation(name, securePort(request), uri.getPathQuery()));
        if (engine == null || location.isEmpty()) {
            return super.handle(request, response, callback);
        }
        // A copy: giving up on it leaves whoever else waits for the same look-up alone.
        CompletableFuture<Boolean> servable =
                engine.isServable(host.orElseThrow()).copy();
        if (!servable.isDone()) {
            new Waiting(request, response, callback, location.get()).await(servable);
            return true;
        }
        if (servable.join()) {
            redirect(response, callback, location.get());
            return true;
        }
        return super.handle(request, response, callback);
    }

    private int securePort(Request request) {
        int configured = request.getConnectionMetaData().getHttpConfiguration().getSecurePort();
        if (configured > 0) {
            return configured;
        }
        for (Connector connector : getServer().getConnectors()) {
            if (connector instanceof NetworkConnector network
                    && !OnDemandSslConnectionFactory.of(connector).isEmpty()) {
                return network.getLocalPort();
            }
        }
        return 0;
    }

    private static void redirect(Response response, Callback callback, String location) {
        response.setStatus(HttpStatus.PERMANENT_REDIRECT_308);
        response.getHeaders().put(HttpHeader.LOCATION, location);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, 0);
        response.write(true, null, callback);
    }

    /** A request that goes on once it is known whether its host has a certificate. */
    private final class Waiting {

        private final Request request;
        private final Response response;
        private final Callback callback;
        private final String location;

        Waiting(Request request, Response response, Callback callback, String location) {
            this.request = request;
            this.response = response;
            this.callback = callback;
            this.location = location;
        }

        void await(CompletableFuture<Boolean> servable) {
            Scheduler.Task timeout = request.getComponents()
                    .getScheduler()
                    .schedule(() -> servable.complete(false), LOOK_UP_WAIT.toMillis(), TimeUnit.MILLISECONDS);
            servable.whenComplete((known, failure) -> {
                timeout.cancel();
                try {
                    // The thread that knows is the engine's, and is not lent to applications.
                    request.getComponents().getExecutor().execute(() -> goOn(failure == null && known));
                } catch (RuntimeException | Error notRun) {
                    // The server stops, or a thread cannot be started.
                    callback.failed(notRun);
                }
            });
        }

        private void goOn(boolean servable) {
            if (servable) {
                redirect(response, callback, location);
                return;
            }
            try {
                if (!CertificateRedirectHandler.super.handle(request, response, callback)) {
                    Response.writeError(request, response, callback, HttpStatus.NOT_FOUND_404);
                }
            } catch (Exception | Error e) {
                Response.writeError(request, response, callback, e);
            }
        }
    }
}
