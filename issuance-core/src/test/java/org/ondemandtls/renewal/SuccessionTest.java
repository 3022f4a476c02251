package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.failed;
import static org.ondemandtls.renewal.RenewalFixture.name;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.FakeAuthority;

/** {@link Succession}: what a renewal that does not succeed means for its name, for the others, and when it is tried again. */
class SuccessionTest {

    private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);
    private static final Duration HOUR = Duration.ofHours(1);
    private static final String CA = "https://ca.example/directory";

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

    private void failing(IssuanceException with) {
        fixture.orders.renewing = name -> failed(with);
    }

    private void pass(Duration time) {
        fixture.time.advance(time);
    }

    private int tried() {
        return fixture.orders.renewed.size();
    }

    static List<IssuanceException> passing() {
        return List.of(
                new IssuanceException.Unavailable(SHOP, "slow", Duration.ofSeconds(2), null),
                IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(2), null),
                new IssuanceException.NoAnswer(SHOP, "down", Duration.ofSeconds(2)),
                new IssuanceException.Overloaded(SHOP, "onDemandTls.shield.orders"),
                new IssuanceException.StoreFailed(SHOP, "down", Duration.ofSeconds(2), new StoreException("down")));
    }

    static List<IssuanceException> concerningTheAccount() {
        return List.of(
                new IssuanceException.RateLimited(SHOP, new Scope.Account(CA), "too many", HOUR),
                new IssuanceException.AccountRefused(SHOP, "unknown", HOUR),
                new IssuanceException.RefusesAll(SHOP, "no", HOUR));
    }

    static List<IssuanceException> concerningTheName() {
        return List.of(
                new IssuanceException.RateLimited(SHOP, new Scope.Domain(CA, "example.com"), "too many", HOUR),
                new IssuanceException.Rejected(SHOP, "unauthorized", "no", HOUR),
                new IssuanceException.OverBudget(SHOP, "onDemandTls.budget", HOUR),
                new IssuanceException.NotReady(SHOP, "customer: add A of it", Optional.empty(), Duration.ZERO));
    }

    @Nested
    class AFailureThatPasses {

        static List<IssuanceException> failures() {
            return passing();
        }

        @ParameterizedTest
        @MethodSource("failures")
        void isTriedAgainAfterFiveMinutesAndWrittenNowhere(IssuanceException failure) throws Exception {
            fixture.lookEvery = Duration.ofSeconds(30);
            StoredCertificate before = fixture.keepDue(SHOP);
            failing(failure);
            fixture.begin();

            pass(FIVE_MINUTES.minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(Duration.ofSeconds(1));

            assertThat(tried()).isEqualTo(2);
            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
            assertThat(fixture.lines(EventKind.NOT_RENEWED).get(0))
                    .contains(SHOP.value(), failure.what(), "tried again in about 5 min, served until ");
        }

        @Test
        void isTriedAgainUpToATenthLaterSoThatNotAllComeAtOnce() throws Exception {
            fixture.lookEvery = Duration.ofSeconds(30);
            fixture.random = 0.999;
            fixture.keepDue(SHOP);
            failing(passing().get(0));
            fixture.begin();

            pass(FIVE_MINUTES.plusSeconds(29));
            assertThat(tried()).isEqualTo(1);
            pass(Duration.ofSeconds(1));
            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void isTriedAgainWhenANameIsHeldNoMore() throws Exception {
            fixture.orders.blocked = HOUR;
            fixture.keepDue(SHOP);
            failing(passing().get(0));
            fixture.begin();

            pass(HOUR.minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(LOOK);
            assertThat(tried()).isEqualTo(2);
        }

        private long triedOfFive(IssuanceException failure) throws Exception {
            failing(failure);
            fixture.atOnce = 1;
            for (int i = 0; i < 5; i++) {
                fixture.keepDue(name(i));
            }
            fixture.begin();
            return fixture.orders.renewed.stream().distinct().count();
        }

        @Test
        void ofACaThatIsUnwellIsNotTriedWithEveryName() throws Exception {
            assertThat(triedOfFive(passing().get(1))).isEqualTo(3);
        }

        @Test
        void ofOneOrderIsTriedWithEveryOtherName() throws Exception {
            assertThat(triedOfFive(passing().get(0))).isEqualTo(5);
        }
    }

    @Nested
    class AFailureOfTheAccount {

        static List<IssuanceException> failures() {
            return concerningTheAccount();
        }

        @ParameterizedTest
        @MethodSource("failures")
        void hasEveryNameWaitAsLongAsTheCaSays(IssuanceException failure) throws Exception {
            failing(failure);
            fixture.atOnce = 1;
            fixture.keepDue(name(0));
            fixture.keepDue(name(1));
            fixture.begin();
            assertThat(fixture.orders.renewed).containsExactly(name(0));

            pass(HOUR.minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(LOOK);

            assertThat(tried()).as("one finds out").isEqualTo(2);
        }
    }

    @Nested
    class AFailureOfTheName {

        static List<IssuanceException> failures() {
            return concerningTheName();
        }

        @ParameterizedTest
        @MethodSource("failures")
        void isWrittenDownForAnHourAndKeepsNoOtherWaiting(IssuanceException failure) throws Exception {
            failing(failure);
            fixture.atOnce = 1;
            fixture.keepDue(name(0));
            fixture.keepDue(SHOP);

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(name(0), SHOP);
            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(HOUR));
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .hasSize(2)
                    .last()
                    .asString()
                    .contains("about 60 min");
        }

        @Test
        void isWrittenDownUpToATenthLater() throws Exception {
            fixture.random = 0.5;
            failing(concerningTheName().get(1));
            fixture.keepDue(SHOP);

            fixture.begin();

            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now().plus(Duration.ofMinutes(63)));
        }
    }

    @Nested
    class ABudgetThatIsSpent {

        private void spent() {
            failing(IssuanceException.OverBudget.ofAll(SHOP, "onDemandTls.budget.orders", HOUR));
            fixture.orders.blocked = Duration.ofHours(3);
        }

        @Test
        void hasTheNameTriedAgainWhenItFits() throws Exception {
            spent();
            fixture.keepDue(SHOP);
            fixture.begin();

            pass(HOUR.minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(LOOK);
            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void isNoReasonToKeepAnotherNameFromItsTurnThatMayNotCount() throws Exception {
            spent();
            fixture.atOnce = 1;
            fixture.keepDue(name(0));
            fixture.keepDue(name(1));

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(name(0), name(1));
        }
    }

    @Nested
    class WhatWasKnownBefore {

        private StoredCertificate after(IssuanceException failure) throws Exception {
            failing(failure);
            fixture.keepDue(fixture.record(SHOP.value())
                    .withDeniedSince(Optional.of(fixture.now().minus(HOUR)))
                    .withMoved(Optional.of(new Moved(fixture.now(), "192.0.2.7", "change A of it"))));
            fixture.begin();
            return fixture.stored(SHOP);
        }

        @Test
        void isOverWhereTheCaWasAskedAfterAll() throws Exception {
            StoredCertificate record = after(concerningTheName().get(1));

            assertThat(record.deniedSince()).isEmpty();
            assertThat(record.moved()).isEmpty();
        }

        @Test
        void isOverWhereTheCaDoesNotAnswer() throws Exception {
            StoredCertificate record = after(passing().get(1));

            assertThat(record.deniedSince()).isEmpty();
            assertThat(record.moved()).isEmpty();
            assertThat(record.due()).isEqualTo(fixture.now());
        }

        @Test
        void staysWhereNobodySaidWhetherItIsPermitted() throws Exception {
            StoredCertificate record = after(passing().get(2));

            assertThat(record.deniedSince()).isPresent();
            assertThat(record.moved()).isPresent();
        }

        @Test
        void staysWhereThereWasNoRoomToAsk() throws Exception {
            StoredCertificate record = after(new IssuanceException.Overloaded(SHOP, "onDemandTls.shield.askQueue"));

            assertThat(record.deniedSince()).isPresent();
            assertThat(record.moved()).isPresent();
        }

        @Test
        void ofADenialIsOverWhereThereWasNoRoomBehindThatQuestion() throws Exception {
            StoredCertificate record = after(passing().get(3));

            assertThat(record.deniedSince()).isEmpty();
            assertThat(record.moved()).isPresent();
        }

        @Test
        void ofWhereItLeadsStaysWhereTheStoreFails() throws Exception {
            assertThat(after(passing().get(4)).moved()).isPresent();
        }
    }

    @Nested
    class AnEndThatChangesNothing {

        private final CompletableFuture<KeyedCertificate> order = new CompletableFuture<>();

        private StoredCertificate begun() throws Exception {
            fixture.orders.renewing = name -> order;
            StoredCertificate before = fixture.keepDue(SHOP);
            fixture.begin();
            return before;
        }

        @Test
        void isThatOfTheServer() throws Exception {
            StoredCertificate before = begun();

            order.completeExceptionally(new IssuanceException.Stopping(SHOP));

            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
            pass(LOOK);
            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void isOneOfACertificateThatWasReplacedMeanwhile() throws Exception {
            StoredCertificate next = fixture.record(SHOP.value()).succeeding(begun());
            StoredCertificate saved = fixture.house.store().save(next);

            order.completeExceptionally(concerningTheName().get(1));

            assertThat(fixture.stored(SHOP).revision()).isEqualTo(saved.revision());
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isOneByAClockThatIsNotTrusted() throws Exception {
            StoredCertificate before = begun();
            fixture.time.jump(DAY);

            order.completeExceptionally(concerningTheName().get(1));

            assertThat(fixture.stored(SHOP).revision()).isEqualTo(before.revision());
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void andThatNobodyForesawIsToldAndTriedAgainAfterFiveMinutes() throws Exception {
            begun();

            order.completeExceptionally(new IllegalStateException("nobody foresaw this"));

            assertThat(fixture.lines(EventKind.DEFECT))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "nobody foresaw this");
            pass(FIVE_MINUTES.minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(LOOK);
            assertThat(tried()).isEqualTo(2);
        }
    }

    @Nested
    class TwoCas {

        @Test
        void doNotWaitForEachOther() throws Exception {
            FakeAuthority second = fixture.house.addAuthority("https://second.example/directory");
            fixture.atOnce = 2;
            List<CompletableFuture<KeyedCertificate>> orders = new ArrayList<>();
            fixture.orders.renewing = name -> {
                orders.add(new CompletableFuture<>());
                return orders.get(orders.size() - 1);
            };
            for (int i = 0; i < 3; i++) {
                fixture.keepDue(name(i));
            }
            StoredCertificate other = fixture.record(SHOP.value());
            fixture.house
                    .store()
                    .save(StoredCertificate.obtained(other.certificate(), second.id(), other.obtained(), fixture.now())
                            .withVisited(fixture.now()));
            StoredCertificate brought = fixture.record("brought.example.com");
            fixture.house
                    .store()
                    .save(StoredCertificate.obtained(
                                    brought.certificate(),
                                    "certbot",
                                    brought.obtained(),
                                    fixture.now().minusSeconds(1))
                            .withVisited(fixture.now()));

            fixture.begin();

            assertThat(fixture.orders.renewed).hasSize(2).contains(SHOP);
        }
    }
}
