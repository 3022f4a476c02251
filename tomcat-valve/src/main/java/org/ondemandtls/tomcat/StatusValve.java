package org.ondemandtls.tomcat;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.Principal;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.catalina.Globals;
import org.apache.catalina.Realm;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.SiteRequest;
import org.ondemandtls.status.http.StatusSite;

/**
 * Carries the management page at {@code /ondemand-tls/}, its API and the figures, on every connector of its {@code <Engine>}.
 * Users are those of the engine's {@code <Realm>}:
 *
 * <pre>{@code
 * <Valve className="org.ondemandtls.tomcat.StatusValve"/>
 * }</pre>
 *
 * <p>It stands behind a {@code RemoteIpValve}, where there is one, and an {@code AcmeChallengeValve}.
 *
 * <p><b>Threads.</b> Blocks, on the thread of the request.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 */
public class StatusValve extends ValveBase {

    /** Made by Tomcat. Asynchronous requests pass it as well. */
    public StatusValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        OnDemandTls engine = StatusSite.isOurs(request.getRequestURI()) ? engine(request.getConnector()) : null;
        Optional<SiteAnswer> answer =
                engine == null ? Optional.empty() : engine.statusSite().answer(new TomcatRequest(request));
        if (answer.isEmpty()) {
            getNext().invoke(request, response);
            return;
        }
        response.setStatus(answer.get().status());
        answer.get().headers().forEach(response::setHeader);
        byte[] content = answer.get().content();
        response.setContentLength(content.length);
        if (!request.getMethod().equals("HEAD")) {
            response.getOutputStream().write(content);
        }
        response.finishResponse();
    }

    private static @Nullable OnDemandTls engine(Connector connector) {
        for (Connector sibling : connector.getService().findConnectors()) {
            OnDemandTls engine = AcmeChallengeValve.engine(sibling);
            if (engine != null) {
                return engine;
            }
        }
        return null;
    }

    private final class TomcatRequest implements SiteRequest {

        private final Request request;

        TomcatRequest(Request request) {
            this.request = request;
        }

        @Override
        public String method() {
            return request.getMethod();
        }

        @Override
        public String path() {
            return request.getRequestURI();
        }

        @Override
        public String query() {
            String query = request.getQueryString();
            return query == null ? "" : query;
        }

        @Override
        public Optional<String> header(String name) {
            String value = request.getHeader(name);
            // HTTP/2 may have it elsewhere.
            return value == null && name.equalsIgnoreCase("Host")
                    ? Optional.of(request.getServerName() + ":" + request.getServerPort())
                    : Optional.ofNullable(value);
        }

        @Override
        public Optional<InetAddress> peer() {
            return SiteRequest.address(
                    request.getRemoteAddr(),
                    Boolean.TRUE.equals(request.getAttribute(Globals.REQUEST_FORWARDED_ATTRIBUTE)));
        }

        @Override
        public boolean secure() {
            return request.isSecure();
        }

        @Override
        public byte[] content(int most) throws IOException {
            try (InputStream in = request.getInputStream()) {
                return SiteRequest.read(in, most);
            }
        }

        @Override
        public Optional<Predicate<String>> user() {
            return roles(request.getUserPrincipal());
        }

        @Override
        public Optional<Predicate<String>> login(String name, String password) {
            Realm realm = realm();
            return realm == null ? Optional.empty() : roles(realm.authenticate(name, password));
        }

        private Optional<Predicate<String>> roles(@Nullable Principal user) {
            Realm realm = realm();
            return user == null || realm == null
                    ? Optional.empty()
                    : Optional.of(role -> realm.hasRole(null, user, role));
        }

        private @Nullable Realm realm() {
            return getContainer().getRealm();
        }
    }
}
