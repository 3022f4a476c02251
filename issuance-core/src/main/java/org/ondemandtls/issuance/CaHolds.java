package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.IssuanceException.RateLimited.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;

/**
 * The waits that CAs asked for, apart from what a single name did: of an account, or of a registered domain. Kept in the
 * store over restarts, and in memory by monotonic time.
 *
 * <p><b>Threads.</b> Safe for many. {@link #holding} is two or three look-ups in memory; the others block for I/O.
 */
final class CaHolds {

    private static final Duration LONGEST = Duration.ofDays(1);
    private static final String LIMITED = "rateLimited";
    // A wait per registered domain: only names that were ordered for get here, so an attacker's do not.
    private static final int MOST = 10_000;

    private record Wait(String detail, long until) {}

    private final CertificateStore store;
    private final ClockWatch watch;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final ConcurrentMap<String, Wait> waits = new ConcurrentHashMap<>();
    // Under which state of the clock.
    private final ConcurrentMap<String, Long> recalled = new ConcurrentHashMap<>();

    CaHolds(CertificateStore store, ClockWatch watch, Clock clock, LongSupplier nanoTime) {
        this.store = store;
        this.watch = watch;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** Why a CA is not to be asked for a name now, if so, as far as memory knows; no I/O. */
    Optional<IssuanceException> holding(String issuer, ServerName name) {
        for (String scope : scopes(issuer, name)) {
            Wait wait = waits.get(scope);
            if (wait == null) {
                continue;
            }
            long left = wait.until() - nanoTime.getAsLong();
            if (left > 0) {
                return Optional.of(new RateLimited(name, scopeOf(scope), wait.detail(), Duration.ofNanos(left)));
            }
            waits.remove(scope, wait);
        }
        return Optional.empty();
    }

    /**
     * Notes what a CA asked for. Blocks for a write.
     *
     * @return whether it concerns more than the name
     * @throws StoreException if it could not be kept; it counts in memory all the same
     */
    boolean keep(String issuer, RateLimited limited) throws StoreException {
        Optional<String> scope = scope(issuer, limited.scope());
        if (scope.isEmpty()) {
            return false;
        }
        Duration wait = clamped(limited.retryAfter());
        String detail = limited.detail();
        Wait wanted = new Wait(detail, nanoTime.getAsLong() + wait.toNanos());
        if (waits.size() >= MOST) {
            waits.values().removeIf(old -> old.until() - nanoTime.getAsLong() <= 0);
        }
        // Of two waits the longer one counts.
        Wait kept = waits.merge(scope.get(), wanted, (old, fresh) -> old.until() - fresh.until() >= 0 ? old : fresh);
        if (kept.equals(wanted) && watch.isTrusted()) {
            store.keepHold(
                    new Hold(scope.get(), issuer, 0, clock.instant().plus(wait), LIMITED, detail, Optional.empty()));
        }
        return true;
    }

    /** Has memory know what an earlier life, or another node, wrote about a CA and a name. Blocks for look-ups. */
    void recall(String issuer, ServerName name) throws StoreException {
        long generation = watch.generation();
        for (String scope : scopes(issuer, name)) {
            boolean account = scope.startsWith("account/");
            if (waits.containsKey(scope) || (account && Objects.equals(recalled.get(scope), generation))) {
                continue;
            }
            Optional<Hold> hold = store.hold(scope);
            if (account) {
                recalled.put(scope, generation);
            }
            // What this clock takes for past may still hold, should it be wrong: it is kept, see HoldSweep.
            Duration left = hold.map(kept -> Duration.between(clock.instant(), kept.until()))
                    .orElse(Duration.ZERO);
            if (hold.isPresent() && !left.isNegative() && !left.isZero()) {
                waits.putIfAbsent(
                        scope,
                        new Wait(
                                hold.get().detail(),
                                nanoTime.getAsLong() + clamped(left).toNanos()));
            }
        }
    }

    /** Forgets every wait of a name's: an operator wants it tried at once. Blocks for look-ups. */
    void forget(String issuer, ServerName name) throws StoreException {
        for (String scope : scopes(issuer, name)) {
            waits.remove(scope);
            store.dropHold(scope);
        }
    }

    // The account, then every domain the name is at or below, the shortest with two labels.
    private static List<String> scopes(String issuer, ServerName name) {
        List<String> scopes = new ArrayList<>();
        scopes.add("account/" + issuer);
        String domain = name.value();
        while (domain.indexOf('.') > 0) {
            scopes.add("domain/" + issuer + '/' + domain);
            domain = domain.substring(domain.indexOf('.') + 1);
        }
        return scopes;
    }

    private static Optional<String> scope(String issuer, Scope scope) {
        if (scope instanceof Scope.Domain domain) {
            return Optional.of("domain/" + issuer + '/' + domain.registered());
        }
        return scope instanceof Scope.Account ? Optional.of("account/" + issuer) : Optional.empty();
    }

    private static Scope scopeOf(String scope) {
        return scope.startsWith("account/")
                ? new Scope.Account()
                : new Scope.Domain(scope.substring(scope.lastIndexOf('/') + 1));
    }

    private static Duration clamped(Duration wait) {
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
