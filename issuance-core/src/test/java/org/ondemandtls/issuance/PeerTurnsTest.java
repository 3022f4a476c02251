package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.Overloaded;
import org.ondemandtls.certificate.IssuanceException.Stopping;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.ManualTime;

/** {@link PeerTurns}: while another server is at a name its work waits, but not for ever. */
class PeerTurnsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final Duration LONGEST = Authority.LONGEST_ORDER.multipliedBy(2);

    private final ManualTime time = new ManualTime();
    private boolean stopping;
    private boolean elsewhere = true;
    private int tried;
    private final PeerTurns turns = new PeerTurns(time.scheduler(), time::nanoTime, () -> stopping);

    private CompletableFuture<String> take() {
        return turns.take(SHOP, new DirectExecutor(), () -> {
            tried++;
            if (elsewhere) {
                throw new OrderPipeline.LeasedElsewhereException();
            }
            return "certificate";
        });
    }

    private static Throwable failureOf(CompletableFuture<?> future) {
        assertThat(future).isCompletedExceptionally();
        return Landing.unwrapped(future.handle((any, failure) -> failure).join());
    }

    @Test
    void isGivenUpAtTheMomentTwoOrdersWouldHaveTaken() {
        CompletableFuture<String> waiting = take();

        time.advance(LONGEST.minusNanos(1));
        assertThat(waiting).isNotDone();
        time.advance(Duration.ofNanos(1));

        assertThat(failureOf(waiting)).isInstanceOfSatisfying(Unavailable.class, failure -> {
            assertThat(failure).hasMessageContaining("another server has been at it for too long");
            assertThat(failure.retryAfter()).isEqualTo(Duration.ofSeconds(1));
        });
    }

    @Test
    void isLookedAtAgainEverySecondUntilNobodyElseIsAtIt() {
        CompletableFuture<String> waiting = take();
        for (int second = 1; second <= 3; second++) {
            assertThat(tried).isEqualTo(second);
            time.advance(Duration.ofSeconds(1));
        }
        elsewhere = false;
        assertThat(waiting).isNotDone();

        time.advance(Duration.ofSeconds(1));

        assertThat(waiting).isCompletedWithValue("certificate");
        assertThat(tried).isEqualTo(5);
    }

    @Test
    void newsOfTheNameEndsTheWaitOnceAndNewsOfAnotherDoesNot() {
        CompletableFuture<String> waiting = take();
        turns.heard(ServerName.parse("other.example.com"), Runnable::run);
        assertThat(tried).isEqualTo(1);
        elsewhere = false;

        turns.heard(SHOP, Runnable::run);

        assertThat(waiting).isCompletedWithValue("certificate");
        turns.heard(SHOP, task -> {
            throw new AssertionError("nobody waits any more");
        });
        time.advance(LONGEST);
        assertThat(tried).isEqualTo(2);
    }

    @Test
    void anyOtherFailureIsToldAtOnce() {
        IssuanceException refused = new Unavailable(SHOP, "down", Duration.ofSeconds(2), null);

        CompletableFuture<String> failed = turns.take(SHOP, new DirectExecutor(), () -> {
            throw refused;
        });

        assertThat(failureOf(failed)).isSameAs(refused);
        assertThat(time.scheduled()).isZero();
    }

    @Test
    void nothingIsBegunOnceTheServerStops() {
        ManualTime.Tasks queue = new ManualTime.Tasks();
        CompletableFuture<String> queued = turns.run(queue, SHOP, "bound", () -> "certificate");
        stopping = true;

        queue.runAll();

        assertThat(failureOf(queued)).isInstanceOf(Stopping.class);
    }

    @Test
    void whatDoesNotFitIsToldByItsBoundUnlessTheServerStops() {
        CompletableFuture<String> full = turns.run(PeerTurnsTest::reject, SHOP, "bound", () -> "certificate");
        stopping = true;
        CompletableFuture<String> ended = turns.run(PeerTurnsTest::reject, SHOP, "bound", () -> "certificate");

        assertThat(failureOf(full))
                .isInstanceOfSatisfying(
                        Overloaded.class, refusal -> assertThat(refusal.bound()).isEqualTo("bound"));
        assertThat(failureOf(ended)).isInstanceOf(Stopping.class);
    }

    private static void reject(Runnable task) {
        throw new RejectedExecutionException();
    }
}
