package org.ondemandtls.jetty;

import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.ssl.X509;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.name.HttpHosts;

/**
 * The certificates in the key store of one {@code sslContextFactory}, as they are now: a reload is seen by the next
 * handshake.
 *
 * <p><b>Cost.</b> A look-up is two of a set, in memory; the key store itself is read once per
 * reload.
 */
final class KeyStoreCertificates implements StaticCertificates {

    private static final int SAN_ADDRESS = 7;

    // A new SSL context is what a reload leaves behind, even of the same key store object.
    private record Snapshot(@Nullable SSLContext of, boolean any, Set<String> names) {}

    private final SslContextFactory.Server sslContextFactory;

    private volatile Snapshot snapshot = new Snapshot(null, false, Set.of());

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
        return now().any();
    }

    /**
     * Whether one of the certificates names {@code host}, exactly or by a wildcard. Never asks DNS, whatever the client
     * has sent.
     *
     * @param host a DNS name, one label, or an address literal, in lower case
     */
    @Override
    public boolean covers(String host) {
        // Jetty's own comparison takes a bare domain for a name of its wildcard, and looks up what only resembles an
        // address.
        return !host.endsWith(".") && HttpHosts.covered(now().names(), host.indexOf(':') < 0 ? host : "[" + host + "]");
    }

    private Snapshot now() {
        Snapshot known = snapshot;
        try {
            SSLContext current = sslContextFactory.getSslContext();
            if (current != null && !current.equals(known.of())) {
                known = read(current, sslContextFactory.getKeyStore());
                snapshot = known;
            }
        } catch (IllegalStateException | KeyStoreException e) {
            // A reload that failed is Jetty's to report; what was known stays known.
        }
        return known;
    }

    private static Snapshot read(SSLContext of, @Nullable KeyStore keyStore) throws KeyStoreException {
        if (keyStore == null) {
            return new Snapshot(of, false, Set.of());
        }
        boolean any = false;
        Set<String> names = new HashSet<>();
        for (String alias : Collections.list(keyStore.aliases())) {
            if (keyStore.isKeyEntry(alias)
                    && keyStore.getCertificate(alias) instanceof X509Certificate certificate
                    && !X509.isCertSign(certificate)) {
                any = true;
                // The names that Jetty chooses between certificates by.
                X509 read = new X509(alias, certificate);
                names.addAll(read.getHosts());
                read.getWilds().forEach(domain -> names.add("*." + domain));
                addAddresses(certificate, names);
            }
        }
        return new Snapshot(of, any, Set.copyOf(names));
    }

    private static void addAddresses(X509Certificate certificate, Set<String> names) {
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            for (List<?> alternative : alternatives == null ? List.<List<?>>of() : alternatives) {
                if (Integer.valueOf(SAN_ADDRESS).equals(alternative.get(0))) {
                    names.add(String.valueOf(alternative.get(1)).toLowerCase(Locale.ROOT));
                }
            }
        } catch (CertificateParsingException e) {
            // Jetty has read them without, or would have said so.
        }
    }
}
