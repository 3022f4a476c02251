package org.ondemandtls.issuance;

import java.util.Optional;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * That a name must not be served any more by a certificate of several names, which goes on serving the others. Kept among
 * the holds until the certificate ends, or until the name is granted again.
 *
 * <p><b>Threads.</b> Everything blocks for the store.
 */
public final class WithdrawnName {

    private WithdrawnName() {}

    /**
     * Keeps that a name is withdrawn.
     *
     * @param store where
     * @param name the name
     * @param several the certificate of several names
     * @throws StoreException if the store failed
     */
    public static void keep(CertificateStore store, ServerName name, StoredCertificate several) throws StoreException {
        store.keepHold(new Hold(
                new Scope.Withdrawn(name),
                several.issuer(),
                1,
                several.certificate().notAfter(),
                "withdrawn",
                "denied at every ask",
                Optional.empty()));
    }

    /**
     * Whether a name is withdrawn.
     *
     * @throws StoreException if the store failed
     */
    public static boolean isKept(CertificateStore store, ServerName name) throws StoreException {
        return store.hold(new Scope.Withdrawn(name)).isPresent();
    }

    /**
     * Whether a name is withdrawn from what is stored for it; no I/O where that is its own.
     *
     * @throws StoreException if the store failed
     */
    public static boolean isKept(CertificateStore store, ServerName name, StoredCertificate stored)
            throws StoreException {
        return stored.certificate().names().size() > 1 && isKept(store, name);
    }

    /** Forgets that a name is withdrawn from what is stored for it. */
    static void drop(CertificateStore store, ServerName name, StoredCertificate stored) throws StoreException {
        if (isKept(store, name, stored)) {
            store.dropHold(new Scope.Withdrawn(name));
        }
    }
}
