package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.ManualTime;

/** {@link Renewal} on servers that share a store: what one is at, no other begins, until the one is gone. */
class SharedRenewalTest {

    private static final Duration CLAIMED = Duration.ofMinutes(15);

    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();
    private final ManualTime time = new ManualTime();

    @TempDir
    private Path directory;

    @TempDir
    private Path otherDirectory;

    private RenewalFixture one;
    private RenewalFixture other;

    @BeforeEach
    void open() throws Exception {
        one = new RenewalFixture(medium, directory, time);
        other = new RenewalFixture(medium, otherDirectory, time);
    }

    @AfterEach
    void close() {
        one.close();
        other.close();
    }

    /** A store on which somebody else is faster once, at the first claim. */
    private CertificateStore beaten() {
        AtomicInteger saves = new AtomicInteger();
        return Except.of(CertificateStore.class, one.store, "save", through -> {
            if (saves.getAndIncrement() == 0) {
                throw new StaleRevisionException(SHOP.value(), 2, 1);
            }
            return through.call();
        });
    }

    @Nested
    class ARenewal {

        @Test
        void isClaimedForAQuarterOfAnHourBeforeItBegins() throws Exception {
            StoredCertificate before = one.keepDue(SHOP);
            one.orders.renewing = name -> new CompletableFuture<>();

            one.begin();

            assertThat(one.orders.renewed).containsExactly(SHOP);
            assertThat(one.stored(SHOP).due()).isEqualTo(one.now().plus(CLAIMED));
            assertThat(one.stored(SHOP).renew()).isEqualTo(before.renew());
        }

        @Test
        void ofAShortLifeIsClaimedForATwentiethOfIt() throws Exception {
            one.keepDue(one.record(Duration.ofHours(2), SHOP.value()));
            one.orders.renewing = name -> new CompletableFuture<>();

            one.begin();

            assertThat(one.stored(SHOP).due()).isEqualTo(one.now().plus(Duration.ofMinutes(6)));
        }

        @Test
        void isBegunByAnotherServerOnceTheClaimIsOver() throws Exception {
            one.keepDue(SHOP);
            one.orders.renewing = name -> new CompletableFuture<>();
            one.begin();
            other.begin();

            time.advance(CLAIMED.minusSeconds(1));
            assertThat(other.orders.renewed).isEmpty();
            time.advance(LOOK);

            assertThat(other.orders.renewed).containsExactly(SHOP);
            assertThat(one.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void thatSomebodyElseHasClaimedIsLookedAtAgainAtTheNextLook() throws Exception {
            one.keepDue(SHOP);
            one.store = beaten();

            one.begin();
            assertThat(one.orders.renewed).isEmpty();
            time.advance(LOOK.minusSeconds(1));
            assertThat(one.orders.renewed).isEmpty();
            time.advance(Duration.ofSeconds(1));

            assertThat(one.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void whoseFailurePassesIsTriedAgainWhenItIsClaimedNoMore() throws Exception {
            one.keepDue(SHOP);
            one.orders.renewing = name -> RenewalFixture.failed(
                    IssuanceException.Unavailable.unfinished(name, "slow", Duration.ofSeconds(2)));
            one.begin();
            long revision = one.stored(SHOP).revision();

            time.advance(CLAIMED.minusSeconds(1));
            assertThat(one.orders.renewed).hasSize(1);
            assertThat(one.stored(SHOP).revision()).isEqualTo(revision);
            time.advance(LOOK);

            assertThat(one.orders.renewed).hasSize(2);
        }

        @Test
        void thatSucceedsIsSeenByTheOtherServer() throws Exception {
            one.keepDue(SHOP);
            one.begin();
            other.begin();

            time.advance(Duration.ofHours(1));

            assertThat(one.orders.renewed).containsExactly(SHOP);
            assertThat(other.orders.renewed).isEmpty();
            assertThat(other.stored(SHOP).renew()).isAfter(other.now());
        }
    }

    @Nested
    class AQuestionToTheCa {

        private final ManualTime.Tasks asking = new ManualTime.Tasks();

        @Test
        void isClaimedForFiveMinutesBeforeItIsAsked() throws Exception {
            one.advice = asking;
            one.authority.advise(one.now().plus(DAY), one.now().plus(DAY.multipliedBy(2)), Duration.ofHours(6));
            one.keepLookedAt(SHOP);

            one.begin();
            assertThat(one.stored(SHOP).due()).isEqualTo(one.now().plus(Duration.ofMinutes(5)));
            assertThat(one.stored(SHOP).window()).isEmpty();
            asking.runAll();

            assertThat(one.stored(SHOP).window()).isPresent();
            assertThat(one.stored(SHOP).due()).isAfter(one.now().plus(Duration.ofMinutes(5)));
        }

        @Test
        void thatSomebodyElseHasClaimedIsLookedAtAgainAtTheNextLook() throws Exception {
            one.keepLookedAt(SHOP);
            one.store = beaten();

            one.begin();
            assertThat(one.authority.advisedOf()).isEmpty();
            time.advance(LOOK);

            assertThat(one.authority.advisedOf()).hasSize(1);
        }
    }

    @Nested
    class AQuestionForPermission {

        private void keepAsked() throws Exception {
            one.recheck = Optional.of(DAY);
            one.house
                    .store()
                    .save(one.record(SHOP.value())
                            .withDeniedSince(Optional.of(one.now().minus(Duration.ofHours(1))))
                            .withDue(one.now()));
        }

        @Test
        void isClaimedForFiveMinutesBeforeItIsAsked() throws Exception {
            keepAsked();
            CompletableFuture<Void> answer = new CompletableFuture<>();
            one.orders.rechecking = name -> answer;

            one.begin();
            assertThat(one.orders.rechecked).isEqualTo(List.of(SHOP));
            assertThat(one.stored(SHOP).due()).isEqualTo(one.now().plus(Duration.ofMinutes(5)));
            answer.complete(null);

            assertThat(one.stored(SHOP).deniedSince()).isEmpty();
        }

        @Test
        void thatSomebodyElseHasClaimedIsLookedAtAgainAtTheNextLook() throws Exception {
            keepAsked();
            one.store = beaten();

            one.begin();
            assertThat(one.orders.rechecked).isEmpty();
            time.advance(LOOK);

            assertThat(one.orders.rechecked).containsExactly(SHOP);
        }
    }
}
