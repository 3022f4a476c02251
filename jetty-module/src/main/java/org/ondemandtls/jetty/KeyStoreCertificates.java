package org.ondemandtls.jetty;

import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.ssl.X509;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.StaticCertificates;

/**
 * The certificates in the key store of one {@code sslContextFactory}, as they are now: a reload is seen by the next
 * handshake.
 *
 * <p><b>Cost.</b> A look-up walks the names of the key store's certificates; the key store itself is read once per
 * reload.
 */
final class KeyStoreCertificates implements StaticCertificates {

    // A new SSL context is what a reload leaves behind, even of the same key store object.
    private record Snapshot(@Nullable SSLContext of, List<X509> certificates) {}

    private final SslContextFactory.Server sslContextFactory;

    private volatile Snapshot snapshot = new Snapshot(null, List.of());

    /**
     * Looks at one factory.
     *
     * @param sslContextFactory the factory; may be reloaded at any time
     */
    KeyStoreCertificates(SslContextFactory.Server sslContextFactory) {
        this.sslContextFactory = sslContextFactory;
    }

    /** Whether there is any certificate. */
    @Override
    public boolean any() {
        return !certificates().isEmpty();
    }

    /**
     * Whether one of the certificates names {@code host}.
     *
     * @param host a DNS name, one label, or an address literal, in lower case
     */
    @Override
    public boolean covers(String host) {
        for (X509 certificate : certificates()) {
            if (certificate.matches(host)) {
                return true;
            }
        }
        return false;
    }

    private List<X509> certificates() {
        Snapshot known = snapshot;
        try {
            SSLContext current = sslContextFactory.getSslContext();
            if (current != null && !current.equals(known.of())) {
                known = new Snapshot(current, read(sslContextFactory.getKeyStore()));
                snapshot = known;
            }
        } catch (IllegalStateException | KeyStoreException e) {
            // A reload that failed is Jetty's to report; what was known stays known.
        }
        return known.certificates();
    }

    private static List<X509> read(@Nullable KeyStore keyStore) throws KeyStoreException {
        if (keyStore == null) {
            return List.of();
        }
        List<X509> found = new ArrayList<>();
        for (String alias : Collections.list(keyStore.aliases())) {
            if (keyStore.isKeyEntry(alias)
                    && keyStore.getCertificate(alias) instanceof X509Certificate certificate
                    && !X509.isCertSign(certificate)) {
                found.add(new X509(alias, certificate));
            }
        }
        return List.copyOf(found);
    }
}
