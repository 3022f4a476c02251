package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** {@link Refusals}: how long each is known, whatever the clocks show, and what is made of what the store has. */
class RefusalsOverTimeTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String CA = "https://ca.example/directory";
    private static final Duration LIFE = Duration.ofDays(90);
    private static final Duration DAY = Duration.ofDays(1);

    private IssuanceFixture house;
    private ManualTime time;
    private Refusals refusals;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        time = house.time();
        refusals = anotherServer();
    }

    @AfterEach
    void close() {
        house.close();
    }

    // Or the same one after a restart.
    private Refusals anotherServer() {
        return refusals(100, time::nanoTime);
    }

    private Refusals refusals(int capacity, LongSupplier nanoTime) {
        return new Refusals(capacity, house.store(), house.watch(), time.clock(), nanoTime, () -> 0.0);
    }

    private static void refuse(Refusals of) throws Exception {
        of.refused(SHOP, CA, new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ZERO), 1, LIFE);
    }

    private static void pass(Refusals of, int validations) throws Exception {
        of.refused(
                SHOP,
                CA,
                IssuanceException.Rejected.passing(SHOP, "dns", "SERVFAIL", Duration.ZERO),
                validations,
                LIFE);
    }

    private void didNotAnswer() {
        refusals.unanswered(SHOP, new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(5), null));
    }

    private void assertNextStep(Duration step) throws Exception {
        refuse(refusals);
        assertThat(refusals.left(SHOP)).isEqualTo(step);
    }

    @Nested
    class WhatIsKeptInMemory {

        @Test
        void ofSomethingThatDidNotAnswerIsNothingOnceItsSecondsAreOver() {
            time.advance(Duration.ofDays(10));
            didNotAnswer();
            assertThat(refusals.size()).isOne();

            time.advance(Duration.ofMinutes(1));

            assertThat(refusals.size()).isZero();
        }

        @Test
        void ofARefusalIsTheStepForADayAfterTheBlock() throws Exception {
            refuse(refusals);
            time.advance(DAY.plusSeconds(59));
            assertThat(refusals.size()).isOne();

            time.advance(Duration.ofMinutes(1));

            assertThat(refusals.size()).isZero();
        }

        @Test
        void ofTroubleThatPassesIsItsPaceForADayAfterTheBlock() throws Exception {
            pass(refusals, 0);
            time.advance(DAY.plusSeconds(59));
            assertThat(refusals.size()).isOne();
            pass(refusals, 0);
            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(10));

            time.advance(DAY.plusMinutes(11));

            assertThat(refusals.size()).isZero();
        }

        @Test
        void isBounded() {
            refusals = refusals(3, time::nanoTime);
            for (int i = 0; i < 20; i++) {
                ServerName name = ServerName.parse("shop" + i + ".example.com");
                refusals.unanswered(name, new IssuanceException.Unavailable(name, "down", Duration.ofSeconds(5), null));
            }

            assertThat(refusals.size()).isLessThanOrEqualTo(3);
        }

        @Test
        void isNotOfTheNextNameWhatIsOfThis() {
            didNotAnswer();
            refusals.reconsider(SHOP);

            assertThat(refusals.left(SHOP)).isZero();
            assertThat(refusals.size()).isZero();
        }
    }

    @Nested
    class AStep {

        @Test
        void isTakenByWhatIsUndatedAsWell() throws Exception {
            refuse(refusals);
            refusals.undated(SHOP, new IssuanceException.Rejected(SHOP, "badCertificate", "2036", Duration.ZERO));

            assertNextStep(Duration.ofMinutes(100));
        }

        @Test
        void isTheFirstOneWhereTheFirstThingWasUndated() throws Exception {
            refusals.undated(SHOP, new IssuanceException.Rejected(SHOP, "badCertificate", "2036", Duration.ZERO));
            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1584));

            assertNextStep(Duration.ofMinutes(10));
        }

        @Test
        void isNotLostToSomethingThatDidNotAnswer() throws Exception {
            refuse(refusals);
            time.advance(Duration.ofMinutes(1));
            didNotAnswer();
            time.advance(Duration.ofSeconds(5));

            assertNextStep(Duration.ofMinutes(10));
        }

        @Test
        void isRecalledUntilADayAfterTheBlockAndThatMomentIncluded() throws Exception {
            refuse(refusals);
            refusals = anotherServer();
            time.advance(DAY.plusMinutes(1));

            assertThat(refusals.recall(SHOP)).isEmpty();

            assertNextStep(Duration.ofMinutes(10));
        }

        @Test
        void isForgottenAMomentLater() throws Exception {
            refuse(refusals);
            refusals = anotherServer();
            time.advance(DAY.plusMinutes(1).plusMillis(1));

            assertThat(refusals.recall(SHOP)).isEmpty();

            assertNextStep(Duration.ofMinutes(1));
        }
    }

    @Nested
    class WhatAnotherServerWasToldMeanwhile {

        private Refusals other;

        @BeforeEach
        void begin() throws Exception {
            refuse(refusals);
            time.advance(Duration.ofMinutes(1));
            other = anotherServer();
            other.recall(SHOP);
        }

        @Test
        void countsWhereItIsALaterWaitOnTheSameStep() throws Exception {
            pass(other, 0);

            assertThat(refusals.recall(SHOP)).isPresent();

            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void countsWhereverMonotonicTimeBegins() throws Exception {
            // Below zero, and across the greatest number there is.
            long below = -Duration.ofDays(1000).toNanos();
            long across =
                    Long.MAX_VALUE - time.nanoTime() - Duration.ofSeconds(90).toNanos();
            for (long origin : new long[] {below, across}) {
                Refusals elsewhere = refusals(100, () -> time.nanoTime() + origin);
                elsewhere.recall(SHOP);
                pass(other, 0);

                assertThat(elsewhere.recall(SHOP)).isPresent();

                assertThat(elsewhere.left(SHOP)).isEqualTo(other.left(SHOP));
                time.advance(other.left(SHOP));
            }
        }

        @Test
        void countsWhereItIsAFurtherStepThatIsOverAlready() throws Exception {
            refuse(other);
            time.advance(Duration.ofMinutes(10));

            assertThat(refusals.recall(SHOP)).isEmpty();

            assertNextStep(Duration.ofMinutes(100));
        }

        @Test
        void isNoStepBackForOneThatIsFurtherOn() throws Exception {
            refuse(refusals);
            time.advance(Duration.ofMinutes(10));
            refuse(refusals);
            time.advance(Duration.ofMinutes(100));
            refuse(other);
            time.advance(Duration.ofMinutes(10));

            assertThat(refusals.recall(SHOP)).isEmpty();

            assertNextStep(DAY);
        }
    }

    @Nested
    class TroubleThatPasses {

        @Test
        void isPacedFromItsBeginningWhereTheStoreKnowsOfRefusalsOnly() throws Exception {
            refuse(refusals);
            refusals = anotherServer();
            time.advance(Duration.ofMinutes(1));
            refusals.recall(SHOP);

            pass(refusals, 0);

            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void isPacedAsOneThatGoesOnWhereTheStoreKnowsOfIt() throws Exception {
            pass(refusals, 0);
            refusals = anotherServer();
            time.advance(Duration.ofMinutes(1));
            refusals.recall(SHOP);

            pass(refusals, 0);

            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(10));
        }

        @Test
        void countsTheValidationsOfThisHourHoweverLongTheMachineIsUp() throws Exception {
            time.advance(Duration.ofDays(3));
            pass(refusals, 2);
            time.advance(Duration.ofMinutes(1));
            pass(refusals, 2);

            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(59));
        }

        @Test
        void waitsNoLongerThanTheLongestStepWhateverTheCaAsksFor() throws Exception {
            refusals.refused(
                    SHOP,
                    CA,
                    IssuanceException.Rejected.passing(SHOP, "dns", "SERVFAIL", Duration.ofDays(30)),
                    1,
                    LIFE);

            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1584));
        }
    }

    @Test
    void aRefusalWaitsNoLongerThanTheLongestStepWhateverTheCaAsksFor() throws Exception {
        refusals.refused(
                SHOP, CA, new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ofDays(30)), 1, LIFE);

        assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1584));
        assertThat(house.store().hold(new Scope.Name(SHOP)).orElseThrow().until())
                .isEqualTo(time.clock().instant().plus(Duration.ofMinutes(1584)));
    }

    @Test
    void whatMemoryKnowsIsSaidThoughTheStoreKnowsNothing() throws Exception {
        didNotAnswer();

        assertThat(refusals.recall(SHOP).orElseThrow()).hasMessage("shop.example.com: down");
    }

    @Test
    void whatAStrangersNameFailedByIsForgottenByNoNewsOfTheStore() {
        didNotAnswer();

        refusals.reconsiderAll();

        assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofSeconds(5));
    }
}
