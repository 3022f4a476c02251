package org.ondemandtls.status;

import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Which names a list has.
 *
 * @param prefix what they begin with, in lower case; empty for all
 * @param states how they stand; empty for all
 * @param expiresBefore the moment before which their certificates expire, empty for all
 * @param issuer the CA they were obtained from, empty for all
 */
public record NameFilter(
        String prefix, Set<NameState> states, Optional<Instant> expiresBefore, Optional<String> issuer) {

    /** Keeps a copy. */
    public NameFilter {
        states = states.isEmpty() ? Set.of() : EnumSet.copyOf(states);
    }

    /** Every name. */
    public static NameFilter all() {
        return new NameFilter("", Set.of(), Optional.empty(), Optional.empty());
    }

    boolean lets(NameReport report) {
        return (states.isEmpty() || states.contains(report.state()))
                && (expiresBefore.isEmpty()
                        || report.certificate()
                                .filter(one -> one.notAfter().isBefore(expiresBefore.get()))
                                .isPresent())
                && (issuer.isEmpty()
                        || report.certificate()
                                .flatMap(NameReport.CertificateReport::issuer)
                                .equals(issuer));
    }
}
