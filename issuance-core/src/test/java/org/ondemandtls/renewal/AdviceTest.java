package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LIFE;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.withRoomUnless;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.ManualTime;

/** {@link Renewal}: when a CA is asked when to renew, and what comes of its answer. */
class AdviceTest {

    private static final Duration QUARTER = LIFE.dividedBy(4);

    @TempDir
    private Path directory;

    private RenewalFixture fixture;
    private ManualTime time;

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
        time = fixture.time;
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private void advise(Duration start, Duration end, Duration retryAfter) {
        fixture.authority.advise(fixture.now().plus(start), fixture.now().plus(end), retryAfter);
    }

    private int asked() {
        return fixture.authority.advisedOf().size();
    }

    private Optional<Hold> hold() throws Exception {
        return fixture.store.hold(new Scope.Advised(SHOP.value()));
    }

    private StoredCertificate keepOlder(Duration age) throws Exception {
        StoredCertificate record = fixture.record(SHOP.value());
        time.advance(age);
        return fixture.house.store().save(record.withVisited(fixture.now()).withDue(fixture.now()));
    }

    @Nested
    class AnAnswer {

        @Test
        void isKnownByItsCaAndItsMoment() throws Exception {
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofHours(6));
            fixture.keepLookedAt(SHOP);
            Renewal renewal = fixture.begin();
            Instant first = fixture.now();
            assertThat(renewal.lastAdvice()).isEqualTo(Map.of(fixture.authority.id(), first));

            time.advance(Duration.ofHours(12));

            assertThat(renewal.lastAdvice().get(fixture.authority.id())).isAfter(first);
        }

        @Test
        void movesTheRenewalAndIsTold() throws Exception {
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofHours(6));
            fixture.keepLookedAt(SHOP);

            fixture.begin();

            StoredCertificate record = fixture.stored(SHOP);
            assertThat(record.renew())
                    .isBetween(
                            fixture.now().plus(Duration.ofDays(40)),
                            fixture.now().plus(Duration.ofDays(41)));
            assertThat(record.window().orElseThrow().start())
                    .isEqualTo(fixture.now().plus(Duration.ofDays(40)));
            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW))
                    .singleElement()
                    .asString()
                    .contains(
                            SHOP.value(),
                            "to be renewed at " + record.renew() + ": the CA suggests ",
                            "(why: https://");
        }

        @Test
        void thatIsTheSameAgainMovesNothingAndIsNotToldAgain() throws Exception {
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofHours(1));
            fixture.keepLookedAt(SHOP);
            fixture.begin();
            Instant renew = fixture.stored(SHOP).renew();
            fixture.random = 0.9;

            time.advance(Duration.ofHours(10));

            assertThat(asked()).isGreaterThan(2);
            assertThat(fixture.stored(SHOP).renew()).isEqualTo(renew);
            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW)).hasSize(1);
        }

        @Test
        void isWantedAgainWhenTheCaSays() throws Exception {
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofMinutes(20));
            fixture.keepLookedAt(SHOP);
            fixture.begin();
            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(Duration.ofMinutes(20)));

            time.advance(Duration.ofMinutes(19));
            assertThat(asked()).isEqualTo(1);
            time.advance(Duration.ofMinutes(1));

            assertThat(asked()).isEqualTo(2);
        }

        @Test
        void concerningACertificateThatWasReplacedMeanwhileChangesNothing() throws Exception {
            ManualTime.Tasks tasks = new ManualTime.Tasks();
            fixture.advice = tasks;
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofHours(6));
            fixture.keepLookedAt(SHOP);
            fixture.begin();
            StoredCertificate next = fixture.record(SHOP.value()).succeeding(fixture.stored(SHOP));
            fixture.house.store().save(next);

            tasks.runAll();

            assertThat(fixture.stored(SHOP).window()).isEmpty();
            assertThat(fixture.stored(SHOP).renew()).isEqualTo(next.renew());
        }

        @Test
        void thatComesAfterTheClockHasJumpedChangesNothing() throws Exception {
            ManualTime.Tasks tasks = new ManualTime.Tasks();
            fixture.advice = tasks;
            advise(Duration.ofDays(40), Duration.ofDays(41), Duration.ofHours(6));
            StoredCertificate before = fixture.keepLookedAt(SHOP);
            fixture.begin();
            time.jump(DAY);

            tasks.runAll();

            assertThat(fixture.stored(SHOP).window()).isEmpty();
            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
        }
    }

    @Nested
    class NoAnswer {

        private void unavailable(Duration retryAfter) {
            fixture.authority.adviseBadly(new IssuanceException.Unavailable(SHOP, "no answer", retryAfter, null));
        }

        @ParameterizedTest
        @CsvSource({"1, 10", "30, 30"})
        void isAskedForAgainWhenTheCaSaysAndNotWithinTenMinutes(int said, int waited) throws Exception {
            unavailable(Duration.ofMinutes(said));
            fixture.keepLookedAt(SHOP);

            fixture.begin();

            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(Duration.ofMinutes(waited)));
            time.advance(Duration.ofMinutes(waited));
            assertThat(asked()).isEqualTo(2);
        }

        @Test
        void ofACaThatStopsWithTheServerIsNoTrouble() throws Exception {
            fixture.authority.adviseBadly(new IssuanceException.Stopping(SHOP));
            StoredCertificate before = fixture.keepLookedAt(SHOP);

            fixture.begin();

            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW)).isEmpty();
            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
            time.advance(LOOK);
            assertThat(asked()).isEqualTo(2);
        }

        @Test
        void ofACaThatHasNoAdviceOnThisOneIsAskedForAgainAfterSixHours() throws Exception {
            fixture.authority.advisesOthers();
            fixture.keepLookedAt(SHOP);
            fixture.begin();

            Instant due = fixture.stored(SHOP).due();

            Instant daily = new Rechecks(Optional.of(DAY))
                    .after(SHOP.value(), fixture.now())
                    .orElseThrow();
            Instant sixHours = fixture.now().plus(Duration.ofHours(6));
            assertThat(due).isEqualTo(daily.isBefore(sixHours) ? daily : sixHours);
            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW)).isEmpty();
        }

        @Test
        void ofAnExecutorWithoutRoomIsAskedForAgainAfterTenMinutes() throws Exception {
            AtomicBoolean full = new AtomicBoolean(true);
            fixture.advice = withRoomUnless(full);
            fixture.keepLookedAt(SHOP);
            fixture.begin();
            full.set(false);

            time.advance(Duration.ofMinutes(10).minusSeconds(1));
            assertThat(asked()).isZero();
            time.advance(Duration.ofSeconds(1));

            assertThat(asked()).isEqualTo(1);
        }

        @Test
        void threeTimesInARowHasTheOthersWaitForAProbe() throws Exception {
            unavailable(Duration.ofSeconds(1));
            for (int i = 0; i < 5; i++) {
                fixture.keepLookedAt(RenewalFixture.name(i));
            }

            fixture.begin();

            assertThat(asked()).isEqualTo(3);
        }
    }

    @Nested
    class WhatIsToBeReplacedAtOnce {

        private final Duration past = Duration.ofDays(-2);

        private void adviseNow() {
            advise(past, Duration.ofDays(-1), Duration.ofHours(1));
        }

        @Test
        void isWhileItsFirstQuarterLastsAndThatIsKept() throws Exception {
            adviseNow();
            keepOlder(Duration.ofDays(3));

            fixture.begin();

            assertThat(fixture.orders.renewed).isEmpty();
            assertThat(fixture.stored(SHOP).renew()).isEqualTo(fixture.now());
            Hold kept = hold().orElseThrow();
            assertThat(kept.until()).isEqualTo(fixture.now().plus(QUARTER));
            assertThat(kept.issuer()).isEqualTo(fixture.authority.id());
            assertThat(fixture.lines(EventKind.ADVICE)).isEmpty();
        }

        @Test
        void isWithoutATraceOnceItsFirstQuarterIsOver() throws Exception {
            adviseNow();
            keepOlder(QUARTER);

            fixture.begin();

            assertThat(fixture.stored(SHOP).renew()).isEqualTo(fixture.now());
            assertThat(hold()).isEmpty();
        }

        private void replacedBefore(Duration until) throws Exception {
            fixture.house
                    .store()
                    .keepHold(new Hold(
                            new Scope.Advised(SHOP.value()),
                            fixture.authority.id(),
                            1,
                            fixture.now().plus(until),
                            "replacedEarly",
                            "replaced as its CA suggested",
                            Optional.empty()));
        }

        @Test
        void isNotBeforeAQuarterOfALifeAfterTheLastTimeWhichIsToldOnceADay() throws Exception {
            adviseNow();
            StoredCertificate record = keepOlder(Duration.ofDays(3));
            replacedBefore(Duration.ofDays(5));
            Instant held = fixture.now().plus(Duration.ofDays(5));

            fixture.begin();

            assertThat(record.renew()).isAfter(held);
            assertThat(fixture.stored(SHOP).renew()).isEqualTo(held);
            assertThat(fixture.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("the CA " + fixture.authority.id() + " wants certificates replaced");
            time.advance(DAY.minus(LOOK));
            assertThat(fixture.lines(EventKind.ADVICE)).hasSize(1);
            time.advance(Duration.ofHours(2));
            assertThat(fixture.lines(EventKind.ADVICE)).hasSize(2);
        }

        @Test
        void staysAsPlannedWhereThatIsSoonerThanItMayBeReplaced() throws Exception {
            adviseNow();
            StoredCertificate record = keepOlder(Duration.ofDays(3));
            replacedBefore(Duration.ofDays(70));

            fixture.begin();

            assertThat(fixture.stored(SHOP).renew()).isEqualTo(record.renew());
        }

        @Test
        void isAgainWhereTheLastTimeIsLongAgo() throws Exception {
            adviseNow();
            keepOlder(Duration.ofDays(3));
            replacedBefore(Duration.ZERO);

            fixture.begin();

            assertThat(fixture.stored(SHOP).renew()).isEqualTo(fixture.now());
            assertThat(hold().orElseThrow().until()).isEqualTo(fixture.now().plus(QUARTER));
        }

        @Test
        void becauseItIsRevokedIsTold() throws Exception {
            fixture.revoked = true;
            keepOlder(Duration.ofDays(30));

            fixture.begin();

            assertThat(fixture.stored(SHOP).renew()).isEqualTo(fixture.now());
            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "to be renewed at " + fixture.now() + ": the CA has revoked");
            time.advance(LOOK);
            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void becauseItIsRevokedIsNotToldWhereTheRenewalIsNotMoved() throws Exception {
            fixture.revoked = true;
            keepOlder(Duration.ofDays(3));
            replacedBefore(Duration.ofDays(70));

            fixture.begin();

            assertThat(fixture.lines(EventKind.RENEWAL_WINDOW)).isEmpty();
        }
    }
}
