package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link OrderPipeline} and {@link Issuance} where another server has done something meanwhile. */
class PeersMeanwhileTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();

    private PeerServer one;
    private PeerServer other;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        one = new PeerServer(medium, directory.resolve("one"), time);
        other = new PeerServer(medium, directory.resolve("other"), time);
    }

    @AfterEach
    void close() {
        one.close();
        other.close();
    }

    /** Which names are stored the other one knows as of long ago, or not yet at all. */
    private void otherSaysOfEveryNameThatItMayBeStored(boolean may) throws Exception {
        other.house().before(store -> Except.of(CertificateStore.class, store, "mayHold", through -> may));
        other.begin();
    }

    // What never lands fails the test, and does not hold it up.
    private static KeyedCertificate landed(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompleted();
        return flight.join();
    }

    @Nested
    class WhatOneHasObtained {

        @Test
        void isServedByTheOtherThoughTheNamesItKnowsDoNotTellOfItYet() throws Exception {
            otherSaysOfEveryNameThatItMayBeStored(false);
            KeyedCertificate obtained = landed(one.obtain(SHOP));

            KeyedCertificate served = landed(other.obtain(SHOP));

            assertThat(served.id()).isEqualTo(obtained.id());
            assertThat(other.ca().asked()).isEmpty();
        }

        @Test
        void isNotRenewedByTheOtherThoughTheNamesItKnowsDoNotTellOfItYet() throws Exception {
            otherSaysOfEveryNameThatItMayBeStored(false);
            KeyedCertificate obtained = landed(one.obtain(SHOP));

            CompletableFuture<KeyedCertificate> renewed = other.issuance().renew(SHOP);
            other.run();

            assertThat(landed(renewed).id()).isEqualTo(obtained.id());
            assertThat(other.ca().asked()).isEmpty();
        }

        @Test
        void isServedByTheOtherThatHasLookedAndIsAboutToOrder() throws Exception {
            List<Runnable> beforeTheLease = new ArrayList<>(List.of(() -> one.obtain(SHOP)));
            other.house()
                    .before(store -> Except.of(
                            CertificateStore.class,
                            store,
                            "peers",
                            through -> Except.of(Peers.class, (Peers) through.call(), "take", take -> {
                                if (!beforeTheLease.isEmpty()) {
                                    beforeTheLease.remove(0).run();
                                }
                                return take.call();
                            })));
            other.begin();

            KeyedCertificate served = landed(other.obtain(SHOP));

            assertThat(Optional.of(served.id())).isEqualTo(one.served(SHOP));
            assertThat(other.ca().asked()).isEmpty();
        }

        @Test
        void isFoundByTheOtherThatHasLookedForItInVainAMomentAgo() throws Exception {
            otherSaysOfEveryNameThatItMayBeStored(true);
            other.follows();
            CompletableFuture<Boolean> before = other.issuance().isServable(SHOP);
            other.run();
            assertThat(before).isCompletedWithValue(false);

            one.obtain(SHOP);

            CompletableFuture<Boolean> after = other.issuance().isServable(SHOP);
            other.run();
            assertThat(after).isCompletedWithValue(true);
        }

        @Test
        void isRenewedByTheOtherOnceItsTimeHasCome() throws Exception {
            KeyedCertificate first = landed(one.obtain(SHOP));
            StoredCertificate stored = one.store().find(SHOP).orElseThrow();
            time.advance(
                    Duration.between(time.clock().instant(), stored.renew()).minusMillis(1));
            CompletableFuture<KeyedCertificate> early = other.issuance().renew(SHOP);
            other.run();
            assertThat(landed(early).id()).isEqualTo(first.id());

            time.advance(Duration.ofMillis(1));
            CompletableFuture<KeyedCertificate> renewed = other.issuance().renew(SHOP);
            other.run();

            assertThat(landed(renewed).id()).isNotEqualTo(first.id());
            assertThat(other.ca().asked()).hasSize(1);
        }

        @Test
        void isRenewedByTheOtherAtOnceWhereItWasWithdrawn() throws Exception {
            one.obtain(SHOP);
            StoredCertificate stored = one.store().find(SHOP).orElseThrow();
            one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));

            CompletableFuture<KeyedCertificate> renewed = other.issuance().renew(SHOP);
            other.run();

            assertThat(landed(renewed).id()).isNotEqualTo(stored.certificate().id());
            assertThat(other.ca().asked()).hasSize(1);
        }
    }

    @Nested
    class WhatAnOperatorEnds {

        @Test
        void isAWaitForTheCaOnAllServersAtTheNews() throws Exception {
            other.follows();
            one.ca()
                    .failOnce(new IssuanceException.RateLimited(
                            SHOP, new Scope.Account(one.ca().id()), "too many orders", Duration.ofDays(1)));
            one.obtain(SHOP);
            assertThat(other.obtain(SHOP)).isCompletedExceptionally();

            one.issuance().retry(SHOP);

            assertThat(other.obtain(SHOP)).isCompleted();
            assertThat(other.ca().asked()).hasSize(1);
        }

        @Test
        void orBeginsIsToldToAllServersThoughNothingIsStored() throws Exception {
            List<String> heard = new ArrayList<>();
            other.store().peers().follow(new Peers.News() {
                @Override
                public void changed(List<String> names) {
                    heard.addAll(names);
                }

                @Override
                public void missed() {
                    heard.add("missed");
                }
            });

            assertThat(one.issuance().withdrawals().withdraw(SHOP)).isFalse();
            assertThat(heard).containsExactly(SHOP.value());
            one.issuance().withdrawals().lift(SHOP);
            assertThat(heard).containsExactly(SHOP.value(), SHOP.value());

            one.issuance().withdrawals().lift(SHOP);
            assertThat(heard).as("nothing was left to end").hasSize(2);
        }
    }

    @Nested
    class WhatTheCaMindsAboutEveryName {

        private final ServerName first = ServerName.parse("shop.one.example");
        private final ServerName second = ServerName.parse("shop.two.example");

        @Test
        void isHeldAgainstNoNameOnAnyServer() throws Exception {
            for (PeerServer server : List.of(one, other)) {
                server.house().ask((name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()));
                server.begin();
            }
            other.follows();
            one.ca().fail(Rejected.general(SHOP, "badCSR", "no RSA here", Duration.ZERO));
            one.obtain(first);
            other.obtain(first);
            assertThat(other.issuance().remembered(first)).isPresent();

            one.obtain(second);

            assertThat(other.issuance().remembered(first)).isEmpty();
            assertThat(other.obtain(first)).isCompleted();
        }
    }

    @Nested
    class NewsThatDoesNotFit {

        @Test
        void isToldAndWhoWaitsForItLooksAgainByItself() {
            other.follows();
            var waiting = new CompletableFuture<CompletableFuture<KeyedCertificate>>();
            one.ca().whileSigning(() -> {
                waiting.complete(other.obtain(SHOP));
                other.full(true);
            });
            one.obtain(SHOP);
            other.full(false);
            other.run();
            assertThat(waiting.join()).isNotDone();
            assertThat(other.house().recorded().lines(EventKind.STILL_FAILING))
                    .anySatisfy(line -> assertThat(line).endsWith("ignored news: too many look-ups run"));

            time.advance(Duration.ofSeconds(1));
            other.run();

            assertThat(Optional.of(landed(waiting.join()).id())).isEqualTo(one.served(SHOP));
            assertThat(other.ca().asked()).isEmpty();
        }
    }

    @Nested
    class AnOrderLeftOpen {

        private void leaveOpen(boolean placed) throws StoreException {
            one.store()
                    .journal(new OpenOrder(
                            SHOP,
                            one.ca().id(),
                            time.clock().instant(),
                            placed ? Optional.of(FakeAuthority.ORDER_URL) : Optional.empty(),
                            TestCertificates.key(),
                            new byte[] {1}));
        }

        private void resume() {
            one.issuance().resumeOpenOrders();
            one.run();
        }

        private void assertFinished() {
            assertThat(one.house().recorded().lines(EventKind.RESUMED))
                    .singleElement()
                    .asString()
                    .endsWith("finished an order that was open before the restart");
        }

        @Test
        void isAFirstOneWhereNothingIsStoredAndASuccessorWhereSomethingIs() throws Exception {
            leaveOpen(true);
            resume();
            assertThat(one.house().recorded().lines(EventKind.OBTAINED)).hasSize(1);
            assertFinished();
            time.advance(Duration.ofDays(1));
            leaveOpen(true);

            resume();

            assertThat(one.house().recorded().lines(EventKind.OBTAINED)).hasSize(1);
            assertThat(one.house().recorded().lines(EventKind.RENEWED)).hasSize(1);
        }

        @Test
        void isOnlyClosedWhereItsCertificateIsStoredWhichWhoeverWaitsGets() throws Exception {
            KeyedCertificate stored = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), SHOP.value());
            leaveOpen(true);
            one.issuance().resumeOpenOrders();
            one.run();
            one.house().inventory().withdraw(SHOP);
            leaveOpen(true);
            one.store()
                    .update(
                            SHOP,
                            before -> StoredCertificate.obtained(
                                            stored,
                                            before.issuer(),
                                            time.clock().instant(),
                                            stored.notAfter())
                                    .withRevision(before.revision()));
            int asked = one.ca().asked().size();

            CompletableFuture<Void> resumed = one.issuance().resumeOpenOrders();
            one.look();
            CompletableFuture<KeyedCertificate> waiting = one.obtain(SHOP);

            assertThat(resumed).isCompleted();
            assertThat(landed(waiting).id()).isEqualTo(stored.id());
            assertThat(one.served(SHOP)).contains(stored.id());
            assertThat(one.ca().asked()).hasSize(asked);
            assertThat(one.store().openOrders()).isEmpty();
        }

        @Test
        void isFinishedForWhoeverWaitsMeanwhile() throws Exception {
            leaveOpen(true);
            one.issuance().resumeOpenOrders();
            one.look();

            CompletableFuture<KeyedCertificate> waiting = one.obtain(SHOP);

            assertThat(one.served(SHOP)).contains(landed(waiting).id());
            assertFinished();
        }

        @Test
        void thatWasNeverPlacedIsClosedAndCountsAsFinishedWhereItsNameIsServed() throws Exception {
            one.obtain(SHOP);
            leaveOpen(false);

            resume();

            assertThat(one.store().openOrders()).isEmpty();
            assertFinished();
        }

        @Test
        void thatTheCaHasLostIsPlacedAnewAndGivesWhoeverWaitsItsCertificate() throws Exception {
            leaveOpen(true);
            one.ca().losesOrders(true);
            one.issuance().resumeOpenOrders();
            one.look();

            CompletableFuture<KeyedCertificate> waiting = one.obtain(SHOP);
            one.run();

            assertThat(one.served(SHOP)).contains(landed(waiting).id());
            assertThat(one.house().recorded().lines(EventKind.OBTAINED)).hasSize(1);
            assertFinished();
        }

        @Test
        void thatTheCaHasLostIsPlacedAnewAsASuccessorWhereTheNameIsServed() throws Exception {
            KeyedCertificate first = landed(one.obtain(SHOP));
            time.advance(Duration.ofDays(80));
            leaveOpen(true);
            one.ca().losesOrders(true);
            one.issuance().resumeOpenOrders();
            one.look();

            CompletableFuture<KeyedCertificate> waiting = one.issuance().renew(SHOP);
            one.run();
            one.run();

            assertThat(landed(waiting).id()).isNotEqualTo(first.id());
            assertThat(one.served(SHOP)).contains(landed(waiting).id());
            assertThat(one.house().recorded().lines(EventKind.RENEWED)).hasSize(1);
            assertFinished();
        }
    }
}
