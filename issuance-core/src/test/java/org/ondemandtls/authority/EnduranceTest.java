package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.shredzone.acme4j.exception.AcmeException;

/** {@link Endurance}: which faults are borne, and how many orders one fault may cost. */
class EnduranceTest {

    private static final AcmeException BAD_GATEWAY = new AcmeException("HTTP 502");

    private final Endurance endurance = new Endurance();

    @BeforeEach
    void begin() {
        endurance.begin(Endurance.Measure.LONG);
    }

    private boolean bears(boolean isNewOrder) {
        return endurance.bear(BAD_GATEWAY, 502, Optional.empty(), isNewOrder).isPresent();
    }

    @Test
    void aNewOrderThatMayHaveBeenPlacedIsPlacedOnceMoreAndNotAgain() {
        assertThat(bears(true)).isTrue();
        assertThat(bears(true)).isFalse();
    }

    @Test
    void oneThatMayHaveBeenPlacedWithWhatTheCaMindsCountsToo() {
        endurance.bearServerErrors(false);
        assertThat(bears(true)).as("the same again").isFalse();
        endurance.bearServerErrors(true);

        // Without what the CA may have minded the second order was placed just now.
        assertThat(bears(true)).as("a third order").isFalse();
    }

    @Test
    void aRequestThatMakesNothingIsSentOnceMoreSeveralTimes() {
        for (int time = 0; time < 5; time++) {
            assertThat(bears(false)).isTrue();
        }
    }
}
