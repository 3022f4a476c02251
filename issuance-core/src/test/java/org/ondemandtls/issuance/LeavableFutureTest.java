package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** {@link LeavableFuture}: who waits may leave, at no cost, and is told whether that ended the wait. */
class LeavableFutureTest {

    private final CompletableFuture<String> own = new CompletableFuture<>();

    @Test
    void leavingEndsTheWaitAndSaysSoHoweverOften() {
        LeavableFuture<String> waiting = new LeavableFuture<>();

        assertThat(waiting.cancel(false)).isTrue();
        assertThat(waiting.cancel(false)).isTrue();

        assertThat(waiting).isCancelled();
    }

    @Test
    void leavingWhatHasEndedChangesNothingAndSaysSo() {
        LeavableFuture<String> waiting = new LeavableFuture<>();
        waiting.complete("certificate");

        assertThat(waiting.cancel(false)).isFalse();

        assertThat(waiting).isCompletedWithValue("certificate");
    }

    @Test
    void leavingWhatIsMadeOfSomethingLeavesThatToo() {
        LeavableFuture<Integer> length = LeavableFuture.of(own, String::length);

        assertThat(length.cancel(false)).isTrue();

        assertThat(own).isCancelled();
        assertThat(length).isCancelled();
    }

    @Test
    void leavingWhatWasMadeAlreadyChangesNothingAndSaysSo() {
        LeavableFuture<Integer> length = LeavableFuture.of(own, String::length);
        own.complete("certificate");

        assertThat(length.cancel(false)).isFalse();

        assertThat(length).isCompletedWithValue(11);
    }

    @Test
    void nothingIsMadeForWhoeverHasLeft() {
        AtomicReference<String> made = new AtomicReference<>();
        CompletableFuture<String> deaf = new CompletableFuture<>() {
            @Override
            public boolean cancel(boolean mayInterruptIfRunning) {
                return false;
            }
        };
        LeavableFuture<Integer> length = LeavableFuture.of(deaf, outcome -> {
            made.set(outcome);
            return outcome.length();
        });
        length.cancel(false);

        deaf.complete("certificate");

        assertThat(made.get()).isNull();
        assertThat(length).isCancelled();
    }

    @Test
    void whyNothingCameOfItIsToldAsItWas() {
        IllegalStateException failure = new IllegalStateException("broken");
        AtomicReference<Throwable> seen = new AtomicReference<>();
        LeavableFuture.of(own, String::length).whenComplete((length, thrown) -> seen.set(thrown));

        own.completeExceptionally(failure);

        assertThat(seen).hasValue(failure);
    }

    @Test
    void whatIsThrownWhileSomethingIsMadeIsTheFailureErrorsIncluded() {
        StackOverflowError error = new StackOverflowError();
        AtomicReference<Throwable> seen = new AtomicReference<>();
        LeavableFuture.of(own, outcome -> {
                    throw error;
                })
                .whenComplete((made, thrown) -> seen.set(thrown));

        own.complete("certificate");

        assertThat(seen).hasValue(error);
    }

    @Test
    void whoLeavesHasNoStackTraceNotEvenWhereItIsAskedForAgain() {
        AtomicReference<Throwable> seen = new AtomicReference<>();
        LeavableFuture<String> waiting = new LeavableFuture<>();
        waiting.whenComplete((outcome, thrown) -> seen.set(thrown));

        waiting.cancel(false);

        Throwable left = seen.get();
        assertThat(left).isInstanceOf(CancellationException.class).hasMessage("left before it ended");
        assertThat(left.fillInStackTrace()).isSameAs(left);
        assertThat(left.getStackTrace()).isEmpty();
    }
}
