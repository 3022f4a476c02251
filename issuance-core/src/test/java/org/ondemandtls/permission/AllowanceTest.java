package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.Rate;
import org.ondemandtls.testing.ManualTime;

/** {@link Allowance}: so many at once, and as many again over the period. */
class AllowanceTest {

    private final ManualTime time = new ManualTime();
    private final Allowance allowance = new Allowance(new Rate(3, Duration.ofSeconds(30)), time::nanoTime);

    private int takeAll() {
        int taken = 0;
        while (allowance.tryTake()) {
            taken++;
        }
        return taken;
    }

    @Test
    void startsFull() {
        assertThat(allowance.nanosUntilNext()).isZero();
        assertThat(takeAll()).isEqualTo(3);
    }

    @Test
    void givesOneAfterAnother() {
        takeAll();
        assertThat(allowance.nanosUntilNext()).isEqualTo(Duration.ofSeconds(10).toNanos());

        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(allowance.tryTake()).isFalse();
        time.advance(Duration.ofNanos(1));
        assertThat(allowance.tryTake()).isTrue();
        assertThat(allowance.tryTake()).isFalse();
    }

    @Test
    void isNeverMoreThanFull() {
        takeAll();

        time.advance(Duration.ofDays(1));

        assertThat(takeAll()).isEqualTo(3);
    }
}
