package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.file.Path;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.UnexplainedException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.certificate.SpareKeys;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestCertificates;

/** {@link Issuance}: what a CA says is held against whom it concerns: a name, all names, the CA, or nobody. */
class CaAnswersTest {

    private static final String CA = "https://ca.example/directory";
    private static final ServerName SHOP = ServerName.parse("shop.one.example");

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private FakeAuthority authority;
    private final AtomicReference<Decision> decision = new AtomicReference<>(new Decision.Granted());
    private int asked;
    private Issuance issuance;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
        house.ask((name, purpose) -> {
            asked++;
            return CompletableFuture.completedFuture(decision.get());
        });
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

    private CompletableFuture<KeyedCertificate> visit(String name) {
        return issuance.obtain(ServerName.parse(name), ClientBlock.LOCAL);
    }

    private static IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    private void advance(Duration by) {
        house.time().advance(by);
    }

    private void refuseKeys() {
        authority.fail(Rejected.general(SHOP, "badPublicKey", "RSA is not taken", Duration.ZERO));
    }

    @Nested
    class ThatConcernsEveryName {

        @Test
        void costsTwoOrdersThenOneAMinuteAndSaysWhatToChangeOnce() {
            refuseKeys();
            for (int i = 0; i < 6; i++) {
                visit("shop.number" + i + ".example");
            }

            assertThat(authority.asked()).hasSize(2);
            assertThat(house.recorded().lines(EventKind.AUTHORITY_UNAVAILABLE))
                    .singleElement()
                    .asString()
                    .contains("change onDemandTls.certificate.key");
            for (int minute = 1; minute <= 5; minute++) {
                advance(Duration.ofMinutes(1));
                for (int i = 0; i < 6; i++) {
                    visit("shop.number" + i + ".example");
                }
                assertThat(authority.asked()).hasSize(2 + minute);
            }
        }

        @Test
        void isHeldAgainstNoNameOverARestart() throws Exception {
            refuseKeys();
            for (int i = 0; i < 6; i++) {
                visit("shop.number" + i + ".example");
            }

            assertThat(house.store().holds(10)).isEmpty();
            assertThat(house.store().openOrders()).isEmpty();
        }

        @Test
        void endsForAllWithTheFirstSuccess() {
            refuseKeys();
            for (int i = 0; i < 6; i++) {
                visit("shop.number" + i + ".example");
            }
            authority.fail(null);
            advance(Duration.ofMinutes(1));

            for (int i = 5; i >= 0; i--) {
                assertThat(visit("shop.number" + i + ".example")).isCompleted();
            }
        }

        @Test
        void isSaidToWhoeverAsksForAName() throws Exception {
            refuseKeys();
            visit("shop.one.example");
            visit("shop.two.example");

            assertThat(issuance.held(ServerName.parse("shop.three.example")).orElseThrow())
                    .isInstanceOf(IssuanceException.RefusesAll.class)
                    .hasMessageStartingWith("shop.three.example: the CA " + CA + " refuses every name at present");
        }

        @Test
        void isNoHealthOfTheCaUntilItGivesACertificate() {
            refuseKeys();
            visit("shop.one.example");
            assertThat(issuance.health(CA).isWell()).as("one name").isTrue();
            visit("shop.two.example");
            assertThat(issuance.health(CA).isWell()).isFalse();
            assertThat(issuance.health(CA).why()).contains("change onDemandTls.certificate.key");

            authority.fail(new Rejected(SHOP, "unauthorized", "404", Duration.ZERO));
            advance(Duration.ofMinutes(1));
            visit("shop.three.example");
            assertThat(issuance.health(CA).isWell())
                    .as("a name of its own fault")
                    .isFalse();
            authority.fail(null);
            advance(Duration.ofMinutes(1));
            visit("shop.four.example");

            assertThat(issuance.health(CA).isWell()).isTrue();
        }

        @Test
        void isAskedOfTheNextCaWithTheKindOfKeyThatOneSigns() throws Exception {
            FakeAuthority next = house.addAuthority("https://next.example/directory");
            house.keys(new SpareKeys(KeyType.RSA_2048, Map.of(next.id(), KeyType.P_384), 1, Runnable::run));
            issuance = issuance();
            authority.fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(1), null));

            assertThat(visit("shop.one.example")).isCompleted();

            assertThat(authority.asked().get(0).key().getPublic()).isInstanceOf(RSAPublicKey.class);
            assertThat(next.asked().get(0).key().getPublic()).isInstanceOf(ECPublicKey.class);
        }

        @Test
        void isMendedForAnOrderThatWasLeftUnplacedToo() throws Exception {
            authority.placesBeforeFailing(false);
            authority.fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(1), null));
            visit(SHOP.value());
            assertThat(house.store().openOrder(SHOP).orElseThrow().key().getPublic())
                    .isInstanceOf(ECPublicKey.class);
            house.keys(new SpareKeys(KeyType.RSA_2048, Map.of(), 1, Runnable::run));
            issuance = issuance();
            authority.fail(null);
            advance(Duration.ofMinutes(1));

            assertThat(visit(SHOP.value())).isCompleted();

            assertThat(authority.asked().get(1).key().getPublic()).isInstanceOf(RSAPublicKey.class);
        }

        @Test
        void sendsEveryNameToTheNextCa() throws Exception {
            FakeAuthority next = house.addAuthority("https://next.example/directory");
            issuance = issuance();
            refuseKeys();

            for (int i = 0; i < 6; i++) {
                assertThat(visit("shop.number" + i + ".example")).isCompleted();
            }
            assertThat(authority.asked()).hasSize(2);
            assertThat(next.asked()).hasSize(6);
        }

        @Test
        void isNotConcludedFromOneRegisteredDomain() {
            refuseKeys();
            visit("a.one.example");
            visit("b.one.example");

            assertThat(visit("shop.two.example")).isCompletedExceptionally();
            assertThat(authority.asked()).hasSize(3);
        }

        @Test
        void isAnAccountThatIsRefusedTriedOnceAMinute() {
            authority.fail(new IssuanceException.AccountRefused(SHOP, "deactivated", Duration.ofMinutes(10)));
            for (int i = 0; i < 6; i++) {
                visit("shop.number" + i + ".example");
            }
            assertThat(authority.asked()).hasSize(1);
            authority.fail(null);
            advance(Duration.ofMinutes(1));

            assertThat(visit("shop.one.example")).isCompleted();
            assertThat(visit("shop.two.example")).isCompleted();
        }
    }

    @Nested
    class ThatConcernsOneOrder {

        private FakeAuthority next;

        @BeforeEach
        void addOne() throws Exception {
            next = house.addAuthority("https://next.example/directory");
            issuance = issuance();
        }

        private void assertTheFirstIsStillAsked() {
            assertThat(next.asked()).hasSize(1);
            assertThat(visit("shop.other.example")).isCompleted();
            assertThat(authority.asked()).hasSize(2);
            assertThat(next.asked()).hasSize(1);
        }

        @Test
        void doesNotSendOtherNamesElsewhereWhereItIsStuck() {
            authority.failOnce(Unavailable.unfinished(SHOP, "the CA has not issued", Duration.ofSeconds(10)));
            visit("shop.one.example");

            assertTheFirstIsStillAsked();
        }

        @Test
        void doesNotSendOtherNamesElsewhereWhereItsValidationIsSlow() {
            authority.failOnce(new Unavailable(SHOP, "the CA has not validated", Duration.ofSeconds(10), null));
            visit("shop.one.example");

            assertTheFirstIsStillAsked();
        }

        @Test
        void sendsOtherNamesElsewhereWhereTheCaIsUnwell() {
            authority.failOnce(Unavailable.unwell(SHOP, "HTTP 500", Duration.ofSeconds(10), null));
            visit("shop.one.example");

            assertThat(visit("shop.other.example")).isCompleted();
            assertThat(authority.asked()).hasSize(1);
            assertThat(next.asked()).hasSize(2);
        }
    }

    @Nested
    class ALimitOnAName {

        @Test
        void isKeptOverARestart() throws Exception {
            authority.failOnce(
                    new RateLimited(SHOP, new Scope.NameAt(authority.id(), SHOP), "too many", Duration.ofHours(5)));
            visit("shop.one.example");
            house.reopenStore();
            issuance = issuance();
            advance(Duration.ofHours(5).minusSeconds(1));

            visit("shop.one.example");
            assertThat(authority.asked()).hasSize(1);
            advance(Duration.ofSeconds(11));

            assertThat(visit("shop.one.example")).isCompleted();
        }

        @Test
        void isNoWaitForAnotherCa() throws Exception {
            FakeAuthority next = house.addAuthority("https://next.example/directory");
            issuance = issuance();
            authority.fail(
                    new RateLimited(SHOP, new Scope.NameAt(authority.id(), SHOP), "too many", Duration.ofHours(5)));
            next.failOnce(Unavailable.unwell(SHOP, "down", Duration.ofSeconds(1), null));
            visit("shop.one.example");
            advance(Duration.ofSeconds(10));

            assertThat(visit("shop.one.example")).isCompleted();
            assertThat(authority.asked()).hasSize(1);
        }
    }

    @Nested
    class WithBudgets {

        @BeforeEach
        void limit() throws Exception {
            Budget budget = Budget.of(
                    house.store().ledger(),
                    ConfigReader.read(
                            Map.of(
                                    "onDemandTls.permission.names", "*.example.com",
                                    "onDemandTls.acme.directory", CA,
                                    "onDemandTls.budget.name", "5/7d",
                                    "onDemandTls.budget.domain", "50/7d",
                                    "onDemandTls.budget.failures", "5/1h"),
                            Path.of("")),
                    house.time().clock());
            issuance = house.issuance(new DirectExecutor(), new DirectExecutor(), budget);
        }

        private void fail() {
            authority.fail(new Rejected(SHOP, "unauthorized", "404", Duration.ZERO));
        }

        @Test
        void aCustomerWhoseDnsWasWrongForADayIsHelpedAtOnce() throws Exception {
            fail();
            for (int minute = 0; minute < 24 * 60; minute++) {
                visit("shop.one.example");
                advance(Duration.ofMinutes(1));
            }
            assertThat(authority.asked()).hasSizeGreaterThan(3);
            authority.fail(null);

            issuance.retry(SHOP);

            assertThat(visit("shop.one.example")).isCompleted();
        }

        @Test
        void retryHelpsThoughFiveProofsHaveFailedInThisHour() throws Exception {
            fail();
            authority.validationsPerRefusal(6);
            visit("shop.one.example");
            advance(Duration.ofMinutes(2));
            assertThat(failureOf(visit("shop.one.example"))).isInstanceOf(IssuanceException.OverBudget.class);
            assertThat(authority.asked()).hasSize(1);
            authority.fail(null);

            issuance.retry(SHOP);

            assertThat(visit("shop.one.example")).isCompleted();
        }

        @Test
        void fiftyFailuresBelowOneDomainDoNotLockIt() {
            fail();
            for (int i = 0; i < 60; i++) {
                visit("shop" + i + ".one.example");
            }
            authority.fail(null);

            assertThat(visit("good.one.example")).isCompleted();
        }

        @Test
        void twoFailedProofsAreTwo() {
            fail();
            authority.validationsPerRefusal(2);
            for (int i = 0; i < 3; i++) {
                visit("shop.one.example");
                advance(Duration.ofMinutes(12));
            }
            assertThat(authority.asked()).hasSize(3);
            advance(Duration.ofMinutes(20));

            // 6 in the hour before, and the schedule has not ended either: nothing is ordered.
            visit("shop.one.example");
            assertThat(authority.asked()).hasSize(3);
        }

        @Test
        void aLeafThatWasReplacedCountsWhereItIsReplacedOnceMore() throws Exception {
            authority.advise(Instant.EPOCH, Instant.EPOCH.plusSeconds(1), Duration.ofHours(6));
            visit("shop.one.example");
            for (int i = 0; i < 10; i++) {
                assertThat(issuance.renew(SHOP)).isCompleted();
            }

            // The order for the successor is placed, and nothing comes of it: from now on this leaf is replaced again.
            authority.failOnce(new Unavailable(SHOP, "nothing came of it", Duration.ofSeconds(1), null));
            issuance.renew(SHOP);
            house.store().closeOrder(SHOP);
            advance(Duration.ofSeconds(10));
            issuance.renew(SHOP);

            assertThat(house.store().ledger().used("name|" + CA + "|shop.one.example", Duration.ofDays(7)))
                    .isEqualTo(2);
        }
    }

    @Nested
    class Replacing {

        private int used() throws Exception {
            return house.store().ledger().used("name|" + CA + "|shop.one.example", Duration.ofDays(7));
        }

        @BeforeEach
        void offer() throws Exception {
            issuance = house.issuance(
                    new DirectExecutor(),
                    new DirectExecutor(),
                    Budget.of(
                            house.store().ledger(),
                            ConfigReader.read(
                                    Map.of(
                                            "onDemandTls.permission.names", "*.example.com",
                                            "onDemandTls.acme.directory", CA,
                                            "onDemandTls.budget.name", "3/7d"),
                                    Path.of("")),
                            house.time().clock()));
            authority.advise(Instant.EPOCH, Instant.EPOCH.plusSeconds(1), Duration.ofHours(6));
            visit("shop.one.example");
        }

        @Test
        void countsWhereTheOrderHadToDoWithoutIt() throws Exception {
            authority.mindsReplaces(true);
            assertThat(issuance.renew(SHOP)).isCompleted();
            assertThat(issuance.renew(SHOP)).isCompleted();
            assertThat(used()).isEqualTo(3);

            assertThat(failureOf(issuance.renew(SHOP))).isInstanceOf(IssuanceException.OverBudget.class);
            assertThat(used()).isEqualTo(3);
        }

        @Test
        void doesNotCountWhereTheOrderThatSaidSoIsTakenUp() throws Exception {
            authority.failOnce(new Unavailable(SHOP, "not ready yet", Duration.ofSeconds(1), null));
            issuance.renew(SHOP);
            advance(Duration.ofSeconds(10));

            assertThat(issuance.renew(SHOP)).isCompleted();
            assertThat(used()).isEqualTo(1);
        }
    }

    @Nested
    class AStoreThatCannotBeWritten {

        private Exception failure;

        private CertificateStore failing(CertificateStore store) {
            return (CertificateStore) Proxy.newProxyInstance(
                    getClass().getClassLoader(),
                    new Class<?>[] {CertificateStore.class},
                    (proxy, method, arguments) -> {
                        if (failure != null && method.getName().equals("journal")) {
                            throw failure;
                        }
                        try {
                            return method.invoke(store, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        @Test
        void takesNothingFromTheBudget() throws Exception {
            house.before(this::failing);
            issuance = house.issuance(
                    new DirectExecutor(),
                    new DirectExecutor(),
                    Budget.of(
                            house.store().ledger(),
                            ConfigReader.read(
                                    Map.of(
                                            "onDemandTls.permission.names", "*.example.com",
                                            "onDemandTls.acme.directory", CA,
                                            "onDemandTls.budget.orders", "10/7d",
                                            "onDemandTls.budget.name", "5/7d",
                                            "onDemandTls.budget.domain", "50/7d"),
                                    Path.of("")),
                            house.time().clock()));
            for (int i = 0; i < 60; i++) {
                failure = i % 2 == 0 ? new StoreException("no space left") : new IllegalStateException("a defect");
                visit("shop.one.example");
                advance(Duration.ofSeconds(11));
            }
            assertThat(authority.asked()).isEmpty();
            failure = null;

            assertThat(visit("shop.one.example")).isCompleted();
        }
    }

    @Nested
    class TroubleThatPasses {

        @BeforeEach
        void fail() {
            authority.fail(Rejected.passing(SHOP, "dns", "SERVFAIL", Duration.ZERO));
        }

        @Test
        void causesFourFailedValidationsAnHourHoweverOftenMemoryIsLost() throws Exception {
            for (int minute = 0; minute < 60; minute++) {
                issuance = issuance();
                visit("shop.one.example");
                advance(Duration.ofMinutes(1));
            }

            assertThat(authority.asked()).hasSize(4);
        }

        @Test
        void isForgottenByAnOperatorWhoWantsTheNameTriedAlsoAfterARestart() throws Exception {
            visit("shop.one.example");
            advance(Duration.ofMinutes(1));
            visit("shop.one.example");
            issuance = issuance();
            visit("shop.one.example");
            assertThat(authority.asked()).hasSize(2);
            authority.fail(null);

            issuance.retry(SHOP);

            assertThat(visit("shop.one.example")).isCompleted();
        }
    }

    @Nested
    class OrdersMadeInvalidWithoutAWord {

        @Test
        void areFewAndHeldAgainstTheCa() {
            authority.fail(new Unavailable(
                    SHOP,
                    "the CA has made the order invalid and does not say why",
                    Duration.ofMinutes(1),
                    new UnexplainedException()));
            for (int i = 0; i < 360; i++) {
                visit("shop.one.example");
                advance(Duration.ofSeconds(10));
            }

            assertThat(authority.asked()).hasSizeLessThanOrEqualTo(10);
            assertThat(house.recorded().lines(EventKind.AUTHORITY_UNAVAILABLE)).isNotEmpty();
            authority.fail(null);
            advance(Duration.ofMinutes(10));
            assertThat(visit("shop.one.example")).isCompleted();
        }
    }

    @Nested
    class AnOrderLeftOpen {

        private static final URI URL = FakeAuthority.ORDER_URL;

        private void leaveOpen(String name) throws Exception {
            house.store()
                    .journal(new OpenOrder(
                            ServerName.parse(name),
                            CA,
                            house.time().clock().instant(),
                            Optional.of(URL),
                            TestCertificates.key(),
                            new byte[] {1}));
        }

        @Test
        void isFinishedWithoutAQuestion() throws Exception {
            leaveOpen("shop.one.example");

            issuance.resumeOpenOrders().join();

            assertThat(authority.asked()).hasSize(1);
            assertThat(house.inventory().find(SHOP)).isPresent();
            assertThat(asked).isZero();
        }

        @Test
        void isPlacedAnewOnlyWithPermission() throws Exception {
            leaveOpen("shop.one.example");
            authority.losesOrders(true);

            issuance.resumeOpenOrders().join();

            assertThat(asked).isEqualTo(1);
            assertThat(house.inventory().find(SHOP)).isPresent();
            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void isClosedWithItsKeyWhereItIsLostAndPermissionIsDenied() throws Exception {
            leaveOpen("shop.one.example");
            authority.losesOrders(true);
            decision.set(new Decision.Denied("gone"));

            issuance.resumeOpenOrders().join();

            assertThat(authority.asked()).hasSize(1);
            assertThat(house.store().openOrder(SHOP)).isEmpty();
        }

        @Test
        void isClosedWithItsKeyAfterSevenDays() throws Exception {
            leaveOpen("shop.one.example");
            leaveOpen("shop.two.example");
            advance(OpenOrder.LONGEST);

            issuance.resumeOpenOrders().join();

            assertThat(authority.asked()).isEmpty();
            assertThat(house.store().openOrders()).isEmpty();
            assertThat(house.recorded().lines(EventKind.RESUMED))
                    .hasSize(2)
                    .allSatisfy(line -> assertThat(line).contains("closed with its key"));
        }

        @Test
        void isClosedWithItsKeyWhenTheCaGivesItUpAndAfterSevenDaysAtMost() throws Exception {
            Instant now = house.time().clock().instant();
            for (Map.Entry<String, Duration> life : Map.of(
                            "shop.one.example", Duration.ofHours(1), "shop.two.example", Duration.ofDays(90))
                    .entrySet()) {
                house.store()
                        .journal(new OpenOrder(
                                ServerName.parse(life.getKey()),
                                CA,
                                now,
                                Optional.of(URL),
                                TestCertificates.key(),
                                new byte[] {1},
                                Optional.of(now.plus(life.getValue()))));
            }
            house.reopenStore();
            issuance = issuance();
            advance(Duration.ofDays(1));

            issuance.sweepHolds();

            assertThat(house.store().openOrders())
                    .singleElement()
                    .extracting(OpenOrder::name)
                    .hasToString("shop.two.example");
            advance(OpenOrder.LONGEST);
            issuance.sweepHolds();
            assertThat(house.store().openOrders()).isEmpty();
        }

        @Test
        void isClosedByTheDailySweepWhereNobodyAsksForItsName() throws Exception {
            leaveOpen("shop.one.example");
            for (int day = 1; day < 7; day++) {
                advance(Duration.ofDays(1));
                issuance.sweepHolds();
            }
            assertThat(house.store().openOrders()).hasSize(1);
            advance(Duration.ofDays(1));
            issuance.sweepHolds();

            assertThat(house.store().openOrders()).isEmpty();
        }

        @Test
        void isNotTakenToAnotherCaWithoutPermission() throws Exception {
            FakeAuthority next = house.addAuthority("https://next.example/directory");
            issuance = issuance();
            leaveOpen("shop.one.example");
            authority.fail(Unavailable.unwell(SHOP, "down", Duration.ofSeconds(1), null));

            issuance.resumeOpenOrders().join();

            assertThat(next.asked()).isEmpty();
            assertThat(house.store().openOrder(SHOP)).isPresent();
        }
    }
}
