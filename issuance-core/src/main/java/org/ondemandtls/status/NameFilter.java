package org.ondemandtls.status;

import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Listed;

/**
 * Which names a list has: those that every part of it lets through.
 *
 * @param prefix what they begin with, in lower case; empty for all
 * @param states how they stand; empty for all
 * @param expiresBefore the moment before which their certificates expire, empty for all
 * @param issuer the CA they were obtained from, empty for all
 * @param domain their registered domain by the public suffix list, empty for all
 * @param refusal the ACME error type, like {@code caa}, of a CA's last refusal of them, or {@value #ANY_REFUSAL}; empty for
 *     all. Names without a certificate are in such a list, too
 */
public record NameFilter(
        String prefix,
        Set<NameState> states,
        Optional<Instant> expiresBefore,
        Optional<String> issuer,
        Optional<String> domain,
        Optional<String> refusal) {

    /** Stands for every refusal. */
    public static final String ANY_REFUSAL = "any";

    /** Keeps a copy; names that are refused are found by their refusals. */
    public NameFilter {
        refusal = refusal.isEmpty() && states.equals(Set.of(NameState.REFUSED)) ? Optional.of(ANY_REFUSAL) : refusal;
        states = states.isEmpty() ? Set.of() : EnumSet.copyOf(states);
    }

    /** One by what certificates say by themselves. */
    public NameFilter(String prefix, Set<NameState> states, Optional<Instant> expiresBefore, Optional<String> issuer) {
        this(prefix, states, expiresBefore, issuer, Optional.empty(), Optional.empty());
    }

    /** Every name. */
    public static NameFilter all() {
        return new NameFilter("", Set.of(), Optional.empty(), Optional.empty());
    }

    boolean lets(NameReport report) {
        Optional<NameReport.CertificateReport> certificate = report.certificate();
        return report.name().startsWith(prefix)
                && (states.isEmpty() || states.contains(report.state()))
                && (refusal.isEmpty() || report.lastRefusal().isPresent())
                && (expiresBefore.isEmpty()
                        || certificate
                                .filter(one -> one.notAfter().isBefore(expiresBefore.get()))
                                .isPresent())
                && (issuer.isEmpty()
                        || certificate
                                .flatMap(NameReport.CertificateReport::issuer)
                                .equals(issuer))
                && (domain.isEmpty() || domain.get().equals(Listed.domainOf(report.name())));
    }

    /** Whether the certificate of an entry may be let through, which only it says for certain. */
    boolean mayLet(Listed entry, Instant now) {
        return entry.name().startsWith(prefix)
                && (expiresBefore.isEmpty() || entry.expires().isBefore(expiresBefore.get()))
                && (domain.isEmpty() || domain.get().equals(entry.domain()))
                && (issuer.isEmpty() || issuer.get().startsWith(entry.issuer()))
                && (states.isEmpty() || possible(entry, now).stream().anyMatch(states::contains));
    }

    /** Whether the report of a held name may be let through: of trouble that passes by itself, only that says whether it is over. */
    boolean lets(Hold hold) {
        return refusal.filter(type -> type.equals(ANY_REFUSAL) || type.equals(hold.problemType()))
                .isPresent();
    }

    private static Set<NameState> possible(Listed entry, Instant now) {
        return switch (entry.standing()) {
            case WITHDRAWN -> Set.of(NameState.WITHDRAWN);
            case MOVED_AWAY ->
                entry.expires().isBefore(now)
                        ? Set.of(NameState.EXPIRED, NameState.SERVED)
                        : Set.of(NameState.MOVED_AWAY);
            case IDLE ->
                entry.expires().isBefore(now) ? Set.of(NameState.EXPIRED, NameState.SERVED) : Set.of(NameState.IDLE);
            case RENEWED -> {
                if (entry.expires().isBefore(now)) {
                    yield Set.of(NameState.EXPIRED, NameState.SERVED);
                }
                yield entry.late().isBefore(now)
                        ? Set.of(NameState.OVERDUE)
                        : Set.of(NameState.SERVED, NameState.STORED);
            }
        };
    }
}
