package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;

/** {@link FailureMemory}: who may be tried again when. */
class FailureMemoryTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final FailureMemory failures = new FailureMemory(100, time::nanoTime, () -> 0.0);

    private static IssuanceException rejected() {
        return new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ZERO);
    }

    private static IssuanceException unavailable(Duration retryAfter) {
        return new IssuanceException.Unavailable(SHOP, "down", retryAfter, null);
    }

    private void assertBlockedFor(Duration block) {
        time.advance(block.minusNanos(1));
        assertThat(failures.blocking(SHOP)).as("just before %s", block).isPresent();
        time.advance(Duration.ofNanos(1));
        assertThat(failures.blocking(SHOP)).as("at %s", block).isEmpty();
    }

    @Nested
    class ARefusalByTheCa {

        @Test
        void stepsTheScheduleAndStaysOnItsLastStep() {
            for (Duration step : new Duration[] {
                Duration.ofMinutes(1),
                Duration.ofMinutes(10),
                Duration.ofMinutes(100),
                Duration.ofDays(1),
                Duration.ofDays(1)
            }) {
                failures.note(SHOP, rejected());
                assertBlockedFor(step);
            }
        }

        @Test
        void getsUpToATenthOfJitter() {
            FailureMemory jittered = new FailureMemory(100, time::nanoTime, () -> 1.0);
            jittered.note(SHOP, rejected());

            time.advance(Duration.ofSeconds(66).minusNanos(1));
            assertThat(jittered.blocking(SHOP)).isPresent();
            time.advance(Duration.ofNanos(1));
            assertThat(jittered.blocking(SHOP)).isEmpty();
        }

        @Test
        void isForgottenOnceTheNameIsObtained() {
            failures.note(SHOP, rejected());
            failures.note(SHOP, rejected());

            failures.forget(SHOP);
            failures.note(SHOP, rejected());

            assertBlockedFor(Duration.ofMinutes(1));
        }

        @Test
        void waitsForTheCasRetryAfterWhereThatIsLonger() {
            failures.note(SHOP, new IssuanceException.Rejected(SHOP, "rateLimited", "slow down", Duration.ofHours(1)));

            assertBlockedFor(Duration.ofHours(1));
        }
    }

    @Nested
    class SomethingThatDidNotAnswer {

        @Test
        void isRememberedForSecondsOnly() {
            failures.note(SHOP, unavailable(Duration.ofHours(3)));

            assertBlockedFor(Duration.ofSeconds(10));
        }

        @Test
        void isRememberedForASecondAtLeast() {
            failures.note(SHOP, unavailable(Duration.ZERO));

            assertBlockedFor(Duration.ofSeconds(1));
        }

        @Test
        void doesNotStepTheSchedule() {
            failures.note(SHOP, unavailable(Duration.ofSeconds(2)));
            time.advance(Duration.ofSeconds(2));
            failures.note(SHOP, rejected());

            assertBlockedFor(Duration.ofMinutes(1));
        }
    }

    @Test
    void whatSaysNothingAboutTheNameIsNotKept() {
        failures.note(SHOP, new IssuanceException.NotPermitted(SHOP, "no", Duration.ofMinutes(1)));
        failures.note(SHOP, new IssuanceException.Overloaded(SHOP, "bound"));
        failures.note(SHOP, new IssuanceException.Stopping(SHOP));

        assertThat(failures.blocking(SHOP)).isEmpty();
        assertThat(failures.size()).isZero();
    }
}
