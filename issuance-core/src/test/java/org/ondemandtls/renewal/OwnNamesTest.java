package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.failed;
import static org.ondemandtls.renewal.RenewalFixture.name;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;

/** {@link OwnNames}: each of the operator's own names has a certificate, a few at a time, and again where it has none. */
class OwnNamesTest {

    private static final Duration LOOK = Duration.ofSeconds(30);
    private static final ServerName DOMAIN = ServerName.parse("example.com");

    @TempDir
    private Path directory;

    private RenewalFixture fixture;
    private final List<CompletableFuture<KeyedCertificate>> underWay = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
        fixture.lookEvery = LOOK;
        fixture.ownNames = List.of(SHOP);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private void holdOrders() {
        fixture.orders.obtaining = name -> {
            underWay.add(new CompletableFuture<>());
            return underWay.get(underWay.size() - 1);
        };
    }

    private void failing() {
        fixture.orders.obtaining =
                name -> failed(new IssuanceException.Unavailable(name, "down", Duration.ofSeconds(2), null));
    }

    private void pass(Duration time) {
        fixture.time.advance(time);
    }

    private int tried() {
        return fixture.orders.obtained.size();
    }

    @Nested
    class ALongList {

        @ParameterizedTest
        @CsvSource({"1, 1", "7, 1", "8, 2"})
        void hasAQuarterOfTheTurns(int turns, int atOnce) {
            holdOrders();
            fixture.ownNames = List.of(name(0), name(1), name(2));
            fixture.atOnce = turns;

            fixture.begin();

            assertThat(fixture.orders.obtained).isEqualTo(fixture.ownNames.subList(0, atOnce));
        }

        @Test
        void isGoneThroughInTurn() {
            holdOrders();
            fixture.ownNames = List.of(name(0), name(1), name(2));
            fixture.atOnce = 1;
            fixture.begin();

            for (int i = 0; i < 3; i++) {
                underWay.get(i).complete(fixture.leaf(RenewalFixture.LIFE, name(i).value()));
                pass(LOOK);
            }

            assertThat(fixture.orders.obtained).containsExactly(name(0), name(1), name(2));
        }

        @Test
        void leavesRoomAgainAfterAFailure() {
            holdOrders();
            fixture.ownNames = List.of(name(0), name(1));
            fixture.atOnce = 1;
            fixture.begin();

            underWay.get(0).completeExceptionally(new IssuanceException.Stopping(name(0)));
            pass(LOOK);

            assertThat(fixture.orders.obtained).containsExactly(name(0), name(1));
        }

        @Test
        void isGoneOnWithWhereTheStoreFailsForOne() throws Exception {
            fixture.ownNames = List.of(name(0), name(1));
            AtomicInteger reads = new AtomicInteger();
            fixture.store = Except.of(CertificateStore.class, fixture.store, "find", through -> {
                if (reads.getAndIncrement() == 0) {
                    throw new StoreException("not now");
                }
                return through.call();
            });

            fixture.begin();

            assertThat(fixture.orders.obtained).containsExactly(name(1));
            assertThat(fixture.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(name(0).value(), "not now");
            pass(Duration.ofSeconds(59));
            assertThat(tried()).isEqualTo(1);
            pass(Duration.ofSeconds(1));
            assertThat(fixture.orders.obtained).containsExactly(name(1), name(0));
        }
    }

    @Nested
    class AName {

        @Test
        void thatFailsIsTriedAgainAfterAMinute() {
            failing();
            fixture.begin();

            pass(Duration.ofSeconds(59));
            assertThat(tried()).isEqualTo(1);
            pass(Duration.ofSeconds(1));
            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void thatIsHeldIsTriedAgainWhenItIsNoMore() {
            failing();
            fixture.orders.blocked = Duration.ofMinutes(10);
            fixture.begin();

            pass(Duration.ofMinutes(10).minusSeconds(1));
            assertThat(tried()).isEqualTo(1);
            pass(Duration.ofSeconds(1));
            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void thatIsHeldIsTriedAtTheNextLookWhereAnOperatorRetries() throws Exception {
            failing();
            fixture.orders.blocked = Duration.ofMinutes(10);
            Renewal renewal = fixture.begin();

            assertThat(renewal.retry(SHOP)).isFalse();
            pass(LOOK);

            assertThat(tried()).isEqualTo(2);
        }

        @Test
        void isNotOrderedTwiceAtOnce() {
            holdOrders();
            fixture.begin();

            pass(Duration.ofHours(23));

            assertThat(tried()).isEqualTo(1);
        }

        @Test
        void thatHasItsCertificateIsLookedAtEachTenMinutes() throws Exception {
            AtomicInteger reads = new AtomicInteger();
            fixture.store = Except.of(CertificateStore.class, fixture.store, "find", through -> {
                reads.incrementAndGet();
                return through.call();
            });
            fixture.begin();
            assertThat(tried()).isEqualTo(1);
            int before = reads.get();

            pass(Duration.ofMinutes(9));
            assertThat(reads).hasValue(before);
            pass(Duration.ofMinutes(1));
            assertThat(reads).hasValue(before + 1);
            pass(Duration.ofMinutes(10));
            assertThat(reads).hasValue(before + 2);
            assertThat(tried()).isEqualTo(1);
        }

        @Test
        void isObtainedAnewWhereItsCertificateIsWithdrawnOrOver() throws Exception {
            fixture.begin();
            fixture.house.store().save(fixture.stored(SHOP).withWithdrawn(Optional.of(fixture.now())));
            assertThat(tried()).isEqualTo(1);
            fixture.orders.obtaining = name -> new CompletableFuture<>();

            pass(Duration.ofMinutes(10));

            assertThat(tried()).isEqualTo(2);
        }
    }

    @Nested
    class ANameThatIsServedByWhatIsNotItsOwn {

        @Test
        void getsItsOwnFromTheMomentOnAtWhichTheWildcardWouldBeRenewed() throws Exception {
            StoredCertificate wildcard = fixture.house.store().save(fixture.record("*.example.com"));
            fixture.begin();
            assertThat(fixture.orders.obtained).containsExactly(SHOP);

            pass(Duration.between(fixture.now(), wildcard.renew()).minusSeconds(1));
            assertThat(fixture.orders.renewed).isEmpty();
            pass(Duration.ofMinutes(10));

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void getsItsOwnInTheLastHourWhereItStandsBesideAWildcard() throws Exception {
            fixture.ownNames = List.of(DOMAIN);
            StoredCertificate beside = fixture.house.store().save(fixture.record("example.com", "*.example.com"));
            fixture.orders.obtaining = name -> CompletableFuture.completedFuture(beside.certificate());
            fixture.time.advance(Duration.between(
                    fixture.now(), beside.certificate().notAfter().minus(Duration.ofHours(1))));

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(DOMAIN);
        }

        @Test
        void waitsForTheLastHourWhereItStandsBesideAWildcard() throws Exception {
            fixture.ownNames = List.of(DOMAIN);
            StoredCertificate beside = fixture.house.store().save(fixture.record("example.com", "*.example.com"));
            fixture.orders.obtaining = name -> CompletableFuture.completedFuture(beside.certificate());
            fixture.time.advance(Duration.between(
                    fixture.now(),
                    beside.certificate().notAfter().minus(Duration.ofHours(1)).minusSeconds(1)));

            fixture.begin();

            assertThat(fixture.orders.renewed).isEmpty();
        }

        @Test
        void waitsForTheOthersWhereNoWildcardIsAmongThem() throws Exception {
            fixture.ownNames = List.of(DOMAIN);
            StoredCertificate several = fixture.house.store().save(fixture.record("example.com", "www.example.com"));
            fixture.orders.obtaining = name -> CompletableFuture.completedFuture(several.certificate());
            fixture.time.advance(Duration.between(
                    fixture.now(), several.certificate().notAfter().minus(Duration.ofMinutes(30))));
            fixture.orders.renewing = name -> new CompletableFuture<>();

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(ServerName.parse("www.example.com"));
        }
    }

    @Nested
    class AVisitorsNameThatNobodyMissed {

        private void leftAlone() throws Exception {
            StoredCertificate record = fixture.record(SHOP.value());
            fixture.house
                    .store()
                    .save(record.withDue(record.certificate().notAfter().plus(DAY)));
            fixture.time.advance(Duration.ofDays(61));
            fixture.orders.obtaining = name -> CompletableFuture.completedFuture(record.certificate());
        }

        @Test
        void isRenewedInTimeOnceItIsTheOperatorsOwn() throws Exception {
            leftAlone();

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void isLeftToTheNextStartWhereTheExecutorHasNoRoomForIt() throws Exception {
            leftAlone();
            AtomicInteger tasks = new AtomicInteger();
            fixture.executor = task -> {
                if (tasks.getAndIncrement() == 1) {
                    throw new RejectedExecutionException("full");
                }
                task.run();
            };

            fixture.begin();
            assertThat(fixture.orders.renewed).isEmpty();
            pass(Duration.ofMinutes(11));
            assertThat(fixture.orders.renewed).isEmpty();
            fixture.renewal.close();
            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void isToldOfWhereItCannotBeBroughtBack() throws Exception {
            leftAlone();
            AtomicBoolean once = new AtomicBoolean();
            fixture.store = Except.of(CertificateStore.class, fixture.store, "save", through -> {
                if (once.compareAndSet(false, true)) {
                    throw new StoreException("read-only");
                }
                return through.call();
            });

            fixture.begin();

            assertThat(fixture.orders.renewed).isEmpty();
            assertThat(fixture.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "read-only");
        }
    }
}
