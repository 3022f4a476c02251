package org.ondemandtls.store;

import java.net.URI;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.certificate.Scope;

/**
 * Why something is not to be asked of a CA before a moment: its refusal of a name, of a registered domain or of an account.
 *
 * @param scope what is held
 * @param issuer the {@code id()} of the authority that refused
 * @param refusals how often it has refused in a row, which is the step of the schedule it stands on
 * @param until the first moment at which it may be asked again; a hold outlives it, so that the step is not forgotten
 * @param problemType the ACME error type without its URN prefix (RFC 8555 section 6.7)
 * @param detail what the CA said, subproblems included; any text, never shown to a client
 * @param link a page for people that says more or lifts the hold, empty where the CA names none
 */
public record Hold(
        Scope scope,
        String issuer,
        int refusals,
        Instant until,
        String problemType,
        String detail,
        Optional<URI> link) {

    /**
     * Checks the scope.
     *
     * @throws IllegalArgumentException if the store cannot spell it: it is too long, or has other characters than visible
     *     ASCII
     */
    public Hold {
        ScopeKeys.of(scope);
    }

    /** How the store spells the scope. */
    String key() {
        return ScopeKeys.of(scope);
    }
}
