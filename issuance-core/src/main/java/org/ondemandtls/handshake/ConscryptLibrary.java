package org.ondemandtls.handshake;

import java.security.GeneralSecurityException;
import java.security.Provider;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import org.conscrypt.Conscrypt;

/**
 * All that is known of Conscrypt's classes, in a class of its own: it is loaded only where an operator wants them, and
 * they may not be there.
 */
final class ConscryptLibrary {

    private ConscryptLibrary() {}

    /**
     * Loads it.
     *
     * @return a provider of TLS, not registered with the JVM
     * @throws UnsatisfiedLinkError if its native library cannot be loaded
     * @throws NoClassDefFoundError if its jar is not there
     */
    static Provider load() {
        Conscrypt.checkAvailability();
        return Conscrypt.newProvider();
    }

    /**
     * A context, not initialised, that keeps sessions apart.
     *
     * @param provider what {@link #load} returned
     */
    static SSLContextSpi context(Provider provider) {
        return new ScopedContext(
                () -> {
                    try {
                        return SSLContext.getInstance("TLS", provider);
                    } catch (GeneralSecurityException e) {
                        throw new IllegalStateException("Conscrypt makes no TLS context", e);
                    }
                },
                engine -> Conscrypt.setUseSessionTickets(engine, true));
    }
}
