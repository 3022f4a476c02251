package org.ondemandtls.handshake;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Predicate;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLSession;

/**
 * A session that was resumed by a client which named no server this time.
 *
 * <p>The JDK refuses to resume a session of one name under another, in spite of {@link ServedMatcher} only if the client
 * sends a name at all. So a host looks at the session once the handshake of such a client is complete.
 */
public final class NamelessSession {

    private NamelessSession() {}

    /**
     * Whether a session was made under a name; the connection is to be ended then, before the application hears of it.
     *
     * @param session of a client that named no server
     * @param tolerated whether a session of this name, in lower case, may go on all the same: among the server's own
     *     names the server decides, as it would without us
     */
    public static boolean isOfAName(SSLSession session, Predicate<String> tolerated) {
        if (session instanceof ExtendedSSLSession extended) {
            for (SNIServerName name : extended.getRequestedServerNames()) {
                String text = new String(name.getEncoded(), StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT);
                if (!tolerated.test(text)) {
                    return true;
                }
            }
        }
        return false;
    }
}
