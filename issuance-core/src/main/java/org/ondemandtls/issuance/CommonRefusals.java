package org.ondemandtls.issuance;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException.AccountRefused;
import org.ondemandtls.certificate.IssuanceException.RefusesAll;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.name.ServerName;

/**
 * Which CAs refuse every name, for a reason that is the same for all of them: the kind of key, the profile, the account.
 *
 * <p>One name may be refused so for its own sake. Two names of two registered domains, with no success in between, are not:
 * from then on one order a minute tries, whichever name it is for, until one succeeds. Nothing of this outlives the process,
 * since what has to be changed is in the configuration.
 *
 * <p><b>Threads.</b> Safe for use by many threads; no I/O.
 */
final class CommonRefusals {

    /** How often a CA that refuses every name is tried. */
    static final Duration PROBED_EVERY = Duration.ofMinutes(1);

    // Those that were refused before it was known; one registered domain may have many.
    private static final int MOST_NAMES = 100;

    private static final Map<String, String> REMEDIES = Map.of(
            "badCSR", "change onDemandTls.certificate.key to a kind of key this CA takes",
            "badPublicKey", "change onDemandTls.certificate.key to a kind of key this CA takes",
            "invalidProfile", "change onDemandTls.acme.profile to one this CA offers, or remove it",
            "unauthorized", "ask the CA what the account may order; onDemandTls.acme.eab says whose account it is",
            "badCertificate", "report it to the CA, whose certificates cannot be used");

    /**
     * What is known of one CA.
     *
     * @param type what it minded
     * @param domain the registered domain of the first name
     * @param names those that were refused before it was certain
     * @param words what it minds and what to change, null until it is certain
     * @param next when it may be tried, once it is certain
     */
    private record Suspicion(
            String type,
            String domain,
            Set<ServerName> names,
            @Nullable String words,
            long next) {
        boolean isCertain() {
            return words != null;
        }
    }

    /**
     * A refusal that concerns every name.
     *
     * @param exception what is told instead of it
     * @param freed the names that were refused for the same reason and are held no longer for it
     */
    record Verdict(RefusesAll exception, List<ServerName> freed) {}

    private final Function<ServerName, String> registeredDomain;
    private final LongSupplier nanoTime;
    private final ConcurrentMap<String, Suspicion> suspicions = new ConcurrentHashMap<>();

    /**
     * Suspects nobody.
     *
     * @param registeredDomain tells the registered domain of a name; asked only when a CA refuses
     * @param nanoTime a monotonic clock in nanoseconds
     */
    CommonRefusals(Function<ServerName, String> registeredDomain, LongSupplier nanoTime) {
        this.registeredDomain = registeredDomain;
        this.nanoTime = nanoTime;
    }

    /** Why a CA is not to be asked for a name now, if so. */
    Optional<RefusesAll> holding(String issuer, ServerName name) {
        Suspicion known = suspicions.get(issuer);
        if (known == null || !known.isCertain()) {
            return Optional.empty();
        }
        long left = known.next() - nanoTime.getAsLong();
        return left > 0 ? Optional.of(told(known, name, Duration.ofNanos(left))) : Optional.empty();
    }

    /** Takes the turn to try a CA that refuses every name; always there where it does not. Says why there is none. */
    Optional<RefusesAll> enter(String issuer, ServerName name) {
        Suspicion before = suspicions.get(issuer);
        while (before != null && before.isCertain()) {
            Optional<RefusesAll> held = holding(issuer, name);
            if (held.isPresent()) {
                return held;
            }
            Suspicion taken = new Suspicion(before.type(), before.domain(), Set.of(), before.words(), next());
            if (suspicions.replace(issuer, before, taken)) {
                return Optional.empty();
            }
            before = suspicions.get(issuer);
        }
        return Optional.empty();
    }

    /** Notes a refusal that may concern every name; empty where it is the name's own as far as is known. */
    Optional<Verdict> refused(String issuer, ServerName name, Rejected refusal) {
        String domain = registeredDomain.apply(name);
        String type = refusal.problemType();
        String words = "the CA " + issuer + " refuses every name at present (" + type + ": " + refusal.detail() + "): "
                + REMEDIES.getOrDefault(type, "ask the CA") + "; one order a minute tries again";
        Set<ServerName> freed = new HashSet<>();
        Suspicion now = suspicions.compute(issuer, (id, before) -> {
            if (before == null || (!before.isCertain() && !before.type().equals(type))) {
                return new Suspicion(type, domain, Set.of(name), null, 0);
            }
            if (before.isCertain() || !before.domain().equals(domain)) {
                freed.addAll(before.names());
                return new Suspicion(type, before.domain(), Set.of(), words, next());
            }
            Set<ServerName> names = new HashSet<>(before.names());
            if (names.size() < MOST_NAMES) {
                names.add(name);
            }
            return new Suspicion(type, domain, Set.copyOf(names), null, 0);
        });
        return now.isCertain()
                ? Optional.of(new Verdict(told(now, name, PROBED_EVERY), List.copyOf(freed)))
                : Optional.empty();
    }

    /** Notes that a CA refuses the account, and so every name. */
    void refused(String issuer, AccountRefused refusal) {
        suspicions.put(
                issuer,
                new Suspicion(
                        "account",
                        "",
                        Set.of(),
                        "the CA " + issuer + " refuses every name at present: " + refusal.what()
                                + "; one order a minute tries again",
                        next()));
    }

    /** A CA gave a certificate. */
    void worked(String issuer) {
        suspicions.remove(issuer);
    }

    private long next() {
        return nanoTime.getAsLong() + PROBED_EVERY.toNanos();
    }

    private static RefusesAll told(Suspicion known, ServerName name, Duration left) {
        return new RefusesAll(name, String.valueOf(known.words()), left);
    }
}
