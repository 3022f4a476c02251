package org.ondemandtls.status;

import java.util.List;
import java.util.Optional;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.issuance.Pauses;
import org.ondemandtls.name.ServerName;

/** Reads what an operator wants paused: {@code all}, {@code ca} and a CA, or {@code domain} and a domain. */
final class PauseScope {

    private static final String CA = "ca ";
    private static final String DOMAIN = "domain ";

    private PauseScope() {}

    /**
     * What {@link Pauses} calls it.
     *
     * @param what as it was typed; a CA by its directory or alias
     * @param authorities the CAs there are
     * @return empty where it is none of these
     */
    static Optional<String> of(String what, List<Authority> authorities) {
        String asked = what.strip();
        if (asked.equals(Pauses.ALL)) {
            return Optional.of(asked);
        }
        if (asked.startsWith(CA)) {
            return AccountOperations.find(
                            authorities, asked.substring(CA.length()).strip())
                    .map(authority -> Pauses.ca(authority.id()));
        }
        if (asked.startsWith(DOMAIN)) {
            try {
                return Optional.of(Pauses.domain(
                        ServerName.parse(asked.substring(DOMAIN.length()).strip())
                                .value()));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }
}
