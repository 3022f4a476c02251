package org.ondemandtls.renewal;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Since when every answer about a further name of a certificate of several names has been a denial. The certificate's own
 * moment is the first name's, so it is kept among the holds: a server that is started anew goes on from it.
 *
 * <p><b>Threads.</b> Everything blocks for the store.
 */
final class DeniedName {

    private DeniedName() {}

    /** The moment, empty where the last answer was none, or nothing readable is kept. */
    static Optional<Instant> since(CertificateStore store, ServerName name) throws StoreException {
        Optional<Hold> kept = store.readableHold(scope(name));
        try {
            return kept.map(hold -> Instant.parse(hold.detail()));
        } catch (DateTimeParseException unreadable) {
            // Written anew at the next denial.
            return Optional.empty();
        }
    }

    /** Keeps the moment until the certificate ends. */
    static void keep(CertificateStore store, ServerName name, StoredCertificate several, Instant since)
            throws StoreException {
        store.keepHold(new Hold(
                scope(name),
                several.issuer(),
                1,
                several.certificate().notAfter(),
                "denied",
                since.toString(),
                Optional.empty()));
    }

    /** Nothing is left of denials before. */
    static void forget(CertificateStore store, ServerName name) throws StoreException {
        if (store.readableHold(scope(name)).isPresent()) {
            store.dropHold(scope(name));
        }
    }

    private static Scope scope(ServerName name) {
        return new Scope.Other("denied-name/" + name);
    }
}
