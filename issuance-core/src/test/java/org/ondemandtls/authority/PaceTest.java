package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@link Pace} and {@link Deadline}. */
class PaceTest {

    @Test
    void stepsDoubleFromTwoMillisecondsToASecond() {
        Pace pace = Pace.afterwards();

        List<Long> steps =
                Stream.generate(pace::next).limit(12).map(Duration::toMillis).toList();

        assertThat(steps).containsExactly(2L, 2L, 4L, 8L, 16L, 32L, 64L, 128L, 256L, 512L, 1000L, 1000L);
    }

    @Test
    void stepsBeforeTheProofIsFetchedAreLarger() {
        Pace pace = Pace.beforeFetched();

        List<Long> steps =
                Stream.generate(pace::next).limit(4).map(Duration::toMillis).toList();

        assertThat(steps).containsExactly(50L, 50L, 75L, 112L);
    }

    @Test
    void aDeadlineIsOverAtItsMomentAndNotBefore() {
        long[] now = {Long.MAX_VALUE - 1};
        Deadline deadline = Deadline.in(Duration.ofNanos(10), () -> now[0]);

        now[0] += 9;
        assertThat(deadline.left()).isEqualTo(Duration.ofNanos(1));
        assertThat(deadline.isOver()).isFalse();
        now[0] += 1;
        assertThat(deadline.isOver()).isTrue();
        now[0] += 1;
        assertThat(deadline.left()).isZero();
    }
}
