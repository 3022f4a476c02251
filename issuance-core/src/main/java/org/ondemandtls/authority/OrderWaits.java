package org.ondemandtls.authority;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.ondemandtls.certificate.IssuanceException;

/**
 * Waits between the looks at one order, never beyond its time.
 *
 * <p>A {@code Retry-After} with an answer that is no refusal is not kept: CAs send a day with what is ready in seconds,
 * and somebody waits.
 *
 * <p><b>Threads.</b> Used by the one thread that works on the order, which it blocks.
 */
final class OrderWaits {

    private final Authority.Order wanted;
    private final CaSession session;
    private final CountDownLatch closed;

    // Finalized, and the CA takes its time.
    private boolean processing;

    /** Waits for an order over a session, until {@code closed} is opened. */
    OrderWaits(Authority.Order wanted, CaSession session, CountDownLatch closed) {
        this.wanted = wanted;
        this.session = session;
        this.closed = closed;
    }

    /** From now on the CA has all it needs: what is not done in time may be done later. */
    void onlyTheCaIsAwaited() {
        processing = true;
    }

    /**
     * Waits until the next look is due.
     *
     * @param pace whose next look it is
     * @param until what is awaited, for the failure
     */
    void pause(Pace pace, String until) throws IssuanceException, InterruptedException {
        Duration wait = bounded(pace);
        requireTime(wait, until);
        if (!wait.isZero() && closed.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new IssuanceException.Stopping(wanted.name());
        }
        pace.asks();
    }

    /**
     * Waits until the proof is fetched or the next look is due.
     *
     * @return whether the proof is fetched
     */
    boolean await(CompletableFuture<Void> fetched, Pace pace) throws IssuanceException, InterruptedException {
        Duration wait = bounded(pace);
        requireTime(wait, "fetched the proof");
        try {
            fetched.get(wait.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a display never fails", e);
        }
    }

    // A look that would come too late is taken while there is still time for what follows.
    private Duration bounded(Pace pace) {
        Duration wait = pace.next();
        Duration half = session.deadline().left().dividedBy(2);
        return wait.compareTo(half) < 0 ? wait : half;
    }

    private void requireTime(Duration wait, String until) throws IssuanceException {
        if (closed.getCount() == 0) {
            throw new IssuanceException.Stopping(wanted.name());
        }
        if (wait.plus(CaLimits.EXCHANGE).compareTo(session.deadline().left()) >= 0) {
            String what =
                    "the CA has not " + until + " within " + wanted.patience().toSeconds() + " s";
            // What the CA says about an answer that is not ready is not when it can be asked again.
            throw processing
                    ? IssuanceException.Unavailable.unfinished(wanted.name(), what, RetryAfter.DEFAULT)
                    : new IssuanceException.Unavailable(wanted.name(), what, RetryAfter.DEFAULT, null);
        }
    }
}
