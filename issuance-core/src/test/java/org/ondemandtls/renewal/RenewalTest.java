package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.ShelfContract;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Renewal}: what is visited lives on, what is not ends, and nothing of it is a visitor's concern. */
class RenewalTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName ASKED = ServerName.parse("asked.example.net");
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration LOOK = Duration.ofMinutes(2);
    // The hour is kept off by up to so much.
    private static final Duration OFF_THE_HOUR = Duration.ofMinutes(10);

    private final List<Purpose> questions = new ArrayList<>();

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private FakeAuthority authority;
    private Issuance issuance;
    private Renewal renewal;
    private CompletionStage<Decision> answer = granted();
    private Optional<Duration> recheck = Optional.empty();
    private boolean revoked;
    private int listsRead;
    private Optional<Error> revocationsLack = Optional.empty();
    private UnaryOperator<Orders> before = UnaryOperator.identity();
    private Executor executor = Runnable::run;
    private Duration grace = Duration.ofDays(30);

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        time = house.time();
        authority = house.authority();
        house.ask((name, purpose) -> {
            questions.add(purpose);
            return answer;
        });
        begin(Optional.empty());
    }

    @AfterEach
    void close() {
        renewal.close();
        house.close();
    }

    private void begin(Optional<Duration> visitedWithin, ServerName... ownNames) throws Exception {
        begin(house.store(), visitedWithin, ownNames);
    }

    private void begin(CertificateStore store) throws Exception {
        begin(store, Optional.empty());
    }

    private void begin(CertificateStore store, Optional<Duration> visitedWithin, ServerName... ownNames)
            throws Exception {
        issuance = house.issuance(Runnable::run, Runnable::run);
        renewal = new Renewal(
                new Renewal.Floors(
                        store,
                        before.apply(Orders.of(issuance)),
                        house.authorities(),
                        chain -> isRevoked(),
                        house.inventory(),
                        house.visits(),
                        house.watch(),
                        house.recorded().events()),
                new OnDemandTlsConfig.Renewal(visitedWithin, grace, Duration.ofDays(7), DAY, recheck),
                List.of(ownNames),
                8,
                new Renewal.Ports(
                        executor, Runnable::run, time.scheduler(), time.clock(), time::nanoTime, () -> 0.0, LOOK));
        renewal.start();
    }

    private boolean isRevoked() {
        listsRead++;
        if (revocationsLack.isPresent()) {
            Error lacking = revocationsLack.get();
            revocationsLack = Optional.empty();
            throw lacking;
        }
        return revoked;
    }

    private void unreadable(String key) {
        ((MemoryCertificateStore) house.store()).unreadable(key, true);
    }

    private static CompletionStage<Decision> granted() {
        return CompletableFuture.completedFuture(new Decision.Granted());
    }

    private static CompletionStage<Decision> denied() {
        return CompletableFuture.completedFuture(new Decision.Denied("gone"));
    }

    private static CompletionStage<Decision> noAnswer() {
        return CompletableFuture.failedFuture(new IllegalStateException("down"));
    }

    private KeyedCertificate obtain(ServerName name) {
        return issuance.obtain(name, ClientBlock.LOCAL).join();
    }

    private void visit(ServerName name) {
        house.visits().visited(house.inventory().find(name).orElseThrow());
    }

    private StoredCertificate stored(ServerName name) throws Exception {
        return house.store().find(name).orElseThrow();
    }

    private Instant now() {
        return time.clock().instant();
    }

    private void advanceTo(Instant at) {
        time.advance(Duration.between(now(), at));
    }

    @Nested
    class AVisitedName {

        @Test
        void isRenewedAtTwoThirdsOfItsLifeAndServedAnewAtOnce() throws Exception {
            KeyedCertificate first = obtain(SHOP);
            visit(SHOP);
            Instant renew = first.notBefore().plus(Duration.ofDays(60));
            advanceTo(renew.minus(LOOK));
            assertThat(authority.asked()).hasSize(1);

            advanceTo(renew.plus(OFF_THE_HOUR));

            assertThat(authority.asked()).hasSize(2);
            KeyedCertificate second = house.inventory().find(SHOP).orElseThrow();
            assertThat(second.id()).isNotEqualTo(first.id());
            assertThat(stored(SHOP).certificate().id()).isEqualTo(second.id());
            assertThat(authority.asked().get(1).key().getPublic())
                    .isNotEqualTo(authority.asked().get(0).key().getPublic());
            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(1);
        }

        @Test
        void isRenewedAgainOnlyIfItsSuccessorIsVisitedToo() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(Duration.ofDays(61));
            assertThat(authority.asked()).hasSize(2);

            time.advance(Duration.ofDays(89));
            assertThat(authority.asked()).hasSize(2);
            assertThat(house.inventory().find(SHOP)).isEmpty();
        }

        @Test
        void livesOnForYearsWhateverTheLifetime() throws Exception {
            for (int days : new int[] {6, 45, 64, 90, 200}) {
                ServerName name = ServerName.parse("life-" + days + ".example.com");
                authority.lifetime(Duration.ofDays(days));
                obtain(name);
                int before = authority.asked().size();
                for (int day = 0; day < 4 * days; day++) {
                    visit(name);
                    time.advance(DAY);
                    assertThat(house.inventory().find(name))
                            .as(name + " on day " + day)
                            .isPresent();
                }
                int renewals = authority.asked().size() - before;
                assertThat(renewals).as(name.value()).isBetween(5, 12);
            }
        }

        @Test
        void leavesOneVisitPerDayInTheStore() throws Exception {
            obtain(SHOP);
            time.advance(Duration.ofHours(2));
            visit(SHOP);
            time.advance(LOOK);
            Instant noted = stored(SHOP).visited().orElseThrow();
            long revision = stored(SHOP).revision();

            visit(SHOP);
            time.advance(Duration.ofHours(23));

            assertThat(noted).isAfter(now().minus(DAY));
            assertThat(stored(SHOP).visited()).contains(noted);
            // The look a day is written, and nothing else.
            assertThat(stored(SHOP).revision()).isBetween(revision, revision + 1);
        }
    }

    @Nested
    class ANameThatComesFromTheStoreAgain {

        @Test
        void hasItsVisitsWrittenOncePerDayAllTheSame() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            long revision = stored(SHOP).revision();
            house.inventory().withdraw(SHOP);
            house.inventory()
                    .publish(new KeyedCertificate(
                            stored(SHOP).certificate().key(),
                            stored(SHOP).certificate().chain()));

            visit(SHOP);
            time.advance(LOOK);

            assertThat(stored(SHOP).revision()).isEqualTo(revision);
        }
    }

    private StoredCertificate brought(String... names) throws Exception {
        return broughtFrom("certbot", names);
    }

    private StoredCertificate broughtFrom(String issuer, String... names) throws Exception {
        KeyedCertificate certificate = TestLeaves.leaf(now(), Duration.ofDays(90), names);
        house.inventory().publish(certificate);
        return house.store()
                .save(StoredCertificate.obtained(
                        certificate, issuer, certificate.notBefore(), now().plus(Duration.ofDays(60))));
    }

    @Nested
    class ACertificateOfSeveralNames {

        private void passVisited(int days, ServerName name) {
            for (int day = 0; day < days; day++) {
                visit(name);
                time.advance(DAY);
            }
        }

        @Test
        void isAskedPermissionForLikeAnyOtherAndServesNoNameThatIsDeniedForLong() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName granted = ServerName.parse("www.example.com");
            ServerName first = ServerName.parse("a.example.net");
            ServerName other = ServerName.parse("b.example.net");
            brought(first.value(), other.value(), granted.value());
            passVisited(3, granted);
            assertThat(questions).as("asked each day").hasSizeBetween(4, 6);
            answer = denied();

            visit(granted);
            time.advance(Duration.ofHours(23));
            assertThat(house.inventory().find(other)).isPresent();
            passVisited(2, granted);

            for (ServerName name : List.of(first, other)) {
                assertThat(house.inventory().find(name)).isEmpty();
                assertThat(issuance.obtain(name, ClientBlock.LOCAL)).isCompletedExceptionally();
            }
            assertThat(house.inventory().find(granted)).isPresent();
            assertThat(authority.asked()).isEmpty();
            answer = granted();
            time.advance(Duration.ofHours(1));
            assertThat(issuance.obtain(first, ClientBlock.LOCAL)).isCompleted();
            assertThat(authority.asked()).isEmpty();
        }

        @Test
        void losesItsFirstNameInTimeAlsoWhereTheServerIsStartedAnewMeanwhile() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName granted = ServerName.parse("www.example.com");
            ServerName first = ServerName.parse("a.example.net");
            brought(first.value(), granted.value());
            passVisited(3, granted);
            answer = denied();
            for (int hour = 0; hour < 30 && stored(first).deniedSince().isEmpty(); hour++) {
                visit(granted);
                time.advance(Duration.ofHours(1));
            }
            advanceTo(stored(first).deniedSince().orElseThrow().plus(Duration.ofHours(23)));
            assertThat(house.inventory().find(first)).isPresent();
            renewal.close();
            begin(Optional.empty());

            visit(granted);
            time.advance(Duration.ofHours(6));

            assertThat(house.inventory().find(first)).isEmpty();
            assertThat(house.inventory().find(granted)).isPresent();
        }

        @Test
        void losesItsFirstNameInTimeWhileTheRenewalOfAnotherDoesNotSucceed() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName other = ServerName.parse("www.example.com");
            ServerName first = ServerName.parse("a.example.net");
            brought(first.value(), other.value());
            authority.fail(new IssuanceException.Rejected(other, "unauthorized", "leads elsewhere", Duration.ZERO));
            passVisited(62, other);
            assertThat(house.inventory().find(first)).isPresent();
            answer = denied();

            passVisited(3, other);

            assertThat(house.inventory().find(first)).isEmpty();
            assertThat(house.inventory().find(other)).isPresent();
            answer = granted();
            time.advance(Duration.ofHours(1));
            assertThat(issuance.obtain(first, ClientBlock.LOCAL)).isCompleted();
        }

        @Test
        void keepsItsFirstNameThatIsGrantedAgainWhileTheRenewalOfAnotherDoesNotSucceed() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName other = ServerName.parse("www.example.com");
            ServerName first = ServerName.parse("a.example.net");
            brought(first.value(), other.value());
            authority.fail(new IssuanceException.Rejected(other, "unauthorized", "leads elsewhere", Duration.ZERO));
            passVisited(62, other);
            answer = denied();
            for (int hour = 0; hour < 30 && stored(first).deniedSince().isEmpty(); hour++) {
                visit(other);
                time.advance(Duration.ofHours(1));
            }
            assertThat(stored(first).deniedSince()).isPresent();
            answer = granted();
            passVisited(1, other);

            assertThat(stored(first).deniedSince()).isEmpty();
            questions.clear();
            passVisited(3, other);
            assertThat(house.inventory().find(first)).isPresent();
            assertThat(questions).as("asked each day").hasSizeBetween(2, 5);
        }

        @Test
        void losesNoNameBecauseTheClockWasSetAsTheMachineStarted() throws Exception {
            ServerName granted = ServerName.parse("www.example.com");
            ServerName further = ServerName.parse("b.example.net");
            brought(granted.value(), further.value());
            visit(granted);
            time.advance(LOOK);
            time.boot();
            answer = denied();
            renewal.retry(further);

            time.jump(DAY.multipliedBy(2));
            renewal.retry(further);
            time.advance(Duration.ofHours(23));

            assertThat(house.inventory().find(further)).isPresent();
            time.advance(Duration.ofHours(2));
            assertThat(house.inventory().find(further))
                    .as("denied for a day by the right clock")
                    .isEmpty();
        }

        @Test
        void losesAFurtherNameInTimeThoughTheServerIsStartedAnewEachTimeItIsDenied() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName granted = ServerName.parse("www.example.com");
            ServerName further = ServerName.parse("b.example.net");
            brought(granted.value(), further.value());
            passVisited(3, granted);
            answer = denied();

            for (int day = 0; day < 4; day++) {
                passVisited(1, granted);
                renewal.close();
                begin(Optional.empty());
            }

            assertThat(house.inventory().find(further)).isEmpty();
        }

        @Test
        void isServedOnWhereADenialWasOfLessThanItsTime() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName first = ServerName.parse("a.example.net");
            brought(first.value(), "b.example.net");
            passVisited(3, first);
            answer = denied();
            time.advance(Duration.ofHours(23));
            answer = granted();

            passVisited(20, first);

            assertThat(house.inventory().find(first)).isPresent();
            assertThat(house.inventory().find(ServerName.parse("b.example.net")))
                    .isPresent();
        }

        @Test
        void isRenewedWhenItsCaSuggestsThat() throws Exception {
            ServerName other = ServerName.parse("www.shop.example.com");
            authority.advise(now().plus(Duration.ofDays(5)), now().plus(Duration.ofDays(6)), Duration.ofHours(6));
            broughtFrom(authority.id(), SHOP.value(), other.value());

            passVisited(8, SHOP);

            assertThat(authority.asked()).extracting(order -> order.name()).startsWith(other, SHOP);
        }

        @Test
        void isRenewedWhereItsCaHasRevokedItAndPermissionIsAskedForEachDay() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName other = ServerName.parse("www.shop.example.com");
            broughtFrom(authority.id(), SHOP.value(), other.value());
            passVisited(3, SHOP);
            assertThat(authority.asked()).isEmpty();
            revoked = true;

            passVisited(3, SHOP);

            assertThat(authority.asked()).extracting(order -> order.name()).startsWith(other, SHOP);
        }

        @Test
        void isSucceededByOneForEachNameWhenItsTimeHasComeAndItIsVisited() throws Exception {
            ServerName other = ServerName.parse("www.shop.example.com");
            StoredCertificate both = brought(SHOP.value(), other.value());
            visit(other);

            time.advance(Duration.ofDays(59));
            assertThat(authority.asked()).isEmpty();
            time.advance(Duration.ofDays(2));

            assertThat(authority.asked()).extracting(order -> order.name()).containsExactly(other, SHOP);
            for (ServerName name : List.of(SHOP, other)) {
                assertThat(stored(name).certificate().names()).containsExactly(name.value());
                assertThat(house.inventory().find(name).orElseThrow().id())
                        .isNotEqualTo(both.certificate().id());
            }
        }

        @Test
        void isSucceededForTheOthersWhereSomethingOfANameCannotBeRead() throws Exception {
            ServerName other = ServerName.parse("www.shop.example.com");
            ServerName held = ServerName.parse("held.example.com");
            ServerName own = ServerName.parse("own.example.com");
            StoredCertificate several = brought(SHOP.value(), other.value(), held.value(), own.value());
            WithdrawnName.keep(house.store(), held, several);
            KeyedCertificate its = TestLeaves.leaf(now(), Duration.ofDays(90), own.value());
            house.store().save(StoredCertificate.obtained(its, "certbot", its.notBefore(), its.notAfter()));
            unreadable("withdrawn/" + held);
            unreadable(own.value());
            visit(other);

            time.advance(Duration.ofDays(61));
            assertThat(authority.asked()).extracting(order -> order.name()).containsExactly(other);
            assertThat(stored(held).certificate().id())
                    .as("it may serve what is unreadable, and its renewal is not late yet")
                    .isEqualTo(several.certificate().id());
            time.advance(Duration.ofDays(4));

            assertThat(authority.asked()).extracting(order -> order.name()).containsExactly(other, SHOP);
            assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(own.value());
        }

        @Test
        void isSucceededForTheOthersWhereNobodyKnowsWhetherTheFirstIsWithdrawn() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName other = ServerName.parse("www.shop.example.com");
            StoredCertificate several = brought(SHOP.value(), other.value());
            WithdrawnName.keep(house.store(), SHOP, several);
            unreadable("withdrawn/" + SHOP);
            visit(other);

            passVisited(62, other);

            assertThat(stored(other).certificate().names()).containsExactly(other.value());
        }

        @Test
        void thatBeginsWithAWildcardIsSucceededForTheNamesBesideItInTime() throws Exception {
            brought("*.example.com", "example.net", SHOP.value());
            visit(SHOP);

            advanceTo(now().plus(Duration.ofDays(60)).plus(OFF_THE_HOUR));

            assertThat(authority.asked())
                    .extracting(order -> order.name().value())
                    .containsExactlyInAnyOrder("example.net", SHOP.value());
            obtain(ServerName.parse("other.example.com"));
            visit(ServerName.parse("other.example.com"));
            time.advance(DAY);
            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(ServerName.parse("other.example.com")).firstName())
                    .isEqualTo("*.example.com");
        }

        @Test
        void thatBeginsWithAWildcardIsAskedPermissionForWhatIsBesideIt() throws Exception {
            renewal.close();
            recheck = Optional.of(DAY);
            begin(Optional.empty());
            ServerName denied = ServerName.parse("example.net");
            brought("*.example.com", denied.value());
            obtain(SHOP);
            passVisited(2, SHOP);
            assertThat(house.inventory().find(denied)).isPresent();
            answer = denied();

            passVisited(3, SHOP);

            assertThat(house.inventory().find(denied)).isEmpty();
            assertThat(house.inventory().find(SHOP)).isPresent();
        }

        @Test
        void isLeftInPlaceWhileItServesANameThatHasNoneOfItsOwn() throws Exception {
            StoredCertificate several = brought(SHOP.value(), "*.example.org", "gone.example.net");
            visit(SHOP);
            answer = denied();

            time.advance(Duration.ofDays(61));

            assertThat(authority.asked()).isEmpty();
            assertThat(stored(ServerName.parse("gone.example.net"))
                            .certificate()
                            .id())
                    .isEqualTo(several.certificate().id());
            assertThat(stored(ServerName.parse("any.example.org")).certificate().id())
                    .isEqualTo(several.certificate().id());
        }

        @Test
        void thatNobodyVisitsRunsOut() throws Exception {
            brought(SHOP.value(), "www.shop.example.com");

            time.advance(Duration.ofDays(130));

            assertThat(authority.asked()).isEmpty();
            assertThat(house.store().find(SHOP)).isEmpty();
        }

        @Test
        void givesEachOfItsNamesATurnAndServesNoneThatIsDenied() throws Exception {
            List<String> names = new ArrayList<>(List.of("a0.example.net"));
            // Fewer than are kept where all are denied at once.
            for (int i = 1; i < 18; i++) {
                names.add("a" + i + ".example.net");
            }
            names.add("www.example.com");
            brought(names.toArray(String[]::new));
            visit(ServerName.parse("www.example.com"));
            answer = denied();

            time.advance(Duration.ofDays(60).plus(OFF_THE_HOUR));
            assertThat(authority.asked())
                    .extracting(order -> order.name().value())
                    .containsExactly("www.example.com");
            time.advance(Duration.ofDays(2));

            assertThat(house.inventory().find(ServerName.parse("a7.example.net")))
                    .isEmpty();
            assertThat(issuance.obtain(ServerName.parse("a7.example.net"), ClientBlock.LOCAL))
                    .isCompletedExceptionally();
            assertThat(questions.size()).isLessThan(20 * 12);
        }
    }

    @Nested
    class ASuccessor {

        @Test
        void countsAsVisitedFromItsFirstVisitOnHoweverRecentTheLastOneToItsPredecessorWas() throws Exception {
            KeyedCertificate first = obtain(SHOP);
            advanceTo(first.notBefore().plus(Duration.ofDays(60)).minus(LOOK.multipliedBy(2)));
            visit(SHOP);
            time.advance(OFF_THE_HOUR);
            assertThat(authority.asked()).hasSize(2);

            visit(SHOP);
            time.advance(LOOK);

            assertThat(stored(SHOP).visited().orElseThrow())
                    .isAfterOrEqualTo(stored(SHOP).obtained());
        }
    }

    @Nested
    class ANameNobodyVisits {

        @Test
        void isNotRenewedAndForgottenAfterItsGrace() throws Exception {
            KeyedCertificate certificate = obtain(SHOP);
            Instant end = certificate.notAfter().plus(Duration.ofDays(30));
            advanceTo(end.minus(LOOK));
            assertThat(house.store().find(SHOP)).isPresent();

            advanceTo(end.plus(LOOK));

            assertThat(house.store().find(SHOP)).isEmpty();
            assertThat(authority.asked()).hasSize(1);
            assertThat(house.recorded().lines(EventKind.FORGOTTEN)).hasSize(1);
            assertThat(house.store().nextDue()).isEmpty();
        }

        @Test
        void isRenewedAsSoonAsSomebodyComesAfterItsTime() throws Exception {
            obtain(SHOP);
            time.advance(Duration.ofDays(70));
            assertThat(authority.asked()).hasSize(1);

            visit(SHOP);
            time.advance(LOOK);

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void isObtainedAnewForAVisitorAfterItsExpiry() throws Exception {
            obtain(SHOP);
            time.advance(Duration.ofDays(100));
            assertThat(house.inventory().find(SHOP)).isEmpty();

            obtain(SHOP);

            assertThat(house.inventory().find(SHOP)).isPresent();
            assertThat(stored(SHOP).isServableAt(now())).isTrue();
        }

        @Test
        void countsAsSuchWhereTheLastVisitIsTooLongAgo() throws Exception {
            renewal.close();
            begin(Optional.of(Duration.ofDays(7)));
            obtain(SHOP);
            visit(SHOP);
            time.advance(Duration.ofDays(70));
            assertThat(authority.asked()).hasSize(1);

            visit(SHOP);
            time.advance(LOOK);

            assertThat(authority.asked()).hasSize(2);
        }
    }

    @Nested
    class TheOperatorsOwnNames {

        @Test
        void areObtainedAtStartAndRenewedUnvisited() throws Exception {
            renewal.close();
            begin(Optional.empty(), SHOP);
            assertThat(house.inventory().find(SHOP)).isPresent();

            time.advance(Duration.ofDays(200));

            assertThat(authority.asked()).hasSize(4);
            assertThat(house.inventory().find(SHOP)).isPresent();
        }

        @Test
        void areTriedAgainUntilTheyAreThere() throws Exception {
            renewal.close();
            authority.fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null));
            begin(Optional.empty(), SHOP);
            time.advance(Duration.ofMinutes(6));
            assertThat(house.inventory().find(SHOP)).isEmpty();
            assertThat(authority.asked().size()).isBetween(2, 4);
            authority.fail(null);

            time.advance(LOOK.multipliedBy(2));

            assertThat(house.inventory().find(SHOP)).isPresent();
        }

        @Test
        void getTheirOwnBeforeAWildcardEndsThatNobodyRenews() throws Exception {
            StoredCertificate wildcard = brought("*.example.com");
            renewal.close();
            begin(Optional.empty(), SHOP);
            assertThat(authority.asked()).isEmpty();

            advanceTo(wildcard.renew().plus(Duration.ofMinutes(20)));

            assertThat(stored(SHOP).firstName()).isEqualTo(SHOP.value());
            assertThat(authority.asked()).hasSize(1);
        }

        @Test
        void getTheirOwnAtTheLastMomentWhereTheyStandBesideAWildcard() throws Exception {
            ServerName domain = ServerName.parse("example.com");
            StoredCertificate beside = brought(domain.value(), "*.example.com");
            Instant end = beside.certificate().notAfter();
            renewal.close();
            begin(Optional.empty(), domain);

            advanceTo(end.minus(Duration.ofHours(2)));
            assertThat(authority.asked()).isEmpty();
            advanceTo(end.minus(Duration.ofMinutes(30)));

            assertThat(stored(domain).certificate().names()).containsExactly(domain.value());
        }

        @Test
        void areBroughtBackWhereNobodyHadMissedThem() throws Exception {
            obtain(SHOP);
            time.advance(Duration.ofDays(70));
            renewal.close();

            begin(Optional.empty(), SHOP);
            time.advance(LOOK);

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void areObtainedAgainWithoutAVisitWhereTheirRecordWasSetAside() throws Exception {
            renewal.close();
            begin(Optional.empty(), SHOP);
            house.store().forget(stored(SHOP));

            time.advance(Duration.ofMinutes(12));

            assertThat(stored(SHOP).isServableAt(now())).isTrue();
            assertThat(authority.asked()).hasSize(2);
        }
    }

    @Nested
    class Permission {

        private void makeDue() throws Exception {
            obtain(ASKED);
            visit(ASKED);
            time.advance(LOOK);
            questions.clear();
            advanceTo(stored(ASKED).renew().minus(LOOK));
            assertThat(questions).isEmpty();
        }

        @Test
        void isAskedAgainForARenewal() throws Exception {
            makeDue();

            time.advance(LOOK.multipliedBy(2));

            assertThat(questions).containsExactly(Purpose.RENEW);
            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void thatDoesNotAnswerIsAskedAgainAndTheNameIsServedMeanwhile() throws Exception {
            makeDue();
            answer = noAnswer();
            time.advance(Duration.ofDays(3));
            assertThat(questions.size()).isBetween(12 * 24 * 2, 12 * 24 * 3 + 5);
            assertThat(house.inventory().find(ASKED)).isPresent();
            assertThat(stored(ASKED).deniedSince()).isEmpty();
            answer = granted();

            time.advance(Duration.ofMinutes(7));

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void deniedEndsRenewalAtOnceAndWithdrawsAfterTheWholeTime() throws Exception {
            makeDue();
            answer = denied();
            time.advance(DAY.minus(LOOK));
            assertThat(house.inventory().find(ASKED)).isPresent();
            assertThat(stored(ASKED).deniedSince()).isPresent();
            assertThat(stored(ASKED).withdrawn()).isEmpty();

            time.advance(Duration.ofHours(4));

            assertThat(house.inventory().find(ASKED)).isEmpty();
            assertThat(stored(ASKED).withdrawn()).isPresent();
            assertThat(authority.asked()).hasSize(1);
            assertThat(questions.size()).isBetween(8, 11);
            assertThat(house.recorded().lines(EventKind.WITHDRAWN)).hasSize(1);
        }

        @Test
        void grantedOnceInBetweenKeepsTheName() throws Exception {
            makeDue();
            answer = denied();
            time.advance(Duration.ofHours(20));
            answer = granted();

            time.advance(Duration.ofHours(20));

            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(ASKED).deniedSince()).isEmpty();
            assertThat(house.inventory().find(ASKED)).isPresent();
        }

        @Test
        void thatCouldNotBeAskedForWantOfRoomHasNotGrantedWhatWasDeniedBefore() throws Exception {
            AtomicBoolean full = new AtomicBoolean();
            renewal.close();
            before = orders -> Except.of(
                    Orders.class,
                    orders,
                    "renew",
                    through -> full.get()
                            ? CompletableFuture.failedFuture(
                                    new IssuanceException.Overloaded(ASKED, "onDemandTls.shield.askQueue"))
                            : through.call());
            begin(Optional.empty());
            makeDue();
            answer = denied();
            time.advance(Duration.ofHours(10));
            full.set(true);
            time.advance(Duration.ofHours(5));
            full.set(false);

            time.advance(Duration.ofHours(12));

            assertThat(house.inventory().find(ASKED)).isEmpty();
        }

        @Test
        void whatIsWithdrawnComesBackByAGrantOnlyAndCostsNoOrder() throws Exception {
            makeDue();
            answer = denied();
            time.advance(Duration.ofDays(2));
            assertThat(issuance.obtain(ASKED, ClientBlock.LOCAL)).isCompletedExceptionally();
            assertThat(house.inventory().find(ASKED)).isEmpty();
            answer = granted();
            time.advance(Duration.ofMinutes(2));

            KeyedCertificate back = obtain(ASKED);

            assertThat(authority.asked()).hasSize(1);
            assertThat(stored(ASKED).withdrawn()).isEmpty();
            assertThat(house.inventory().find(ASKED)).containsSame(back);
        }

        @Test
        void whatIsWithdrawnIsForgottenAfterItsGrace() throws Exception {
            makeDue();
            Instant end = stored(ASKED).certificate().notAfter().plus(Duration.ofDays(30));
            answer = denied();
            advanceTo(end.minus(LOOK));
            assertThat(house.store().find(ASKED)).isPresent();

            time.advance(LOOK.multipliedBy(2));

            assertThat(house.store().find(ASKED)).isEmpty();
        }
    }

    @Nested
    class TheCa {

        private void makeDue() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            advanceTo(stored(SHOP).renew().minus(LOOK));
        }

        @Test
        void thatIsDownIsTriedAgainAndDisturbsNobody() throws Exception {
            makeDue();
            authority.fail(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null));
            time.advance(Duration.ofHours(5));
            assertThat(house.inventory().find(SHOP)).isPresent();
            assertThat(house.recorded().lines(EventKind.NOT_RENEWED).get(0)).contains("served until");
            authority.fail(null);

            time.advance(Duration.ofMinutes(7));

            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(1);
        }

        @Test
        void thatRefusesIsAskedByTheScheduleOnly() throws Exception {
            makeDue();
            authority.fail(new IssuanceException.Rejected(SHOP, "unauthorized", "no", Duration.ZERO));

            time.advance(Duration.ofDays(3));

            assertThat(authority.asked().size() - 1).isBetween(5, 7);
            assertThat(house.inventory().find(SHOP)).isPresent();
        }

        @Test
        void thatRefusesOneNameHoldsUpNoOther() throws Exception {
            ServerName other = ServerName.parse("other.example.com");
            obtain(other);
            visit(other);
            makeDue();
            authority.failOnce(new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO));

            time.advance(OFF_THE_HOUR);

            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(1);
            assertThat(house.recorded().lines(EventKind.NOT_RENEWED)).hasSize(1);
        }
    }

    @Nested
    class TheCasAdvice {

        private Instant plan(Duration start, Duration end) {
            authority.advise(now().plus(start), now().plus(end), Duration.ofHours(6));
            return now().plus(start);
        }

        @Test
        void isFollowedWhereItCannotBeReadWhenItLastWas() throws Exception {
            plan(Duration.ofDays(5), Duration.ofDays(6));
            obtain(SHOP);
            house.store().keepHold(ShelfContract.hold(new Scope.Advised(SHOP.value()), 1));
            unreadable("advised/" + SHOP);
            for (int day = 0; day < 8; day++) {
                visit(SHOP);
                time.advance(DAY);
            }

            assertThat(authority.asked()).hasSizeGreaterThan(1);
        }

        @Test
        void isFollowedAndNamesWhatIsReplaced() throws Exception {
            Instant start = plan(Duration.ofDays(20), Duration.ofDays(22));
            KeyedCertificate first = obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            assertThat(stored(SHOP).window()).isPresent();
            assertThat(house.recorded().lines(EventKind.RENEWAL_WINDOW).get(0)).contains("https://ca.example/why");

            advanceTo(start.plus(Duration.ofHours(1)));

            assertThat(authority.asked()).hasSize(2);
            assertThat(authority.asked().get(1).replaces()).contains(first.leaf());
        }

        @Test
        void isAskedForAsOftenAsTheCaSays() throws Exception {
            plan(Duration.ofDays(40), Duration.ofDays(42));
            obtain(SHOP);
            visit(SHOP);

            time.advance(Duration.ofDays(10));

            assertThat(authority.advisedOf().size()).isBetween(39, 41);
            assertThat(stored(SHOP).renew())
                    .isBetween(
                            stored(SHOP).window().orElseThrow().start(),
                            stored(SHOP).window().orElseThrow().start().plus(OFF_THE_HOUR));
        }

        @Test
        void inThePastMeansNow() throws Exception {
            plan(Duration.ofDays(40), Duration.ofDays(42));
            obtain(SHOP);
            visit(SHOP);
            time.advance(Duration.ofDays(2));
            assertThat(authority.asked()).hasSize(1);
            authority.advise(now().minus(DAY), now().minusSeconds(1), Duration.ofHours(6));

            time.advance(Duration.ofHours(13));

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void thatCannotBeBelievedLeavesThePlan() throws Exception {
            authority.adviseBadly(
                    new IssuanceException.Unavailable(SHOP, "an inverted window", Duration.ofHours(1), null));
            KeyedCertificate first = obtain(SHOP);
            visit(SHOP);

            advanceTo(first.notBefore().plus(Duration.ofDays(60)).plus(OFF_THE_HOUR));

            assertThat(authority.asked()).hasSize(2);
            assertThat(house.recorded().lines(EventKind.RENEWAL_WINDOW).get(0))
                    .contains(SHOP + " ")
                    .contains("an inverted window; it is renewed as planned");
        }

        @Test
        void thatIsThereAgainIsSaidToBe() throws Exception {
            authority.adviseBadly(new IssuanceException.Unavailable(SHOP, "no answer", Duration.ofHours(1), null));
            obtain(SHOP);
            visit(SHOP);
            time.advance(DAY);
            assertThat(house.recorded().lines(EventKind.RECOVERED)).isEmpty();

            plan(Duration.ofDays(40), Duration.ofDays(42));
            time.advance(DAY);

            assertThat(house.recorded().lines(EventKind.RECOVERED)).hasSize(1);
        }

        @Test
        void isNotAskedForWhatNobodyVisits() throws Exception {
            plan(Duration.ofDays(40), Duration.ofDays(42));
            obtain(SHOP);

            time.advance(Duration.ofDays(10));

            assertThat(authority.advisedOf()).isEmpty();
        }

        @Test
        void isAskedForSoonWhereTheCaCouldNotBeReachedAtTheStart() throws Exception {
            plan(Duration.ofDays(20), Duration.ofDays(22));
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            renewal.close();
            authority.unreachable(true);
            begin(Optional.empty());
            time.advance(DAY);
            int before = authority.advisedOf().size();
            authority.unreachable(false);

            time.advance(Duration.ofMinutes(30));

            assertThat(authority.advisedOf().size()).isGreaterThan(before);
        }

        @Test
        void alwaysInThePastCostsOneReplacementInAQuarterOfALifeAndALineThatNamesTheCa() throws Exception {
            authority.advise(now().minus(DAY), now().minusSeconds(1), Duration.ofHours(1));
            obtain(SHOP);
            for (int day = 0; day < 45; day++) {
                visit(SHOP);
                time.advance(DAY);
                if (day == 10) {
                    renewal.close();
                    begin(Optional.empty());
                }
            }

            // The first one, its replacement, and one after each quarter of ninety days.
            assertThat(authority.asked().size()).isBetween(3, 4);
            assertThat(house.recorded().lines(EventKind.ADVICE))
                    .isNotEmpty()
                    .allMatch(line -> line.contains(authority.id()));
        }

        @Test
        void isNotNeededWhereTheCertificateIsOfACaThatIsNotAskedAnyMore() throws Exception {
            KeyedCertificate foreign = brought(SHOP.value()).certificate();
            visit(SHOP);
            time.advance(Duration.ofDays(2));
            assertThat(authority.asked()).isEmpty();
            revoked = true;

            time.advance(Duration.ofDays(2));

            assertThat(authority.asked()).hasSize(1);
            assertThat(house.inventory().find(SHOP).orElseThrow().id()).isNotEqualTo(foreign.id());
        }

        @Test
        void isNotNeededToReplaceWhatTheCaHasRevoked() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(Duration.ofDays(2));
            assertThat(authority.asked()).hasSize(1);
            revoked = true;

            time.advance(DAY.plus(LOOK));

            assertThat(authority.asked()).hasSize(2);
            assertThat(house.recorded().lines(EventKind.RENEWAL_WINDOW))
                    .singleElement()
                    .asString()
                    .contains("the CA has revoked the certificate");
        }
    }

    @Nested
    class ACaThatAdvisesButNotOnThisOne {

        @BeforeEach
        void obtainOne() {
            authority.advisesOthers();
            obtain(SHOP);
            visit(SHOP);
            time.advance(Duration.ofDays(2));
        }

        @Test
        void isFoundToHaveRevokedIt() {
            assertThat(authority.advisedOf()).isNotEmpty();
            assertThat(authority.asked()).hasSize(1);
            revoked = true;

            time.advance(Duration.ofHours(7));

            assertThat(authority.asked()).hasSize(2);
            assertThat(house.recorded().lines(EventKind.RENEWAL_WINDOW))
                    .singleElement()
                    .asString()
                    .contains("the CA has revoked the certificate");
        }

        @Test
        void isFoundToHaveRevokedItWhereItDoesNotAnswerAndItsListIsReadOnceADay() {
            authority.adviseBadly(new IssuanceException.Unavailable(SHOP, "no answer", Duration.ofMinutes(10), null));
            time.advance(DAY);
            int before = listsRead;
            int asked = authority.advisedOf().size();
            time.advance(Duration.ofDays(4));
            assertThat(authority.advisedOf().size() - asked).isGreaterThan(100);
            assertThat(listsRead - before).isBetween(3, 5);
            assertThat(authority.asked()).hasSize(1);
            revoked = true;

            time.advance(DAY);

            assertThat(authority.asked()).hasSize(2);
        }
    }

    @Nested
    class AVisitedNameThatExpiresBeforeItIsRenewed {

        @Test
        void isToldOfOnce() throws Exception {
            ServerName unvisited = ServerName.parse("unvisited.example.com");
            obtain(SHOP);
            obtain(unvisited);
            visit(SHOP);
            time.advance(LOOK);
            renewal.close();
            time.advance(Duration.ofDays(95));

            begin(Optional.empty());
            time.advance(DAY);

            assertThat(house.recorded().lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "not renewed before its certificate expired at ", "next visit");
            assertThat(authority.asked()).hasSize(2);
        }
    }

    /** A process takes the clock for right as it starts. */
    @Nested
    class AProcessThatStarts {

        private void startAnew() throws Exception {
            renewal.close();
            house.restartWatch();
            begin(Optional.empty());
        }

        private void obtainAndEnd() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            renewal.close();
        }

        private boolean isStored() throws Exception {
            return house.store().find(SHOP).isPresent();
        }

        @Test
        void underAClockThatIsAheadForgetsNothingForADayAndRenewsWhatIsVisitedOnceThatIsRight() throws Exception {
            obtainAndEnd();
            time.jump(Duration.ofDays(200));
            startAnew();
            time.advance(Duration.ofHours(24).minus(LOOK));
            assertThat(isStored()).isTrue();

            time.jump(Duration.ofDays(-200));
            startAnew();
            KeyedCertificate first = stored(SHOP).certificate();
            house.inventory().publish(first);
            for (int day = 0; day < 70; day++) {
                visit(SHOP);
                time.advance(DAY);
            }

            assertThat(house.recorded().lines(EventKind.FORGOTTEN)).isEmpty();
            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void forgetsWhatIsOverADayLaterWhereWhatItKeepsOfThatCannotBeReadOrWritten() throws Exception {
            obtainAndEnd();
            time.advance(Duration.ofDays(150));
            house.store().keepHold(ShelfContract.hold(new Scope.Other("forgetting-since"), 1));
            unreadable("forgetting-since");
            house.restartWatch();
            begin(Except.of(CertificateStore.class, house.store(), "keepHold", through -> {
                throw new StoreException("a hold cannot be kept");
            }));

            time.advance(Duration.ofHours(24).minus(LOOK));
            assertThat(isStored()).isTrue();
            time.advance(LOOK.multipliedBy(3));

            assertThat(isStored()).isFalse();
            assertThat(house.recorded().lines(EventKind.STORE_FAILED)).isEmpty();
        }

        @Test
        void forgetsWhatIsOverADayLater() throws Exception {
            obtainAndEnd();
            time.advance(Duration.ofDays(150));
            startAnew();

            time.advance(Duration.ofHours(24).minus(LOOK));
            assertThat(isStored()).isTrue();
            time.advance(LOOK.multipliedBy(3));

            assertThat(isStored()).isFalse();
        }

        @Test
        void everyDayForgetsWhatIsOverAllTheSame() throws Exception {
            obtainAndEnd();
            time.advance(Duration.ofDays(150));
            for (int day = 0; day < 3; day++) {
                startAnew();
                time.advance(Duration.ofHours(14));
                renewal.close();
                time.sleep(Duration.ofHours(10));
            }

            assertThat(isStored()).isFalse();
        }

        @Test
        void everyDayUnderAClockThatIsAheadForAMinuteForgetsNothing() throws Exception {
            obtainAndEnd();
            for (int day = 0; day < 10; day++) {
                time.jump(Duration.ofDays(200));
                time.boot();
                startAnew();
                time.advance(LOOK.multipliedBy(2));
                time.jump(Duration.ofDays(-200));
                time.advance(Duration.ofHours(14));
                assertThat(house.watch().isTrusted()).isTrue();
                renewal.close();
                time.sleep(Duration.ofHours(10));
            }

            assertThat(isStored()).isTrue();
        }

        @Test
        void forgetsAfterAGraceThatIsShorterThanADay() throws Exception {
            obtainAndEnd();
            grace = Duration.ofMinutes(10);
            time.advance(Duration.ofDays(150));
            startAnew();
            assertThat(isStored()).isTrue();

            time.advance(Duration.ofMinutes(10).plus(LOOK.multipliedBy(2)));

            assertThat(isStored()).isFalse();
        }
    }

    @Nested
    class AClockThatJumps {

        @Test
        void farAheadRenewsNothingByItselfAndForgetsNothing() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            obtain(ServerName.parse("unvisited.example.com"));
            time.advance(LOOK);
            StoredCertificate before = stored(SHOP);

            time.jump(Duration.ofDays(200));
            time.advance(Duration.ofHours(1));

            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(SHOP).due()).isEqualTo(before.due());
            assertThat(house.recorded().lines(EventKind.FORGOTTEN)).isEmpty();

            time.jump(Duration.ofDays(-200));
            time.advance(Duration.ofMinutes(1));
            assertThat(house.inventory().find(SHOP)).isPresent();
            advanceTo(before.renew().plus(LOOK));
            assertThat(authority.asked()).hasSize(3);
        }

        @Test
        void hasTheCaSayWhatTimeItIsAndRenewsOnceThatAgrees() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            assertThat(authority.askedForTime()).isZero();
            authority.whenAskedForTime(
                    () -> house.watch().compare(() -> Optional.of(time.clock().instant())));

            time.jump(Duration.ofDays(80));
            time.advance(LOOK);
            assertThat(house.watch().isTrusted()).isTrue();
            time.advance(LOOK);

            assertThat(authority.asked()).hasSize(2);
            assertThat(authority.askedForTime()).isEqualTo(1);
        }

        @Test
        void asksAgainEachFewMinutesWhereTheCaDoesNotAgreeAndAtOnceAfterAnotherJump() {
            time.advance(LOOK);
            time.jump(Duration.ofDays(30));
            time.advance(LOOK);
            assertThat(authority.askedForTime()).isEqualTo(1);
            time.advance(ClockCheck.EVERY.multipliedBy(4));
            assertThat(authority.askedForTime()).isBetween(4, 5);
            int before = authority.askedForTime();

            time.jump(Duration.ofDays(3));
            time.advance(LOOK);

            assertThat(authority.askedForTime()).isEqualTo(before + 1);
        }

        @Test
        void leavesNoVisitFromAnotherTime() throws Exception {
            obtain(SHOP);
            time.jump(Duration.ofDays(30));
            visit(SHOP);
            time.advance(LOOK);
            assertThat(stored(SHOP).visited()).isEmpty();
            time.jump(Duration.ofDays(-30));

            visit(SHOP);
            time.advance(LOOK);

            assertThat(stored(SHOP).visited()).isPresent();
        }

        @Test
        void becauseTheMachineSleepsEveryNightChangesNothing() throws Exception {
            obtain(SHOP);
            for (int day = 0; day < 90; day++) {
                time.advance(Duration.ofHours(7));
                visit(SHOP);
                time.advance(Duration.ofHours(7));
                assertThat(house.inventory().find(SHOP)).as("day " + day).isPresent();
                time.sleep(Duration.ofHours(10));
            }

            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(1);
            assertThat(house.recorded().lines(EventKind.CLOCK)).isEmpty();
        }
    }

    @Nested
    class ANameThatPointsElsewhereNow {

        private Optional<Verdict> verdict = Optional.empty();
        private int probes;

        @BeforeEach
        void look() throws Exception {
            house.preflight(new Preflight() {
                @Override
                public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
                    return CompletableFuture.completedFuture(verdict);
                }

                @Override
                public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
                    probes++;
                    return CompletableFuture.completedFuture(Optional.empty());
                }
            });
            renewal.close();
            begin(Optional.empty());
        }

        private void pointElsewhere() {
            verdict = Optional.of(new Verdict(Verdict.Who.CUSTOMER, "change A of it"));
        }

        @Test
        void isServedOnCostsNoOrderAndIsLookedAtAgainInAnHour() throws Exception {
            KeyedCertificate first = obtain(SHOP);
            visit(SHOP);
            pointElsewhere();

            advanceTo(stored(SHOP).renew().plus(LOOK));

            assertThat(authority.asked()).hasSize(1);
            assertThat(house.inventory().find(SHOP)).contains(first);
            assertThat(house.store().hold(new Scope.Name(SHOP))).isEmpty();
            assertThat(Duration.between(now(), stored(SHOP).due()))
                    .isBetween(Duration.ofMinutes(57), Duration.ofMinutes(63));
            assertThat(house.recorded().lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains(
                            "not renewed: not ordered: customer: change A of it; tried again in about 60 min, served");

            verdict = Optional.empty();
            advanceTo(stored(SHOP).due().minus(LOOK));
            assertThat(authority.asked()).hasSize(1);
            advanceTo(stored(SHOP).due().plus(LOOK));
            assertThat(authority.asked()).hasSize(2);
            assertThat(house.inventory().find(SHOP).orElseThrow().id()).isNotEqualTo(first.id());
        }

        @Test
        void isSaidToHaveMovedAwayAndIsRenewedWhenItIsBack() throws Exception {
            KeyedCertificate first = obtain(SHOP);
            visit(SHOP);
            verdict = Optional.of(new Verdict(
                    Verdict.Who.CUSTOMER, "change A of it from 192.0.2.7 to 198.51.100.1", Optional.of("192.0.2.7")));

            advanceTo(stored(SHOP).renew().plus(LOOK));

            assertThat(stored(SHOP).moved().orElseThrow().leadsTo()).isEqualTo("192.0.2.7");
            assertThat(stored(SHOP).moved().orElseThrow().toDo())
                    .isEqualTo("change A of it from 192.0.2.7 to 198.51.100.1");
            assertThat(authority.asked()).hasSize(1);
            assertThat(house.inventory().find(SHOP)).contains(first);
            assertThat(house.recorded().lines(EventKind.NOT_RENEWED)).isEmpty();
            assertThat(house.recorded().lines(EventKind.MOVED_AWAY))
                    .singleElement()
                    .asString()
                    .contains("moved away: its address is now 192.0.2.7; your customer must act: change A of it from");

            verdict = Optional.empty();
            advanceTo(stored(SHOP).due().plus(LOOK));

            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(SHOP).moved()).isEmpty();
            assertThat(house.inventory().find(SHOP).orElseThrow().id()).isNotEqualTo(first.id());
        }

        @Test
        void isLeftAloneAfterTheGraceUntilSomebodyVisitsIt() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            verdict = Optional.of(new Verdict(Verdict.Who.CUSTOMER, "add A of it", Optional.of("nowhere")));
            advanceTo(stored(SHOP).renew().plus(LOOK));
            Instant since = stored(SHOP).moved().orElseThrow().since();

            advanceTo(since.plus(Duration.ofDays(7)).plus(Duration.ofHours(2)));

            assertThat(stored(SHOP).moved().orElseThrow().since()).isEqualTo(since);
            assertThat(stored(SHOP).due())
                    .isEqualTo(stored(SHOP).certificate().notAfter().plus(Duration.ofDays(30)));
            assertThat(authority.asked()).hasSize(1);

            verdict = Optional.empty();
            visit(SHOP);
            advanceTo(now().plus(LOOK).plus(LOOK));

            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(SHOP).moved()).isEmpty();
        }

        @Test
        void isGivenItsWholeGraceThoughTheClockIsSetAsTheMachineStarts() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            time.boot();
            verdict = Optional.of(new Verdict(
                    Verdict.Who.CUSTOMER, "change A of it from 192.0.2.7 to 198.51.100.1", Optional.of("192.0.2.7")));
            renewal.retry(SHOP);
            Instant wrong = stored(SHOP).moved().orElseThrow().since();

            time.jump(Duration.ofDays(20));
            renewal.retry(SHOP);

            assertThat(stored(SHOP).moved().orElseThrow().since()).isEqualTo(wrong.plus(Duration.ofDays(20)));
            assertThat(stored(SHOP).due()).isBefore(now().plus(DAY));
        }

        @Test
        void isLookedAtForGoodWhereItIsTheOperatorsOwn() throws Exception {
            renewal.close();
            begin(Optional.empty(), SHOP);
            verdict = Optional.of(new Verdict(Verdict.Who.CUSTOMER, "add A of it", Optional.of("nowhere")));
            advanceTo(stored(SHOP).renew().plus(LOOK));
            Instant since = stored(SHOP).moved().orElseThrow().since();

            advanceTo(since.plus(Duration.ofDays(9)));

            assertThat(authority.asked()).hasSize(1);
            assertThat(stored(SHOP).due()).isBefore(now().plus(Duration.ofHours(2)));
            verdict = Optional.empty();
            advanceTo(now().plus(Duration.ofHours(2)));
            assertThat(authority.asked()).hasSize(2);
            assertThat(stored(SHOP).moved()).isEmpty();
        }

        @Test
        void isNotSaidToHaveMovedAnyMoreOnceItIsBackWhateverTheCaSays() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            verdict = Optional.of(new Verdict(Verdict.Who.CUSTOMER, "add A of it", Optional.of("nowhere")));
            advanceTo(stored(SHOP).renew().plus(LOOK));
            assertThat(stored(SHOP).moved()).isPresent();

            verdict = Optional.empty();
            authority.fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(2), null));
            advanceTo(stored(SHOP).due().plus(LOOK));

            assertThat(stored(SHOP).moved()).isEmpty();
            long revision = stored(SHOP).revision();
            advanceTo(now().plus(Duration.ofHours(3)));
            assertThat(stored(SHOP).revision()).isEqualTo(revision);
        }

        @Test
        void isLookedAtAgainWithinATwentiethOfAShortLife() throws Exception {
            authority.lifetime(DAY.plusHours(10));
            obtain(SHOP);
            visit(SHOP);
            pointElsewhere();
            Instant renew = stored(SHOP).renew();

            advanceTo(renew.plus(LOOK));

            assertThat(stored(SHOP).due())
                    .isBefore(renew.plus(LOOK).plus(DAY.plusHours(10).dividedBy(19)));
        }

        @Test
        void isRenewedAtOnceWhereAnOperatorRetries() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            pointElsewhere();
            advanceTo(stored(SHOP).renew().plus(LOOK));
            verdict = Optional.empty();

            issuance.retry(SHOP);
            renewal.retry(SHOP);

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void isNotAskedForAProofWhereItIsDenied() throws Exception {
            obtain(ASKED);
            visit(ASKED);
            answer = denied();
            probes = 0;

            advanceTo(stored(ASKED).renew().plus(LOOK));

            assertThat(questions).contains(Purpose.RENEW);
            assertThat(probes).isZero();
        }
    }

    @Nested
    class AnOperator {

        @Test
        void whoRetriesHasTheRenewalBeginNow() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);

            renewal.retry(SHOP);

            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void whoRetriesAFurtherNameOfACertificateHasItGetItsOwn() throws Exception {
            brought("a.example.com", SHOP.value(), "c.example.com");

            assertThat(renewal.retry(SHOP)).isTrue();

            assertThat(stored(SHOP).certificate().names()).containsExactly(SHOP.value());
            assertThat(authority.asked()).hasSize(1);
        }

        @Test
        void whoRetriesTheFirstNameOfACertificateHasAllGetTheirOwn() throws Exception {
            brought(SHOP.value(), "b.example.com");
            visit(SHOP);
            time.advance(LOOK);

            assertThat(renewal.retry(SHOP)).isTrue();

            assertThat(stored(SHOP).certificate().names()).containsExactly(SHOP.value());
            assertThat(authority.asked()).hasSize(2);
        }

        @Test
        void whoRetriesAFurtherNameThatWaitsForADayHasItTriedAtOnce() throws Exception {
            StoredCertificate several = brought("a.example.com", SHOP.value());
            visit(SHOP);
            authority.fail(new IssuanceException.Rejected(SHOP, "caa", "CAA forbids", Duration.ZERO));
            advanceTo(several.renew().plus(LOOK));
            int before = authority.asked().size();
            authority.fail(null);

            issuance.retry(SHOP);
            assertThat(renewal.retry(SHOP)).isTrue();

            assertThat(authority.asked().get(before).name()).isEqualTo(SHOP);
            assertThat(stored(SHOP).certificate().names()).containsExactly(SHOP.value());
        }

        @Test
        void isToldThatAWildcardIsNotRenewed() throws Exception {
            brought("*.example.com");
            assertThat(renewal.retry(SHOP)).isFalse();

            brought("example.org", "*.example.org");
            assertThat(renewal.retry(ServerName.parse("example.org"))).isFalse();
            assertThat(authority.asked()).isEmpty();
        }

        @Test
        void whoRetriesHasItsWayWhereAVisitIsWrittenAtTheSameMoment() throws Exception {
            obtain(SHOP);
            visit(SHOP);
            time.advance(LOOK);
            renewal.close();
            begin(writingAVisitAfterTheNextLook());

            renewal.retry(SHOP);

            assertThat(authority.asked()).hasSize(2);
        }
    }

    @Nested
    class ARecordThatCannotBeLookedAfter {

        private final AtomicInteger attempts = new AtomicInteger();
        private boolean broken = true;

        private CertificateStore failingToRead(ServerName name, Throwable failure) {
            return (CertificateStore) Proxy.newProxyInstance(
                    getClass().getClassLoader(),
                    new Class<?>[] {CertificateStore.class},
                    (proxy, method, arguments) -> {
                        if (broken && method.getName().equals("find") && name.equals(arguments[0])) {
                            attempts.incrementAndGet();
                            throw failure;
                        }
                        try {
                            return method.invoke(house.store(), arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        private void bothDue(Throwable failure) throws Exception {
            obtain(SHOP);
            time.advance(Duration.ofHours(1));
            obtain(ASKED);
            visit(SHOP);
            visit(ASKED);
            time.advance(LOOK);
            renewal.close();
            begin(failingToRead(SHOP, failure));
            advanceTo(stored(ASKED).renew().plus(OFF_THE_HOUR));
        }

        @Test
        void keepsNoOtherFromItsTurn() throws Exception {
            bothDue(new StoreException("the record of a name cannot be written"));

            assertThat(house.recorded().lines(EventKind.RENEWED))
                    .singleElement()
                    .asString()
                    .contains(ASKED.value());
            assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value());
        }

        static List<Throwable> unforeseen() {
            return List.of(
                    new IllegalStateException("nobody foresaw this"),
                    new StackOverflowError("nobody foresaw this"),
                    new NoClassDefFoundError("nobody foresaw this"),
                    new OutOfMemoryError("nobody foresaw this"));
        }

        @ParameterizedTest
        @MethodSource("unforeseen")
        void keepsNoOtherFromItsTurnWhateverItThrows(Throwable failure) throws Exception {
            bothDue(failure);

            assertThat(house.recorded().lines(EventKind.RENEWED))
                    .singleElement()
                    .asString()
                    .contains(ASKED.value());
            assertThat(house.recorded().lines(EventKind.DEFECT))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "nobody foresaw this");
        }

        @Test
        void isLookedAtAgainLater() throws Exception {
            bothDue(new StoreException("not now"));
            int before = attempts.get();
            broken = false;

            time.advance(Troubled.LEFT_ALONE.plus(LOOK));

            assertThat(before).isPositive();
            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(2);
        }
    }

    /** What one turn or one look lacks, memory or a class, is over with it. */
    @Nested
    class AnError {

        private final AtomicInteger thrown = new AtomicInteger();

        private CertificateStore throwingOnce(String method, Error error) {
            return (CertificateStore) Proxy.newProxyInstance(
                    getClass().getClassLoader(),
                    new Class<?>[] {CertificateStore.class},
                    (proxy, called, arguments) -> {
                        if (called.getName().equals(method) && thrown.compareAndSet(0, 1)) {
                            throw error;
                        }
                        try {
                            return called.invoke(house.store(), arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        private ServerName name(int number) {
            return ServerName.parse("n" + number + ".example.com");
        }

        private void obtainSix() {
            for (int i = 0; i < 6; i++) {
                obtain(name(i));
                visit(name(i));
            }
        }

        private void assertAllRenewedInTime() throws Exception {
            advanceTo(now().plus(Duration.ofDays(63)));
            for (int i = 0; i < 6; i++) {
                assertThat(stored(name(i)).obtained()).as(name(i).value()).isAfter(now().minus(Duration.ofDays(10)));
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"due", "update", "find", "save"})
        void ofTheStoreKeepsNobodyFromItsRenewal(String method) throws Exception {
            renewal.close();
            begin(throwingOnce(method, new OutOfMemoryError("Java heap space")));
            obtainSix();
            time.advance(LOOK);
            // Whose visit could not be noted is visited again.
            for (int i = 0; i < 6; i++) {
                visit(name(i));
            }

            assertAllRenewedInTime();
        }

        @Test
        void ofOneVisitKeepsNoOtherFromBeingWrittenDown() throws Exception {
            obtainSix();
            renewal.close();
            begin(throwingOnce("update", new NoClassDefFoundError("a/Provider")));

            assertThat(thrown).hasValue(1);
            assertThat(stored(name(0)).visited()).isEmpty();
            for (int i = 1; i < 6; i++) {
                assertThat(stored(name(i)).visited()).as(name(i).value()).isPresent();
            }
            visit(name(0));
            time.advance(LOOK);
            assertThat(stored(name(0)).visited()).isPresent();
        }

        @Test
        void whileACaIsAskedLeavesAdviceToTheOthersAndTheNameInItsTurn() throws Exception {
            authority.advise(now().plus(Duration.ofDays(58)), now().plus(Duration.ofDays(60)), Duration.ofHours(6));
            authority.crashOnceAdvising(new OutOfMemoryError("Java heap space"));
            obtainSix();

            time.advance(DAY);

            assertThat(authority.advisedOf().stream().distinct()).hasSize(6);
            for (int i = 0; i < 6; i++) {
                assertThat(stored(name(i)).window()).as(name(i).value()).isPresent();
            }
            assertAllRenewedInTime();
        }

        @Test
        void whileRevocationListsAreReadLeavesThemToTheOthersAndTheNameInItsTurn() throws Exception {
            obtainSix();
            time.advance(LOOK);
            revocationsLack = Optional.of(new OutOfMemoryError("Java heap space"));
            time.advance(Duration.ofDays(2));
            assertThat(revocationsLack).isEmpty();
            revoked = true;

            time.advance(Duration.ofDays(2));

            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSizeGreaterThanOrEqualTo(6);
            assertThat(house.recorded().lines(EventKind.DEFECT))
                    .singleElement()
                    .asString()
                    .contains("Java heap space");
        }

        private Orders throwingOnce(Orders orders) {
            return (Orders) Proxy.newProxyInstance(
                    getClass().getClassLoader(), new Class<?>[] {Orders.class}, (proxy, called, arguments) -> {
                        if (called.getReturnType() == CompletableFuture.class && thrown.compareAndSet(0, 1)) {
                            throw new NoClassDefFoundError("a/Flight");
                        }
                        return called.invoke(orders, arguments);
                    });
        }

        @Test
        void ofAnOrderKeepsNobodyFromItsRenewal() throws Exception {
            renewal.close();
            before = this::throwingOnce;
            begin(Optional.empty());
            obtainSix();

            assertAllRenewedInTime();

            assertThat(thrown).hasValue(1);
        }

        @Test
        void ofAnOrderKeepsNoneOfTheOperatorsOwnNamesFromBeingTriedAgain() throws Exception {
            renewal.close();
            before = this::throwingOnce;
            // Two at once, of eight turns.
            begin(Optional.empty(), name(0), name(1), name(2), name(3));

            time.advance(Duration.ofMinutes(10));

            assertThat(thrown).hasValue(1);
            for (int i = 0; i < 4; i++) {
                assertThat(house.inventory().find(name(i))).as(name(i).value()).isPresent();
            }
        }

        @Test
        void ofTheExecutorEndsNeitherTheTimerNorTheTurns() throws Exception {
            renewal.close();
            AtomicBoolean lacking = new AtomicBoolean();
            executor = task -> {
                if (lacking.get()) {
                    throw new OutOfMemoryError("no thread");
                }
                task.run();
            };
            begin(Optional.empty());
            obtainSix();
            time.advance(LOOK);
            lacking.set(true);
            time.advance(LOOK.multipliedBy(3));
            lacking.set(false);

            assertAllRenewedInTime();
        }
    }

    @Nested
    class ManyThatAreDueAtOnce {

        private final AtomicInteger read = new AtomicInteger();
        private final AtomicInteger written = new AtomicInteger();

        private CertificateStore counting() {
            return (CertificateStore) Proxy.newProxyInstance(
                    getClass().getClassLoader(),
                    new Class<?>[] {CertificateStore.class},
                    (proxy, method, arguments) -> {
                        try {
                            Object result = method.invoke(house.store(), arguments);
                            if (result instanceof List<?> list
                                    && method.getName().equals("due")) {
                                read.addAndGet(list.size());
                            }
                            written.addAndGet(method.getName().equals("save") ? 1 : 0);
                            return result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        private void due(int names) throws Exception {
            renewal.close();
            for (int i = 0; i < names; i++) {
                ServerName name = ServerName.parse("n" + i + ".example.com");
                obtain(name);
                house.store()
                        .save(stored(name)
                                .withVisited(now())
                                .withRenew(now().plus(DAY))
                                .withDue(now().plus(DAY).plusMillis(i)));
            }
            time.advance(DAY.minus(LOOK));
            begin(counting());
            read.set(0);
            written.set(0);
        }

        @Test
        void areReadOnceEach() throws Exception {
            due(300);

            time.advance(LOOK.multipliedBy(2));

            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(300);
            assertThat(read.get()).isBetween(300, 330);
            assertThat(written.get()).isZero();
        }

        @Test
        void areNotWrittenWhileTheCaIsDownAndAllRenewedWhenItIsBack() throws Exception {
            due(50);
            authority.fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(2), null));
            int before = authority.asked().size();

            time.advance(Duration.ofDays(5));

            assertThat(written.get()).isZero();
            // One at a time, each four minutes in the end.
            assertThat(authority.asked().size() - before).isBetween(1_000, 5 * 24 * 15 + 60);
            authority.fail(null);
            time.advance(Duration.ofMinutes(10));
            assertThat(house.recorded().lines(EventKind.RENEWED)).hasSize(50);
        }
    }

    private CertificateStore writingAVisitAfterTheNextLook() {
        AtomicBoolean written = new AtomicBoolean();
        return (CertificateStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {CertificateStore.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(house.store(), arguments);
                        if (method.getName().equals("find") && written.compareAndSet(false, true)) {
                            house.store().save(stored(SHOP).withVisited(now()));
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void visitsAreWrittenDownAtTheEnd() throws Exception {
        obtain(SHOP);
        visit(SHOP);
        renewal.close();

        renewal.writeVisits(Duration.ofSeconds(2));

        assertThat(stored(SHOP).visited()).isPresent();
    }
}
