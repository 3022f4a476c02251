package org.ondemandtls.authority;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/**
 * The seconds during which a CA is asked for nothing, by anybody: it could not be reached, or it asked for that.
 *
 * <p><b>Threads.</b> Safe for use by many threads.
 */
final class CaPause {

    /** The longest the CA is left alone by everybody because of one failure; longer waits are kept by issuance. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    /** How long a CA that could not be reached is taken for one that is down, unless it works before. */
    private static final Duration DOWN = Duration.ofMinutes(1);

    /**
     * A time during which the CA is asked for nothing.
     *
     * @param end when that is over
     * @param asked when the wait is over that the CA asked for
     * @param cause what it began with
     */
    private record Pause(Deadline end, Deadline asked, IssuanceException cause) {}

    private final LongSupplier nanoTime;
    private final CountDownLatch closed;
    private final AtomicReference<@Nullable Pause> pause = new AtomicReference<>();
    private final AtomicReference<@Nullable Deadline> down = new AtomicReference<>();

    /** None yet; {@code closed} is opened when everything has to stop. */
    CaPause(LongSupplier nanoTime, CountDownLatch closed) {
        this.nanoTime = nanoTime;
        this.closed = closed;
    }

    /**
     * Goes on where the CA may be asked now. Blocks for at most {@link CaFailures#NO_CONNECTION}.
     *
     * @param name what for
     * @param isWorthAWait whether a short pause is waited out, since there is nobody else to ask
     * @param deadline when the work has to be done
     * @throws IssuanceException if the CA is to be left alone
     */
    void pass(ServerName name, boolean isWorthAWait, Deadline deadline) throws IssuanceException {
        Pause current = lasting();
        if (current != null && isWorthAWait && isShort(current, deadline)) {
            await(name, current.end().left());
            // Of several that waited, those behind the first one that failed are told so.
            current = lasting();
        }
        if (current != null) {
            throw again(name, current.cause(), current.asked().left());
        }
    }

    private @Nullable Pause lasting() {
        Pause current = pause.get();
        if (current != null && current.end().isOver()) {
            pause.compareAndSet(current, null);
            return null;
        }
        return current;
    }

    private static boolean isShort(Pause current, Deadline deadline) {
        Duration left = current.asked().left();
        return left.compareTo(CaFailures.NO_CONNECTION) <= 0
                && left.compareTo(deadline.left().dividedBy(2)) < 0
                && !(current.cause() instanceof IssuanceException.AccountRefused);
    }

    private void await(ServerName name, Duration wait) throws IssuanceException.Stopping {
        try {
            if (closed.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new IssuanceException.Stopping(name);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IssuanceException.Stopping(name);
        }
    }

    private static IssuanceException again(ServerName name, IssuanceException cause, Duration left) {
        String more = "for " + (left.toSeconds() + 1) + " s more: " + cause.what();
        if (cause instanceof IssuanceException.AccountRefused) {
            return new IssuanceException.AccountRefused(name, more, left);
        }
        return IssuanceException.Unavailable.unwell(name, "not asked " + more, left, null);
    }

    /**
     * Begins one; of two the longer one counts.
     *
     * @param wait how long
     * @param noConnection whether nothing was heard of the CA
     * @param cause what whoever comes meanwhile is told
     */
    void begin(Duration wait, boolean noConnection, IssuanceException cause) {
        Duration shortened = wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
        Pause wanted = new Pause(Deadline.in(shortened, nanoTime), Deadline.in(wait, nanoTime), cause);
        pause.accumulateAndGet(
                wanted,
                (current, other) -> current != null
                                && current.asked()
                                                .left()
                                                .compareTo(other.asked().left())
                                        >= 0
                        ? current
                        : other);
        if (noConnection && wait.equals(CaFailures.NO_CONNECTION)) {
            down.set(Deadline.in(DOWN, nanoTime));
        }
    }

    /** The CA works. */
    void worked() {
        down.set(null);
    }

    /** Whether the CA could not be reached a moment ago, so that the next one that tries finds out soon. */
    boolean isDown() {
        Deadline until = down.get();
        return until != null && !until.isOver();
    }
}
