package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.handshake.Visit.State;

/** {@link Visit}: one connection goes one way, whoever is first. */
class VisitTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final List<Runnable> timers = new ArrayList<>();
    private final CompletableFuture<Admission.Settled> answer = new CompletableFuture<>();

    private final Admission.Park parking =
            new Admission.Park(answer, () -> answer.complete(new Admission.Refuse(Alert.INTERNAL_ERROR)));

    private int looks;
    private int forgotten;
    private int stopped;

    private final Visit visit = new Visit(new Visit.Host() {
        @Override
        public Runnable later(Runnable task, Duration delay) {
            timers.add(task);
            return () -> stopped++;
        }

        @Override
        public void look() {
            looks++;
        }

        @Override
        public void forget(Visit settledOrOver) {
            forgotten++;
        }
    });

    private void park() {
        visit.move(State.READING, State.DECIDED);
        visit.park(parking, () -> {});
    }

    @Nested
    class WhileTheHelloIsRead {

        @Test
        void runsOutOfTimeOnceAndIsLookedAt() {
            visit.limit(State.READING, LIMIT, State.EXPIRED);

            timers.get(0).run();
            timers.get(0).run();

            assertThat(visit.state()).isEqualTo(State.EXPIRED);
            assertThat(looks).isEqualTo(1);
            assertThat(visit.giveUp()).isTrue();
            assertThat(visit.giveUp()).isFalse();
        }

        @Test
        void doesNotRunOutOfTimeOnceItIsDecided() {
            visit.limit(State.READING, LIMIT, State.EXPIRED);
            assertThat(visit.move(State.READING, State.DECIDED)).isTrue();

            timers.get(0).run();

            assertThat(visit.state()).isEqualTo(State.DECIDED);
            assertThat(stopped).isEqualTo(1);
            assertThat(looks).isZero();
        }

        @Test
        void stopsATimerThatCameTooLate() {
            visit.move(State.READING, State.DECIDED);

            visit.limit(State.READING, LIMIT, State.EXPIRED);

            assertThat(stopped).isEqualTo(1);
        }

        @Test
        void refusesAMoveFromWhereItDoesNotStand() {
            assertThat(visit.move(State.PARKED, State.ADMITTED)).isFalse();
            assertThat(visit.state()).isEqualTo(State.READING);
        }
    }

    @Nested
    class WhileItIsParked {

        private final Admission.Settled settled = new Admission.Refuse(Alert.INTERNAL_ERROR);

        @Test
        void isLookedAtOnceWhenTheAnswerComes() {
            park();
            assertThat(visit.state()).isEqualTo(State.PARKED);

            answer.complete(settled);

            assertThat(visit.state()).isEqualTo(State.SETTLED);
            assertThat(visit.settled()).isSameAs(settled);
            assertThat(looks).isEqualTo(1);
            assertThat(forgotten).isEqualTo(1);
        }

        @Test
        void takesAnAnswerThatWasThereAlready() {
            answer.complete(settled);

            park();

            assertThat(visit.state()).isEqualTo(State.SETTLED);
            assertThat(looks).isEqualTo(1);
        }

        @Test
        void isLookedAtWhenTheClientHasLeftAndNotAgainForTheAnswer() {
            park();

            visit.watch(() -> false);
            assertThat(visit.state()).isEqualTo(State.PARKED);
            visit.watch(() -> true);
            answer.complete(settled);

            assertThat(visit.state()).isEqualTo(State.GONE);
            assertThat(visit.settled()).isNull();
            assertThat(looks).isEqualTo(1);
        }

        @Test
        void givesItsPlaceBackWhenItEnds() {
            park();

            visit.end();

            assertThat(visit.state()).isEqualTo(State.OVER);
            assertThat(answer).isCancelled();
            assertThat(looks).isZero();
        }

        @Test
        void doesNotReadFromAClientThatDoesNotWait() {
            visit.watch(() -> {
                throw new AssertionError("not parked");
            });

            assertThat(visit.state()).isEqualTo(State.READING);
        }

        @Test
        void isRefusedAtOnceWhenItsConnectorStops() {
            park();

            Visit.refuse(List.of(visit), Duration.ZERO);

            assertThat(visit.state()).isEqualTo(State.SETTLED);
            assertThat(visit.settled()).isEqualTo(settled);
            assertThat(looks).isEqualTo(1);
        }

        @Test
        void isWaitedForUntilTheLastWordIsSaid() {
            park();
            CompletableFuture<Void> stop =
                    CompletableFuture.runAsync(() -> Visit.refuse(List.of(visit), Duration.ofMinutes(5)));
            await().until(() -> visit.state() == State.SETTLED);
            assertThat(stop).isNotDone();

            visit.move(State.SETTLED, State.FAREWELL);

            assertThat(stop).succeedsWithin(Duration.ofMinutes(1));
        }

        @Test
        void isNotWaitedForWhereNothingIsToBeSaid() {
            Visit.refuse(List.of(visit), Duration.ofDays(1));

            assertThat(visit.state()).isEqualTo(State.READING);
        }

        @Test
        void tellsItsHostWhereNobodyCanHaveSettledItYet() {
            answer.complete(settled);
            visit.move(State.READING, State.DECIDED);
            List<State> told = new ArrayList<>();

            visit.park(parking, () -> told.add(visit.state()));

            assertThat(told).containsExactly(State.PARKED);
        }

        @Test
        void isForgottenByItsHostAndStopsItsTimerWhenItEnds() {
            park();
            visit.limit(State.PARKED, LIMIT, State.CUT);

            visit.end();

            assertThat(stopped).isEqualTo(1);
            assertThat(forgotten).isEqualTo(1);
            timers.get(0).run();
            assertThat(visit.state()).isEqualTo(State.OVER);
            assertThat(looks).isZero();
        }

        @Test
        void keepsNoThreadThatIsInterruptedAndLeavesItSo() {
            park();
            // Settled, and nobody says the last word.
            Thread.currentThread().interrupt();
            Visit.refuse(List.of(visit), Duration.ofDays(1));

            assertThat(Thread.interrupted()).isTrue();
        }

        @Test
        void leavesAtOnceWhereItWasOverBefore() {
            visit.end();

            visit.park(parking, () -> {});

            assertThat(answer).isCancelled();
        }
    }

    @Test
    void aRefusedPeerMaySendSoMuchAndNoMore() {
        assertThat(visit.bearsMore(Visit.FAREWELL_OCTETS - 1)).isTrue();
        assertThat(visit.bearsMore(1)).isFalse();
    }

    /** Threads of the server's, of timers and of whoever answers come to one visit. */
    @Nested
    class ManyThreads {

        // Would wait for good where a lock was kept.
        private State elsewhere() throws Exception {
            CompletableFuture<State> seen = new CompletableFuture<>();
            Thread thread = new Thread(() -> seen.complete(visit.state()));
            thread.setDaemon(true);
            thread.start();
            return seen.get(20, TimeUnit.SECONDS);
        }

        @Test
        void canAllGoOnAfterALimitWasSet() throws Exception {
            visit.limit(State.READING, LIMIT, State.EXPIRED);
            assertThat(elsewhere()).isEqualTo(State.READING);

            visit.limit(State.PARKED, LIMIT, State.GONE);

            assertThat(elsewhere()).isEqualTo(State.READING);
        }

        @Test
        void canAllGoOnAfterAParkedClientWasWatched() throws Exception {
            park();
            visit.watch(() -> false);
            assertThat(elsewhere()).isEqualTo(State.PARKED);

            visit.watch(() -> true);

            assertThat(elsewhere()).isEqualTo(State.GONE);
        }

        @Test
        void canAllGoOnAfterItsAnswerWasRead() throws Exception {
            park();
            answer.complete(new Admission.Refuse(Alert.INTERNAL_ERROR));
            assertThat(elsewhere()).isEqualTo(State.SETTLED);

            assertThat(visit.settled()).isNotNull();

            assertThat(elsewhere()).isEqualTo(State.SETTLED);
        }

        @Test
        void canAllGoOnAfterItsFarewell() throws Exception {
            assertThat(visit.bearsMore(Visit.FAREWELL_OCTETS - 1)).isTrue();
            assertThat(visit.bearsMore(1)).isFalse();
            assertThat(elsewhere()).isEqualTo(State.READING);

            visit.end();

            assertThat(elsewhere()).isEqualTo(State.OVER);
        }

        @Test
        void canAllGoOnAfterItsConnectorStopped() throws Exception {
            park();

            Visit.refuse(List.of(visit), Duration.ZERO);

            assertThat(elsewhere()).isEqualTo(State.SETTLED);
        }
    }
}
