package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Issuance} of several servers on one store: one of them at a name, the others in the know. */
class PeersTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();

    @TempDir
    private Path directory;

    private PeerServer one;
    private PeerServer other;

    @BeforeEach
    void open() throws Exception {
        one = new PeerServer(medium, directory.resolve("one"), time);
        other = new PeerServer(medium, directory.resolve("other"), time);
    }

    @AfterEach
    void close() {
        one.close();
        other.close();
    }

    @Test
    void whoAsksWhileAnotherIsAtItGetsTheSameCertificateAtTheNews() {
        other.follows();
        var waiting = new CompletableFuture<CompletableFuture<KeyedCertificate>>();
        one.ca().whileSigning(() -> waiting.complete(other.obtain(SHOP)));

        KeyedCertificate obtained = one.obtain(SHOP).join();
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
            waiting.complete(other.obtain(SHOP));
            time.advance(Duration.ofSeconds(1));
            other.run();
        });

        KeyedCertificate obtained = one.obtain(SHOP).join();
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

        CompletableFuture<KeyedCertificate> waiting = other.obtain(SHOP);
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
        one.obtain(SHOP);

        CompletableFuture<Void> resumed = other.issuance().resumeAbandonedOrders();
        other.run();

        assertThat(resumed).isCompleted();
        assertThat(other.ca().asked()).singleElement().satisfies(order -> {
            assertThat(order.url()).contains(FakeAuthority.ORDER_URL);
            assertThat(order.key().getPrivate())
                    .isEqualTo(one.ca().asked().get(0).key().getPrivate());
        });
        assertThat(other.served(SHOP)).isPresent();
        assertThat(other.store().openOrders()).isEmpty();
    }

    @Test
    void anOrderThatFailedIsNobodysToTakeOver() throws Exception {
        one.ca().fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(1), null));
        one.obtain(SHOP);
        assertThat(one.store().openOrders()).hasSize(1);

        other.issuance().resumeAbandonedOrders();
        other.run();

        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void theLateWriteOfOneThatStoodStillIsRefusedAndItServesTheOthersCertificate() throws Exception {
        one.ca().whileSigning(() -> {
            one.store().standStill();
            other.issuance().resumeAbandonedOrders();
            other.run();
            one.store().goOn();
        });

        CompletableFuture<KeyedCertificate> flight = one.obtain(SHOP);
        time.advance(Duration.ofSeconds(1));
        one.run();

        assertThat(Optional.of(flight.join().id())).isEqualTo(other.served(SHOP));
        assertThat(one.served(SHOP)).isEqualTo(other.served(SHOP));
        assertThat(one.store().find(SHOP).orElseThrow().revision()).isEqualTo(1);
        assertThat(one.house().recorded().lines(EventKind.LEASE_LOST))
                .singleElement()
                .asString()
                .contains("a late write for shop.example.com was refused");
    }

    @Test
    void aRefusalToOneThatStoodStillSaysNothingAboutTheName() throws Exception {
        one.ca().fail(new IssuanceException.Rejected(SHOP, "orderNotReady", "it is done already", Duration.ZERO));
        one.ca().whileSigning(() -> {
            one.store().standStill();
            other.issuance().resumeAbandonedOrders();
            other.run();
            one.store().goOn();
        });

        CompletableFuture<KeyedCertificate> flight = one.obtain(SHOP);
        time.advance(Duration.ofSeconds(1));
        one.run();

        assertThat(Optional.of(flight.join().id())).isEqualTo(other.served(SHOP));
        assertThat(one.store().holds(10)).isEmpty();
    }

    @Test
    void whatOneRenewedIsServedByTheOthers() throws Exception {
        other.follows();
        one.obtain(SHOP);
        other.obtain(SHOP);
        StoredCertificate old = one.store().find(SHOP).orElseThrow();
        one.store().save(old.withRenew(time.clock().instant()));

        CompletableFuture<KeyedCertificate> renewed = one.issuance().renew(SHOP);
        one.run();
        other.run();

        assertThat(renewed.join().id()).isNotEqualTo(old.certificate().id());
        assertThat(other.served(SHOP)).contains(renewed.join().id());
    }

    @Test
    void whatOneHasJustRenewedIsNotRenewedByAnother() throws Exception {
        one.obtain(SHOP);

        CompletableFuture<KeyedCertificate> renewed = other.issuance().renew(SHOP);
        other.run();

        assertThat(Optional.of(renewed.join().id())).isEqualTo(one.served(SHOP));
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whatOneWithdrewOrForgotIsServedByNobody() throws Exception {
        other.follows();
        one.obtain(SHOP);
        other.obtain(SHOP);
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();

        StoredCertificate withdrawn =
                one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
        other.run();
        assertThat(other.served(SHOP)).isEmpty();

        StoredCertificate back = one.store().save(withdrawn.withWithdrawn(Optional.empty()));
        other.obtain(SHOP);
        assertThat(other.served(SHOP)).isPresent();

        one.store().forget(back);
        other.run();
        assertThat(other.served(SHOP)).isEmpty();
    }

    private void withdrawOnOne() throws Exception {
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();
        one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
    }

    @Test
    void newsThatCouldNotBeQueuedIsFollowedALittleLater() throws Exception {
        other.follows();
        one.obtain(SHOP);
        other.obtain(SHOP);

        other.full(true);
        withdrawOnOne();
        other.run();
        assertThat(other.served(SHOP)).isPresent();
        other.full(false);
        time.advance(Duration.ofSeconds(1));
        other.run();

        assertThat(other.served(SHOP)).isEmpty();
    }

    @Test
    void newsThatCouldNotBeFollowedIsFollowedOnceTheStoreAnswers() throws Exception {
        other.follows();
        one.obtain(SHOP);
        other.obtain(SHOP);

        other.store().unreadable(true);
        withdrawOnOne();
        for (int i = 0; i < 50; i++) {
            other.run();
            time.advance(Duration.ofSeconds(1));
        }
        assertThat(other.served(SHOP)).isPresent();
        assertThat(other.house().recorded().lines(EventKind.STORE_FAILED)).hasSize(1);
        other.store().unreadable(false);
        other.run();
        time.advance(Duration.ofSeconds(30));
        other.run();

        assertThat(other.served(SHOP)).isEmpty();
        assertThat(other.house().recorded().lines(EventKind.RECOVERED)).hasSize(1);
    }

    @Test
    void aRecordThatCannotBeReadKeepsNoOtherFromBeingFollowed() throws Exception {
        other.follows();
        List<ServerName> names = IntStream.range(0, 12)
                .mapToObj(i -> ServerName.parse("n" + i + ".example.com"))
                .toList();
        for (ServerName name : names) {
            one.issuance().obtain(name, ClientBlock.LOCAL);
            one.run();
            other.issuance().obtain(name, ClientBlock.LOCAL);
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
                .filteredOn(name -> other.house().inventory().find(name).isPresent())
                .containsExactly(unreadable);
        assertThat(other.house().recorded().lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(unreadable.value());
        other.store().unreadable(unreadable.value(), false);
        time.advance(Duration.ofSeconds(30));
        other.run();
        assertThat(other.house().inventory().find(unreadable)).isEmpty();
    }

    @Test
    void missedNewsIsLookedForAgainWhereItCouldNotBe() throws Exception {
        one.obtain(SHOP);
        other.obtain(SHOP);
        withdrawOnOne();

        other.store().unreadable(true);
        other.issuance().missed();
        other.run();
        other.store().unreadable(false);
        time.advance(Duration.ofSeconds(1));
        other.run();

        assertThat(other.served(SHOP)).isEmpty();
    }

    @Test
    void whatAnOperatorWithdrawsOnOneIsServedAndObtainedByNobody() throws Exception {
        one.follows();
        other.follows();
        one.obtain(SHOP).join();
        other.obtain(SHOP).join();

        assertThat(one.issuance().withdrawals().withdraw(SHOP)).isTrue();
        other.run();

        assertThat(one.served(SHOP)).isEmpty();
        assertThat(other.served(SHOP)).isEmpty();
        assertThat(other.obtain(SHOP)).isCompletedExceptionally();

        other.issuance().withdrawals().lift(SHOP);
        assertThat(other.obtain(SHOP)).isCompleted();
        assertThat(other.ca().asked()).as("what was paid for is served again").isEmpty();
    }

    @Test
    void whatIsWithdrawnWhileItIsBeingObtainedIsNotServed() throws Exception {
        one.ca().whileSigning(() -> {
            try {
                other.issuance().withdrawals().withdraw(SHOP);
            } catch (StoreException e) {
                throw new IllegalStateException(e);
            }
        });

        assertThat(one.obtain(SHOP)).isCompletedExceptionally();

        assertThat(one.served(SHOP)).isEmpty();
        assertThat(one.store().find(SHOP).orElseThrow().withdrawn()).isPresent();
    }

    @Test
    void aNameThatIsWithdrawnIsServedByNoWildcardOnAnyServerEvenWithItsOwnGone() throws Exception {
        KeyedCertificate wildcard = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "*.example.com");
        one.store().save(StoredCertificate.obtained(wildcard, "certbot", wildcard.notBefore(), wildcard.notAfter()));
        assertThat(one.obtain(SHOP)).isCompleted();
        other.follows();
        assertThat(other.obtain(SHOP)).isCompleted();
        one.store()
                .save(StoredCertificate.obtained(
                        TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), SHOP.value()),
                        "certbot",
                        wildcard.notBefore(),
                        wildcard.notAfter()));

        one.issuance().withdrawals().withdraw(SHOP);
        other.run();

        assertThat(one.served(SHOP)).isEmpty();
        assertThat(other.served(SHOP)).isEmpty();
        assertThat(one.obtain(SHOP)).isCompletedExceptionally();
        assertThat(other.obtain(SHOP)).isCompletedExceptionally();
    }

    @Test
    void aFurtherNameOfACertificateGetsItsOwnThoughThatIsNotDueYet() throws Exception {
        KeyedCertificate several =
                TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "a.example.com", SHOP.value());
        one.store().save(StoredCertificate.obtained(several, "certbot", several.notBefore(), several.notAfter()));

        CompletableFuture<KeyedCertificate> renewed = one.issuance().renew(SHOP);
        one.run();

        assertThat(renewed.join().names()).containsExactly(SHOP.value());
        assertThat(one.ca().asked()).hasSize(1);
    }

    @Test
    void whatIsPausedOnOneIsPausedOnAll() throws Exception {
        one.issuance().pauses().pause(Pauses.ALL);

        assertThat(other.obtain(SHOP)).isCompletedExceptionally();
        assertThat(other.ca().asked()).isEmpty();
    }

    @Test
    void whoMissedTheNewsLooksAtEverythingItServes() throws Exception {
        one.obtain(SHOP);
        other.obtain(SHOP);
        StoredCertificate stored = one.store().find(SHOP).orElseThrow();
        one.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));

        other.issuance().missed();
        other.run();

        assertThat(other.served(SHOP)).isEmpty();
    }

    @Test
    void whoRemembersARefusalServesWhatAnotherObtainedAllTheSame() throws Exception {
        other.follows();
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain(SHOP);
        other.obtain(SHOP);
        assertThat(other.issuance().remembered(SHOP)).isPresent();

        one.issuance().retry(SHOP);
        KeyedCertificate obtained = one.obtain(SHOP).join();
        other.run();

        assertThat(other.issuance().remembered(SHOP)).isEmpty();
        assertThat(other.obtain(SHOP).join().id()).isEqualTo(obtained.id());
    }

    @Test
    void aRetryOnOneIsARetryOnAll() throws Exception {
        other.follows();
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain(SHOP);
        other.obtain(SHOP);

        one.issuance().retry(SHOP);

        assertThat(other.issuance().remembered(SHOP)).isEmpty();
        assertThat(other.obtain(SHOP)).isCompleted();
    }

    @Test
    void aRetryOfWhichTheNewsWasMissedIsARetryOnAll() throws Exception {
        one.ca().failOnce(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain(SHOP);
        other.obtain(SHOP);
        one.issuance().retry(SHOP);
        assertThat(other.issuance().remembered(SHOP)).isPresent();

        other.issuance().missed();

        assertThat(other.issuance().remembered(SHOP)).isEmpty();
        assertThat(other.obtain(SHOP)).isCompleted();
    }

    @Test
    void aWaitThatWasEndedWhileNewsWasMissedIsEndedOnAll() throws Exception {
        Duration day = Duration.ofDays(1);
        one.ca()
                .failOnce(new IssuanceException.RateLimited(
                        SHOP, new Scope.Account(one.ca().id()), "too many orders", day));
        one.obtain(SHOP);
        other.obtain(SHOP);
        assertThat(other.ca().asked()).isEmpty();
        one.issuance().retry(SHOP);
        time.advance(Duration.ofMinutes(1));
        assertThat(other.obtain(SHOP)).as("what was remembered goes on").isCompletedExceptionally();

        other.issuance().missed();
        time.advance(Duration.ofMinutes(1));

        assertThat(other.obtain(SHOP)).isCompleted();
    }

    @Test
    void whatTheCaRefusedOneIsNotAskedForByAnother() {
        one.ca().fail(new IssuanceException.Rejected(SHOP, "caa", "forbidden", Duration.ZERO));
        one.obtain(SHOP);

        CompletableFuture<KeyedCertificate> refused = other.obtain(SHOP);

        assertThatThrownBy(refused::join).hasMessageContaining("rejected by the CA (caa): forbidden");
        assertThat(other.ca().asked()).isEmpty();
    }
}
