package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** {@link SingleFlight}: one task per key, one outcome for all, no leftovers. */
class SingleFlightTest {

    private final SingleFlight<String, String> flights = new SingleFlight<>();
    private final AtomicInteger started = new AtomicInteger();
    private final CompletableFuture<String> work = new CompletableFuture<>();

    private CompletableFuture<String> join(String key) {
        return flights.join(key, k -> {
            started.incrementAndGet();
            return work;
        });
    }

    @Nested
    class WhileOneIsInTheAir {

        @Test
        void aSecondCallerJoinsIt() {
            CompletableFuture<String> first = join("a.example");
            CompletableFuture<String> second = join("a.example");

            work.complete("certificate");

            assertThat(started).hasValue(1);
            assertThat(first).isCompletedWithValue("certificate");
            assertThat(second).isCompletedWithValue("certificate");
        }

        @Test
        void anotherKeyGetsItsOwn() {
            join("a.example");
            join("b.example");

            assertThat(started).hasValue(2);
            assertThat(flights.size()).isEqualTo(2);
        }

        @Test
        void whoMakesSomethingOfItAndLeavesKeepsNothingOfIt() {
            CompletableFuture<String> seat = join("a.example");
            CompletableFuture<Integer> length = LeavableFuture.of(seat, String::length);
            assertThat(flights.waiting("a.example")).isEqualTo(1);

            length.cancel(false);

            assertThat(flights.waiting("a.example")).isZero();
            assertThat(seat.getNumberOfDependents()).isZero();
            work.complete("certificate");
            assertThat(length).isCancelled();
        }

        @Test
        void whoMakesSomethingOfItGetsThatOrWhyNot() {
            CompletableFuture<Integer> length = LeavableFuture.of(join("a.example"), String::length);
            CompletableFuture<Integer> broken = LeavableFuture.of(join("a.example"), outcome -> {
                throw new IllegalStateException(outcome);
            });

            work.complete("certificate");

            assertThat(length).isCompletedWithValue(11);
            assertThat(broken)
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IllegalStateException.class);
        }

        @Test
        void cancellingTheFirstCallerLeavesTheOthersWaiting() {
            CompletableFuture<String> first = join("a.example");
            CompletableFuture<String> second = join("a.example");

            first.cancel(false);
            work.complete("certificate");

            assertThat(second).isCompletedWithValue("certificate");
        }
    }

    @Nested
    class WhoLeaves {

        @Test
        void leavesNothingBehindWhileItFliesOn() {
            join("a.example");
            for (int i = 0; i < 1_000; i++) {
                join("a.example").cancel(false);
            }

            assertThat(flights.waiting("a.example")).isOne();
            assertThat(work.getNumberOfDependents()).isOne();
        }

        @Test
        void costsNoStackTrace() {
            AtomicReference<Throwable> seen = new AtomicReference<>();
            CompletableFuture<String> first = join("a.example");
            first.whenComplete((outcome, thrown) -> seen.set(thrown));

            first.cancel(false);

            assertThat(first).isCancelled();
            assertThat(seen.get().getStackTrace()).isEmpty();
        }

        @Test
        void whenItHasLandedKeepsTheOutcome() {
            CompletableFuture<String> first = join("a.example");
            work.complete("certificate");

            assertThat(first.cancel(false)).isFalse();

            assertThat(first).isCompletedWithValue("certificate");
        }
    }

    @Nested
    class WhenItHasLanded {

        @Test
        void aFailureReachesEveryCallerAsItWas() {
            IllegalStateException failure = new IllegalStateException("broken");
            AtomicReference<Throwable> seen = new AtomicReference<>();
            join("a.example");
            join("a.example").whenComplete((outcome, thrown) -> seen.set(thrown));

            work.completeExceptionally(failure);

            assertThat(seen).hasValue(failure);
        }

        @Test
        void theNextCallerStartsANewOneEvenFromWithinTheOutcome() {
            AtomicInteger again = new AtomicInteger();
            join("a.example")
                    .whenComplete((outcome, failure) -> flights.join("a.example", k -> {
                        again.incrementAndGet();
                        return new CompletableFuture<>();
                    }));

            work.completeExceptionally(new IllegalStateException("broken"));

            assertThat(again).hasValue(1);
        }

        @Test
        void nothingIsLeft() {
            join("a.example");

            work.complete("certificate");

            assertThat(flights.size()).isZero();
        }
    }

    @Test
    void aTaskThatThrowsBeforeItStartsLandsToo() {
        CompletableFuture<String> failed = flights.join("a.example", k -> {
            throw new IllegalStateException("broken");
        });

        assertThat(failed).isCompletedExceptionally();
        assertThat(flights.size()).isZero();
    }

    @Test
    void keepsNoOtherThreadWaitingWhateverIsDone() throws Exception {
        CompletableFuture<String> first = join("a.example");
        assertAnotherThreadSees(1);
        join("a.example");
        assertAnotherThreadSees(2);
        assertThat(flights.waiting("a.example")).isEqualTo(2);
        assertAnotherThreadSees(2);
        assertThat(first.cancel(false)).isTrue();
        assertAnotherThreadSees(1);
        CompletableFuture<String> second = join("a.example");

        work.complete("certificate");

        assertThat(CompletableFuture.supplyAsync(() -> second.cancel(false)).get(20, TimeUnit.SECONDS))
                .as("it has landed")
                .isFalse();
    }

    private void assertAnotherThreadSees(int waiting) throws Exception {
        assertThat(CompletableFuture.supplyAsync(() -> flights.waiting("a.example"))
                        .get(20, TimeUnit.SECONDS))
                .isEqualTo(waiting);
    }

    @Test
    void whoBoardsAtTheMomentItLandsGetsTheOutcome() {
        record Key(Runnable whenFound) {
            @Override
            public boolean equals(Object other) {
                whenFound.run();
                return other instanceof Key;
            }

            @Override
            public int hashCode() {
                return 7;
            }
        }
        SingleFlight<Key, String> keyed = new SingleFlight<>();
        CompletableFuture<String> first = keyed.join(new Key(() -> {}), key -> work);

        // Found in the air, and landed before anybody could board.
        CompletableFuture<String> late =
                keyed.join(new Key(() -> work.complete("certificate")), key -> new CompletableFuture<>());

        assertThat(first).isCompletedWithValue("certificate");
        assertThat(late).isCompletedWithValue("certificate");
        assertThat(keyed.size()).isZero();
    }
}
