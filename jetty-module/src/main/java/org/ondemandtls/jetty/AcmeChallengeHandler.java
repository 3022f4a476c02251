package org.ondemandtls.jetty;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.challenge.ChallengeBoard;

/**
 * Answers a CA's HTTP-01 validation; stands outermost, in front of redirects to HTTPS and of every application.
 *
 * <p>Only a GET or HEAD for exactly {@code /.well-known/acme-challenge/TOKEN}, with a token that is pending for the
 * request's host, is answered; nothing of the request is reflected. Everything else goes on untouched. A token that
 * another server on the same store may show is looked up without a thread of the server's.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-8.3">RFC 8555 section 8.3</a>
 */
final class AcmeChallengeHandler extends Handler.Wrapper {

    private final JettyOnDemandTls onDemand;

    /**
     * Makes a handler to be inserted in front of a server's own.
     *
     * @param onDemand gives the engine
     */
    AcmeChallengeHandler(JettyOnDemandTls onDemand) {
        this.onDemand = onDemand;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        OnDemandTls engine = onDemand.engine();
        if (engine == null) {
            return super.handle(request, response, callback);
        }
        ChallengeBoard challenges = engine.challenges();
        String method = request.getMethod();
        HttpURI uri = request.getHttpURI();
        String host = Request.getServerName(request);
        Optional<String> ours = challenges.answer(
                method,
                uri.getPath(),
                uri.getQuery(),
                host,
                request.getConnectionMetaData().getRemoteSocketAddress() instanceof InetSocketAddress inet
                        ? inet.getAddress()
                        : null);
        if (ours.isPresent()) {
            answer(ours.get(), request, response, callback);
            return true;
        }
        Optional<CompletableFuture<Optional<String>>> elsewhere =
                challenges.answerElsewhere(method, uri.getPath(), uri.getQuery(), host);
        if (elsewhere.isEmpty()) {
            return super.handle(request, response, callback);
        }
        elsewhere.get().whenComplete((found, failure) -> {
            try {
                request.getComponents()
                        .getExecutor()
                        .execute(() -> goOn(found == null ? Optional.empty() : found, request, response, callback));
            } catch (RuntimeException | Error notRun) {
                // The server stops, or a thread cannot be started.
                callback.failed(notRun);
            }
        });
        return true;
    }

    // What would have happened on the connection's own thread had nobody been asked; whatever is thrown, the request
    // ends.
    private void goOn(Optional<String> found, Request request, Response response, Callback callback) {
        try {
            if (found.isPresent()) {
                answer(found.get(), request, response, callback);
            } else if (!super.handle(request, response, callback)) {
                Response.writeError(request, response, callback, HttpStatus.NOT_FOUND_404);
            }
        } catch (Exception | Error e) {
            Response.writeError(request, response, callback, e);
        }
    }

    private static void answer(String keyAuthorization, Request request, Response response, Callback callback) {
        byte[] body = keyAuthorization.getBytes(StandardCharsets.US_ASCII);
        response.setStatus(HttpStatus.OK_200);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/octet-stream");
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        boolean head = HttpMethod.HEAD.is(request.getMethod());
        response.write(true, head ? null : ByteBuffer.wrap(body), callback);
    }
}
