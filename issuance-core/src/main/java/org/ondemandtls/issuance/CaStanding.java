package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;

/**
 * How each CA stands: the waits it asked for, of an account, a registered domain or a name, and whether it is unwell. Waits are
 * kept in the store, so that every server that shares it obeys them, and in memory by monotonic time.
 *
 * <p><b>Threads.</b> Safe for many. {@link #holding} and what is about being well are look-ups in memory; the others block
 * for I/O.
 */
final class CaStanding {

    private static final Duration LONGEST = Duration.ofDays(1);
    /** How long a CA that did not answer is tried last. */
    private static final Duration UNWELL = Duration.ofMinutes(1);

    private static final String LIMITED = "rateLimited";
    // A wait per registered domain or name: only names that were ordered for get here, so an attacker's do not.
    private static final int MOST = 10_000;

    // One that is not in the store, because the clock was not trusted or the write failed, nobody else can end.
    private record Wait(String detail, long until, boolean stored) {}

    private final CertificateStore store;
    private final ClockWatch watch;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final ConcurrentMap<Scope.OfLimit, Wait> waits = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Long> unwellUntil = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, CaHealth> failing = new ConcurrentHashMap<>();

    CaStanding(CertificateStore store, ClockWatch watch, Clock clock, LongSupplier nanoTime) {
        this.store = store;
        this.watch = watch;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** A CA could not be reached, failed by itself, or refused the account. */
    void failed(String issuer, IssuanceException why) {
        unwellUntil.put(issuer, nanoTime.getAsLong() + UNWELL.toNanos());
        refusesAll(issuer, why);
    }

    /** A CA answers, and refuses every name. */
    void refusesAll(String issuer, IssuanceException why) {
        failing.merge(
                issuer,
                new CaHealth(Optional.of(clock.instant()), why.what()),
                // Who was not asked again has heard the same with a wait before it.
                (old, fresh) -> fresh.why().endsWith(old.why()) ? old : new CaHealth(old.failingSince(), fresh.why()));
    }

    /** A CA gave a certificate. */
    void worked(String issuer) {
        unwellUntil.remove(issuer);
        failing.remove(issuer);
    }

    /** A CA answered as it should, though with a refusal. */
    void answered(String issuer) {
        failing.remove(issuer);
    }

    /** Whether a CA is asked in its turn, not last. */
    boolean isWell(String issuer) {
        Long until = unwellUntil.get(issuer);
        return until == null || nanoTime.getAsLong() - until >= 0;
    }

    /** How a CA stands since it was asked last, for however long that is ago. */
    CaHealth health(String issuer) {
        return failing.getOrDefault(issuer, CaHealth.WELL);
    }

    /** Why a CA is not to be asked for a name now, if so, as far as memory knows; no I/O. */
    Optional<IssuanceException> holding(String issuer, ServerName name) {
        for (Scope.OfLimit scope : Scope.limits(issuer, name)) {
            Wait wait = waits.get(scope);
            if (wait == null) {
                continue;
            }
            long left = wait.until() - nanoTime.getAsLong();
            if (left > 0) {
                return Optional.of(new RateLimited(name, scope, wait.detail(), Duration.ofNanos(left)));
            }
            waits.remove(scope, wait);
        }
        return Optional.empty();
    }

    /**
     * Notes what a CA asked for. Blocks for a write.
     *
     * @throws StoreException if it could not be kept; it counts in memory all the same
     */
    void keep(String issuer, RateLimited limited) throws StoreException {
        Scope.OfLimit scope = limited.scope();
        Duration wait = clamped(limited.retryAfter());
        String detail = limited.detail();
        Wait wanted = new Wait(detail, nanoTime.getAsLong() + wait.toNanos(), false);
        if (waits.size() >= MOST) {
            waits.values().removeIf(old -> old.until() - nanoTime.getAsLong() <= 0);
        }
        Wait kept = waits.merge(scope, wanted, CaStanding::longer);
        if (kept.equals(wanted) && watch.isTrusted()) {
            store.keepHold(new Hold(scope, issuer, 0, clock.instant().plus(wait), LIMITED, detail, Optional.empty()));
            waits.replace(scope, wanted, new Wait(detail, wanted.until(), true));
        }
    }

    /**
     * Has memory know what an earlier life, or another server, wrote about a CA and a name. Blocks for look-ups. A wait that
     * cannot be read counts as memory knows it: one record is no reason to place no order at a CA.
     */
    void recall(String issuer, ServerName name) throws StoreException {
        for (Scope.OfLimit scope : Scope.limits(issuer, name)) {
            Wait before = waits.get(scope);
            Optional<Hold> hold;
            try {
                hold = store.hold(scope);
            } catch (RecordUnreadableException e) {
                // The store has told of it. What the CA still wants of us it says again to the next order.
                continue;
            }
            if (hold.isEmpty()) {
                // Somebody has had it tried again.
                if (before != null && before.stored()) {
                    waits.remove(scope, before);
                }
                continue;
            }
            // What this clock takes for past may still hold, should it be wrong: it is kept, see HoldSweep.
            Duration left = Duration.between(clock.instant(), hold.get().until());
            if (!left.isNegative() && !left.isZero()) {
                long until = nanoTime.getAsLong() + clamped(left).toNanos();
                waits.merge(scope, new Wait(hold.get().detail(), until, true), CaStanding::longer);
            }
        }
    }

    /** Forgets every wait of a name's: an operator wants it tried at once. Blocks for look-ups. */
    void forget(String issuer, ServerName name) throws StoreException {
        for (Scope.OfLimit scope : Scope.limits(issuer, name)) {
            waits.remove(scope);
            store.dropHold(scope);
        }
    }

    /** Forgets what the store knows of a name's waits too; it is asked again before the next order. No I/O. */
    void reconsider(String issuer, ServerName name) {
        for (Scope.OfLimit scope : Scope.limits(issuer, name)) {
            waits.computeIfPresent(scope, (key, wait) -> wait.stored() ? null : wait);
        }
    }

    /** The same for every name. No I/O. */
    void reconsiderAll() {
        waits.values().removeIf(Wait::stored);
    }

    // Of two waits the longer one counts.
    private static Wait longer(Wait old, Wait fresh) {
        return old.until() - fresh.until() >= 0 ? old : fresh;
    }

    private static Duration clamped(Duration wait) {
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
