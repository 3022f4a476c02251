package org.ondemandtls.jetty;

import java.security.Principal;
import java.util.Collection;
import java.util.Locale;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;
import org.eclipse.jetty.util.ssl.SniX509ExtendedKeyManager;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.ssl.X509;
import org.jspecify.annotations.Nullable;

/**
 * Chooses between the key store's certificates as before, and leaves every other name to the key manager behind.
 *
 * <p>A name that no certificate of the key store covers has passed the gate, so it is on demand, whatever {@code
 * sniRequired} says about the key store's names.
 */
final class StaticFirstSelector implements SniX509ExtendedKeyManager.SniSelector {

    private final KeyStoreCertificates certificates;
    private final SniX509ExtendedKeyManager.SniSelector before;

    /**
     * Stands in front of another selector.
     *
     * @param certificates the key store's
     * @param before chooses between them
     */
    StaticFirstSelector(KeyStoreCertificates certificates, SniX509ExtendedKeyManager.SniSelector before) {
        this.certificates = certificates;
        this.before = before;
    }

    @Override
    public @Nullable String sniSelect(
            String keyType,
            Principal @Nullable [] issuers,
            @Nullable SSLSession session,
            @Nullable String sniHost,
            Collection<X509> suitable)
            throws SSLHandshakeException {
        // Recent JDKs ask without a session when a client wants to resume; only the bound engine knows its name then.
        boolean delegate = sniHost == null ? session == null : !certificates.covers(sniHost.toLowerCase(Locale.ROOT));
        if (delegate && session != null) {
            // Jetty has left the name in the session; the JDK makes no TLS 1.2 ticket of a session that has values, and
            // Jetty's own check finds the name without it.
            session.removeValue(SslContextFactory.Server.SNI_HOST);
        }
        return delegate ? DELEGATE : before.sniSelect(keyType, issuers, session, sniHost, suitable);
    }
}
