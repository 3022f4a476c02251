package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.Revocations;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** {@link Renewal}: a name that is denied while it is served, alone and with many others. */
class DenialTest {

    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration LOOK = Duration.ofMinutes(10);

    private final List<Purpose> questions = new ArrayList<>();
    private final Set<ServerName> denied = new HashSet<>();
    private final List<ServerName> names = new ArrayList<>();

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private Issuance issuance;
    private Renewal renewal;
    private boolean answers = true;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        time = house.time();
        house.ask((name, purpose) -> {
            questions.add(purpose);
            if (!answers) {
                return CompletableFuture.failedFuture(new IllegalStateException("down"));
            }
            return CompletableFuture.completedFuture(
                    denied.contains(name) ? new Decision.Denied("gone") : new Decision.Granted());
        });
        begin(Optional.of(DAY));
    }

    @AfterEach
    void close() {
        renewal.close();
        house.close();
    }

    private void begin(Optional<Duration> recheck) throws Exception {
        begin(recheck, house.store());
    }

    private void begin(Optional<Duration> recheck, CertificateStore store) throws Exception {
        issuance = house.issuance(Runnable::run, Runnable::run);
        renewal = new Renewal(
                new Renewal.Floors(
                        store,
                        Orders.of(issuance),
                        house.authorities(),
                        Revocations.NONE,
                        house.inventory(),
                        house.visits(),
                        house.watch(),
                        house.recorded().events()),
                new OnDemandTlsConfig.Renewal(Optional.empty(), Duration.ofDays(30), Duration.ofDays(7), DAY, recheck),
                List.of(),
                8,
                new Renewal.Ports(
                        Runnable::run, Runnable::run, time.scheduler(), time.clock(), time::nanoTime, () -> 0.0, LOOK));
        renewal.start();
    }

    private void serve(int count) {
        for (int i = 0; i < count; i++) {
            ServerName name = ServerName.parse("shop" + i + ".example.net");
            names.add(name);
            issuance.obtain(name, ClientBlock.LOCAL).join();
        }
        pass(5);
        questions.clear();
    }

    private void pass(int days) {
        for (int day = 0; day < days; day++) {
            for (ServerName name : names) {
                house.inventory().find(name).ifPresent(house.visits()::visited);
            }
            time.advance(DAY);
        }
    }

    private void deny(int count) {
        denied.addAll(names.subList(0, count));
    }

    private StoredCertificate stored(ServerName name) throws Exception {
        return house.store().find(name).orElseThrow();
    }

    private long served() {
        return names.stream()
                .filter(name -> house.inventory().find(name).isPresent())
                .count();
    }

    private void restart() throws Exception {
        renewal.close();
        begin(Optional.of(DAY));
    }

    @Nested
    class AName {

        @Test
        void isToldAsWithdrawnAndItsRecordSavedAfterwardsWhichKeepsWhatWasTold() {
            serve(1);
            deny(1);
            AtomicInteger told = new AtomicInteger();
            house.store().remember(name -> {
                told.set(house.recorded().lines(EventKind.WITHDRAWN).size());
                return List.of();
            });

            pass(5);

            assertThat(served()).isZero();
            assertThat(told).hasValue(1);
        }

        @Test
        void isNotWithdrawnBecauseTheClockWasSetAsTheMachineStarted() throws Exception {
            serve(1);
            time.boot();
            deny(1);
            renewal.retry(names.get(0));
            Instant wrong = stored(names.get(0)).deniedSince().orElseThrow();

            time.jump(DAY.multipliedBy(2));
            renewal.retry(names.get(0));

            assertThat(served()).isEqualTo(1);
            assertThat(stored(names.get(0)).deniedSince()).contains(wrong.plus(DAY.multipliedBy(2)));
            pass(5);
            assertThat(served()).as("denied for a day by the right clock").isZero();
        }

        @Test
        void keepsTheMomentOfAnotherServerWhoseClockIsAhead() throws Exception {
            serve(1);
            deny(1);
            Instant ahead = time.clock().instant().plus(Duration.ofHours(1));
            house.store().save(stored(names.get(0)).withDeniedSince(Optional.of(ahead)));
            renewal.close();
            Peers sharing = Except.of(Peers.class, house.store().peers(), "any", through -> true);
            begin(Optional.of(DAY), Except.of(CertificateStore.class, house.store(), "peers", through -> sharing));

            renewal.retry(names.get(0));

            assertThat(stored(names.get(0)).deniedSince()).contains(ahead);
        }

        @Test
        void isWithdrawnInTimeOnAMachineThatStartsEachMorningWithTheTimeOfTheEvening() throws Exception {
            serve(1);
            deny(1);
            renewal.retry(names.get(0));
            Instant since = stored(names.get(0)).deniedSince().orElseThrow();

            for (int day = 0; day < 2; day++) {
                time.advance(Duration.ofHours(14));
                renewal.close();
                time.boot();
                house.restartWatch();
                begin(Optional.of(DAY));
                time.advance(Duration.ofMinutes(1));
                time.jump(Duration.ofHours(10));
            }
            time.advance(Duration.ofHours(4));

            assertThat(since).isBefore(time.clock().instant().minus(DAY.multipliedBy(2)));
            assertThat(served()).isZero();
        }

        @Test
        void isAskedForOnceInEachPeriodWhileItIsVisited() throws Exception {
            serve(1);

            pass(40);

            assertThat(questions).hasSizeBetween(39, 41).containsOnly(Purpose.RENEW);
            assertThat(stored(names.get(0)).deniedSince()).isEmpty();
        }

        @Test
        void isNotAskedForWhereOnlyRenewalsAsk() throws Exception {
            renewal.close();
            begin(Optional.empty());
            serve(1);

            pass(40);

            assertThat(questions).isEmpty();
        }

        @Test
        void isNotAskedForWhereNobodyVisitsIt() {
            ServerName name = ServerName.parse("lonely.example.net");
            issuance.obtain(name, ClientBlock.LOCAL).join();
            questions.clear();

            time.advance(Duration.ofDays(40));

            assertThat(questions).isEmpty();
        }

        @Test
        void thatIsDeniedIsWithdrawnWhenTheTimeIsOverNotWhenItsRenewalIsDue() throws Exception {
            serve(1);
            deny(1);

            pass(1);
            assertThat(stored(names.get(0)).deniedSince()).isPresent();
            assertThat(served()).isEqualTo(1);
            pass(2);

            StoredCertificate record = stored(names.get(0));
            assertThat(served()).isZero();
            assertThat(Duration.between(
                            record.deniedSince().orElseThrow(),
                            record.withdrawn().orElseThrow()))
                    .isBetween(DAY, DAY.plus(LOOK));
            assertThat(questions).hasSizeBetween(8, 11);
            assertThat(house.authority().asked()).hasSize(1);
        }

        @Test
        void thatIsGrantedAgainInTimeIsServedOnWithoutATrace() throws Exception {
            serve(1);
            deny(1);
            pass(1);
            denied.clear();

            pass(2);

            assertThat(served()).isEqualTo(1);
            assertThat(stored(names.get(0)).deniedSince()).isEmpty();
        }

        @Test
        void isServedOnWhereNobodyAnswers() throws Exception {
            serve(1);
            answers = false;

            pass(10);

            assertThat(served()).isEqualTo(1);
            assertThat(stored(names.get(0)).deniedSince()).isEmpty();
            assertThat(questions).hasSizeBetween(9, 11);
        }
    }

    @Nested
    class ManyNames {

        @Test
        void deniedAtOnceAreKeptAndSaidLoudlyOnce() throws Exception {
            serve(25);
            deny(25);

            pass(6);

            assertThat(served()).isEqualTo(25);
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL))
                    .singleElement()
                    .asString()
                    .contains("more than half of the names", "nothing is withdrawn before");
            assertThat(stored(names.get(0)).deniedSince()).isPresent();
        }

        @Test
        void grantedAgainHaveNoTraceOfItAndTheBrakeIsReleased() throws Exception {
            serve(25);
            deny(25);
            pass(4);
            denied.clear();

            pass(3);

            for (ServerName name : names) {
                assertThat(stored(name).deniedSince()).isEmpty();
            }
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL)).hasSize(2);
            assertThat(renewal.nothingWithdrawnUntil()).isEmpty();
            deny(1);
            pass(3);
            assertThat(served()).isEqualTo(24);
        }

        @Test
        void whoseRenewalsAreGrantedAgainReleaseTheBrakeWhereOnlyRenewalsAsk() throws Exception {
            renewal.close();
            begin(Optional.empty());
            serve(25);
            deny(25);
            pass(58);
            assertThat(served()).isEqualTo(25);
            assertThat(renewal.nothingWithdrawnUntil()).isPresent();
            denied.clear();

            pass(1);

            assertThat(renewal.nothingWithdrawnUntil()).isEmpty();
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL)).hasSize(2);
        }

        @Test
        void areWithdrawnAfterAWeekAllTheSame() throws Exception {
            serve(25);
            deny(25);

            pass(10);

            assertThat(served()).isZero();
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL)).hasSize(1);
        }

        @Test
        void areWithdrawnWhereAnOperatorConfirms() throws Exception {
            serve(25);
            deny(25);
            pass(3);
            assertThat(renewal.nothingWithdrawnUntil()).isPresent();

            assertThat(renewal.confirmDenials()).isTrue();
            pass(2);

            assertThat(served()).isZero();
            assertThat(renewal.confirmDenials()).isFalse();
        }

        @Test
        void areKeptOverARestart() throws Exception {
            serve(25);
            deny(25);
            pass(1);
            restart();

            pass(4);

            assertThat(served()).isEqualTo(25);
        }

        @Test
        void ofWhichHalfIsDeniedAreNoMassDenial() {
            serve(40);
            deny(20);

            pass(4);

            assertThat(served()).isEqualTo(20);
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL)).isEmpty();
        }

        @Test
        void fewerThanTwentyAreNoMass() {
            serve(19);
            deny(19);

            pass(4);

            assertThat(served()).isZero();
            assertThat(house.recorded().lines(EventKind.MASS_DENIAL)).isEmpty();
        }
    }

    @Nested
    class TheBrake {

        private DenialBrake brake(Duration window) {
            return new DenialBrake(
                    house.store(),
                    Optional.of(window),
                    time.clock(),
                    time::nanoTime,
                    house.recorded().events());
        }

        @Test
        void remembersAFairPartOfAnyNumberOfNames() throws Exception {
            DenialBrake brake = brake(DAY);
            Instant now = time.clock().instant();
            for (int i = 0; i < 30_000; i++) {
                brake.served("name" + i + ".example");
            }
            for (int i = 0; i < 14_000; i++) {
                brake.denied("name" + i + ".example", now);
            }
            assertThat(brake.until()).isEmpty();
            for (int i = 14_000; i < 17_000; i++) {
                brake.denied("name" + i + ".example", now);
            }

            assertThat(brake.until()).contains(now.plus(DenialBrake.LONGEST));
        }

        @Test
        void waitsForTheWholePeriodWhereTheLastAnswersAreDenialsAndWithdrawalComesSooner() throws Exception {
            DenialBrake brake = brake(DAY);
            Instant now = time.clock().instant();
            for (int i = 0; i < 100; i++) {
                brake.served("name" + i + ".example");
            }
            for (int i = 0; i < 11; i++) {
                assertThat(brake.keeps(now)).isFalse();
                brake.denied("name" + i + ".example", now);
            }

            assertThat(brake.until()).isEmpty();
            assertThat(brake.keeps(now)).isTrue();
            assertThat(brake.keeps(now.minus(DAY))).isFalse();
        }
    }
}
