package org.ondemandtls.store;

import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * A certificate as the store keeps it, with what must be known about it besides.
 *
 * @param certificate leaf, chain and key
 * @param issuer the {@code id()} of the authority that signed it
 * @param obtained when it came
 * @param due when something is to be done about it next: its renewal
 * @param visited when it was last visited, empty if it was not
 * @param withdrawn since when it must not be served, empty while it may
 * @param revision how often the record has been saved; 0 before the first time
 */
public record StoredCertificate(
        KeyedCertificate certificate,
        String issuer,
        Instant obtained,
        Instant due,
        Optional<Instant> visited,
        Optional<Instant> withdrawn,
        long revision) {

    /** Whether it may be served at {@code now}: in its validity period and not withdrawn. */
    public boolean isServableAt(Instant now) {
        return withdrawn.isEmpty() && certificate.isValidAt(now);
    }

    StoredCertificate withRevision(long newRevision) {
        return new StoredCertificate(certificate, issuer, obtained, due, visited, withdrawn, newRevision);
    }
}
