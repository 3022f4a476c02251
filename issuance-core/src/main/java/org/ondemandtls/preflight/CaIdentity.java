package org.ondemandtls.preflight;

import java.util.Optional;
import java.util.Set;

/**
 * Who would issue, as CAA records speak of it.
 *
 * @param domains the names the CA goes by, in lower case (RFC 8555 section 9.7.6, {@code caaIdentities}); empty where it
 *     has not said
 * @param accountUri the account orders are made with (RFC 8657), empty while it is not known
 * @param methods the validation methods that may be used (RFC 8657)
 */
public record CaIdentity(Set<String> domains, Optional<String> accountUri, Set<String> methods) {

    /** Keeps copies of the sets. */
    public CaIdentity {
        domains = Set.copyOf(domains);
        methods = Set.copyOf(methods);
    }
}
