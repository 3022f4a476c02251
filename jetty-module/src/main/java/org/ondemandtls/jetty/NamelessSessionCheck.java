package org.ondemandtls.jetty;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Predicate;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLHandshakeException;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;

/**
 * Ends the connection of a client that names no server, but resumed a session made under a name.
 *
 * <p>The JDK refuses to resume a session of one name under another, in TLS 1.2 only if the client sends a name at all.
 * The session is looked at before the first octet of the application.
 */
final class NamelessSessionCheck implements SslHandshakeListener {

    private final Predicate<String> tolerated;

    /**
     * Checks one connection.
     *
     * @param tolerated whether a session of this name, in lower case, may go on all the same
     */
    NamelessSessionCheck(Predicate<String> tolerated) {
        this.tolerated = tolerated;
    }

    @Override
    public void handshakeSucceeded(Event event) throws SSLHandshakeException {
        if (event.getSSLEngine().getSession() instanceof ExtendedSSLSession session) {
            for (SNIServerName name : session.getRequestedServerNames()) {
                String text = new String(name.getEncoded(), StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT);
                if (!tolerated.test(text)) {
                    throw new SSLHandshakeException("a session made under a name, resumed without one");
                }
            }
        }
    }
}
