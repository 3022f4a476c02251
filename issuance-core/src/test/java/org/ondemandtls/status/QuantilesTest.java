package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;

/** {@link Quantiles}: what the buckets of a time say. */
class QuantilesTest {

    private final Figures figures = new Figures();

    private CaReport.StepReport report() {
        return Quantiles.of(figures.series().get(0));
    }

    private void took(Duration... times) {
        for (Duration time : times) {
            figures.time(Figure.STEP, time.toNanos(), "https://ca.example/dir", "validate");
        }
    }

    @Test
    void theMiddleOfOneBucketIsTheMedianOfWhatIsInIt() {
        took(Duration.ofMillis(300), Duration.ofMillis(400));

        assertThat(report().step()).isEqualTo("validate");
        assertThat(report().count()).isEqualTo(2);
        assertThat(report().p50Seconds()).isEqualTo(0.375);
        assertThat(report().p90Seconds()).isEqualTo(0.475);
    }

    @Test
    void aFewSlowOnesShowInTheHighQuantilesOnly() {
        for (int fast = 0; fast < 98; fast++) {
            took(Duration.ofMillis(60));
        }
        took(Duration.ofSeconds(20), Duration.ofSeconds(20));

        assertThat(report().p50Seconds()).isLessThan(0.1);
        assertThat(report().p90Seconds()).isLessThan(0.1);
        assertThat(report().p99Seconds()).isBetween(10.0, 25.0);
    }

    @Test
    void whatIsBeyondTheLastBucketCountsAsItsBound() {
        took(Duration.ofMinutes(5));

        assertThat(report().p50Seconds()).isEqualTo(60);
        assertThat(report().p99Seconds()).isEqualTo(60);
    }
}
