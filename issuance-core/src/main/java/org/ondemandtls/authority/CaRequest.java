package org.ondemandtls.authority;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.shredzone.acme4j.connector.HttpConnector;

/**
 * A request to a CA.
 *
 * @param method GET, HEAD or POST
 * @param uri of the CA's origin
 * @param accept the media type wanted
 * @param body a signed object (RFC 7515), empty for GET and HEAD
 */
record CaRequest(String method, URI uri, String accept, String body) {

    private static final String USER_AGENT = "ondemand-tls " + HttpConnector.defaultUserAgent();

    /** The octets to send: a request of HTTP/1.1 that keeps the connection. */
    byte[] encoded() {
        String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        StringBuilder text = new StringBuilder(1024);
        text.append(method).append(' ').append(path);
        if (uri.getRawQuery() != null) {
            text.append('?').append(uri.getRawQuery());
        }
        text.append(" HTTP/1.1\r\nHost: ").append(uri.getHost());
        if (uri.getPort() >= 0) {
            text.append(':').append(uri.getPort());
        }
        text.append("\r\nUser-Agent: ").append(USER_AGENT);
        text.append("\r\nAccept: ").append(accept);
        text.append("\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\n");
        if (!body.isEmpty()) {
            text.append("Content-Type: application/jose+json\r\nContent-Length: ")
                    .append(body.length())
                    .append("\r\n");
        }
        text.append("\r\n").append(body);
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }
}
