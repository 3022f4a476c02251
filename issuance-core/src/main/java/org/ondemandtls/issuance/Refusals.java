package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.FailureMemory;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Shared;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;

/**
 * Which names are not to be tried again yet, and why.
 *
 * <p>Only the CA's refusals step a name's schedule: one minute, ten, a hundred, a day, each with up to a tenth of jitter,
 * scaled down for lifetimes below ten days; what somebody has to act on first starts at the third step. These are kept in
 * the store, so that a restart does not begin anew. A source, CA or store that did not answer is remembered for seconds,
 * in memory. Trouble on the CA's way to a name, which passes, has a pace of its own: a minute, then ten, after half a day the
 * schedule's last step. Bounded; safe for use by many threads.
 *
 * <p><b>Cost.</b> A name takes at most 300 octets of memory with its reason: equal words are kept once, with a mark in the
 * place of the name, and where too many differ at the same time those beyond are general ones.
 *
 * <p>While the wall clock is not trusted nothing is written, and what was concluded from dates holds until it is back.
 */
final class Refusals {

    private static final List<Duration> SCHEDULE =
            List.of(Duration.ofMinutes(1), Duration.ofMinutes(10), Duration.ofMinutes(100), Duration.ofDays(1));
    private static final int FIRST_PERMANENT_STEP = 2;
    private static final double JITTER = 0.1;
    private static final Duration LONGEST =
            Duration.ofDays(1).plus(Duration.ofDays(1).dividedBy(10));
    private static final Duration SHORT_LIFE = Duration.ofDays(10);
    private static final Duration SHORTEST_STEP = Duration.ofSeconds(10);
    // The step a name stands on outlives its block, or a name tried once a day would start over each time.
    private static final Duration STEP_OUTLIVES_BLOCK = Duration.ofDays(1);
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration PASSING_FIRST = Duration.ofMinutes(1);
    private static final Duration PASSING_NEXT = Duration.ofMinutes(10);
    private static final Duration HOUR = Duration.ofHours(1);
    /** How many failed validations a name is caused in an hour by trouble that passes; Let's Encrypt bears five. */
    static final int PASSING_VALIDATIONS_AN_HOUR = 4;
    // What lasts for half a day may last for ever, and a CA pauses a name after so many failures in a row.
    private static final int PASSING_SOONER = 48;
    private static final Duration LONGEST_UNANSWERED = Duration.ofSeconds(10);
    private static final long ANY_CLOCK = -1;

    static final int KEPT_WORDS = 256;
    private static final int LONGEST_WORDS = 1000;
    private static final String NAME_MARK = "\0";
    private static final String REJECTED = "rejected by the CA, see the log for its words";
    private static final String FAILED = "failed a moment ago, see the log for the reason";

    /**
     * Trouble that passes.
     *
     * @param inARow how many orders have met it
     * @param validations when validations failed by it lately
     */
    private record Passing(int inARow, List<Long> validations) {}

    /**
     * Why a name is not to be tried.
     *
     * @param stored whether the store has it, so that it may be looked up there again
     */
    private record Failure(
            String words,
            int refusals,
            long blockedUntil,
            long clockGeneration,
            Optional<Passing> passing,
            boolean stored) {

        Failure inTheStore() {
            return new Failure(words, refusals, blockedUntil, clockGeneration, passing, true);
        }
    }

    private final CertificateStore store;
    private final Shared<String> kept = new Shared<>(KEPT_WORDS);
    private final Cache<ServerName, Failure> failures;
    private final ClockWatch watch;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final DoubleSupplier random;

    Refusals(
            int capacity,
            CertificateStore store,
            ClockWatch watch,
            Clock clock,
            LongSupplier nanoTime,
            DoubleSupplier random) {
        this.store = store;
        this.watch = watch;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.random = random;
        this.failures = Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfter(Expiry.<ServerName, Failure>writing(
                        (name, failure) -> Duration.ofNanos(Math.max(0, failure.blockedUntil() - nanoTime.getAsLong())
                                + outlives(failure).toNanos())))
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Why the name is not to be tried now, if so, as far as memory knows; no I/O. */
    Optional<IssuanceException> blocking(ServerName name) {
        Failure failure = failures.getIfPresent(name);
        if (failure == null) {
            return Optional.empty();
        }
        long left = failure.blockedUntil() - nanoTime.getAsLong();
        return left > 0 && (failure.clockGeneration() == ANY_CLOCK || failure.clockGeneration() == watch.generation())
                ? Optional.of(new IssuanceException.Remembered(
                        name, failure.words().replace(NAME_MARK, name.value()), Duration.ofNanos(left)))
                : Optional.empty();
    }

    /** How long the name is not to be tried, as far as memory knows; zero where it may be. No I/O. */
    Duration left(ServerName name) {
        Failure failure = failures.getIfPresent(name);
        return failure == null
                ? Duration.ZERO
                : Duration.ofNanos(Math.max(0, failure.blockedUntil() - nanoTime.getAsLong()));
    }

    /** Notes in memory that something did not answer; what says nothing about the name is not kept. No I/O. */
    void unanswered(ServerName name, IssuanceException reason) {
        if (reason.memory() == FailureMemory.NONE || reason.memory() == FailureMemory.SCHEDULE) {
            return;
        }
        // A limit is kept elsewhere, and ends without the name being asked.
        Duration asked = longer(reason.retryAfter(), SHORTEST);
        Duration block = asked.compareTo(LONGEST_UNANSWERED) > 0 ? LONGEST_UNANSWERED : asked;
        failures.asMap()
                .compute(
                        name,
                        (n, before) -> failure(
                                reason,
                                before == null ? 0 : before.refusals(),
                                block,
                                ANY_CLOCK,
                                before == null ? Optional.empty() : before.passing()));
    }

    /**
     * Notes a refusal by the CA, in memory and in the store. Blocks for a write.
     *
     * @param name the name refused
     * @param issuer who refused it
     * @param reason why
     * @param validations how many failed validations it cost
     * @param lifetime how long the certificate would have been valid, for the schedule
     * @throws StoreException if it could not be kept; it counts in memory all the same
     */
    void refused(ServerName name, String issuer, IssuanceException.Rejected reason, int validations, Duration lifetime)
            throws StoreException {
        Failure noted = failures.asMap()
                .compute(
                        name,
                        (n, before) -> reason.isPassing()
                                ? passing(before, reason, validations, lifetime)
                                : next(before == null ? 0 : before.refusals(), reason, lifetime));
        if (noted != null && watch.isTrusted()) {
            Instant until = clock.instant().plusNanos(noted.blockedUntil() - nanoTime.getAsLong());
            store.keepHold(new Hold(
                    new Scope.Name(name),
                    issuer,
                    noted.refusals(),
                    until,
                    reason.problemType(),
                    reason.detail(),
                    reason.link()));
            failures.asMap().computeIfPresent(name, (n, now) -> now.equals(noted) ? now.inTheStore() : now);
        }
    }

    /**
     * Notes, in memory, that what the CA gave is not valid by this machine's clock, which may be wrong: the name is not
     * tried again until the clock has changed, or for a day.
     */
    void undated(ServerName name, IssuanceException.Rejected reason) {
        failures.asMap()
                .compute(
                        name,
                        (n, before) -> failure(
                                reason,
                                before == null ? 1 : before.refusals() + 1,
                                LONGEST,
                                watch.generation(),
                                Optional.empty()));
    }

    /**
     * Why the name is not to be tried now, if so, as the store knows; memory learns of it. Blocks for a look-up.
     *
     * @throws StoreException if the store did not say
     */
    Optional<IssuanceException> recall(ServerName name) throws StoreException {
        Optional<IssuanceException> blocked = blocking(name);
        if (blocked.isPresent()) {
            return blocked;
        }
        // Where it cannot be read, the next refusal is written in its place.
        Optional<Hold> kept = store.readableHold(new Scope.Name(name));
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        Hold hold = kept.get();
        Duration left = Duration.between(clock.instant(), hold.until());
        if (left.compareTo(STEP_OUTLIVES_BLOCK.negated()) < 0) {
            // It is kept: a clock that is wrong takes what is of today for long ago. See HoldSweep.
            return Optional.empty();
        }
        // Whatever the clock says, no block is longer than the longest step.
        Duration block = left.isNegative() ? Duration.ZERO : left.compareTo(LONGEST) > 0 ? LONGEST : left;
        // No step was taken by what passes.
        IssuanceException reason = hold.refusals() == 0
                ? IssuanceException.Rejected.passing(name, hold.problemType(), hold.detail(), Duration.ZERO)
                : new IssuanceException.Rejected(name, hold.problemType(), hold.detail(), Duration.ZERO);
        // Another server may have been refused since; what memory has for itself counts as long as it is further on.
        Failure stored = failure(
                        reason,
                        hold.refusals(),
                        block,
                        ANY_CLOCK,
                        Optional.ofNullable(failures.getIfPresent(name))
                                .flatMap(Failure::passing)
                                // It was met before, by an earlier life or another server.
                                .or(() -> hold.refusals() == 0
                                        ? Optional.of(new Passing(1, List.of()))
                                        : Optional.empty()))
                .inTheStore();
        failures.asMap()
                .merge(
                        name,
                        stored,
                        (old, fresh) -> fresh.refusals() > old.refusals()
                                        || (fresh.refusals() == old.refusals()
                                                && fresh.blockedUntil() - old.blockedUntil() > 0)
                                ? fresh
                                : old);
        return blocking(name);
    }

    /** Forgets a name: it was obtained, or an operator wants it tried at once. Blocks for a look-up. */
    void forget(ServerName name) throws StoreException {
        failures.invalidate(name);
        // Whatever memory knew: another server may have been refused since.
        store.dropHold(new Scope.Name(name));
    }

    /** Forgets what memory knows of a name; the store is asked again. No I/O. */
    void reconsider(ServerName name) {
        failures.invalidate(name);
    }

    /** The same for every name of which the store knows something. No I/O. */
    void reconsiderAll() {
        failures.asMap().values().removeIf(Failure::stored);
    }

    long size() {
        // What is over the bound and not let go yet is none of them.
        failures.cleanUp();
        return failures.estimatedSize();
    }

    private Failure next(int refusals, IssuanceException.Rejected reason, Duration lifetime) {
        int first = reason.permanent() ? FIRST_PERMANENT_STEP : 0;
        Duration step = scaled(SCHEDULE.get(Math.min(refusals + first, SCHEDULE.size() - 1)), lifetime);
        Duration jittered = step.plusMillis((long) (step.toMillis() * JITTER * random.getAsDouble()));
        Duration asked = longer(jittered, reason.retryAfter());
        return failure(
                reason, refusals + 1, asked.compareTo(LONGEST) > 0 ? LONGEST : asked, ANY_CLOCK, Optional.empty());
    }

    private Failure passing(
            @Nullable Failure before, IssuanceException.Rejected reason, int validations, Duration lifetime) {
        Passing known =
                before == null ? new Passing(0, List.of()) : before.passing().orElse(new Passing(0, List.of()));
        long now = nanoTime.getAsLong();
        List<Long> failed = new ArrayList<>(known.validations());
        failed.addAll(Collections.nCopies(Math.min(validations, PASSING_VALIDATIONS_AN_HOUR), now));
        failed.removeIf(at -> now - at >= HOUR.toNanos());
        Duration step = known.inARow() == 0
                ? PASSING_FIRST
                : known.inARow() < PASSING_SOONER
                        ? PASSING_NEXT
                        : longer(scaled(SCHEDULE.get(SCHEDULE.size() - 1), lifetime), PASSING_NEXT);
        // The next order may cost as many as this one, and all within an hour have to fit.
        int tooMany = failed.size() + validations - PASSING_VALIDATIONS_AN_HOUR;
        if (tooMany > 0 && !failed.isEmpty()) {
            long fits = failed.get(Math.min(tooMany, failed.size()) - 1) + HOUR.toNanos();
            step = longer(step, Duration.ofNanos(fits - now));
        }
        Duration asked = longer(step, reason.retryAfter());
        return failure(
                reason,
                before == null ? 0 : before.refusals(),
                asked.compareTo(LONGEST) > 0 ? LONGEST : asked,
                ANY_CLOCK,
                Optional.of(new Passing(known.inARow() + 1, List.copyOf(failed))));
    }

    private static Duration outlives(Failure failure) {
        return failure.refusals() > 0 || failure.passing().isPresent() ? STEP_OUTLIVES_BLOCK : Duration.ZERO;
    }

    private Failure failure(
            IssuanceException reason, int refusals, Duration block, long clockGeneration, Optional<Passing> passing) {
        return new Failure(
                words(reason), refusals, nanoTime.getAsLong() + block.toNanos(), clockGeneration, passing, false);
    }

    private String words(IssuanceException reason) {
        String words = reason.what();
        String cut = words.length() <= LONGEST_WORDS ? words : words.substring(0, LONGEST_WORDS);
        return kept.share(cut.replace(reason.name().value(), NAME_MARK))
                .orElse(reason instanceof IssuanceException.Rejected ? REJECTED : FAILED);
    }

    private static Duration scaled(Duration step, Duration lifetime) {
        if (lifetime.compareTo(SHORT_LIFE) >= 0) {
            return step;
        }
        Duration scaled =
                Duration.ofMillis((long) (step.toMillis() * (lifetime.toMillis() / (double) SHORT_LIFE.toMillis())));
        return longer(scaled, SHORTEST_STEP);
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) >= 0 ? one : other;
    }
}
