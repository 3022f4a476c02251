package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.ManualTime;

/** {@link Circuit}: opens on failures in a row, probes, closes on an answer. */
class CircuitTest {

    private final ManualTime time = new ManualTime();
    private final Circuit circuit = new Circuit(time::nanoTime);

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            circuit.failed();
        }
    }

    @Test
    void staysClosedBelowItsNumberOfFailures() {
        fail(Circuit.FAILURES_TO_OPEN - 1);

        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void opensOnceAndSaysSo() {
        fail(Circuit.FAILURES_TO_OPEN - 1);

        assertThat(circuit.failed()).isTrue();
        assertThat(circuit.failed()).isFalse();
        assertThat(circuit.tryPass()).isFalse();
    }

    @Test
    void anAnswerInBetweenStartsTheCountAnew() {
        fail(Circuit.FAILURES_TO_OPEN - 1);
        assertThat(circuit.answered()).isFalse();

        fail(Circuit.FAILURES_TO_OPEN - 1);

        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void letsOneProbeThroughPerInterval() {
        fail(Circuit.FAILURES_TO_OPEN);

        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(circuit.tryPass()).isFalse();
        time.advance(Duration.ofNanos(1));
        assertThat(circuit.tryPass()).isTrue();
        assertThat(circuit.tryPass()).isFalse();
    }

    @Test
    void waitsLongerAfterEachFailedProbeButNeverMoreThanFiveSeconds() {
        fail(Circuit.FAILURES_TO_OPEN);
        for (int i = 0; i < 10; i++) {
            circuit.failed();
        }

        time.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(circuit.tryPass()).isFalse();
        time.advance(Duration.ofNanos(1));
        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void closesOnTheFirstAnswerAndSaysSo() {
        fail(Circuit.FAILURES_TO_OPEN);

        assertThat(circuit.answered()).isTrue();
        assertThat(circuit.tryPass()).isTrue();
    }
}
