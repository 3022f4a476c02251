package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/**
 * Which names are not to be tried again yet, and why.
 *
 * <p>Only the CA's refusals step a name's schedule: one minute, ten, a hundred, a day, each with up to a tenth of jitter.
 * A source, CA or store that did not answer is remembered for seconds. Bounded; safe for use by many threads.
 */
final class FailureMemory {

    private static final List<Duration> SCHEDULE =
            List.of(Duration.ofMinutes(1), Duration.ofMinutes(10), Duration.ofMinutes(100), Duration.ofDays(1));
    private static final double JITTER = 0.1;
    // The step a name stands on outlives its block, or a name tried once a day would start over each time.
    private static final Duration STEP_OUTLIVES_BLOCK = Duration.ofDays(1);
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST_UNANSWERED = Duration.ofSeconds(10);

    private record Failure(IssuanceException reason, int refusals, long blockedUntil, long blockedNanos) {}

    private final Cache<ServerName, Failure> failures;
    private final LongSupplier nanoTime;
    private final DoubleSupplier random;

    FailureMemory(int capacity, LongSupplier nanoTime, DoubleSupplier random) {
        this.nanoTime = nanoTime;
        this.random = random;
        this.failures = Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfter(Expiry.<ServerName, Failure>writing((name, failure) -> Duration.ofNanos(
                        failure.blockedNanos() + (failure.refusals() > 0 ? STEP_OUTLIVES_BLOCK.toNanos() : 0))))
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Why the name is not to be tried now, if so. */
    Optional<IssuanceException> blocking(ServerName name) {
        Failure failure = failures.getIfPresent(name);
        return failure != null && nanoTime.getAsLong() - failure.blockedUntil() < 0
                ? Optional.of(failure.reason())
                : Optional.empty();
    }

    /** Notes a failure; what says nothing about the name is not kept. */
    void note(ServerName name, IssuanceException reason) {
        if (reason instanceof IssuanceException.NotPermitted
                || reason instanceof IssuanceException.Overloaded
                || reason instanceof IssuanceException.Stopping) {
            return;
        }
        failures.asMap().compute(name, (n, before) -> next(before, reason));
    }

    /** Forgets a name: it was obtained. */
    void forget(ServerName name) {
        failures.invalidate(name);
    }

    long size() {
        return failures.estimatedSize();
    }

    private Failure next(@Nullable Failure before, IssuanceException reason) {
        int refusals = before == null ? 0 : before.refusals();
        Duration block;
        if (reason instanceof IssuanceException.Rejected) {
            Duration step = SCHEDULE.get(Math.min(refusals, SCHEDULE.size() - 1));
            Duration jittered = step.plusMillis((long) (step.toMillis() * JITTER * random.getAsDouble()));
            block = longer(jittered, reason.retryAfter());
            refusals++;
        } else {
            Duration asked = longer(reason.retryAfter(), SHORTEST);
            boolean meant = reason instanceof IssuanceException.RateLimited;
            block = !meant && asked.compareTo(LONGEST_UNANSWERED) > 0 ? LONGEST_UNANSWERED : asked;
        }
        return new Failure(reason, refusals, nanoTime.getAsLong() + block.toNanos(), block.toNanos());
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) >= 0 ? one : other;
    }
}
