package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Issuance} of several servers on one store: one of them at a name, the others in the know. */
class PeersTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();

    @TempDir
    private Path directory;

    private Server one;
    private Server other;

    private final class Server {
        private final IssuanceFixture house;
        private final ManualTime.Tasks lookups = new ManualTime.Tasks();
        private boolean full;
        private final ManualTime.Tasks orders = new ManualTime.Tasks();
        private final Issuance issuance;

        Server(String name) throws Exception {
            house = new IssuanceFixture(medium, Files.createDirectory(directory.resolve(name)), time);
            issuance = house.issuance(
                    task -> {
                        if (full) {
                            throw new RejectedExecutionException("full");
                        }
                        lookups.execute(task);
                    },
                    orders);
        }

        void follows() {
            house.store().peers().follow(new Peers.News() {
                @Override
                public void changed(List<String> names) {
                    issuance.changed(names);
                }

                @Override
                public void missed() {
                    issuance.missed();
                }
            });
        }

        CompletableFuture<KeyedCertificate> obtain() {
            CompletableFuture<KeyedCertificate> flight = issuance.obtain(SHOP, ClientBlock.LOCAL);
            run();
            return flight;
        }

        void run() {
            lookups.runAll();
            orders.runAll();
        }

        FakeAuthority ca() {
            return house.authority();
        }

        MemoryCertificateStore store() {
            return (MemoryCertificateStore) house.store();
        }

        Optional<String> served() {
            return house.inventory().find(SHOP).map(KeyedCertificate::id);
        }
    }

    @BeforeEach
    void open() throws Exception {
        one = new Server("one");
        other = new Server("other");
    }

    @AfterEach
    void close() {
        one.house.close();
        other.house.close();
    }

    @Test
    void whoAsksWhileAnotherIsAtItGetsTheSameCertificateAtTheNews() {
        other.follows();
        var waiting = new CompletableFuture<CompletableFuture<KeyedCertificate>>();
        one.ca().whileSigning(() -> waiting.complete(other.obtain()));

        KeyedCertificate obtained = one.obtain().join();
        assertThat(waiting.join()).isNotDone();
        other.run();

        assertThat(waiting.join().join().id()).isEqualTo(obtained.id());
        assertThat(one.ca().asked()).hasSize(1);
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whoHearsNothingLooksAgainEverySecond() {
        var waiting = new CompletableFuture<CompletableFuture<KeyedCertificate>>();
        one.ca().whileSigning(() -> {
            waiting.complete(other.obtain());
            time.advance(Duration.ofSeconds(1));
            other.run();
        });

        KeyedCertificate obtained = one.obtain().join();
        assertThat(waiting.join()).isNotDone();
        time.advance(Duration.ofMillis(999));
        other.run();
        assertThat(waiting.join()).isNotDone();
        time.advance(Duration.ofMillis(1));
        other.run();

        assertThat(waiting.join().join().id()).isEqualTo(obtained.id());
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whoWaitsForOneThatNeverEndsIsToldSo() throws Exception {
        one.store().peers().take(SHOP);

        CompletableFuture<KeyedCertificate> waiting = other.obtain();
        for (int second = 0; second <= 180; second++) {
            time.advance(Duration.ofSeconds(1));
            other.run();
        }

        assertThatThrownBy(waiting::join)
                .hasCauseInstanceOf(IssuanceException.Unavailable.class)
                .hasMessageContaining("another server");
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void theOrderOfOneThatIsGoneIsFinishedByAnother() throws Exception {
        one.ca().crashAfterUrl(new Error("killed"));
        one.ca().whileSigning(one.store()::standStill);
        one.obtain();

        CompletableFuture<Void> resumed = other.issuance.resumeAbandonedOrders();
        other.run();

        assertThat(resumed).isCompleted();
        assertThat(other.ca().asked()).singleElement().satisfies(order -> {
            assertThat(order.url()).contains(FakeAuthority.ORDER_URL);
            assertThat(order.key().getPrivate())
                    .isEqualTo(one.ca().asked().get(0).key().getPrivate());
        });
        assertThat(other.served()).isPresent();
        assertThat(other.store().openOrders()).isEmpty();
    }

    @Test
    void anOrderThatFailedIsNobodysToTakeOver() throws Exception {
        one.ca().fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(1), null));
        one.obtain();
        assertThat(one.store().openOrders()).hasSize(1);

        other.issuance.resumeAbandonedOrders();
        other.run();

        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void theLateWriteOfOneThatStoodStillIsRefusedAndItServesTheOthersCertificate() throws Exception {
        one.ca().whileSigning(() -> {
            one.store().standStill();
            other.issuance.resumeAbandonedOrders();
            other.run();
            one.store().goOn();
        });

        CompletableFuture<KeyedCertificate> flight = one.obtain();
        time.advance(Duration.ofSeconds(1));
        one.run();

        assertThat(Optional.of(flight.join().id())).isEqualTo(other.served());
        assertThat(one.served()).isEqualTo(other.served());
        assertThat(one.store().find(SHOP).orElseThrow().revision()).isEqualTo(1);
        assertThat(one.house.recorded().lines(EventKind.LEASE_LOST))
                .singleElement()
                .asString()
                .contains("a late write for shop.example.com was refused");
    }

    @Test
    void aRefusalToOneThatStoodStillSaysNothingAboutTheName() throws Exception {
        one.ca().fail(new IssuanceException.Rejected(SHOP, "orderNotReady", "it is done already", Duration.ZERO));
        one.ca().whileSigning(() -> {
            one.store().standStill();
            other.issuance.resumeAbandonedOrders();
            other.run();
            one.store().goOn();
        });

        CompletableFuture<KeyedCertificate> flight = one.obtain();
        time.advance(Duration.ofSeconds(1));
        one.run();

        assertThat(Optional.of(flight.join().id())).isEqualTo(other.served());
        assertThat(one.store().holds(10)).isEmpty();
    }

    @Test
    void whatOneRenewedIsServedByTheOthers() throws Exception {
        other.follows();
        one.obtain();
        other.obtain();
        StoredCertificate old = one.store().find(SHOP).orElseThrow();
        one.store().save(old.withRenew(time.clock().instant()));

        CompletableFuture<KeyedCertificate> renewed = one.issuance.renew(SHOP);
        one.run();
        other.run();

        assertThat(renewed.join().id()).isNotEqualTo(old.certificate().id());
        assertThat(other.served()).contains(renewed.join().id());
    }

    @Test
    void whatOneHasJustRenewedIsNotRenewedByAnother() throws Exception {
        one.obtain();

        CompletableFuture<KeyedCertificate> renewed = other.issuance.renew(SHOP);
        other.run();

        assertThat(Optional.of(renewed.join().id())).isEqualTo(one.served());
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whatOneWithdrewOrForgotIsServedByNobody() throws Exception {
        other.follows();
        one.obtain();
        other.obtain();
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();

        StoredCertificate withdrawn =
                one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
        other.run();
        assertThat(other.served()).isEmpty();

        StoredCertificate back = one.store().save(withdrawn.withWithdrawn(Optional.empty()));
        other.obtain();
        assertThat(other.served()).isPresent();

        one.store().forget(back);
        other.run();
        assertThat(other.served()).isEmpty();
    }

    private void withdrawOnOne() throws Exception {
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();
        one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
    }

    @Test
    void newsThatCouldNotBeQueuedIsFollowedALittleLater() throws Exception {
        other.follows();
        one.obtain();
        other.obtain();

        other.full = true;
        withdrawOnOne();
        other.run();
        assertThat(other.served()).isPresent();
        other.full = false;
        time.advance(Duration.ofSeconds(1));
        other.run();

        assertThat(other.served()).isEmpty();
    }

    @Test
    void newsThatCouldNotBeFollowedIsFollowedOnceTheStoreAnswers() throws Exception {
        other.follows();
        one.obtain();
        other.obtain();

        other.store().unreadable(true);
        withdrawOnOne();
        for (int i = 0; i < 50; i++) {
            other.run();
            time.advance(Duration.ofSeconds(1));
        }
        assertThat(other.served()).isPresent();
        assertThat(other.house.recorded().lines(EventKind.STORE_FAILED)).hasSize(1);
        other.store().unreadable(false);
        other.run();
        time.advance(Duration.ofSeconds(30));
        other.run();

        assertThat(other.served()).isEmpty();
        assertThat(other.house.recorded().lines(EventKind.RECOVERED)).hasSize(1);
    }

    @Test
    void aRecordThatCannotBeReadKeepsNoOtherFromBeingFollowed() throws Exception {
        other.follows();
        List<ServerName> names = IntStream.range(0, 12)
                .mapToObj(i -> ServerName.parse("n" + i + ".example.com"))
                .toList();
        for (ServerName name : names) {
            one.issuance.obtain(name, ClientBlock.LOCAL);
            one.run();
            other.issuance.obtain(name, ClientBlock.LOCAL);
            other.run();
        }
        ServerName unreadable = names.get(5);

        other.store().unreadable(unreadable.value(), true);
        for (ServerName name : names) {
            StoredCertificate stored = one.store().find(name).orElseThrow();
            one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
        }
        other.run();

        assertThat(names)
                .filteredOn(name -> other.house.inventory().find(name).isPresent())
                .containsExactly(unreadable);
        assertThat(other.house.recorded().lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(unreadable.value());
        other.store().unreadable(unreadable.value(), false);
        time.advance(Duration.ofSeconds(30));
        other.run();
        assertThat(other.house.inventory().find(unreadable)).isEmpty();
    }

    @Test
    void missedNewsIsLookedForAgainWhereItCouldNotBe() throws Exception {
        one.obtain();
        other.obtain();
        withdrawOnOne();

        other.store().unreadable(true);
        other.issuance.missed();
        other.run();
        other.store().unreadable(false);
        time.advance(Duration.ofSeconds(1));
        other.run();

        assertThat(other.served()).isEmpty();
    }

    @Test
    void whatAnOperatorWithdrawsOnOneIsServedAndObtainedByNobody() throws Exception {
        one.follows();
        other.follows();
        one.obtain().join();
        other.obtain().join();

        assertThat(one.issuance.withdrawals().withdraw(SHOP)).isTrue();
        other.run();

        assertThat(one.served()).isEmpty();
        assertThat(other.served()).isEmpty();
        assertThat(other.obtain()).isCompletedExceptionally();

        other.issuance.withdrawals().lift(SHOP);
        assertThat(other.obtain()).isCompleted();
        assertThat(other.ca().asked()).as("what was paid for is served again").isEmpty();
    }

    @Test
    void whatIsWithdrawnWhileItIsBeingObtainedIsNotServed() throws Exception {
        one.ca().whileSigning(() -> {
            try {
                other.issuance.withdrawals().withdraw(SHOP);
            } catch (StoreException e) {
                throw new IllegalStateException(e);
            }
        });

        assertThat(one.obtain()).isCompletedExceptionally();

        assertThat(one.served()).isEmpty();
        assertThat(one.store().find(SHOP).orElseThrow().withdrawn()).isPresent();
    }

    @Test
    void aNameThatIsWithdrawnIsServedByNoWildcardOnAnyServerEvenWithItsOwnGone() throws Exception {
        KeyedCertificate wildcard = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "*.example.com");
        one.store().save(StoredCertificate.obtained(wildcard, "certbot", wildcard.notBefore(), wildcard.notAfter()));
        assertThat(one.obtain()).isCompleted();
        other.follows();
        assertThat(other.obtain()).isCompleted();
        one.store()
                .save(StoredCertificate.obtained(
                        TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), SHOP.value()),
                        "certbot",
                        wildcard.notBefore(),
                        wildcard.notAfter()));

        one.issuance.withdrawals().withdraw(SHOP);
        other.run();

        assertThat(one.served()).isEmpty();
        assertThat(other.served()).isEmpty();
        assertThat(one.obtain()).isCompletedExceptionally();
        assertThat(other.obtain()).isCompletedExceptionally();
    }

    @Test
    void aFurtherNameOfACertificateGetsItsOwnThoughThatIsNotDueYet() throws Exception {
        KeyedCertificate several =
                TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "a.example.com", SHOP.value());
        one.store().save(StoredCertificate.obtained(several, "certbot", several.notBefore(), several.notAfter()));

        CompletableFuture<KeyedCertificate> renewed = one.issuance.renew(SHOP);
        one.run();

        assertThat(renewed.join().names()).containsExactly(SHOP.value());
        assertThat(one.ca().asked()).hasSize(1);
    }

    @Test
    void whatIsPausedOnOneIsPausedOnAll() throws Exception {
        one.issuance.pauses().pause(Pauses.ALL);

        assertThat(other.obtain()).isCompletedExceptionally();
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whoMissedTheNewsLooksAtEverythingItServes() throws Exception {
        one.obtain();
        other.obtain();
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();
        one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));

        other.issuance.missed();
        other.run();

        assertThat(other.served()).isEmpty();
    }

    @Test
    void whoRemembersARefusalServesWhatAnotherObtainedAllTheSame() throws Exception {
        other.follows();
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain();
        other.obtain();
        assertThat(other.issuance.remembered(SHOP)).isPresent();

        one.issuance.retry(SHOP);
        KeyedCertificate obtained = one.obtain().join();
        other.run();

        assertThat(other.issuance.remembered(SHOP)).isEmpty();
        assertThat(other.obtain().join().id()).isEqualTo(obtained.id());
    }

    @Test
    void aRetryOnOneIsARetryOnAll() throws Exception {
        other.follows();
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain();
        other.obtain();

        one.issuance.retry(SHOP);

        assertThat(other.issuance.remembered(SHOP)).isEmpty();
        assertThat(other.obtain()).isCompleted();
    }

    @Test
    void aRetryOfWhichTheNewsWasMissedIsARetryOnAll() throws Exception {
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain();
        other.obtain();
        one.issuance.retry(SHOP);
        assertThat(other.issuance.remembered(SHOP)).isPresent();

        other.issuance.missed();

        assertThat(other.issuance.remembered(SHOP)).isEmpty();
        assertThat(other.obtain()).isCompleted();
    }

    @Test
    void aWaitThatWasEndedWhileNewsWasMissedIsEndedOnAll() throws Exception {
        Duration day = Duration.ofDays(1);
        one.ca()
                .failOnce(new IssuanceException.RateLimited(
                        SHOP, new Scope.Account(one.ca().id()), "too many orders", day));
        one.obtain();
        other.obtain();
        assertThat(other.ca().asked()).isEmpty();
        one.issuance.retry(SHOP);
        time.advance(Duration.ofMinutes(1));
        assertThat(other.obtain()).as("what was remembered goes on").isCompletedExceptionally();

        other.issuance.missed();
        time.advance(Duration.ofMinutes(1));

        assertThat(other.obtain()).isCompleted();
    }

    @Test
    void whatTheCaRefusedOneIsNotAskedForByAnother() {
        one.ca().fail(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain();

        CompletableFuture<KeyedCertificate> refused = other.obtain();

        assertThatThrownBy(refused::join).hasMessageContaining("rejected by the CA (caa): forbidden");
        assertThat(other.ca().asked()).isEmpty();
    }
}
