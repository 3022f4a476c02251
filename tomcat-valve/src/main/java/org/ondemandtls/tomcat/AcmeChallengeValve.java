package org.ondemandtls.tomcat;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArraySet;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;
import org.apache.catalina.Service;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Vantages;

/**
 * Answers a CA's HTTP-01 validation on every connector of its {@code <Engine>}, whatever Host or Context would match:
 *
 * <pre>{@code
 * <Valve className="org.ondemandtls.tomcat.AcmeChallengeValve"/>
 * }</pre>
 *
 * <p>Only a GET or HEAD for exactly {@code /.well-known/acme-challenge/TOKEN}, with a token that is pending for the
 * request's host, is answered; nothing of the request is reflected. Everything else goes on untouched. A token that
 * another server on the same store may show is looked up without a thread of the server's. It finds the
 * {@link OnDemandTlsProtocol} of its service by itself, also where there are several.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-8.3">RFC 8555 section 8.3</a>
 */
public class AcmeChallengeValve extends ValveBase {

    private static final Set<AcmeChallengeValve> STARTED = new CopyOnWriteArraySet<>();

    private static final String ASKED = AcmeChallengeValve.class.getName() + ".asked";
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private final LifecycleListener serveWhenStarted = event -> {
        if (Lifecycle.AFTER_START_EVENT.equals(event.getType())) {
            serve();
        }
    };

    private @Nullable Server server;

    /** Made by Tomcat. Asynchronous requests pass it as well. */
    public AcmeChallengeValve() {
        super(true);
    }

    /**
     * Whether a CA can be shown proofs for a connector over plain HTTP: a valve is there, and a connector without TLS.
     *
     * @param protocol the connector
     */
    static boolean answersFor(OnDemandTlsProtocol protocol) {
        return !plainConnectors(protocol).isEmpty();
    }

    /**
     * Where a CA can be shown proofs for a connector over plain HTTP.
     *
     * @param protocol the connector
     * @return those without TLS that have started and have a valve, empty if there are none
     */
    static List<Connector> plainConnectors(OnDemandTlsProtocol protocol) {
        List<Connector> plain = new ArrayList<>();
        for (AcmeChallengeValve valve : STARTED) {
            if (valve.serves(protocol)) {
                for (Connector connector : valve.connectors()) {
                    if (connector.getState().isAvailable() && !isTls(connector)) {
                        plain.add(connector);
                    }
                }
            }
        }
        return plain;
    }

    /**
     * Whether a valve will tell a connector when the whole server has started, so that it need not begin to work with
     * connectors that a CA will look at still closed.
     *
     * @param protocol the connector
     */
    static boolean isStartingWith(OnDemandTlsProtocol protocol) {
        for (AcmeChallengeValve valve : STARTED) {
            Server starting = valve.server;
            if (starting != null && starting.getState() == LifecycleState.STARTING && valve.serves(protocol)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        Optional<String> ours = keyAuthorization(request);
        if (ours.isPresent()) {
            answer(ours.get(), request, response);
            response.finishResponse();
            return;
        }
        CompletableFuture<Optional<String>> elsewhere = isAsked(request) ? null : elsewhere(request);
        AsyncContext waiting = elsewhere == null ? null : startAsync(request, response);
        if (elsewhere == null || waiting == null) {
            getNext().invoke(request, response);
            return;
        }
        elsewhere.whenComplete((found, failure) -> {
            try {
                waiting.start(() -> goOn(found == null ? Optional.empty() : found, request, response, waiting));
            } catch (RuntimeException | Error notRun) {
                // All workers are busy, or one cannot be started.
                containerLog().debug(sm.getString("acmeChallengeValve.failed"), notRun);
                end(waiting, HttpServletResponse.SC_SERVICE_UNAVAILABLE);
            }
        });
    }

    // One that has waited for too long has ended: its response may be another request's by now.
    private static void end(AsyncContext waiting, int status) {
        try {
            ((HttpServletResponse) waiting.getResponse()).setStatus(status);
            waiting.complete();
        } catch (IllegalStateException ended) {
            // Tomcat has answered.
        }
    }

    // Whatever is thrown, the request ends, and not as if all were well.
    private void goOn(Optional<String> found, Request request, Response response, AsyncContext waiting) {
        try {
            if (found.isPresent()) {
                answer(found.get(), request, response);
            } else {
                getNext().invoke(request, response);
            }
            waiting.complete();
        } catch (IOException | ServletException e) {
            containerLog().debug(sm.getString("acmeChallengeValve.failed"), e);
            end(waiting, HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
        } catch (RuntimeException | Error e) {
            containerLog().error(sm.getString("acmeChallengeValve.failed"), e);
            end(waiting, HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
        }
    }

    // Tomcat comes through here again to have an error reported.
    private static boolean isAsked(Request request) {
        return request.getNote(ASKED) != null;
    }

    // Without a Context of its own the request waits in the name of another: Tomcat has no other way to wait.
    private @Nullable AsyncContext startAsync(Request request, Response response) {
        Context own = request.getContext();
        Context context = own != null ? own : anyContext();
        if (context == null) {
            return null;
        }
        request.setNote(ASKED, true);
        request.setAsyncSupported(true);
        request.getMappingData().context = context;
        try {
            AsyncContext started = request.startAsync(request.getRequest(), response.getResponse());
            started.setTimeout(LONGEST_WAIT.toMillis());
            return started;
        } finally {
            request.getMappingData().context = own;
        }
    }

    private @Nullable Context anyContext() {
        Engine engine = engine();
        if (engine == null) {
            return null;
        }
        for (Container host : engine.findChildren()) {
            for (Container child : host.findChildren()) {
                if (child instanceof Context context && context.getState().isAvailable()) {
                    return context;
                }
            }
        }
        return null;
    }

    private static void answer(String keyAuthorization, Request request, Response response) throws IOException {
        byte[] body = keyAuthorization.getBytes(StandardCharsets.US_ASCII);
        response.setStatus(200);
        response.setContentType("application/octet-stream");
        response.setContentLength(body.length);
        response.setHeader("Cache-Control", "no-store");
        if ("GET".equals(request.getMethod())) {
            response.getOutputStream().write(body);
        }
    }

    @Override
    protected void startInternal() throws LifecycleException {
        super.startInternal();
        Service service = service();
        if (service == null) {
            containerLog().warn(sm.getString("acmeChallengeValve.noEngine"));
        } else {
            Server serving = service.getServer();
            if (serving != null) {
                server = serving;
                serving.addLifecycleListener(serveWhenStarted);
            }
            adviseOnPlace();
        }
        STARTED.add(this);
    }

    @Override
    protected void stopInternal() throws LifecycleException {
        STARTED.remove(this);
        if (server != null) {
            server.removeLifecycleListener(serveWhenStarted);
            server = null;
        }
        super.stopInternal();
    }

    private Optional<String> keyAuthorization(Request request) {
        String path = request.getRequestURI();
        InetAddress peer = path != null && ChallengeBoard.isPath(path)
                ? Vantages.address(request.getRemoteAddr()).orElse(null)
                : null;
        for (Connector connector : connectors()) {
            OnDemandTls engine = engine(connector);
            Optional<String> found = engine == null
                    ? Optional.empty()
                    : engine.challenges()
                            .answer(
                                    request.getMethod(),
                                    request.getRequestURI(),
                                    request.getQueryString(),
                                    request.getServerName(),
                                    peer);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    /**
     * Asks the other servers on the same store.
     *
     * @param request what may be a CA's
     * @return completes with the proof, or with nothing; null where nobody is asked
     */
    @Nullable
    CompletableFuture<Optional<String>> elsewhere(Request request) {
        for (Connector connector : connectors()) {
            OnDemandTls engine = engine(connector);
            Optional<CompletableFuture<Optional<String>>> asked = engine == null
                    ? Optional.empty()
                    : engine.challenges()
                            .answerElsewhere(
                                    request.getMethod(),
                                    request.getRequestURI(),
                                    request.getQueryString(),
                                    request.getServerName());
            if (asked.isPresent()) {
                return asked.get();
            }
        }
        return null;
    }

    private void serve() {
        for (Connector connector : connectors()) {
            if (connector.getProtocolHandler() instanceof OnDemandTlsProtocol protocol
                    && connector.getState().isAvailable()) {
                protocol.serve();
            }
        }
    }

    private void adviseOnPlace() {
        if (!(getContainer() instanceof Engine engine)) {
            containerLog()
                    .warn(sm.getString(
                            "acmeChallengeValve.notInEngine", getContainer().getName()));
            return;
        }
        Valve first = engine.getPipeline().getFirst();
        if (!first.equals(this)) {
            containerLog()
                    .warn(sm.getString(
                            "acmeChallengeValve.notFirst", first.getClass().getName()));
        }
    }

    private boolean serves(OnDemandTlsProtocol protocol) {
        for (Connector connector : connectors()) {
            if (protocol.equals(connector.getProtocolHandler())) {
                return true;
            }
        }
        return false;
    }

    private Connector[] connectors() {
        Service service = service();
        return service == null ? new Connector[0] : service.findConnectors();
    }

    private @Nullable Service service() {
        Engine engine = engine();
        return engine == null ? null : engine.getService();
    }

    private @Nullable Engine engine() {
        for (Container container = getContainer(); container != null; container = container.getParent()) {
            if (container instanceof Engine engine) {
                return engine;
            }
        }
        return null;
    }

    private Log containerLog() {
        return getContainer() == null
                ? LogFactory.getLog(AcmeChallengeValve.class)
                : getContainer().getLogger();
    }

    /** The engine of a connector; null where it is another kind of connector, or does not run. */
    static @Nullable OnDemandTls engine(Connector connector) {
        return connector.getProtocolHandler() instanceof OnDemandTlsProtocol protocol ? protocol.engine() : null;
    }

    private static boolean isTls(Connector connector) {
        return Boolean.TRUE.equals(connector.getProperty("SSLEnabled"));
    }
}
