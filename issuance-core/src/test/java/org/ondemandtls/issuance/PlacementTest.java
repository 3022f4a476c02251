package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.UnexplainedException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;

/** {@link Placement} and {@link OrderPipeline}: what an order leaves behind, and which CA is asked next, for how long. */
class PlacementTest {

    private static final String NEXT = "https://next.example/directory";
    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private FakeAuthority authority;
    private Issuance issuance;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        authority = house.authority();
        issuance = issuance();
    }

    @AfterEach
    void close() {
        house.close();
    }

    private Issuance issuance() throws Exception {
        return house.issuance(new DirectExecutor(), new DirectExecutor());
    }

    private CompletableFuture<KeyedCertificate> visit(ServerName name) {
        return issuance.obtain(name, ClientBlock.LOCAL);
    }

    private static IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    private StoredCertificate stored(ServerName name) throws Exception {
        return house.store().find(name).orElseThrow();
    }

    private Instant now() {
        return house.time().clock().instant();
    }

    private Unavailable unwell() {
        return Unavailable.unwell(SHOP, "no answer", Duration.ofSeconds(1), null);
    }

    private static RateLimited limited(ServerName name, String issuer) {
        return new RateLimited(name, new Scope.Account(issuer), "too many orders", Duration.ofHours(1));
    }

    private List<String> lines(EventKind kind) {
        return house.recorded().lines(kind);
    }

    @Nested
    class AnOrderThatSucceeds {

        @Test
        void isTimedFromItsTurnToItsEnd() {
            authority.whileSigning(() -> house.time().advance(Duration.ofSeconds(3)));

            visit(SHOP);

            assertThat(timed("obtained").seconds()).isEqualTo(3.0);
            assertThat(lines(EventKind.OBTAINED)).singleElement().asString().contains("in 3000 ms");
        }

        @Test
        void leavesNothingOfTheRefusalsBeforeIt() throws Exception {
            authority.fail(new Rejected(SHOP, "unauthorized", "404", Duration.ZERO));
            visit(SHOP);
            assertThat(house.store().holds(10)).isNotEmpty();
            house.time().advance(Duration.ofDays(2));
            authority.fail(null);

            assertThat(visit(SHOP)).isCompleted();

            assertThat(house.store().holds(10)).isEmpty();
        }

        @Test
        void beginsTheCountOfUnexplainedOrdersAnew() {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 2; i++) {
                    authority.failOnce(new Unavailable(
                            SHOP, "invalid without a word", Duration.ofSeconds(1), new UnexplainedException()));
                    assertThat(failureOf(visit(SHOP))).isInstanceOf(Unavailable.class);
                    house.time().advance(Duration.ofMinutes(10));
                }
                assertThat(round == 0 ? visit(SHOP) : issuance.renew(SHOP)).isCompleted();
                house.inventory().withdraw(SHOP);
                house.time().advance(Duration.ofDays(100));
            }
        }

        @Test
        void isLookedAtWhenTheCaIsToBeAskedWhetherItAdvisesAndWhenItIsRenewedOtherwise() throws Exception {
            visit(OTHER);
            assertThat(stored(OTHER).due()).isEqualTo(stored(OTHER).renew());
            authority.advise(now().plus(Duration.ofDays(50)), now().plus(Duration.ofDays(51)), Duration.ofHours(6));

            visit(SHOP);

            assertThat(stored(SHOP).due()).isAfterOrEqualTo(now()).isBefore(now().plus(Duration.ofDays(2)));
            assertThat(stored(SHOP).renew()).isAfter(now().plus(Duration.ofDays(50)));
        }

        @Test
        void takesOverWhatIsKnownOfItsPredecessor() throws Exception {
            visit(SHOP);
            Instant visited = now();
            house.store().save(stored(SHOP).withVisited(visited));
            house.time().advance(Duration.ofDays(60));

            assertThat(issuance.renew(SHOP)).isCompleted();

            assertThat(stored(SHOP).visited()).contains(visited);
            assertThat(stored(SHOP).obtained()).isEqualTo(now());
            assertThat(lines(EventKind.RENEWED)).hasSize(1);
        }
    }

    @Nested
    class AnOrderThatFails {

        @Test
        void isTimedByWhatCameOfIt() {
            authority.fail(new Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
            authority.whileSigning(() -> house.time().advance(Duration.ofSeconds(2)));

            IssuanceException failure = failureOf(visit(SHOP));

            assertThat(timed(failure.kind()).seconds()).isEqualTo(2.0);
        }

        @Test
        void makesTheCaUnwellUntilItAnswersThoughWithARefusal() {
            authority.fail(unwell());
            visit(SHOP);
            assertThat(issuance.health(authority.id()).isWell()).isFalse();
            authority.fail(new Rejected(OTHER, "caa", "forbidden", Duration.ZERO));
            house.time().advance(Duration.ofMinutes(5));

            visit(OTHER);

            assertThat(issuance.health(authority.id()).isWell()).isTrue();
            assertThat(lines(EventKind.RECOVERED)).hasSize(1);
        }

        @Test
        void makesTheCaUnwellWhereItRefusesTheAccount() {
            authority.fail(new IssuanceException.AccountRefused(SHOP, "deactivated", Duration.ofMinutes(1)));

            visit(SHOP);

            assertThat(issuance.health(authority.id()).isWell()).isFalse();
            assertThat(issuance.health(authority.id()).why()).contains("deactivated");
        }

        @Test
        void isHeldAgainstTheNameOnceThreeInARowHaveDoneSoWithoutAWord() {
            authority.fail(
                    new Unavailable(SHOP, "invalid without a word", Duration.ofSeconds(1), new UnexplainedException()));
            for (int i = 0; i < 2; i++) {
                assertThat(failureOf(visit(SHOP))).isInstanceOf(Unavailable.class);
                house.time().advance(Duration.ofMinutes(1));
            }

            assertThat(failureOf(visit(SHOP))).isInstanceOfSatisfying(Rejected.class, told -> {
                assertThat(told.isPassing()).isTrue();
                assertThat(told).hasMessageContaining("(invalidOrder): invalid without a word");
            });
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void isNotEvenBegunAtACaThatIsOutOfService() throws Exception {
            Unavailable out = new Unavailable(SHOP, "no account yet", Duration.ofMinutes(7), null);
            authority.putOutOfService(out);

            assertThat(issuance.held(SHOP)).containsSame(out);
            assertThat(failureOf(visit(SHOP))).isSameAs(out);

            assertThat(authority.asked()).isEmpty();
            assertThat(house.store().openOrders()).isEmpty();
            authority.putOutOfService(null);
            assertThat(issuance.held(SHOP)).isEmpty();
        }

        @Test
        void isToldAsTheCasWhereItLimitsAndOverWhenItGivesACertificate() {
            authority.fail(limited(SHOP, authority.id()));
            visit(SHOP);
            assertThat(lines(EventKind.AUTHORITY_UNAVAILABLE))
                    .singleElement()
                    .asString()
                    .contains("not obtained", "too many orders");
            authority.fail(null);
            house.time().advance(Duration.ofHours(1));

            assertThat(visit(SHOP)).isCompleted();

            assertThat(lines(EventKind.RECOVERED)).hasSize(1);
        }

        @Test
        void ofACaIsNoWaitForAnotherNameOnceAnOperatorHasItTriedAgain() throws Exception {
            authority.fail(limited(SHOP, authority.id()));
            visit(SHOP);
            assertThat(issuance.held(SHOP)).isPresent();
            issuance = issuance();
            assertThat(issuance.remembered(SHOP))
                    .as("a new life, before it looks")
                    .isEmpty();
            assertThat(issuance.held(SHOP)).as("as the store knows").isPresent();
            authority.fail(null);

            issuance.retry(SHOP);

            assertThat(issuance.held(SHOP)).isEmpty();
            assertThat(house.store().holds(10)).isEmpty();
            assertThat(visit(SHOP)).isCompleted();
        }
    }

    @Nested
    class WhatIsLeftOfAnOrder {

        @Test
        void thatWasNotPlacedIsItsKeyAndItsBeginning() throws Exception {
            authority.placesBeforeFailing(false);
            authority.fail(unwell());
            visit(SHOP);
            OpenOrder before = house.store().openOrder(SHOP).orElseThrow();
            assertThat(before.started()).isEqualTo(now());
            house.time().advance(Duration.ofMinutes(5));

            visit(SHOP);

            OpenOrder after = house.store().openOrder(SHOP).orElseThrow();
            assertThat(after.started()).isEqualTo(before.started());
            assertThat(after.key().getPrivate()).isEqualTo(before.key().getPrivate());
        }

        @Test
        void thatTheNextCaGotIsItsOwn() throws Exception {
            FakeAuthority next = house.addAuthority(NEXT);
            issuance = issuance();
            authority.placesBeforeFailing(false);
            next.placesBeforeFailing(false);
            authority.fail(unwell());
            next.fail(unwell());

            visit(SHOP);

            assertThat(house.store().openOrder(SHOP).orElseThrow().issuer()).isEqualTo(NEXT);
        }

        private void unfinishedForHours() {
            authority.fail(Unavailable.unfinished(SHOP, "not issued yet", Duration.ofSeconds(1)));
            visit(SHOP);
            house.time().advance(Duration.ofHours(2));
            visit(SHOP);
        }

        @Test
        void thatTheCaDoesNotFinishIsGivenUpAndToldOf() throws Exception {
            Instant began = now();

            unfinishedForHours();

            assertThat(house.store().openOrder(SHOP).orElseThrow().url()).isEmpty();
            assertThat(lines(EventKind.RESUMED))
                    .containsExactly(
                            "name=shop.example.com dropped the open order: the CA has not finished it since " + began);
        }

        @Test
        void thatTheCaHasNotHeardOfIsNotGivenUp() throws Exception {
            Instant began = now();
            authority.placesBeforeFailing(false);

            unfinishedForHours();

            assertThat(house.store().openOrder(SHOP).orElseThrow().started()).isEqualTo(began);
            assertThat(lines(EventKind.RESUMED)).isEmpty();
        }
    }

    @Nested
    class WhatIsNotValidByTheClock {

        private IssuanceException signedLongAgo() {
            authority.signedAt(now().minus(Duration.ofDays(200)));
            return failureOf(visit(SHOP));
        }

        @Test
        void isTheCasFaultWhereTheClockIsTrusted() {
            assertThat(signedLongAgo())
                    .hasMessageContaining("what it returned cannot be used")
                    .hasMessageNotContaining("jumped");
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void isPerhapsTheClocksWhereThatHasJumpedAndWaitsForIt() throws Exception {
            house.time().jump(Duration.ofDays(200));

            assertThat(signedLongAgo()).hasMessageEndingWith(", and the clock of this machine has jumped");
            assertThat(issuance.blockedFor(SHOP)).isGreaterThan(Duration.ofDays(1));
            assertThat(house.store().holds(10)).isEmpty();
        }
    }

    @Nested
    class ARenewalThatIsRefused {

        private Duration refused(Duration lifetime) throws Exception {
            authority.lifetime(lifetime);
            visit(SHOP);
            house.time().advance(Duration.ofHours(6));
            issuance = issuance();
            authority.fail(new Rejected(SHOP, "unauthorized", "404", Duration.ZERO));
            assertThat(issuance.renew(SHOP)).isCompletedExceptionally();
            return Duration.between(
                    now(),
                    house.store().hold(new Scope.Name(SHOP)).orElseThrow().until());
        }

        @Test
        void byTheFirstOrderAfterARestartIsTriedAgainAsTheLifeOfItsCertificateAllows() throws Exception {
            assertThat(refused(Duration.ofDays(2))).isEqualTo(Duration.ofSeconds(12));
        }

        @Test
        void isTriedAgainByTheScheduleWhereItsCertificateLivesForLong() throws Exception {
            assertThat(refused(Duration.ofDays(90))).isEqualTo(Duration.ofMinutes(1));
        }
    }

    @Nested
    class WithTwoCas {

        private FakeAuthority next;

        @BeforeEach
        void addOne() throws Exception {
            next = house.addAuthority(NEXT);
            issuance = issuance();
        }

        @Test
        void theFirstGetsAShareOfTheClientsTimeAndTheLastWhatAnOrderMayTake() {
            authority.fail(unwell());

            assertThat(visit(SHOP)).isCompleted();

            // Two fifths of the client's 25 seconds.
            assertThat(authority.asked().get(0).patience()).isEqualTo(Duration.ofSeconds(10));
            assertThat(next.asked().get(0).patience()).isEqualTo(Authority.LONGEST_ORDER);
        }

        @Test
        void theNextIsNotAskedOnceTheServerStops() {
            authority.fail(unwell());
            authority.whileSigning(issuance::stop);

            assertThat(failureOf(visit(SHOP))).isInstanceOf(Unavailable.class);

            assertThat(next.asked()).isEmpty();
        }

        @Test
        void anOrderThatNoCaHasHeardOfIsPlacedWithTheFirst() {
            authority.placesBeforeFailing(false);
            next.placesBeforeFailing(false);
            authority.fail(unwell());
            next.fail(unwell());
            visit(SHOP);
            assertThat(next.asked()).hasSize(1);
            authority.fail(null);
            next.fail(null);
            house.time().advance(Duration.ofMinutes(5));

            assertThat(visit(SHOP)).isCompleted();

            assertThat(authority.asked()).hasSize(2);
            assertThat(next.asked()).hasSize(1);
        }

        @Test
        void theOneThatRefusesTheAccountIsTriedLastForAMinute() {
            authority.fail(new IssuanceException.AccountRefused(SHOP, "deactivated", Duration.ofMinutes(1)));
            visit(SHOP);
            assertThat(lines(EventKind.AUTHORITY_UNAVAILABLE))
                    .anySatisfy(line -> assertThat(line).contains("not obtained"));
            int before = authority.asked().size();

            assertThat(visit(OTHER)).isCompleted();

            assertThat(authority.asked()).hasSize(before);
            assertThat(next.asked()).hasSize(2);
        }

        @Test
        void whatBothLimitIsToldWithTheShorterWait() throws Exception {
            authority.fail(limited(SHOP, authority.id()));
            next.fail(new RateLimited(SHOP, new Scope.Account(next.id()), "later", Duration.ofMinutes(20)));
            visit(SHOP);

            assertThat(issuance.held(OTHER).orElseThrow().retryAfter()).isEqualTo(Duration.ofMinutes(20));
            assertThat(failureOf(visit(OTHER)).retryAfter()).isEqualTo(Duration.ofMinutes(20));
            assertThat(authority.asked()).hasSize(1);
            assertThat(next.asked()).hasSize(1);
        }

        @Test
        void whatBothLimitForTheSameTimeIsToldInTheWordsOfTheFirst() throws Exception {
            authority.fail(limited(SHOP, authority.id()));
            next.fail(new RateLimited(SHOP, new Scope.Account(next.id()), "later", Duration.ofHours(1)));
            visit(SHOP);

            assertThat(issuance.held(OTHER).orElseThrow()).hasMessageContaining("too many orders");
        }

        @Test
        void whatSendsAnOrderToTheNextIsTold() {
            authority.fail(unwell());

            visit(SHOP);

            assertThat(lines(EventKind.NEXT_CA)).containsExactly("name=shop.example.com no answer; trying " + NEXT);
        }
    }

    private Figures.Series timed(String result) {
        return house.recorded().events().figures().series().stream()
                .filter(series -> series.figure() == Figure.ORDER
                        && series.values().contains(result)
                        && series.values().contains(authority.id()))
                .filter(series -> series.count() == 1)
                .findFirst()
                .orElseThrow();
    }
}
