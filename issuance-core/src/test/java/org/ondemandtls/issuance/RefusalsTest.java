package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** {@link Refusals}: only a CA's refusals step a name's schedule, over restarts; everything else passes in seconds. */
class RefusalsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String CA = "https://ca.example/directory";
    private static final Duration LIFE = Duration.ofDays(90);

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private Refusals refusals;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
        time = house.time();
        refusals = refusals(() -> 0.0);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private Refusals refusals(DoubleSupplier random) {
        return refusals(random, 100);
    }

    private Refusals refusals(DoubleSupplier random, int capacity) {
        return new Refusals(capacity, house.store(), house.watch(), time.clock(), time::nanoTime, random);
    }

    private static IssuanceException.Rejected rejected() {
        return new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ZERO);
    }

    private void refuse() throws Exception {
        refusals.refused(SHOP, CA, rejected(), 1, LIFE);
    }

    private void assertBlockedFor(Duration block) {
        assertThat(refusals.left(SHOP)).isEqualTo(block);
        time.advance(block.minusNanos(1));
        assertThat(refusals.blocking(SHOP)).as("just before %s", block).isPresent();
        time.advance(Duration.ofNanos(1));
        assertThat(refusals.blocking(SHOP)).as("at %s", block).isEmpty();
        assertThat(refusals.left(SHOP)).isZero();
    }

    @Nested
    class ARefusalByTheCa {

        @Test
        void stepsTheScheduleAndStaysOnItsLastStep() throws Exception {
            for (Duration step : new Duration[] {
                Duration.ofMinutes(1),
                Duration.ofMinutes(10),
                Duration.ofMinutes(100),
                Duration.ofDays(1),
                Duration.ofDays(1)
            }) {
                refuse();
                assertBlockedFor(step);
            }
        }

        @Test
        void isForgottenForTheStoreToBeAskedOnlyWhereThatHasIt() throws Exception {
            AtomicBoolean full = new AtomicBoolean(true);
            CertificateStore store = Except.of(CertificateStore.class, house.store(), "keepHold", through -> {
                if (full.get()) {
                    throw new StoreException("full");
                }
                return through.call();
            });
            refusals = new Refusals(100, store, house.watch(), time.clock(), time::nanoTime, () -> 0.0);
            assertThatThrownBy(RefusalsTest.this::refuse).isInstanceOf(StoreException.class);
            full.set(false);
            refusals.reconsiderAll();
            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(1));

            time.advance(Duration.ofMinutes(1));
            refuse();
            refusals.reconsiderAll();

            assertThat(refusals.left(SHOP)).isZero();
            refusals.recall(SHOP);
            assertThat(refusals.left(SHOP)).isEqualTo(Duration.ofMinutes(10));
            refusals.reconsiderAll();
            assertThat(refusals.left(SHOP)).isZero();
        }

        @Test
        void getsUpToATenthOfJitter() throws Exception {
            refusals = refusals(() -> 1.0);
            refuse();

            assertBlockedFor(Duration.ofSeconds(66));
        }

        @Test
        void onAnotherServerIsNotHiddenByAnOlderOneInMemory() throws Exception {
            refuse();
            time.advance(Duration.ofMinutes(1));
            Refusals here = refusals;
            refusals = refusals(() -> 0.0);
            refusals.recall(SHOP);
            refuse();

            assertThat(here.recall(SHOP)).isPresent();
            assertThat(here.left(SHOP)).isEqualTo(Duration.ofMinutes(10));
        }

        @Test
        void isForgottenOnceTheNameIsObtained() throws Exception {
            refuse();
            refuse();

            refusals.forget(SHOP);
            refuse();

            assertBlockedFor(Duration.ofMinutes(1));
        }

        @Test
        void waitsForTheCasRetryAfterWhereThatIsLonger() throws Exception {
            refusals.refused(
                    SHOP,
                    CA,
                    new IssuanceException.Rejected(SHOP, "unauthorized", "slow down", Duration.ofHours(1)),
                    1,
                    LIFE);

            assertBlockedFor(Duration.ofHours(1));
        }

        @Test
        void thatSomebodyHasToActOnStartsAtTheThirdStep() throws Exception {
            refusals.refused(SHOP, CA, new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO), 1, LIFE);
            assertBlockedFor(Duration.ofMinutes(100));
            refusals.refused(SHOP, CA, new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO), 1, LIFE);
            assertBlockedFor(Duration.ofDays(1));
        }

        @Test
        void isTriedSoonerWhereLifeIsShort() throws Exception {
            refusals.refused(SHOP, CA, rejected(), 1, Duration.ofDays(5));
            assertBlockedFor(Duration.ofSeconds(30));
            refusals.refused(SHOP, CA, rejected(), 1, Duration.ofMinutes(2));
            assertBlockedFor(Duration.ofSeconds(10));
        }
    }

    @Nested
    class AfterARestart {

        private void restart() throws Exception {
            house.reopenStore();
            refusals = refusals(() -> 0.0);
        }

        @Test
        void theBlockAndItsReasonAreRecalled() throws Exception {
            refusals.refused(
                    SHOP,
                    CA,
                    IssuanceException.Rejected.paused(
                            SHOP, "rateLimited", "paused", URI.create("https://ca.example/unpause"), Duration.ZERO),
                    1,
                    LIFE);
            time.advance(Duration.ofMinutes(40));
            restart();
            assertThat(refusals.blocking(SHOP)).isEmpty();

            Optional<IssuanceException> recalled = refusals.recall(SHOP);

            assertThat(recalled.orElseThrow()).hasMessageContaining("visit https://ca.example/unpause");
            assertBlockedFor(Duration.ofMinutes(60));
        }

        @Test
        void theNextRefusalTakesTheNextStep() throws Exception {
            refuse();
            time.advance(Duration.ofMinutes(2));
            restart();
            assertThat(refusals.recall(SHOP)).isEmpty();

            refuse();

            assertBlockedFor(Duration.ofMinutes(10));
        }

        @Test
        void aRefusalOfLongAgoIsForgotten() throws Exception {
            refuse();
            time.advance(Duration.ofDays(1).plusMinutes(2));
            restart();
            assertThat(refusals.recall(SHOP)).isEmpty();

            refuse();

            assertBlockedFor(Duration.ofMinutes(1));
        }

        @Test
        void aRefusalIsNotForgottenByAClockThatIsNotTrusted() throws Exception {
            refuse();
            restart();
            time.jump(Duration.ofDays(90));

            refusals.recall(SHOP);

            assertThat(house.store().hold(new Scope.Name(SHOP))).isPresent();
            time.jump(Duration.ofDays(-90));
            assertThat(refusals.recall(SHOP)).isPresent();
        }

        @Test
        void aRefusalIsNotForgottenByAProcessThatStartsUnderAWrongClock() throws Exception {
            refuse();
            time.jump(Duration.ofDays(90));
            house.restartWatch();
            restart();
            assertThat(refusals.recall(SHOP)).isEmpty();

            time.jump(Duration.ofDays(-90));

            assertThat(refusals.recall(SHOP)).isPresent();
        }

        @Test
        void aClockThatWasSetBackBlocksNoLongerThanTheLastStep() throws Exception {
            refuse();
            restart();
            time.jump(Duration.ofDays(-365));
            refusals = refusals(() -> 0.0);

            refusals.recall(SHOP);

            assertThat(refusals.left(SHOP)).isLessThanOrEqualTo(Duration.ofHours(27));
        }
    }

    @Nested
    class WhileTheClockIsNotTrusted {

        @Test
        void nothingIsWritten() throws Exception {
            time.jump(Duration.ofDays(90));
            refuse();

            assertThat(refusals.blocking(SHOP)).isPresent();
            assertThat(house.store().hold(new Scope.Name(SHOP))).isEmpty();
        }

        @Test
        void whatFollowsFromDatesHoldsUntilTheClockIsBack() {
            time.jump(Duration.ofDays(90));
            refusals.undated(SHOP, rejected());
            time.advance(Duration.ofHours(20));
            assertThat(refusals.blocking(SHOP)).isPresent();

            time.jump(Duration.ofDays(-90));

            assertThat(refusals.blocking(SHOP)).isEmpty();
        }
    }

    @Nested
    class SomethingThatDidNotAnswer {

        private IssuanceException unavailable(Duration retryAfter) {
            return new IssuanceException.Unavailable(SHOP, "down", retryAfter, null);
        }

        @Test
        void isRememberedForSecondsOnly() {
            refusals.unanswered(SHOP, unavailable(Duration.ofHours(3)));

            assertBlockedFor(Duration.ofSeconds(10));
        }

        @Test
        void isRememberedForASecondAtLeast() {
            refusals.unanswered(SHOP, unavailable(Duration.ZERO));

            assertBlockedFor(Duration.ofSeconds(1));
        }

        @Test
        void doesNotStepTheSchedule() throws Exception {
            refusals.unanswered(SHOP, unavailable(Duration.ofSeconds(2)));
            time.advance(Duration.ofSeconds(2));
            refuse();

            assertBlockedFor(Duration.ofMinutes(1));
        }
    }

    @Nested
    class TheWordsOfAFailure {

        private String remembered(int number) {
            return refusals.blocking(name(number)).orElseThrow().getMessage();
        }

        private static ServerName name(int number) {
            return ServerName.parse("shop" + number + ".example.com");
        }

        private void fail(int number, String what) {
            refusals.unanswered(
                    name(number),
                    new IssuanceException.Unavailable(
                            name(number), what, Duration.ofSeconds(5), new IllegalStateException("with a stack")));
        }

        @Test
        void areThoseItWasToldWith() throws Exception {
            refuse();
            fail(1, "http://shop1.example.com/ of shop1.example.com is gone");

            assertThat(refusals.blocking(SHOP).orElseThrow())
                    .hasMessage(rejected().getMessage())
                    .hasNoCause();
            assertThat(remembered(1))
                    .isEqualTo("shop1.example.com: http://shop1.example.com/ of shop1.example.com is gone");
            assertThat(refusals.blocking(name(1)).orElseThrow()).hasNoCause();
        }

        @Test
        void comeWithWhatIsLeftOfTheWait() {
            fail(1, "down");
            time.advance(Duration.ofSeconds(3));

            assertThat(refusals.blocking(name(1)).orElseThrow().retryAfter()).isEqualTo(Duration.ofSeconds(2));
        }

        @Test
        void areGeneralOnesWhereTooManyDiffer() throws Exception {
            refusals = refusals(() -> 0.0, 1000);
            for (int i = 0; i < Refusals.KEPT_WORDS; i++) {
                fail(i, "failure " + i);
            }
            fail(500, "failure 500");
            fail(501, "failure 1");
            refusals.refused(
                    name(502),
                    CA,
                    new IssuanceException.Rejected(name(502), "dns", "of its own", Duration.ZERO),
                    1,
                    LIFE);

            assertThat(remembered(255)).endsWith("failure 255");
            assertThat(remembered(500))
                    .isEqualTo("shop500.example.com: failed a moment ago, see the log for the reason");
            assertThat(remembered(501)).endsWith("failure 1");
            assertThat(remembered(502)).endsWith("rejected by the CA, see the log for its words");
        }

        @Test
        void areCutWhereTheyAreEndless() {
            fail(1, "x".repeat(100_000));

            assertThat(remembered(1)).hasSize("shop1.example.com: ".length() + 1000);
        }

        @Test
        void areNotRememberedOnceMoreBecauseTheyWereRecalled() {
            fail(1, "down");
            time.advance(Duration.ofSeconds(3));

            refusals.unanswered(name(1), refusals.blocking(name(1)).orElseThrow());

            time.advance(Duration.ofSeconds(2));
            assertThat(refusals.blocking(name(1))).isEmpty();
        }
    }

    @Nested
    class TroubleThatPasses {

        private void pass(int validations) throws Exception {
            pass(validations, LIFE);
        }

        private void pass(int validations, Duration lifetime) throws Exception {
            refusals.refused(
                    SHOP,
                    CA,
                    IssuanceException.Rejected.passing(SHOP, "dns", "SERVFAIL looking up CAA", Duration.ZERO),
                    validations,
                    lifetime);
        }

        @Test
        void isTriedAgainAfterOneThenTenMinutesAndCausesFourFailuresAnHour() throws Exception {
            pass(1);
            assertBlockedFor(Duration.ofMinutes(1));
            pass(1);
            assertBlockedFor(Duration.ofMinutes(10));
            pass(1);
            assertBlockedFor(Duration.ofMinutes(10));
            pass(1);
            assertBlockedFor(Duration.ofMinutes(39));
            pass(1);
            assertBlockedFor(Duration.ofMinutes(10));
        }

        @Test
        void countsEachProofThatFailed() throws Exception {
            pass(2);
            assertBlockedFor(Duration.ofMinutes(1));
            pass(2);

            assertBlockedFor(Duration.ofMinutes(59));
        }

        @Test
        void doesNotStepTheNamesSchedule() throws Exception {
            pass(1);
            time.advance(Duration.ofMinutes(1));
            pass(1);
            time.advance(Duration.ofMinutes(10));
            refuse();
            assertBlockedFor(Duration.ofMinutes(1));
            pass(1);
            time.advance(Duration.ofMinutes(1));
            refuse();

            assertBlockedFor(Duration.ofMinutes(10));
        }

        @Test
        void isTriedOnceADayWhereItLastsForHalfADay() throws Exception {
            for (int i = 0; i < 48; i++) {
                pass(0);
                time.advance(refusals.left(SHOP));
            }
            pass(0);

            assertBlockedFor(Duration.ofDays(1));
        }

        @Test
        void isTriedWithinATenthOfAShortLifeWhereItLastsForHalfADay() throws Exception {
            Duration life = Duration.ofDays(1);
            for (int i = 0; i < 48; i++) {
                pass(0, life);
                assertThat(refusals.left(SHOP)).isLessThanOrEqualTo(Duration.ofMinutes(10));
                time.advance(refusals.left(SHOP));
            }
            pass(0, life);
            assertBlockedFor(Duration.ofMinutes(144));

            // No more often than before.
            pass(0, Duration.ofMinutes(2));
            assertBlockedFor(Duration.ofMinutes(10));
        }

        @Test
        void isKeptOverARestartAndTellsNobodyToActOnIt() throws Exception {
            pass(1);
            house.reopenStore();
            refusals = refusals(() -> 0.0);

            assertThat(refusals.recall(SHOP).orElseThrow())
                    .hasMessage("shop.example.com: the CA could not look at the name, which passes and is tried again,"
                            + " nothing has to be changed (dns): SERVFAIL looking up CAA");
            assertBlockedFor(Duration.ofMinutes(1));
        }

        @Test
        void isForgottenOnceTheNameIsObtained() throws Exception {
            pass(1);

            refusals.forget(SHOP);

            assertThat(house.store().holds(10)).isEmpty();
            pass(1);
            assertBlockedFor(Duration.ofMinutes(1));
        }
    }

    @Test
    void whatSaysNothingAboutTheNameIsNotKept() {
        refusals.unanswered(SHOP, new IssuanceException.NotPermitted(SHOP, "no", Duration.ofMinutes(1)));
        refusals.unanswered(SHOP, new IssuanceException.Overloaded(SHOP, "bound"));
        refusals.unanswered(SHOP, new IssuanceException.Stopping(SHOP));

        assertThat(refusals.blocking(SHOP)).isEmpty();
        assertThat(refusals.size()).isZero();
    }
}
