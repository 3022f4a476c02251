package org.ondemandtls.renewal;

import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What is to be done of one kind with one CA, the most urgent first, and how that CA is doing. One that fails three times in
 * a row, or says that it will serve nobody, is asked by one at a time, at a growing pace, until it works again.
 *
 * <p>Not safe for use by many threads; {@link Backlog} locks.
 */
final class Lane {

    private static final int FAILURES = 3;
    private static final Duration FIRST_PROBE = Duration.ofMinutes(1);
    private static final int LAST_DOUBLING = 2;
    private static final int SMOOTHED = 8;

    private static final Comparator<Entry> BY_URGENCY =
            Comparator.comparing(Entry::urgent).thenComparing(Entry::name);

    private final TreeSet<Entry> ready = new TreeSet<>(BY_URGENCY);
    private int running;
    private int failures;
    private long notBefore;
    private long latencyNanos;

    void add(Entry entry) {
        ready.add(entry);
    }

    void remove(Entry entry) {
        ready.remove(entry);
    }

    Optional<Entry> first() {
        return ready.isEmpty() ? Optional.empty() : Optional.of(ready.first());
    }

    Optional<Entry> last() {
        return ready.isEmpty() ? Optional.empty() : Optional.of(ready.last());
    }

    int running() {
        return running;
    }

    void begun(Entry entry) {
        ready.remove(entry);
        running++;
    }

    void ended() {
        running--;
    }

    /** Whether one more may be begun, of at most so many at once. */
    boolean admits(int most, long now) {
        return failures < FAILURES ? running < most : running == 0 && now - notBefore >= 0;
    }

    /** How long the CA takes, as far as is known. */
    Duration latency() {
        return Duration.ofNanos(latencyNanos);
    }

    void worked(long tookNanos) {
        failures = 0;
        latencyNanos = latencyNanos == 0 ? tookNanos : latencyNanos + (tookNanos - latencyNanos) / SMOOTHED;
    }

    /**
     * The CA has failed.
     *
     * @param everybody whether it has said that this concerns every order
     * @param wait how long it wants to be left alone
     */
    void failed(boolean everybody, Duration wait, long now) {
        boolean said = everybody && failures < FAILURES && !wait.isZero();
        failures = Math.max(failures + 1, everybody ? FAILURES : 0);
        if (failures >= FAILURES) {
            Duration pause = FIRST_PROBE.multipliedBy(1L << Math.min(LAST_DOUBLING, failures - FAILURES));
            // A CA is believed when it says for the first time how long it wants to be left alone.
            notBefore = now + (said ? wait : Waits.longest(wait, pause)).toNanos();
        }
    }
}
