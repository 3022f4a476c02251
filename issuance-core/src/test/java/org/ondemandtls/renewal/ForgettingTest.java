package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;

/** {@link Forgetting} and {@link VisitNotes}: what is over ends after its grace, and what is visited is written down. */
class ForgettingTest {

    @TempDir
    private Path directory;

    private RenewalFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private void pass(Duration time) {
        fixture.time.advance(time);
    }

    private StoredCertificate unvisited() throws Exception {
        StoredCertificate record = fixture.record(SHOP.value());
        return fixture.house
                .store()
                .save(StoredCertificate.obtained(
                        record.certificate(), record.issuer(), record.obtained(), record.renew()));
    }

    @Nested
    class WhatIsOver {

        private StoredCertificate over(StoredCertificate record) throws Exception {
            StoredCertificate kept = fixture.house.store().save(record);
            pass(Duration.between(fixture.now(), kept.certificate().notAfter()).plusSeconds(1));
            return kept;
        }

        @Test
        void isLookedAtAgainWhenItsGraceIsOver() throws Exception {
            StoredCertificate kept = over(fixture.record(SHOP.value()));

            fixture.begin();

            assertThat(fixture.stored(SHOP).due())
                    .isEqualTo(kept.certificate().notAfter().plus(fixture.grace));
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "expired at " + kept.certificate().notAfter());
        }

        @Test
        void isNotOverAtItsLastMoment() throws Exception {
            StoredCertificate kept = fixture.house.store().save(fixture.record(SHOP.value()));
            pass(Duration.between(fixture.now(), kept.certificate().notAfter()));

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isNotToldAsMissedWhereItWasWithdrawnOrDeniedOrLeadsElsewhere() throws Exception {
            Optional<Instant> now = Optional.of(fixture.now());
            fixture.house.store().save(fixture.record("withdrawn.example.com").withWithdrawn(now));
            fixture.house.store().save(fixture.record("denied.example.com").withDeniedSince(now));
            over(fixture.record("moved.example.com")
                    .withMoved(Optional.of(new Moved(fixture.now(), "192.0.2.7", "change A of it"))));

            fixture.begin();

            for (String name : new String[] {"withdrawn.example.com", "denied.example.com", "moved.example.com"}) {
                assertThat(fixture.stored(ServerName.parse(name)).isLeftAlone()
                                || fixture.stored(ServerName.parse(name))
                                        .withdrawn()
                                        .isPresent())
                        .isTrue();
            }
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isNotToldAsMissedWhereSomebodyElseWritesMeanwhile() throws Exception {
            over(fixture.record(SHOP.value()));
            fixture.store = Except.of(CertificateStore.class, fixture.store, "save", through -> {
                throw new StaleRevisionException(SHOP.value(), 3, 2);
            });

            fixture.begin();

            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isNotToldAsMissedWhereItIsAWildcards() throws Exception {
            over(fixture.record("*.example.com"));

            fixture.begin();

            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isTheOperatorsOwnIsRenewedAllTheSame() throws Exception {
            over(fixture.record(SHOP.value()));
            fixture.ownNames = List.of(SHOP);
            fixture.orders.obtaining = name -> new CompletableFuture<>();

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }
    }

    @Nested
    class WhoseGraceIsOver {

        private Instant end;

        private void graceOver() throws Exception {
            StoredCertificate kept = fixture.house.store().save(fixture.record(SHOP.value()));
            end = kept.certificate().notAfter().plus(fixture.grace);
            fixture.house.store().save(fixture.stored(SHOP).withDue(end));
            pass(Duration.between(fixture.now(), end));
        }

        @Test
        void isOutOfTheWayForTheFirstDayAndThenForgotten() throws Exception {
            graceOver();

            fixture.begin();
            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(DAY));
            pass(DAY.minusSeconds(1));
            assertThat(fixture.house.store().find(SHOP)).isPresent();
            pass(Duration.ofSeconds(1));

            assertThat(fixture.house.store().find(SHOP)).isEmpty();
            assertThat(fixture.lines(EventKind.FORGOTTEN))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "forgotten: expired at ");
        }

        @Test
        void isForgottenToTheSecondByAProcessThatHasLivedForADay() throws Exception {
            StoredCertificate kept = unvisited();
            end = kept.certificate().notAfter().plus(fixture.grace);
            fixture.begin();

            pass(Duration.between(fixture.now(), end).minusSeconds(1));
            assertThat(fixture.house.store().find(SHOP)).isPresent();
            pass(LOOK);

            assertThat(fixture.house.store().find(SHOP)).isEmpty();
        }

        @Test
        void isOfferedToNobodyAnyMore() throws Exception {
            StoredCertificate wildcard = fixture.house.store().save(fixture.record("*.example.com"));
            fixture.begin();
            pass(Duration.between(
                            fixture.now(), wildcard.certificate().notAfter().plus(fixture.grace))
                    .plus(LOOK));

            assertThat(fixture.house.store().find(SHOP)).isEmpty();
            assertThat(fixture.house.inventory().find(SHOP)).isEmpty();
            assertThat(fixture.lines(EventKind.FORGOTTEN)).hasSize(1);
        }

        @Test
        void isKeptAndNotToldOfWhereSomebodyElseHasRenewedMeanwhile() throws Exception {
            fixture.store = Except.of(CertificateStore.class, fixture.store, "forget", through -> {
                throw new StaleRevisionException(SHOP.value(), 3, 2);
            });
            fixture.house.store().save(fixture.record(SHOP.value()));
            fixture.begin();

            pass(Duration.ofDays(121));

            assertThat(fixture.lines(EventKind.FORGOTTEN)).isEmpty();
            assertThat(fixture.lines(EventKind.STORE_FAILED)).isEmpty();
        }

        @Test
        void isForgottenWhereTheHistoryOfTheClockCannotBeKeptWhichIsTold() throws Exception {
            graceOver();
            fixture.store = Except.of(CertificateStore.class, fixture.store, "keepHold", through -> {
                throw new StoreException("no hold can be kept");
            });

            fixture.begin();

            assertThat(fixture.lines(EventKind.STILL_FAILING))
                    .singleElement()
                    .asString()
                    .contains("no hold can be kept");
            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(DAY));
        }
    }

    @Nested
    class AVisit {

        private StoredCertificate kept(StoredCertificate record) throws Exception {
            return fixture.house.store().save(record);
        }

        @Test
        void bringsTheNextLookForward() throws Exception {
            StoredCertificate before = unvisited();
            fixture.begin();
            visitAfter(Duration.ofHours(1));

            StoredCertificate record = fixture.stored(SHOP);
            Instant visited = record.visited().orElseThrow();
            assertThat(record.due())
                    .isEqualTo(new Rechecks(Optional.of(DAY))
                            .after(SHOP.value(), visited)
                            .orElseThrow())
                    .isBefore(before.due());
        }

        private void visitAfter(Duration time) {
            pass(time);
            fixture.visit(SHOP);
            pass(LOOK);
        }

        @Test
        void ofWhatIsWithdrawnLeavesItsNextLook() throws Exception {
            StoredCertificate before = kept(unvisited().withWithdrawn(Optional.of(fixture.now())));
            fixture.begin();

            visitAfter(Duration.ofHours(1));

            assertThat(fixture.stored(SHOP).due()).isEqualTo(before.due());
            assertThat(fixture.stored(SHOP).visited()).isPresent();
        }

        @Test
        void ofWhatWasReplacedMeanwhileIsNone() throws Exception {
            StoredCertificate before = unvisited();
            fixture.visit(SHOP);
            StoredCertificate next = kept(StoredCertificate.obtained(
                            fixture.leaf(RenewalFixture.LIFE, SHOP.value()),
                            before.issuer(),
                            fixture.now().plusSeconds(1),
                            before.renew())
                    .succeeding(before));

            fixture.begin();

            assertThat(fixture.stored(SHOP).visited()).isEmpty();
            assertThat(fixture.stored(SHOP).revision()).isEqualTo(next.revision());
        }

        @Test
        void toAWildcardIsNotWritten() throws Exception {
            StoredCertificate before = kept(fixture.record("*.example.com"));
            fixture.house.visits().visited(before.certificate());

            fixture.begin();

            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
        }

        @Test
        void isNotWrittenAfterTheTimeAllowedAndWrittenByALaterOne() throws Exception {
            unvisited();
            Renewal renewal = fixture.begin();
            fixture.visit(SHOP);

            renewal.writeVisits(Duration.ZERO);
            assertThat(fixture.stored(SHOP).visited()).isEmpty();
            fixture.visit(SHOP);
            renewal.writeVisits(Duration.ofNanos(1));

            assertThat(fixture.stored(SHOP).visited()).isPresent();
        }

        @Test
        void isNotWrittenByAClockThatIsNotTrusted() throws Exception {
            unvisited();
            Renewal renewal = fixture.begin();
            fixture.visit(SHOP);
            fixture.time.jump(Duration.ofDays(3));

            renewal.writeVisits(Duration.ofSeconds(2));

            assertThat(fixture.stored(SHOP).visited()).isEmpty();
        }

        @Test
        void thatCannotBeWrittenIsToldAndWrittenLater() throws Exception {
            unvisited();
            AtomicBoolean broken = new AtomicBoolean(true);
            fixture.store = Except.of(CertificateStore.class, fixture.store, "update", through -> {
                if (broken.get()) {
                    throw new StoreException("read-only");
                }
                return through.call();
            });
            fixture.visit(SHOP);
            fixture.begin();
            assertThat(fixture.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains("read-only");
            broken.set(false);

            fixture.visit(SHOP);
            pass(LOOK);

            assertThat(fixture.stored(SHOP).visited()).isPresent();
        }

        @Test
        void toWhatWasLeftAloneHasItLookedAtAtOnce() throws Exception {
            StoredCertificate record = unvisited();
            kept(record.withRenew(fixture.now())
                    .withDue(record.certificate().notAfter().plus(fixture.grace)));
            fixture.visit(SHOP);

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }
    }
}
