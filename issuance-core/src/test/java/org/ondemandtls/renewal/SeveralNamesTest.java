package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.denial;
import static org.ondemandtls.renewal.RenewalFixture.failed;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.StoredCertificate;

/** {@link SeveralNames}: each name of a certificate of several gets its own, is asked for, and ends by itself. */
class SeveralNamesTest {

    private static final ServerName FIRST = ServerName.parse("first.example.com");
    private static final ServerName B = ServerName.parse("b.example.com");
    private static final ServerName C = ServerName.parse("c.example.com");
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration ASKED_AGAIN = Duration.ofHours(3);

    @TempDir
    private Path directory;

    private RenewalFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private StoredCertificate several() {
        return fixture.record(FIRST.value(), B.value(), C.value());
    }

    private void pass(Duration time) {
        fixture.time.advance(time);
    }

    @Nested
    class TheirRenewal {

        @Test
        void isThatOfTheOthersFirstAndOfTheFirstInTheEnd() throws Exception {
            fixture.keepDue(several());

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(B, C, FIRST);
            assertThat(fixture.stored(B).certificate().names()).containsExactly(B.value());
            assertThat(fixture.stored(FIRST).certificate().names()).containsExactly(FIRST.value());
        }

        @Test
        void isLookedAtAgainWithinTheHour() throws Exception {
            fixture.orders.hold();
            fixture.keepDue(several());

            fixture.begin();

            Instant daily = new Rechecks(Optional.of(DAY))
                    .after(FIRST.value(), fixture.now())
                    .orElseThrow();
            Instant hour = fixture.now().plus(HOUR);
            assertThat(fixture.stored(FIRST).due()).isEqualTo(daily.isBefore(hour) ? daily : hour);
            assertThat(fixture.orders.renewed).containsExactly(B, C);
        }

        @Test
        void passesOverWhoGotItsOwnMeanwhile() throws Exception {
            fixture.orders.hold();
            fixture.atOnce = 1;
            fixture.keepDue(several());
            fixture.begin();
            fixture.house.store().save(fixture.record(C.value()));

            fixture.orders.underWay.get(0).completeExceptionally(new IssuanceException.Stopping(B));

            assertThat(fixture.orders.renewed).containsExactly(B);
        }

        @Test
        void waitsForNobodyWhereNothingIsLeft() throws Exception {
            StoredCertificate beside = fixture.keepDue(fixture.record(FIRST.value(), "*.example.org"));

            fixture.begin();

            assertThat(fixture.orders.renewed).isEmpty();
            assertThat(fixture.stored(FIRST).due())
                    .isEqualTo(beside.certificate().notAfter().plus(fixture.grace));
        }

        @Test
        void waitsUntilItIsLateWhereAnotherNamesOwnCannotBeRead() throws Exception {
            StoredCertificate two = fixture.keepDue(fixture.record(FIRST.value(), B.value()));
            fixture.house.store().save(fixture.record(B.value()));
            ((MemoryCertificateStore) fixture.house.store()).unreadable(B.value(), true);

            fixture.begin();

            assertThat(fixture.orders.renewed).isEmpty();
            assertThat(fixture.stored(FIRST).due()).isEqualTo(Listed.overdueFrom(two));
            assertThat(fixture.lines(EventKind.STORE_FAILED)).isNotEmpty().allMatch(line -> line.contains(B.value()));
            pass(Duration.between(fixture.now(), Listed.overdueFrom(two)));
            assertThat(fixture.orders.renewed).containsExactly(FIRST);
        }

        @Test
        void leavesNothingOfADenialBefore() throws Exception {
            StoredCertificate record = fixture.keepDue(several());
            DeniedName.keep(fixture.store, B, record, fixture.now().minus(HOUR));

            fixture.begin();

            assertThat(fixture.deniedSince(B)).isEmpty();
        }
    }

    @Nested
    class ARenewalThatFails {

        private StoredCertificate failing(IssuanceException with) throws Exception {
            fixture.orders.renewing = name -> failed(with);
            StoredCertificate record = fixture.keepDue(several());
            DeniedName.keep(fixture.store, B, record, fixture.now().minus(HOUR));
            fixture.begin();
            return record;
        }

        @Test
        void isToldAndTriedAgainWithoutTheOthers() throws Exception {
            fixture.lookEvery = Duration.ofSeconds(30);
            failing(new IssuanceException.Rejected(B, "caa", "no", Duration.ofMinutes(20)));
            assertThat(fixture.orders.renewed).containsExactly(B, C);
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .hasSize(2)
                    .first()
                    .asString()
                    .contains(B.value(), "not renewed: rejected");
            assertThat(fixture.deniedSince(B))
                    .as("granted, or it had not been ordered")
                    .isEmpty();

            pass(Duration.ofMinutes(20).minusSeconds(1));
            assertThat(fixture.orders.renewed).hasSize(2);
            pass(Duration.ofSeconds(1));
            assertThat(fixture.orders.renewed).containsExactly(B, C, B, C);
        }

        @Test
        void isNoGrantWhereNobodyAnswers() throws Exception {
            failing(new IssuanceException.NoAnswer(B, "down", Duration.ofMinutes(1)));

            assertThat(fixture.deniedSince(B)).isPresent();
        }

        @Test
        void isNothingWhereTheServerStops() throws Exception {
            failing(new IssuanceException.Stopping(B));

            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
            assertThat(fixture.deniedSince(B)).isPresent();
        }

        @Test
        void isNothingByAClockThatIsNotTrusted() throws Exception {
            fixture.orders.hold();
            fixture.keepDue(several());
            fixture.begin();
            fixture.time.jump(DAY);

            fixture.orders.underWay.get(0).completeExceptionally(denial(B));

            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
            assertThat(fixture.deniedSince(B)).isEmpty();
        }

        @Test
        void isNothingWhereTheCertificateIsWithdrawnMeanwhile() throws Exception {
            fixture.orders.hold();
            fixture.keepDue(several());
            fixture.begin();
            fixture.house.store().save(fixture.stored(FIRST).withWithdrawn(Optional.of(fixture.now())));

            fixture.orders.underWay.get(0).completeExceptionally(denial(B));

            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
            assertThat(fixture.deniedSince(B)).isEmpty();
        }

        @Test
        void asNobodyForesawIsToldAndTriedAgainAfterFiveMinutes() throws Exception {
            fixture.orders.renewing = name -> CompletableFuture.failedFuture(new IllegalStateException("unforeseen"));
            fixture.keepDue(fixture.record(FIRST.value(), B.value()));
            fixture.begin();

            assertThat(fixture.lines(EventKind.DEFECT))
                    .singleElement()
                    .asString()
                    .contains(B.value(), "unforeseen");
            pass(Duration.ofMinutes(5).plus(LOOK));
            assertThat(fixture.orders.renewed).containsExactly(B, B);
        }

        @Test
        void ofACaThatIsUnwellKeepsTheOthersWaiting() throws Exception {
            fixture.atOnce = 1;
            fixture.orders.renewing =
                    name -> failed(IssuanceException.Unavailable.unwell(name, "down", Duration.ofSeconds(2), null));
            fixture.keepDue(fixture.record(FIRST.value(), B.value(), C.value(), "d.example.com", "e.example.com"));

            fixture.begin();

            assertThat(fixture.orders.renewed).hasSize(3);
        }
    }

    @Nested
    class ADenialOfAFurtherName {

        private void deny() throws Exception {
            fixture.orders.renewing = name -> name.equals(B) ? failed(denial(B)) : new CompletableFuture<>();
            fixture.keepDue(several());
        }

        @Test
        void isKeptToldAndAskedAboutAgain() throws Exception {
            deny();
            fixture.begin();
            Instant since = fixture.now();

            assertThat(fixture.deniedSince(B)).contains(since);
            assertThat(fixture.deniedSince(C)).isEmpty();
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains(B.value(), "not renewed: not permitted: gone");
            assertThat(fixture.renewal.concerning(B, fixture.stored(FIRST)).deniedSince())
                    .contains(since);
            assertThat(fixture.renewal.concerning(FIRST, fixture.stored(FIRST)).deniedSince())
                    .isEmpty();
            pass(ASKED_AGAIN.minusSeconds(1));
            assertThat(fixture.orders.renewed).containsOnlyOnce(B);
            pass(LOOK);
            assertThat(fixture.orders.renewed.stream().filter(B::equals)).hasSize(2);
            assertThat(fixture.deniedSince(B)).contains(since);
        }

        @Test
        void thatLastedForADayBeforeTheServerWasStartedWithdrawsTheName() throws Exception {
            deny();
            Instant since = fixture.now().minus(DAY);
            DeniedName.keep(fixture.store, B, fixture.stored(FIRST), since);

            fixture.begin();

            assertThat(fixture.isWithdrawn(B)).isTrue();
            assertThat(fixture.isServed(B)).isFalse();
            assertThat(fixture.isServed(FIRST)).isTrue();
            assertThat(fixture.deniedSince(B)).isEmpty();
            assertThat(fixture.lines(EventKind.WITHDRAWN))
                    .singleElement()
                    .asString()
                    .contains(B.value(), "denied at every ask since " + since);
            pass(DAY);
            assertThat(fixture.orders.renewed).containsOnlyOnce(B);
        }

        @Test
        void thatLastedForLessIsNoReasonToWithdrawIt() throws Exception {
            deny();
            DeniedName.keep(
                    fixture.store,
                    B,
                    fixture.stored(FIRST),
                    fixture.now().minus(DAY).plusSeconds(1));

            fixture.begin();

            assertThat(fixture.isWithdrawn(B)).isFalse();
            assertThat(fixture.isServed(B)).isTrue();
        }

        @Test
        void withdrawsNothingWhileSoManyAreDenied() throws Exception {
            deny();
            fixture.brakeOn();
            DeniedName.keep(
                    fixture.store, B, fixture.stored(FIRST), fixture.now().minus(DAY.multipliedBy(2)));

            fixture.begin();

            assertThat(fixture.isWithdrawn(B)).isFalse();
            assertThat(fixture.deniedSince(B)).isPresent();
        }

        @Test
        void isTheTurnOfTheFirstWhereNobodyElseIsLeft() throws Exception {
            fixture.orders.renewing = name -> name.equals(B) ? failed(denial(B)) : new CompletableFuture<>();
            StoredCertificate two = fixture.keepDue(fixture.record(FIRST.value(), B.value()));
            DeniedName.keep(fixture.store, B, two, fixture.now().minus(DAY));

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(B, FIRST);
        }

        @Test
        void keptInWordsThatNobodyReadsBeginsAnew() throws Exception {
            deny();
            fixture.house
                    .store()
                    .keepHold(new Hold(
                            new Scope.Other("denied-name/" + B),
                            "ca",
                            1,
                            fixture.now(),
                            "denied",
                            "yesterday",
                            Optional.empty()));

            fixture.begin();

            assertThat(fixture.deniedSince(B)).contains(fixture.now());
        }
    }
}
