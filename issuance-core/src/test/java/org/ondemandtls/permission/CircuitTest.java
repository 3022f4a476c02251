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
            if (circuit.failed()) {
                circuit.confirmed(false);
            }
        }
    }

    @Test
    void staysClosedBelowItsNumberOfFailures() {
        fail(Circuit.FAILURES_TO_OPEN - 1);

        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void asksOnceToBeConfirmedAndOpensWhenItIs() {
        fail(Circuit.FAILURES_TO_OPEN - 1);

        assertThat(circuit.failed()).isTrue();
        assertThat(circuit.failed()).isFalse();
        assertThat(circuit.tryPass()).isTrue();
        assertThat(circuit.confirmed(false)).isTrue();
        assertThat(circuit.tryPass()).isFalse();
    }

    @Test
    void staysClosedWhereANameOfOurOwnIsAnswered() {
        for (int i = 0; i < 100; i++) {
            if (circuit.failed()) {
                assertThat(circuit.confirmed(true)).isFalse();
            }
            assertThat(circuit.tryPass()).isTrue();
        }
    }

    @Test
    void staysClosedWhereSomebodyHadAnAnswerMeanwhile() {
        fail(Circuit.FAILURES_TO_OPEN - 1);
        circuit.failed();
        circuit.answered();

        assertThat(circuit.confirmed(false)).isFalse();
        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void anAnswerInBetweenStartsTheCountAnew() {
        fail(Circuit.FAILURES_TO_OPEN - 1);
        circuit.answered();

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
    void closesWhereItsProbeFailsAndANameOfOurOwnIsAnswered() {
        fail(Circuit.FAILURES_TO_OPEN);
        time.advance(Duration.ofSeconds(1));
        assertThat(circuit.tryPass()).isTrue();

        assertThat(circuit.failed()).isTrue();
        assertThat(circuit.failed()).isFalse();
        assertThat(circuit.confirmed(true)).isFalse();

        assertThat(circuit.tryPass()).isTrue();
        assertThat(circuit.tryPass()).isTrue();
        fail(Circuit.FAILURES_TO_OPEN - 1);
        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void staysOpenForAsLongWhereANameOfOurOwnIsNotAnsweredEitherAndTellsItOnce() {
        fail(Circuit.FAILURES_TO_OPEN);
        time.advance(Duration.ofSeconds(1));
        circuit.tryPass();

        assertThat(circuit.failed()).isTrue();
        assertThat(circuit.confirmed(false)).isFalse();

        time.advance(Duration.ofSeconds(2).minusNanos(1));
        assertThat(circuit.tryPass()).isFalse();
        time.advance(Duration.ofNanos(1));
        assertThat(circuit.tryPass()).isTrue();
    }

    @Test
    void closesOnTheFirstAnswer() {
        fail(Circuit.FAILURES_TO_OPEN);

        circuit.answered();

        assertThat(circuit.tryPass()).isTrue();
    }
}
