package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;

/** {@link Issuance}: one order per name, kept before it is used, and every failure landing where it belongs. */
class IssuanceTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final ManualTime.Tasks orders = new ManualTime.Tasks();

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private RecordedEvents recorded;
    private Inventory inventory;
    private FakeAuthority authority;
    private CertificateStore store;
    private Issuance issuance;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
        time = house.time();
        recorded = house.recorded();
        inventory = house.inventory();
        authority = house.authority();
        store = house.store();
        issuance = issuance(orders::execute);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private Issuance issuance(Executor orderExecutor) throws Exception {
        return house.issuance(lookups, orderExecutor);
    }

    private CompletableFuture<KeyedCertificate> obtain(ServerName name) {
        CompletableFuture<KeyedCertificate> flight = issuance.obtain(name, ClientBlock.LOCAL);
        lookups.runAll();
        return flight;
    }

    private IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    @Nested
    class ANewName {

        @Test
        void isOrderedOncePublishedAndKept() throws Exception {
            CompletableFuture<KeyedCertificate> first = obtain(SHOP);
            CompletableFuture<KeyedCertificate> second = obtain(SHOP);
            orders.runAll();

            assertThat(authority.asked()).hasSize(1);
            assertThat(first.join()).isSameAs(second.join());
            assertThat(inventory.find(SHOP)).containsSame(first.join());
            assertThat(store.find(SHOP).orElseThrow().certificate().id())
                    .isEqualTo(first.join().id());
            assertThat(store.openOrders()).isEmpty();
            assertThat(issuance.inFlight()).isZero();
            assertThat(recorded.lines(EventKind.OBTAINED))
                    .singleElement()
                    .asString()
                    .startsWith("name=shop.example.com obtained from https://ca.example/directory");
        }

        @Test
        void isInTheStoreBeforeAnybodySeesIt() {
            List<Boolean> storedWhenSeen = new ArrayList<>();
            obtain(SHOP).thenAccept(certificate -> {
                try {
                    storedWhenSeen.add(store.find(SHOP).isPresent());
                } catch (Exception e) {
                    storedWhenSeen.add(false);
                }
            });

            orders.runAll();

            assertThat(storedWhenSeen).containsExactly(true);
        }

        @Test
        void thatIsNotPermittedCostsNoOrder() {
            CompletableFuture<KeyedCertificate> flight = obtain(ServerName.parse("stranger.example.net"));
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.NotPermitted.class);
            assertThat(authority.asked()).isEmpty();
            assertThat(issuance.remembered(ServerName.parse("stranger.example.net")))
                    .isPresent();
        }

        @Test
        void isRefusedAtOnceAndNotRememberedWhereTheQueueIsFull() throws Exception {
            issuance = issuance(task -> {
                throw new RejectedExecutionException();
            });

            assertThat(failureOf(obtain(SHOP)))
                    .isInstanceOf(IssuanceException.Overloaded.class)
                    .hasMessageContaining("onDemandTls.shield.ordersQueued");
            assertThat(issuance.remembered(SHOP)).isEmpty();
        }

        @Test
        void isRefusedWhileStopping() {
            issuance.stop();

            assertThat(failureOf(obtain(SHOP))).isInstanceOf(IssuanceException.Stopping.class);
        }
    }

    @Nested
    class AStoredName {

        @Test
        void isServedWithoutPermissionAndWithoutAnOrder() throws Exception {
            obtain(SHOP);
            orders.runAll();
            inventory.withdraw(SHOP);

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);

            assertThat(again).isCompleted();
            assertThat(authority.asked()).hasSize(1);
            assertThat(inventory.find(SHOP)).isPresent();
        }

        @Test
        void isServableUntilItExpiresAndAskingObtainsNothing() {
            CompletableFuture<Boolean> before = issuance.isServable(SHOP);
            lookups.runAll();
            assertThat(before).isCompletedWithValue(false);
            obtain(SHOP);
            orders.runAll();
            assertThat(issuance.isServable(SHOP)).isCompletedWithValue(true);
            inventory.withdraw(SHOP);

            CompletableFuture<Boolean> fromTheStore = issuance.isServable(SHOP);
            lookups.runAll();
            time.advance(Duration.ofDays(91));
            CompletableFuture<Boolean> expired = issuance.isServable(SHOP);
            lookups.runAll();

            assertThat(fromTheStore).isCompletedWithValue(true);
            assertThat(expired).isCompletedWithValue(false);
            assertThat(authority.asked()).hasSize(1);
        }

        @Test
        void isObtainedAnewOnceItHasExpired() throws Exception {
            obtain(SHOP);
            orders.runAll();
            time.advance(Duration.ofDays(91));
            assertThat(inventory.find(SHOP)).isEmpty();

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();

            assertThat(again).isCompleted();
            assertThat(authority.asked()).hasSize(2);
            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(2);
        }
    }

    @Nested
    class AFailure {

        @Test
        void ofTheCasIsRememberedAndItsOrderClosed() throws Exception {
            IssuanceException refusal = new IssuanceException.Rejected(SHOP, "caa", "CAA forbids", Duration.ZERO);
            authority.fail(refusal);
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isSameAs(refusal);
            assertThat(issuance.remembered(SHOP).orElseThrow()).hasMessage(refusal.getMessage());
            assertThat(store.openOrders()).isEmpty();
            assertThat(recorded.lines(EventKind.REJECTED))
                    .containsExactly("name=shop.example.com not obtained: rejected by the CA (caa): CAA forbids");
        }

        @Test
        void toReachTheCaLeavesTheOrderOpenAndIsTriedAgainWithTheSameKey() throws Exception {
            authority.fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null));
            obtain(SHOP);
            orders.runAll();
            time.advance(Duration.ofSeconds(2));
            assertThat(issuance.remembered(SHOP)).isEmpty();
            authority.fail(null);

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();

            assertThat(again).isCompleted();
            assertThat(authority.asked()).hasSize(2);
            assertThat(authority.asked().get(1).url()).contains(FakeAuthority.ORDER_URL);
            assertThat(authority.asked().get(1).key().getPublic())
                    .isEqualTo(authority.asked().get(0).key().getPublic());
        }

        @Test
        void isSharedByAllWhoWait() {
            IssuanceException down = new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null);
            authority.fail(down);
            List<CompletableFuture<KeyedCertificate>> waiting = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                waiting.add(obtain(SHOP));
            }
            orders.runAll();

            assertThat(waiting).allSatisfy(one -> assertThat(failureOf(one)).isSameAs(down));
            assertThat(authority.asked()).hasSize(1);
        }

        @Test
        void ofOurOwnIsReportedAsADefectAndRefused() {
            authority.crashAfterUrl(new AssertionError("unforeseen"));
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Unavailable.class);
            assertThat(recorded.lines(EventKind.DEFECT)).hasSize(1);
        }
    }

    @Nested
    class AStoreThatCannotBeWritten {

        private void breakStore() throws Exception {
            Files.move(directory.resolve("tmp"), directory.resolve("tmp-away"));
        }

        private void mendStore() throws Exception {
            Files.move(directory.resolve("tmp-away"), directory.resolve("tmp"));
        }

        @Test
        void refusesNewNamesBeforeTheCaIsAskedAndIsToldOfOnce() throws Exception {
            breakStore();
            for (int i = 0; i < 5; i++) {
                CompletableFuture<KeyedCertificate> flight = obtain(ServerName.parse("n" + i + ".example.com"));
                orders.runAll();
                assertThat(failureOf(flight)).isInstanceOf(IssuanceException.StoreFailed.class);
            }

            assertThat(authority.asked()).isEmpty();
            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains("check disk space");
        }

        @Test
        void servesAgainByItselfOnceItIsMended() throws Exception {
            breakStore();
            obtain(SHOP);
            orders.runAll();
            mendStore();
            time.advance(Duration.ofSeconds(3));
            assertThat(issuance.remembered(SHOP)).isEmpty();

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();
            assertThat(again).isCompleted();
            time.advance(Duration.ofSeconds(10));
            obtain(ServerName.parse("later.example.com"));
            orders.runAll();

            assertThat(recorded.lines(EventKind.RECOVERED)).hasSize(1);
        }
    }

    @Nested
    class WhatTheCaReturns {

        @Test
        void forAnotherNameIsNeitherStoredNorServed() throws Exception {
            authority.signNames("other.example.com");
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(store.find(SHOP)).isEmpty();
            assertThat(store.find(ServerName.parse("other.example.com"))).isEmpty();
        }

        @Test
        void forAnotherKeyIsNeitherStoredNorServed() throws Exception {
            authority.signKey(TestCertificates.key().getPublic());
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(store.find(SHOP)).isEmpty();
        }

        @Test
        void leavesThePreviousCertificateWhereItIsBad() throws Exception {
            obtain(SHOP);
            orders.runAll();
            String before = store.find(SHOP).orElseThrow().certificate().id();
            time.advance(Duration.ofDays(91));
            authority.signNames("other.example.com");

            obtain(SHOP);
            orders.runAll();

            assertThat(store.find(SHOP).orElseThrow().certificate().id()).isEqualTo(before);
        }
    }

    @Nested
    class SeveralCas {

        private FakeAuthority next;

        @BeforeEach
        void addOne() throws Exception {
            next = house.addAuthority("https://next.example/directory");
            issuance = issuance(orders::execute);
        }

        private CompletableFuture<KeyedCertificate> visit(String name) {
            CompletableFuture<KeyedCertificate> flight = obtain(ServerName.parse(name));
            orders.runAll();
            return flight;
        }

        private void down() {
            authority.fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(2), null));
        }

        @Test
        void theFirstIsAskedWhileItWorks() {
            assertThat(visit("a.example.com")).isCompleted();
            assertThat(next.asked()).isEmpty();
            assertThat(authority.asked().get(0).patience()).isLessThan(Duration.ofSeconds(13));
        }

        @Test
        void theNextIsAskedInTheSameVisitWithTheSameKey() throws Exception {
            down();

            assertThat(visit("a.example.com")).isCompleted();

            assertThat(next.asked().get(0).key().getPublic())
                    .isEqualTo(authority.asked().get(0).key().getPublic());
            assertThat(store.find(ServerName.parse("a.example.com"))
                            .orElseThrow()
                            .issuer())
                    .isEqualTo(next.id());
            assertThat(recorded.lines(EventKind.NEXT_CA)).hasSize(1);
        }

        @Test
        void anOrderIsFinishedWhereItWasPlaced() throws Exception {
            down();
            authority.placesBeforeFailing(false);
            next.crashAfterUrl(new Error("killed"));
            visit("a.example.com");
            authority.fail(null);
            next.crashAfterUrl(null);
            house.reopenStore();
            store = house.store();
            issuance = issuance(orders::execute);

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(next.asked()).hasSize(2);
            assertThat(next.asked().get(1).url()).contains(FakeAuthority.ORDER_URL);
            assertThat(authority.asked()).hasSize(1);
            assertThat(store.find(ServerName.parse("a.example.com"))).isPresent();
        }

        @Test
        void theOneThatDidNotAnswerIsTriedLastForAMinute() {
            down();
            visit("a.example.com");
            authority.fail(null);
            visit("b.example.com");
            assertThat(authority.asked()).hasSize(1);

            time.advance(Duration.ofMinutes(1));
            visit("c.example.com");

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void theNextIsAskedWhereThePolicyOfOneForbidsTheName() {
            authority.fail(new IssuanceException.Rejected(SHOP, "caa", "CAA forbids", Duration.ZERO));

            assertThat(visit("a.example.com")).isCompleted();
        }

        @Test
        void noOtherIsAskedWhereTheNameItselfCannotBeValidated() {
            authority.fail(new IssuanceException.Rejected(SHOP, "connection", "refused", Duration.ZERO));

            assertThat(failureOf(visit("a.example.com"))).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(next.asked()).isEmpty();
        }

        @Test
        void aLimitOfOneIsNotTriedAgainBeforeItEnds() {
            authority.fail(new IssuanceException.RateLimited(
                    SHOP, new Scope.Account(authority.id()), "slow down", Duration.ofHours(1)));
            visit("a.example.com");
            time.advance(Duration.ofMinutes(59));
            visit("b.example.com");
            assertThat(authority.asked()).hasSize(1);
            assertThat(next.asked()).hasSize(2);
            authority.fail(null);

            time.advance(Duration.ofMinutes(1));
            visit("c.example.com");

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void limitsOfAllRefuseAVisitorAtOnceWithoutAskingPermission() {
            authority.fail(new IssuanceException.RateLimited(
                    SHOP, new Scope.Account(authority.id()), "slow down", Duration.ofHours(1)));
            next.fail(new IssuanceException.RateLimited(
                    SHOP, new Scope.Account(next.id()), "slow down", Duration.ofHours(1)));
            visit("a.example.com");

            CompletableFuture<KeyedCertificate> second = obtain(ServerName.parse("b.example.com"));

            assertThat(failureOf(second)).isInstanceOf(IssuanceException.RateLimited.class);
            assertThat(orders.size()).isZero();
        }

        @Test
        void aRenewalStaysWithTheOneThatIssued() throws Exception {
            down();
            visit("a.example.com");
            authority.fail(null);
            time.advance(Duration.ofMinutes(2));

            CompletableFuture<KeyedCertificate> renewed = issuance.renew(ServerName.parse("a.example.com"));
            orders.runAll();

            assertThat(renewed).isCompleted();
            assertThat(authority.asked()).hasSize(1);
            assertThat(next.asked()).hasSize(2);
        }

        @Test
        void ofAllFailuresTheOneAboutTheNameIsTold() {
            down();
            next.fail(new IssuanceException.Rejected(SHOP, "connection", "refused", Duration.ZERO));

            assertThat(failureOf(visit("a.example.com"))).isInstanceOf(IssuanceException.Rejected.class);
        }

        @Test
        void aNameThatOnlyTheNextDoesNotWantWaitsForTheOneThatIsDown() {
            down();
            next.placesBeforeFailing(true);
            next.fail(new IssuanceException.Rejected(SHOP, "caa", "CAA forbids", Duration.ZERO));
            assertThat(failureOf(visit("a.example.com")))
                    .isInstanceOfSatisfying(IssuanceException.Rejected.class, refusal -> {
                        assertThat(refusal.isPassing()).isTrue();
                        assertThat(refusal).hasMessageContaining("CAA forbids").hasMessageContaining("down");
                    });

            authority.fail(null);
            time.advance(Duration.ofMinutes(2));

            assertThat(visit("a.example.com")).isCompleted();
            assertThat(next.asked()).hasSize(1);
        }

        @Test
        void oneThatTheRecordsForbidIsNotAskedUnlessAllAreForbidden() {
            down();
            next.forbidden(true);

            assertThat(failureOf(visit("a.example.com"))).isInstanceOf(IssuanceException.Unavailable.class);
            assertThat(next.asked()).isEmpty();

            authority.forbidden(true);
            visit("b.example.com");
            assertThat(next.asked()).hasSize(1);
        }

        @Test
        void aRefusalAtTheNextIsPacedWhileTheFirstIsDown() {
            down();
            next.placesBeforeFailing(false);
            next.fail(new IssuanceException.Rejected(SHOP, "rejectedIdentifier", "policy", Duration.ZERO));
            visit("a.example.com");
            time.advance(Duration.ofSeconds(50));
            visit("a.example.com");
            assertThat(next.asked()).hasSize(1);

            time.advance(Duration.ofSeconds(20));
            visit("a.example.com");
            assertThat(next.asked()).hasSize(2);
        }
    }

    @Nested
    class ARenewal {

        private CompletableFuture<KeyedCertificate> renew() {
            CompletableFuture<KeyedCertificate> flight = issuance.renew(SHOP);
            orders.runAll();
            return flight;
        }

        @Test
        void replacesWhatIsStoredAndServed() throws Exception {
            KeyedCertificate first = obtainNow();

            KeyedCertificate second = renew().join();

            assertThat(second.id()).isNotEqualTo(first.id());
            assertThat(inventory.find(SHOP)).containsSame(second);
            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(2);
            assertThat(authority.asked().get(1).replaces()).contains(first.leaf());
        }

        @Test
        void thatFailsLeavesWhatIsServed() {
            KeyedCertificate first = obtainNow();
            authority.fail(new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ZERO));

            assertThat(failureOf(renew())).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(inventory.find(SHOP)).containsSame(first);
        }

        @Test
        void thatACrashLeftOpenIsFinishedAndNotTakenForTheOldOne() throws Exception {
            KeyedCertificate first = obtainNow();
            time.advance(Duration.ofDays(60));
            authority.crashAfterUrl(new AssertionError("killed"));
            renew();
            authority.crashAfterUrl(null);
            issuance = issuance(orders::execute);

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(authority.asked().get(2).url()).contains(FakeAuthority.ORDER_URL);
            assertThat(store.find(SHOP).orElseThrow().certificate().id()).isNotEqualTo(first.id());
            assertThat(store.openOrders()).isEmpty();
        }

        @Test
        void thatWasNeverPlacedIsClosedAtTheNextStart() throws Exception {
            obtainNow();
            authority.placesBeforeFailing(false);
            authority.fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null));
            renew();
            assertThat(store.openOrders()).hasSize(1);
            issuance = issuance(orders::execute);

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(store.openOrders()).isEmpty();
            assertThat(authority.asked()).hasSize(2);
        }

        private KeyedCertificate obtainNow() {
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();
            return flight.join();
        }
    }

    @Nested
    class AClockThatJumped {

        @Test
        void costsAVisitedNameOneOrderAtMost() {
            obtain(SHOP);
            orders.runAll();
            time.jump(Duration.ofDays(200));
            authority.signedAt(time.clock().instant().minus(Duration.ofDays(200)));
            for (int hour = 0; hour < 20; hour++) {
                obtain(SHOP);
                orders.runAll();
                time.advance(Duration.ofHours(1));
                assertThat(issuance.remembered(SHOP)).isPresent();
            }
            assertThat(authority.asked()).hasSize(2);
        }
    }

    @Nested
    class AfterACrash {

        private void crashWithAnOpenOrder() throws Exception {
            authority.crashAfterUrl(new AssertionError("killed"));
            obtain(SHOP);
            orders.runAll();
            authority.crashAfterUrl(null);
            issuance = issuance(orders::execute);
        }

        @Test
        void theOpenOrderDoesNotEndWhenTheOneBeforeItDoes() throws Exception {
            authority.placesAnotherBefore(time.clock().instant().plusSeconds(60));
            crashWithAnOpenOrder();

            OpenOrder open = store.openOrder(SHOP).orElseThrow();
            assertThat(open.url()).contains(FakeAuthority.ORDER_URL);
            assertThat(open.expires()).isEmpty();
        }

        @Test
        void theOpenOrderIsFinishedWithItsKeyAndUrl() throws Exception {
            crashWithAnOpenOrder();

            CompletableFuture<Void> resumed = issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(resumed).isCompleted();
            assertThat(authority.asked()).hasSize(2);
            assertThat(authority.asked().get(1).url()).contains(FakeAuthority.ORDER_URL);
            assertThat(authority.asked().get(1).key().getPrivate())
                    .isEqualTo(authority.asked().get(0).key().getPrivate());
            assertThat(Arrays.equals(
                            authority.asked().get(1).csr(),
                            authority.asked().get(0).csr()))
                    .isTrue();
            assertThat(inventory.find(SHOP)).isPresent();
            assertThat(store.openOrders()).isEmpty();
        }

        @Test
        void aPauseOfOthersLeavesTheOpenOrderToBeFinished() throws Exception {
            crashWithAnOpenOrder();
            issuance.pauses().pause(Pauses.domain("other.example"));

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(inventory.find(SHOP)).isPresent();
            assertThat(store.openOrders()).isEmpty();
        }

        private void unfinished(Duration after) throws Exception {
            time.advance(after);
            authority.failOnce(IssuanceException.Unavailable.unfinished(
                    SHOP, "the CA has not issued the certificate", Duration.ofSeconds(1)));
            obtain(SHOP);
            lookups.runAll();
            orders.runAll();
        }

        @Test
        void anOrderThatIsProcessedForEverIsGivenUpForAnotherWithTheSameKey() throws Exception {
            crashWithAnOpenOrder();
            unfinished(OrderPipeline.LONGEST_PROCESSING.minusSeconds(1));
            assertThat(store.openOrder(SHOP).orElseThrow().url()).contains(FakeAuthority.ORDER_URL);

            unfinished(Duration.ofSeconds(1));

            assertThat(store.openOrder(SHOP).orElseThrow().url()).isEmpty();
            time.advance(Duration.ofMinutes(1));
            CompletableFuture<KeyedCertificate> visit = obtain(SHOP);
            lookups.runAll();
            orders.runAll();
            assertThat(visit).isCompleted();
            assertThat(authority.asked()).hasSize(4);
            assertThat(authority.asked().get(3).url()).isEmpty();
            assertThat(authority.asked().get(3).key().getPrivate())
                    .isEqualTo(authority.asked().get(0).key().getPrivate());
        }

        @Test
        void anOrderOfACaThatDoesNotAnswerIsNotGivenUp() throws Exception {
            crashWithAnOpenOrder();
            time.advance(OrderPipeline.LONGEST_PROCESSING.multipliedBy(2));
            authority.failOnce(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(1), null));

            obtain(SHOP);
            lookups.runAll();
            orders.runAll();

            assertThat(store.openOrder(SHOP).orElseThrow().url()).contains(FakeAuthority.ORDER_URL);
        }

        @Test
        void aVisitorJoinsTheFlightThatFinishesTheOrder() throws Exception {
            crashWithAnOpenOrder();
            issuance.resumeOpenOrders();
            lookups.runAll();

            CompletableFuture<KeyedCertificate> visit = obtain(SHOP);
            orders.runAll();

            assertThat(visit.join()).isSameAs(inventory.find(SHOP).orElseThrow());
            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void anOrderWhoseCertificateIsStoredIsOnlyClosed() throws Exception {
            obtain(SHOP);
            orders.runAll();
            inventory.withdraw(SHOP);
            store.journal(new OpenOrder(
                    SHOP,
                    authority.id(),
                    time.clock().instant(),
                    Optional.of(FakeAuthority.ORDER_URL),
                    TestCertificates.key(),
                    new byte[] {1}));

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(authority.asked()).hasSize(1);
            assertThat(store.openOrders()).isEmpty();
            assertThat(inventory.find(SHOP)).isPresent();
        }
    }
}
