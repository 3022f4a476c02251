package org.ondemandtls.jetty;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.security.AuthenticationState;
import org.eclipse.jetty.security.HashLoginService;
import org.eclipse.jetty.security.LoginService;
import org.eclipse.jetty.security.UserIdentity;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.resource.ResourceFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.SiteRequest;
import org.ondemandtls.status.http.StatusSite;

/**
 * Carries the management page, its API and the figures. Users are those of the server's {@link LoginService}, or of a file
 * of its own; one whom a handler in front has let in is taken for that.
 *
 * <p><b>Threads.</b> What is ours is answered on the server's executor, since it blocks; everything else goes on untouched.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 */
public final class StatusHandler extends Handler.Wrapper {

    private static final String REALM = "On-Demand TLS";

    private @Nullable String users;

    /** Made by Jetty's XML, or in Java before the server starts. */
    public StatusHandler() {}

    /**
     * Names the file of the users, in the form of a {@link HashLoginService}.
     *
     * @param file a path, a relative one taken from the server's base; empty or null where the server's own login service is
     *     asked
     */
    public void setUsers(@Nullable String file) {
        users = file == null || file.isBlank() ? null : file.strip();
    }

    @Override
    protected void doStart() throws Exception {
        String file = users;
        if (file != null && getBeans(HashLoginService.class).isEmpty()) {
            Path path = Path.of(System.getProperty("jetty.base", "")).resolve(file);
            if (!Files.isReadable(path)) {
                String mistake = "jetty.ondemandTlsStatus.users: " + path + " cannot be read";
                StartFailure.report(mistake);
                throw new IllegalStateException(mistake);
            }
            addBean(new HashLoginService(REALM, ResourceFactory.of(this).newResource(path)));
        }
        super.doStart();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        OnDemandTls engine = StatusSite.isOurs(request.getHttpURI().getPath()) ? engine() : null;
        if (engine == null) {
            return super.handle(request, response, callback);
        }
        try {
            request.getComponents().getExecutor().execute(() -> answer(engine, request, response, callback));
        } catch (RuntimeException | Error stopping) {
            callback.failed(stopping);
        }
        return true;
    }

    private void answer(OnDemandTls engine, Request request, Response response, Callback callback) {
        try {
            Optional<SiteAnswer> answer = engine.statusSite().answer(new JettyRequest(request));
            if (answer.isPresent()) {
                send(answer.get(), request, response, callback);
            } else if (!super.handle(request, response, callback)) {
                Response.writeError(request, response, callback, HttpStatus.NOT_FOUND_404);
            }
        } catch (Exception e) {
            engine.events().publish(EventKind.DEFECT, "the management page failed: " + e);
            Response.writeError(request, response, callback, HttpStatus.INTERNAL_SERVER_ERROR_500);
        }
    }

    private static void send(SiteAnswer answer, Request request, Response response, Callback callback) {
        response.setStatus(answer.status());
        answer.headers().forEach((name, value) -> response.getHeaders().put(name, value));
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, answer.content().length);
        boolean head = HttpMethod.HEAD.is(request.getMethod());
        response.write(true, head ? null : ByteBuffer.wrap(answer.content()), callback);
    }

    private @Nullable OnDemandTls engine() {
        JettyOnDemandTls onDemand = getServer().getBean(JettyOnDemandTls.class);
        return onDemand == null ? null : onDemand.engine();
    }

    private final class JettyRequest implements SiteRequest {

        private final Request request;

        JettyRequest(Request request) {
            this.request = request;
        }

        @Override
        public String method() {
            return request.getMethod();
        }

        @Override
        public String path() {
            return request.getHttpURI().getPath();
        }

        @Override
        public String query() {
            String query = request.getHttpURI().getQuery();
            return query == null ? "" : query;
        }

        @Override
        public Optional<String> header(String name) {
            // HTTP/2 has it elsewhere.
            return name.equalsIgnoreCase("Host")
                    ? Optional.ofNullable(request.getHttpURI().getAuthority())
                    : Optional.ofNullable(request.getHeaders().get(name));
        }

        @Override
        public Optional<InetAddress> peer() {
            return request.getConnectionMetaData().getRemoteSocketAddress() instanceof InetSocketAddress address
                    ? Optional.ofNullable(address.getAddress())
                    : Optional.empty();
        }

        @Override
        public boolean secure() {
            return request.isSecure();
        }

        @Override
        public byte[] content(int most) throws IOException {
            try (InputStream in = Content.Source.asInputStream(request)) {
                return SiteRequest.read(in, most);
            }
        }

        @Override
        public Optional<Predicate<String>> user() {
            return AuthenticationState.getAuthenticationState(request) instanceof AuthenticationState.Succeeded known
                    ? Optional.of(known::isUserInRole)
                    : Optional.empty();
        }

        @Override
        public Optional<Predicate<String>> login(String name, String password) {
            for (LoginService service : getBeans(LoginService.class).isEmpty()
                    ? getServer().getBeans(LoginService.class)
                    : getBeans(LoginService.class)) {
                // Without a session: each request brings its credentials.
                UserIdentity user = service.login(name, password, request, create -> null);
                if (user != null) {
                    return Optional.of(user::isUserInRole);
                }
            }
            return Optional.empty();
        }
    }
}
