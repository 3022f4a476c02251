package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;

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

    private static AcmeException network(IOException cause) {
        return new AcmeNetworkException(cause);
    }

    private boolean bears(AcmeException fault, int status) {
        Optional<Duration> asked = status == 429 ? Optional.of(Duration.ofSeconds(1)) : Optional.empty();
        return endurance.bear(fault, status, asked, false).isPresent();
    }

    @Test
    void eachKindOfFaultIsBorneByItself() {
        assertThat(bears(BAD_GATEWAY, 502)).isTrue();
        assertThat(bears(BAD_GATEWAY, 502)).isTrue();
        assertThat(bears(new AcmeException("HTTP 429"), 429)).isTrue();
        assertThat(bears(network(new IOException("Connection reset")), 0)).isTrue();
        assertThat(bears(network(new ConnectException("Connection refused")), 0))
                .isTrue();
        assertThat(bears(new AcmeException("HTTP 204"), 204)).as("unreadable").isTrue();
        assertThat(bears(new AcmeException("HTTP 204"), 204))
                .as("unreadable again")
                .isFalse();
    }

    @Test
    void anAnswerEndsWhatWasInARow() {
        for (int time = 0; time < 5; time++) {
            assertThat(bears(new AcmeException("HTTP 204"), 204)).isTrue();
            endurance.succeeded();
        }
    }

    @Test
    void nobodyWaitsLongForTheNextTryHoweverManyKindsThereWere() {
        for (int time = 0; time < 10; time++) {
            assertThat(bears(BAD_GATEWAY, 502)).isTrue();
        }

        assertThat(endurance.bear(new AcmeException("HTTP 429"), 429, Optional.of(Duration.ZERO), false))
                .hasValueSatisfying(wait -> assertThat(wait).isLessThanOrEqualTo(Duration.ofSeconds(3)));
    }

    @Test
    void aCaThatLimitsForSecondsIsWaitedForLongestWhereThereIsNobodyElse() {
        AcmeException limited = new AcmeException("HTTP 429");
        for (int time = 0; time < 6; time++) {
            assertThat(bears(limited, 429)).isTrue();
        }
        assertThat(bears(limited, 429)).isFalse();

        endurance.begin(Endurance.Measure.SOME);
        assertThat(bears(limited, 429)).isTrue();
        assertThat(bears(limited, 429)).isTrue();
        assertThat(bears(limited, 429)).isFalse();
    }

    @Test
    void aCaThatRefusesConnectionsIsTriedForLongOnlyWhereThereIsNobodyElse() {
        AcmeException refused = network(new ConnectException("Connection refused"));
        for (int time = 0; time < 6; time++) {
            assertThat(bears(refused, 0)).isTrue();
        }

        endurance.begin(Endurance.Measure.SOME);
        assertThat(bears(refused, 0)).isTrue();
        assertThat(bears(refused, 0)).isTrue();
        assertThat(bears(refused, 0)).isFalse();
    }
}
