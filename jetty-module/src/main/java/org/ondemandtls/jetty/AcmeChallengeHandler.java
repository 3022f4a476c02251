package org.ondemandtls.jetty;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.ondemandtls.OnDemandTls;

/**
 * Answers a CA's HTTP-01 validation; stands outermost, in front of redirects to HTTPS and of every application.
 *
 * <p>Only a GET or HEAD for exactly {@code /.well-known/acme-challenge/TOKEN}, with a token that is pending for the
 * request's host, is answered; nothing of the request is reflected. Everything else goes on untouched.
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
        Optional<String> keyAuthorization = keyAuthorization(request);
        if (keyAuthorization.isEmpty()) {
            return super.handle(request, response, callback);
        }
        byte[] body = keyAuthorization.get().getBytes(StandardCharsets.US_ASCII);
        response.setStatus(HttpStatus.OK_200);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/octet-stream");
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        boolean head = HttpMethod.HEAD.is(request.getMethod());
        response.write(true, head ? null : ByteBuffer.wrap(body), callback);
        return true;
    }

    private Optional<String> keyAuthorization(Request request) {
        HttpURI uri = request.getHttpURI();
        OnDemandTls engine = onDemand.engine();
        return engine == null
                ? Optional.empty()
                : engine.challenges()
                        .answer(request.getMethod(), uri.getPath(), uri.getQuery(), Request.getServerName(request));
    }
}
