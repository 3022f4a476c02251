package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.LOOK;
import static org.ondemandtls.renewal.RenewalFixture.denial;
import static org.ondemandtls.renewal.RenewalFixture.failed;

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
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoredCertificate;

/** {@link SeveralNames}: permission is asked for each name of a certificate of several. */
class SeveralNamesAskedTest {

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
    class Permission {

        private void askedSinceYesterday() throws Exception {
            fixture.recheck = Optional.of(DAY);
            StoredCertificate record = several();
            fixture.house.store().save(record.withDue(fixture.now().minus(DAY)));
        }

        @Test
        void isAskedForEachNameAndThenTheCa() throws Exception {
            askedSinceYesterday();

            fixture.begin();

            assertThat(fixture.orders.rechecked).containsExactlyInAnyOrder(FIRST, B, C);
            assertThat(fixture.authority.advisedOf()).hasSize(1);
            assertThat(fixture.stored(FIRST).due()).isAfter(fixture.now());
        }

        @Test
        void isNotAskedWhereOnlyRenewalsAskButTheCaIs() throws Exception {
            askedSinceYesterday();
            fixture.recheck = Optional.empty();

            fixture.begin();

            assertThat(fixture.orders.rechecked).isEmpty();
            assertThat(fixture.authority.advisedOf()).hasSize(1);
        }

        @Test
        void isNotAskedForWhatHasItsOwnOrIsWithdrawn() throws Exception {
            askedSinceYesterday();
            fixture.house.store().save(fixture.record(B.value()));
            WithdrawnName.keep(fixture.house.store(), C, fixture.stored(FIRST));

            fixture.begin();

            assertThat(fixture.orders.rechecked).containsExactly(FIRST);
        }

        @Test
        void isNotAskedForAFirstNameThatIsWithdrawn() throws Exception {
            askedSinceYesterday();
            WithdrawnName.keep(fixture.house.store(), FIRST, fixture.stored(FIRST));

            fixture.begin();

            assertThat(fixture.orders.rechecked).containsExactlyInAnyOrder(B, C);
        }

        @Test
        void deniedForTheFirstIsKeptWithTheCertificate() throws Exception {
            askedSinceYesterday();
            fixture.orders.rechecking =
                    name -> name.equals(FIRST) ? failed(denial(FIRST)) : CompletableFuture.completedFuture(null);

            fixture.begin();

            assertThat(fixture.stored(FIRST).deniedSince()).contains(fixture.now());
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains(FIRST.value(), "gone");
            assertThat(fixture.isServed(FIRST)).isTrue();
        }

        @Test
        void deniedForTheFirstForADayWithdrawsThatNameOnly() throws Exception {
            askedSinceYesterday();
            fixture.house
                    .store()
                    .save(fixture.stored(FIRST)
                            .withDeniedSince(Optional.of(fixture.now().minus(DAY))));
            fixture.orders.rechecking =
                    name -> name.equals(FIRST) ? failed(denial(FIRST)) : CompletableFuture.completedFuture(null);

            fixture.begin();

            assertThat(fixture.isWithdrawn(FIRST)).isTrue();
            assertThat(fixture.isServed(FIRST)).isFalse();
            assertThat(fixture.isServed(B)).isTrue();
            assertThat(fixture.stored(B).deniedSince()).isEmpty();
            assertThat(fixture.stored(B).withdrawn()).isEmpty();
            assertThat(fixture.lines(EventKind.WITHDRAWN)).hasSize(1);
        }

        @Test
        void grantedAgainForTheFirstLeavesNothingOfItsDenial() throws Exception {
            StoredCertificate record =
                    several().withDeniedSince(Optional.of(fixture.now().minus(HOUR)));
            fixture.house.store().save(record.withDue(fixture.now()));

            fixture.begin();

            assertThat(fixture.orders.rechecked).contains(FIRST);
            assertThat(fixture.stored(FIRST).deniedSince()).isEmpty();
        }

        @Test
        void thatNobodyAnswersAboutADeniedNameIsAskedAgainLater() throws Exception {
            askedSinceYesterday();
            List<IssuanceException> answers =
                    new ArrayList<>(List.of(denial(B), new IssuanceException.NoAnswer(B, "down", Duration.ZERO)));
            fixture.orders.rechecking = name -> name.equals(B) && !answers.isEmpty()
                    ? failed(answers.remove(0))
                    : CompletableFuture.completedFuture(null);
            fixture.begin();
            assertThat(fixture.deniedSince(B)).isPresent();

            pass(ASKED_AGAIN.plus(LOOK));
            assertThat(fixture.deniedSince(B)).as("no answer is no grant").isPresent();
            assertThat(answers).isEmpty();
            pass(ASKED_AGAIN.plus(LOOK));

            assertThat(fixture.deniedSince(B)).isEmpty();
        }

        @Test
        void thatNobodyAnswersAboutAnotherIsLeftAsItIs() throws Exception {
            askedSinceYesterday();
            fixture.orders.rechecking = name -> failed(new IssuanceException.NoAnswer(name, "down", Duration.ZERO));

            fixture.begin();

            assertThat(fixture.deniedSince(B)).isEmpty();
            assertThat(fixture.stored(FIRST).deniedSince()).isEmpty();
            assertThat(fixture.lines(EventKind.NOT_RENEWED)).isEmpty();
        }

        @Test
        void isAskedForTheFirstWhileTheOthersWaitForTheirOwn() throws Exception {
            fixture.orders.hold();
            fixture.recheck = Optional.of(DAY);
            StoredCertificate record = several();
            fixture.house
                    .store()
                    .save(record.withRenew(fixture.now()).withDue(fixture.now().minus(DAY)));

            fixture.begin();

            assertThat(fixture.orders.renewed).containsExactly(B, C);
            assertThat(fixture.orders.rechecked).containsExactly(FIRST);
        }

        @Test
        void isNotAskedForAWithdrawnFirstWhileTheOthersWaitForTheirOwn() throws Exception {
            fixture.orders.hold();
            fixture.recheck = Optional.of(DAY);
            StoredCertificate record = several();
            fixture.house
                    .store()
                    .save(record.withRenew(fixture.now()).withDue(fixture.now().minus(DAY)));
            WithdrawnName.keep(fixture.house.store(), FIRST, record);

            fixture.begin();

            assertThat(fixture.orders.rechecked).isEmpty();
        }
    }
}
