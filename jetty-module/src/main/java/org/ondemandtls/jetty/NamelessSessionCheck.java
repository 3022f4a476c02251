package org.ondemandtls.jetty;

import java.util.function.Predicate;
import javax.net.ssl.SSLHandshakeException;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.ondemandtls.handshake.NamelessSession;

/**
 * Ends the connection of a client that names no server, but resumed a session made under a name.
 *
 * <p>The session is looked at before the first octet of the application.
 *
 * @see NamelessSession
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
        if (NamelessSession.isOfAName(event.getSSLEngine().getSession(), tolerated)) {
            throw new SSLHandshakeException("a session made under a name, resumed without one");
        }
    }
}
