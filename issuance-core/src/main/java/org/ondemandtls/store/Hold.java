package org.ondemandtls.store;

import java.net.URI;
import java.time.Instant;
import java.util.Optional;

/**
 * Why something is not to be asked of a CA before a moment: its refusal of a name, of a registered domain or of an account.
 *
 * @param scope what is held, in words of ours: {@code name/} and a server name, {@code domain/}, an issuer and a registered
 *     domain, {@code account/} and an issuer; at most {@value #LONGEST_SCOPE} characters
 * @param issuer the {@code id()} of the authority that refused
 * @param refusals how often it has refused in a row, which is the step of the schedule it stands on
 * @param until the first moment at which it may be asked again; a hold outlives it, so that the step is not forgotten
 * @param problemType the ACME error type without its URN prefix (RFC 8555 section 6.7)
 * @param detail what the CA said, subproblems included; any text, never shown to a client
 * @param link a page for people that says more or lifts the hold, empty where the CA names none
 */
public record Hold(
        String scope,
        String issuer,
        int refusals,
        Instant until,
        String problemType,
        String detail,
        Optional<URI> link) {

    /** The longest scope. */
    public static final int LONGEST_SCOPE = 2048;

    /**
     * Checks the scope.
     *
     * @throws IllegalArgumentException if the scope is empty, too long, or has other characters than visible ASCII
     */
    public Hold {
        if (!isScope(scope)) {
            throw new IllegalArgumentException("not the scope of a hold");
        }
    }

    static boolean isScope(String text) {
        return !text.isEmpty() && text.length() <= LONGEST_SCOPE && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }
}
