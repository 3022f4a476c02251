package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.NotPermitted;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.Stopping;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link Issuance} where somebody says no: an operator who takes a name away, permission, a server that stops. */
class WithdrawalsTest {

    private static final ServerName SHOP = ServerName.parse("shop.one.example");
    private static final Duration DAY = Duration.ofDays(1);

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private Issuance issuance;
    private Decision decision = new Decision.Granted();
    private int asked;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        house.ask((name, purpose) -> {
            asked++;
            return CompletableFuture.completedFuture(decision);
        });
        issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CompletableFuture<KeyedCertificate> visit() {
        return issuance.obtain(SHOP, ClientBlock.LOCAL);
    }

    private void assertNotPermitted() {
        CompletableFuture<KeyedCertificate> visit = visit();
        assertThat(visit).isCompletedExceptionally();
        assertThat(visit.handle((certificate, failure) -> failure).join()).isInstanceOf(NotPermitted.class);
        assertThat(house.inventory().find(SHOP)).isEmpty();
    }

    private StoredCertificate stored() throws StoreException {
        return house.store().find(SHOP).orElseThrow();
    }

    @Nested
    class ANameTheOperatorTakesAway {

        @Test
        void isNotServedFromThatMomentOnAndNotObtainedHoweverOftenPermissionIsGranted() throws Exception {
            visit();

            assertThat(issuance.withdrawals().withdraw(SHOP)).isTrue();

            assertThat(house.inventory().find(SHOP)).isEmpty();
            assertThat(stored().withdrawn()).contains(house.time().clock().instant());
            assertThat(house.recorded().lines(EventKind.WITHDRAWN))
                    .singleElement()
                    .asString()
                    .endsWith("withdrawn by an operator; served again after obtain,"
                            + " or after permission has denied and then granted the name");
            for (int day = 0; day < 3; day++) {
                assertNotPermitted();
                house.time().advance(DAY);
            }
            assertThat(house.authority().asked()).hasSize(1);
            assertThat(issuance.withdrawals().of(SHOP)).isPresent();
        }

        @Test
        void isNotObtainedWhereThereWasNone() throws Exception {
            assertThat(issuance.withdrawals().of(SHOP)).isEmpty();

            assertThat(issuance.withdrawals().withdraw(SHOP)).isFalse();

            assertNotPermitted();
            assertThat(house.authority().asked()).isEmpty();
        }

        @Test
        void isServedAgainOncePermissionWasDeniedAndIsGrantedAnew() throws Exception {
            KeyedCertificate first = visit().join();
            issuance.withdrawals().withdraw(SHOP);
            decision = new Decision.Denied("gone");
            house.time().advance(DAY);
            assertNotPermitted();
            house.time().advance(DAY);
            assertNotPermitted();
            decision = new Decision.Granted();
            house.time().advance(DAY);

            assertThat(visit().join().id()).isEqualTo(first.id());

            assertThat(stored().withdrawn()).isEmpty();
            assertThat(issuance.withdrawals().of(SHOP)).isEmpty();
            assertThat(house.authority().asked()).hasSize(1);
        }

        @Test
        void isServedAgainWhereTheOperatorLiftsIt() throws Exception {
            visit();
            issuance.withdrawals().withdraw(SHOP);

            issuance.withdrawals().lift(SHOP);

            assertThat(issuance.withdrawals().of(SHOP)).isEmpty();
            house.time().advance(DAY);
            assertThat(visit()).isCompletedWithValueMatching(certificate -> certificate != null);
            assertThat(house.inventory().find(SHOP)).isPresent();
        }

        @Test
        void isNotServedWhereThatHappensWhileItIsObtained() throws Exception {
            house.authority().whileSigning(() -> {
                try {
                    issuance.withdrawals().withdraw(SHOP);
                } catch (StoreException e) {
                    throw new IllegalStateException(e);
                }
            });

            assertNotPermitted();

            assertThat(stored().withdrawn()).isPresent();
            assertThat(stored().isServableAt(house.time().clock().instant())).isFalse();
        }

        @Test
        void keepsTheMomentOfItsFirstWithdrawal() throws Exception {
            visit();
            issuance.withdrawals().withdraw(SHOP);
            var first = stored().withdrawn();
            house.time().advance(DAY);

            issuance.withdrawals().withdraw(SHOP);

            assertThat(stored().withdrawn()).isEqualTo(first);
        }

        @Test
        void isNotServedOnWhereTheStoreHasLostIt() throws Exception {
            visit();
            house.store().forget(stored());

            assertThat(issuance.withdrawals().withdraw(SHOP)).isFalse();

            assertThat(house.inventory().find(SHOP)).isEmpty();
        }

        @Test
        void takesTheOtherNamesOfItsCertificateWithIt() throws Exception {
            ServerName other = ServerName.parse("other.one.example");
            Instant now = house.time().clock().instant();
            KeyedCertificate several = TestLeaves.leaf(now, Duration.ofDays(90), SHOP.value(), other.value());
            house.store().save(StoredCertificate.obtained(several, "certbot", now, several.notAfter()));
            visit();
            house.inventory().publish(several);
            assertThat(house.inventory().find(other)).isPresent();

            issuance.withdrawals().withdraw(SHOP);

            assertThat(house.inventory().find(SHOP)).isEmpty();
            assertThat(house.inventory().find(other)).isEmpty();
        }
    }

    @Nested
    class Permission {

        @Test
        void isAskedAgainWhereAnotherServerHasChangedSomethingAboutTheName() {
            decision = new Decision.Denied("not yet");
            assertNotPermitted();
            assertNotPermitted();
            assertThat(asked).isEqualTo(1);
            decision = new Decision.Granted();

            issuance.changed(List.of("*.one.example", SHOP.value()));

            assertThat(visit()).isCompletedWithValueMatching(certificate -> certificate != null);
            assertThat(asked).isEqualTo(2);
        }

        @Test
        void isAskedAgainWhereAnOperatorHasANameTriedAgain() throws Exception {
            decision = new Decision.Denied("not yet");
            assertNotPermitted();
            decision = new Decision.Granted();
            assertNotPermitted();

            issuance.retry(SHOP);

            assertThat(visit()).isCompletedWithValueMatching(certificate -> certificate != null);
            assertThat(asked).isEqualTo(2);
        }

        @Test
        void endsThatANameIsWithdrawnFromACertificateOfSeveral() throws Exception {
            Instant now = house.time().clock().instant();
            KeyedCertificate several = TestLeaves.leaf(now, Duration.ofDays(90), "other.one.example", SHOP.value());
            house.store().save(StoredCertificate.obtained(several, "certbot", now, several.notAfter()));
            WithdrawnName.keep(house.store(), SHOP, stored());
            decision = new Decision.Denied("gone");
            assertNotPermitted();
            assertThat(WithdrawnName.isKept(house.store(), SHOP)).isTrue();
            decision = new Decision.Granted();
            house.time().advance(DAY);

            assertThat(visit().join().id()).isEqualTo(several.id());

            assertThat(WithdrawnName.isKept(house.store(), SHOP)).isFalse();
            assertThat(house.authority().asked()).isEmpty();
        }

        @Test
        void isAskedForANameThatIsServedAndTellsTheAnswer() {
            visit();

            assertThat(issuance.recheck(SHOP)).isCompleted();
            decision = new Decision.Denied("gone");
            CompletableFuture<Void> denied = issuance.recheck(SHOP);

            assertThat(denied).isCompletedExceptionally();
            assertThat(denied.handle((granted, failure) -> failure).join()).isInstanceOf(NotPermitted.class);
            assertThat(asked).isEqualTo(3);
            assertThat(house.recorded().events().figures().series().stream()
                            .filter(series -> series.figure() == Figure.PERMISSION)
                            .mapToLong(Figures.Series::count)
                            .sum())
                    .as("each answer is counted")
                    .isEqualTo(3);
        }
    }

    @Nested
    class AFlight {

        private final ManualTime.Tasks orders = new ManualTime.Tasks();

        @BeforeEach
        void hold() throws Exception {
            issuance = house.issuance(new DirectExecutor(), orders);
        }

        @Test
        void isKnownWhileItLasts() {
            assertThat(issuance.isInFlight(SHOP)).isFalse();
            assertThat(issuance.inFlight()).isZero();

            List<CompletableFuture<KeyedCertificate>> flights = new ArrayList<>(List.of(visit(), issuance.renew(SHOP)));

            assertThat(issuance.isInFlight(SHOP)).isTrue();
            assertThat(issuance.inFlight()).isEqualTo(1);
            orders.runAll();
            assertThat(flights).allSatisfy(flight -> assertThat(flight).isCompleted());
            assertThat(issuance.isInFlight(SHOP)).isFalse();
            assertThat(issuance.inFlight()).isZero();
        }

        @Test
        void thatIsRefusedIsCountedAndHowLongItLastsIsKnown() throws Exception {
            assertThat(issuance.blockedFor(SHOP)).isZero();
            house.authority().fail(new Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
            visit();

            orders.runAll();

            assertThat(issuance.rememberedFailures()).isEqualTo(1);
            Duration blocked = issuance.blockedFor(SHOP);
            assertThat(blocked).isPositive();
            house.time().advance(Duration.ofMinutes(1));
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(blocked.minusMinutes(1));
            issuance.retry(SHOP);
            assertThat(issuance.blockedFor(SHOP)).isZero();
        }

        @Test
        void thatWaitsForAThreadEndsWhenTheServerStops() {
            CompletableFuture<KeyedCertificate> waiting = visit();
            issuance.stop();

            orders.runAll();

            assertThat(waiting.handle((certificate, failure) -> failure).join()).isInstanceOf(Stopping.class);
            assertThat(house.authority().asked()).isEmpty();
        }

        @Test
        void thatAnEarlierLifeLeftOpenIsNotTakenUpOnceTheServerStops() throws Exception {
            house.store()
                    .journal(new OpenOrder(
                            SHOP,
                            house.authority().id(),
                            house.time().clock().instant(),
                            Optional.of(FakeAuthority.ORDER_URL),
                            TestCertificates.key(),
                            new byte[] {1}));
            issuance.stop();

            assertThat(issuance.resumeOpenOrders()).isCompleted();

            assertThat(house.recorded().lines(EventKind.RESUMED)).isEmpty();
            assertThat(house.store().openOrders()).hasSize(1);
        }

        @Test
        void ofNewsOfOtherServersIsNotBegunOnceTheServerStops() throws Exception {
            ManualTime.Tasks lookups = new ManualTime.Tasks();
            issuance = house.issuance(lookups, orders);
            issuance.missed();
            assertThat(lookups.size()).isOne();
            lookups.runAll();
            issuance.stop();

            issuance.missed();

            assertThat(lookups.size()).isZero();
        }

        @Test
        void isNotBegunOnceTheServerStops() {
            issuance.stop();

            for (CompletableFuture<?> begun : Map.of(
                            "renewal", issuance.renew(SHOP), "question", issuance.recheck(SHOP), "visit", visit())
                    .values()) {
                assertThat(begun).isCompletedExceptionally();
                assertThat(begun.handle((any, failure) -> (IssuanceException) failure)
                                .join())
                        .isInstanceOf(Stopping.class);
            }
            assertThat(orders.size()).isZero();
            assertThat(asked).isZero();
        }
    }
}
