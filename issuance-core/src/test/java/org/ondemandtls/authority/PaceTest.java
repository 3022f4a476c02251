package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Pace} and {@link Deadline}. */
class PaceTest {

    private final long[] now = {5};
    private final Pace.OfCa paces = Pace.OfCa.unknown(() -> now[0]);

    private record Outcome(int looks, Duration beyond) {}

    private Outcome order(Pace.Learned learned, Duration latency) {
        Pace pace = learned.begin();
        long begin = now[0];
        for (int looks = 1; ; looks++) {
            now[0] += pace.next().toNanos();
            pace.asks();
            long elapsed = now[0] - begin;
            if (elapsed >= latency.toNanos()) {
                pace.done();
                return new Outcome(looks, Duration.ofNanos(elapsed - latency.toNanos()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 3, 5, 9, 17, 40, 99, 100, 250, 700, 900, 1300, 1500, 2048, 3100, 4999, 5000})
    void afterTenOrdersASteadyLatencyCostsThreeLooksAndATenthAtMost(long millis) {
        Duration latency = Duration.ofMillis(millis);
        long most = Math.max(Duration.ofMillis(5).toNanos(), latency.toNanos() / 10);
        for (Pace.Learned learned : List.of(paces.validation(), paces.afterFetch(), paces.issuance())) {
            for (int i = 0; i < 10; i++) {
                order(learned, latency);
            }
            for (int i = 0; i < 50; i++) {
                Outcome outcome = order(learned, latency);

                assertThat(outcome.looks()).isLessThanOrEqualTo(3);
                assertThat(outcome.beyond().toNanos()).isLessThanOrEqualTo(most);
            }
        }
    }

    @Test
    void oneSlowOrderDoesNotKeepTheNextOneWaitingForAsLong() {
        Duration usual = Duration.ofMillis(500);
        for (int i = 0; i < 10; i++) {
            order(paces.issuance(), usual);
        }
        order(paces.issuance(), Duration.ofSeconds(8));

        assertThat(order(paces.issuance(), usual).beyond()).isLessThanOrEqualTo(Duration.ofMillis(600));
        for (int i = 0; i < 10; i++) {
            order(paces.issuance(), usual);
        }
        assertThat(order(paces.issuance(), usual).beyond()).isLessThanOrEqualTo(Duration.ofMillis(50));
    }

    @Test
    void aCaThatHasBecomeSlowerIsFollowed() {
        for (int i = 0; i < 10; i++) {
            order(paces.issuance(), Duration.ofMillis(20));
        }
        for (int i = 0; i < 20; i++) {
            order(paces.issuance(), Duration.ofSeconds(3));
        }

        assertThat(order(paces.issuance(), Duration.ofSeconds(3)).looks()).isLessThanOrEqualTo(3);
    }

    @Test
    void aCaThatHasBecomeFasterIsFollowed() {
        for (int i = 0; i < 10; i++) {
            order(paces.issuance(), Duration.ofSeconds(3));
        }
        for (int i = 0; i < 40; i++) {
            order(paces.issuance(), Duration.ofMillis(100));
        }

        assertThat(order(paces.issuance(), Duration.ofMillis(100)).beyond()).isLessThanOrEqualTo(Duration.ofMillis(10));
    }

    @Test
    void fewOrdersAreLookedAtJustWhenTheyAreDone() {
        Duration latency = Duration.ofMillis(4);
        for (int i = 0; i < 10; i++) {
            order(paces.issuance(), latency);
        }
        int tooSoon = 0;
        for (int i = 0; i < 160; i++) {
            tooSoon += order(paces.issuance(), latency).looks() - 1;
        }

        assertThat(tooSoon).isLessThanOrEqualTo(10);
    }

    @Test
    void anUnknownCaIsAskedInGrowingStepsOfASecondAtMost() {
        Pace pace = paces.issuance().begin();
        List<Long> steps = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            steps.add(pace.next().toMillis());
            pace.asks();
        }

        assertThat(steps).containsExactly(10L, 20L, 40L, 80L, 160L, 320L, 640L, 1000L, 1000L, 1000L);
    }

    @Test
    void aDeadlineIsOverAtItsMomentAndNotBefore() {
        long[] moment = {Long.MAX_VALUE - 1};
        Deadline deadline = Deadline.in(Duration.ofNanos(10), () -> moment[0]);

        moment[0] += 9;
        assertThat(deadline.left()).isEqualTo(Duration.ofNanos(1));
        assertThat(deadline.isOver()).isFalse();
        moment[0] += 1;
        assertThat(deadline.isOver()).isTrue();
        moment[0] += 1;
        assertThat(deadline.left()).isZero();
    }
}
