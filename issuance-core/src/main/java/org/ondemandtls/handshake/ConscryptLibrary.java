package org.ondemandtls.handshake;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Provider;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import org.conscrypt.Conscrypt;

/**
 * All that is known of Conscrypt's classes, in a class of its own: it is loaded only where an operator wants them, and
 * they may not be there.
 */
final class ConscryptLibrary {

    private static final int OLDEST_MAJOR = 2;
    private static final int OLDEST_MINOR = 9;

    private ConscryptLibrary() {}

    /**
     * Loads it.
     *
     * @return a provider of TLS, not registered with the JVM
     * @throws UnsatisfiedLinkError if its native library cannot be loaded
     * @throws NoClassDefFoundError if its jar is not there
     * @throws UnsupportedOperationException if it is older than what was tried; the message is its version
     */
    static Provider load() {
        Conscrypt.checkAvailability();
        Conscrypt.Version version = Conscrypt.version();
        if (isTooOld(version.major(), version.minor())) {
            throw new UnsupportedOperationException(version.major() + "." + version.minor() + "." + version.patch());
        }
        return Conscrypt.newProvider();
    }

    /** Whether a version has no post-quantum key exchange, or was never tried with what comes later. */
    static boolean isTooOld(int major, int minor) {
        return major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
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
                engine -> Conscrypt.setUseSessionTickets(engine, true),
                key -> own(key, provider),
                TicketKeys.OWN);
    }

    // A key of another provider is encoded and parsed again for every handshake.
    private static PrivateKey own(PrivateKey key, Provider provider) {
        try {
            return (PrivateKey)
                    KeyFactory.getInstance(key.getAlgorithm(), provider).translateKey(key);
        } catch (GeneralSecurityException | RuntimeException notOurs) {
            // Of a kind it takes as it is, or of a module that does not give it away.
            return key;
        }
    }
}
