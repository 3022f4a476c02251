package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.name;
import static org.ondemandtls.renewal.RenewalFixture.withRoomUnless;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.ManualTime;

/** {@link Renewal}: when it looks, what it finds, and whose turn it is. */
class RenewalTurnsTest {

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

    private void end(int order) {
        fixture.orders.underWay.get(order).completeExceptionally(new IssuanceException.Stopping(SHOP));
    }

    @Nested
    class ALook {

        @Test
        void isMadeAtTheStartAndThenAgainAndAgain() {
            fixture.begin();
            assertThat(fixture.orders.swept).isEqualTo(1);
            time.advance(LOOK.minusSeconds(1));
            assertThat(fixture.orders.swept).isEqualTo(1);
            time.advance(Duration.ofSeconds(1));
            assertThat(fixture.orders.swept).isEqualTo(2);
            time.advance(LOOK);
            assertThat(fixture.orders.swept).isEqualTo(3);
        }

        @Test
        void isNotMadeAfterTheEnd() throws Exception {
            Renewal renewal = fixture.begin();
            fixture.keepDue(SHOP);

            renewal.close();
            time.advance(LOOK.multipliedBy(3));

            assertThat(time.scheduled()).isZero();
            assertThat(fixture.orders.renewed).isEmpty();
        }

        @Test
        void thatBeginsAfterTheEndBeginsNothing() throws Exception {
            ManualTime.Tasks tasks = new ManualTime.Tasks();
            fixture.executor = tasks;
            fixture.keepDue(SHOP);
            Renewal renewal = fixture.begin();

            renewal.close();
            tasks.runAll();

            assertThat(fixture.orders.renewed).isEmpty();
        }

        @Test
        void isMadeOnceAtATime() throws Exception {
            ManualTime.Tasks tasks = new ManualTime.Tasks();
            fixture.executor = tasks;
            fixture.begin();

            time.advance(LOOK.multipliedBy(3));

            assertThat(tasks.size()).isEqualTo(1);
            tasks.runAll();
            time.advance(LOOK);
            assertThat(tasks.size()).isEqualTo(1);
        }

        @Test
        void thatTheExecutorHasNoRoomForIsMadeTheNextTime() throws Exception {
            AtomicBoolean full = new AtomicBoolean(true);
            fixture.executor = withRoomUnless(full);
            fixture.keepDue(SHOP);
            fixture.begin();
            assertThat(fixture.orders.renewed).isEmpty();
            full.set(false);

            time.advance(LOOK);

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
            assertThat(fixture.lines(EventKind.DEFECT)).isEmpty();
        }

        @Test
        void sweepsNothingWhileTheClockIsNotTrusted() {
            fixture.begin();
            time.jump(DAY);

            time.advance(LOOK);

            assertThat(fixture.orders.swept).isEqualTo(1);
        }

        @Test
        void ofWhichTheSweepFailsTellsThatTheStoreFailed() {
            fixture.orders.sweeping = Optional.of(new StoreException("holds cannot be listed"));

            fixture.begin();

            assertThat(fixture.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains("holds cannot be listed");
        }

        @Test
        void atAStoreThatFailedAndWorksAgainTellsBoth() {
            AtomicBoolean down = new AtomicBoolean(true);
            fixture.store = Except.of(CertificateStore.class, fixture.store, "due", through -> {
                if (down.get()) {
                    throw new StoreException("the disk is gone");
                }
                return through.call();
            });
            fixture.begin();
            assertThat(fixture.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains("the disk is gone");
            time.advance(LOOK);
            assertThat(fixture.lines(EventKind.RECOVERED)).isEmpty();
            down.set(false);

            time.advance(LOOK);

            assertThat(fixture.lines(EventKind.RECOVERED))
                    .singleElement()
                    .asString()
                    .contains("the store, for renewals, works again");
        }
    }

    @Nested
    class WhatIsDue {

        private void written(StoredCertificate record) throws Exception {
            fixture.house.store().save(record);
        }

        @Test
        void behindThePlaceOfTheLastLookIsFoundAfterFiveMinutes() throws Exception {
            fixture.lookEvery = Duration.ofMinutes(1);
            fixture.begin();
            time.advance(Duration.ofSeconds(90));
            Instant longAgo = fixture.now().minus(DAY);
            written(fixture.record(SHOP.value()).withRenew(longAgo).withDue(longAgo));

            time.advance(Duration.ofSeconds(209));
            assertThat(fixture.orders.renewed).isEmpty();
            time.advance(Duration.ofSeconds(1));

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void isFoundAtOnceWhereTheClockWasSetBack() throws Exception {
            fixture.lookEvery = Duration.ofMinutes(1);
            fixture.begin();
            Instant longAgo = fixture.now().minus(DAY);
            written(fixture.record(SHOP.value()).withRenew(longAgo).withDue(longAgo));
            time.jump(Duration.ofSeconds(-90));

            time.advance(Duration.ofMinutes(1));

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void isAllFoundThoughMoreThanAFewPagesAreDueAtOneMoment() throws Exception {
            for (int i = 0; i < 520; i++) {
                fixture.keepDue(name(i));
            }
            fixture.orders.renewing = name -> CompletableFuture.completedFuture(null);

            fixture.begin();

            assertThat(fixture.orders.renewed.stream().distinct()).hasSize(520);
        }

        /** So many in one look are an outage. */
        @ParameterizedTest
        @CsvSource({"7, 1", "8, 0"})
        void behindRecordsThatCannotBeKeptIsReachedUnlessThoseAreEight(int failing, int renewed) throws Exception {
            for (int i = 0; i < failing; i++) {
                StoredCertificate unvisited = StoredCertificate.obtained(
                        fixture.leaf(Duration.ofDays(90), name(i).value()),
                        fixture.authority.id(),
                        fixture.now(),
                        fixture.now().minusSeconds(100 - i));
                written(unvisited);
            }
            fixture.keepDue(SHOP);
            fixture.store = Except.of(CertificateStore.class, fixture.store, "save", through -> {
                throw new StoreException("read-only");
            });

            fixture.begin();
            assertThat(fixture.orders.renewed).hasSize(renewed);
            assertThat(fixture.lines(EventKind.STORE_FAILED)).hasSize(failing);
            time.advance(LOOK);

            assertThat(fixture.orders.renewed).contains(SHOP);
        }

        @Test
        void andNobodyVisitsIsNotLookedAtBeforeItIsForgotten() throws Exception {
            KeyedCertificate leaf = fixture.leaf(Duration.ofDays(90), SHOP.value());
            written(StoredCertificate.obtained(leaf, fixture.authority.id(), fixture.now(), fixture.now()));

            fixture.begin();

            assertThat(fixture.stored(SHOP).due()).isEqualTo(leaf.notAfter().plus(fixture.grace));
            assertThat(fixture.orders.renewed).isEmpty();
        }

        @Test
        void ofAWildcardIsNotLookedAtBeforeItIsForgotten() throws Exception {
            StoredCertificate wildcard = fixture.keepDue(fixture.record("*.example.com"));

            fixture.begin();

            assertThat(fixture.stored(SHOP).due())
                    .isEqualTo(wildcard.certificate().notAfter().plus(fixture.grace));
        }

        @Test
        void butAskedForLatelyIsLookedAtWhenItsTimeHasCome() throws Exception {
            fixture.authority.advise(
                    fixture.now().plus(Duration.ofDays(40)),
                    fixture.now().plus(Duration.ofDays(41)),
                    Duration.ofHours(1));
            fixture.keepLookedAt(SHOP);
            fixture.begin();
            Instant next = fixture.stored(SHOP).due();
            assertThat(next)
                    .isAfter(fixture.now())
                    .isBeforeOrEqualTo(fixture.now().plus(Duration.ofHours(1)));
            written(fixture.stored(SHOP).withDue(fixture.now()));

            time.advance(LOOK);

            assertThat(fixture.authority.advisedOf()).hasSize(1);
            assertThat(fixture.stored(SHOP).due()).isEqualTo(next);
        }
    }

    @Nested
    class Turns {

        @Test
        void areAsManyAtOnceAsIsSaidAndCounted() throws Exception {
            fixture.orders.hold();
            fixture.atOnce = 2;
            for (int i = 0; i < 3; i++) {
                fixture.keepDue(name(i));
            }

            Renewal renewal = fixture.begin();
            assertThat(fixture.orders.underWay).hasSize(2);
            assertThat(renewal.inFlight()).isEqualTo(2);
            end(0);

            assertThat(fixture.orders.underWay).hasSize(3);
            assertThat(renewal.inFlight()).isEqualTo(2);
            end(1);
            end(2);
            assertThat(renewal.inFlight()).isZero();
        }

        @Test
        void areTakenOneAfterAnotherWhereNoneIsAllowed() throws Exception {
            fixture.orders.hold();
            fixture.atOnce = 0;
            fixture.keepDue(name(0));
            fixture.keepDue(name(1));

            fixture.begin();

            assertThat(fixture.orders.underWay).hasSize(1);
        }

        private void waitBehindAnother() throws Exception {
            fixture.orders.hold();
            fixture.atOnce = 1;
            fixture.house
                    .store()
                    .save(fixture.record(Duration.ofDays(30), "first.example.com")
                            .withRenew(fixture.now())
                            .withDue(fixture.now()));
            fixture.keepDue(SHOP);
            fixture.begin();
            assertThat(fixture.orders.renewed).extracting(Object::toString).containsExactly("first.example.com");
        }

        @Test
        void endWhereSomebodyElseHasRenewedMeanwhile() throws Exception {
            waitBehindAnother();
            fixture.house
                    .store()
                    .save(fixture.record(SHOP.value())
                            .withRevision(fixture.stored(SHOP).revision()));

            end(0);

            assertThat(fixture.orders.renewed).hasSize(1);
        }

        @Test
        void endWhereTheNameIsWithdrawnMeanwhile() throws Exception {
            waitBehindAnother();
            fixture.house.store().save(fixture.stored(SHOP).withWithdrawn(Optional.of(fixture.now())));

            end(0);

            assertThat(fixture.orders.renewed).hasSize(1);
        }

        @Test
        void areForWhatIsDueNowWhereTheRenewalWasPutOffMeanwhile() throws Exception {
            waitBehindAnother();
            fixture.house
                    .store()
                    .save(fixture.stored(SHOP).withRenew(fixture.now().plus(DAY.multipliedBy(20))));
            assertThat(fixture.authority.advisedOf()).isEmpty();

            end(0);

            assertThat(fixture.orders.renewed).hasSize(1);
            assertThat(fixture.authority.advisedOf()).hasSize(1);
        }

        @Test
        void thatTheExecutorHasNoRoomToEndComeAgain() throws Exception {
            AtomicInteger room = new AtomicInteger(1);
            fixture.executor = task -> {
                if (room.getAndDecrement() <= 0) {
                    throw new RejectedExecutionException("full");
                }
                task.run();
            };
            fixture.orders.hold();
            fixture.keepDue(SHOP);
            fixture.begin();
            end(0);
            room.set(100);

            time.advance(LOOK.multipliedBy(3));

            assertThat(fixture.orders.underWay).hasSize(2);
        }
    }
}
