package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.denial;
import static org.ondemandtls.renewal.RenewalFixture.failed;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.StoredCertificate;

/** {@link Denials}: a renewal that is denied is asked about again, and its name withdrawn in the end. */
class RenewalDeniedTest {

    private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);
    private static final Duration HOUR = Duration.ofHours(1);
    private static final String CA = "https://ca.example/directory";

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

    private void failing(IssuanceException with) {
        fixture.orders.renewing = name -> failed(with);
    }

    private void pass(Duration time) {
        fixture.time.advance(time);
    }

    @Nested
    class ADenial {

        private StoredCertificate denied(Optional<Instant> since) throws Exception {
            failing(denial(SHOP));
            fixture.keepDue(fixture.record(SHOP.value()).withDeniedSince(since));
            fixture.begin();
            return fixture.stored(SHOP);
        }

        @Test
        void isAskedAboutAgainEightTimesBeforeTheNameIsWithdrawn() throws Exception {
            StoredCertificate record = denied(Optional.empty());

            assertThat(record.deniedSince()).contains(fixture.now());
            assertThat(record.due()).isEqualTo(fixture.now().plus(Duration.ofHours(3)));
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains("gone; asked again in 180 min, withdrawn if it is denied at every ask until "
                            + fixture.now().plus(DAY));
            assertThat(fixture.renewal.withdrawnAt(record))
                    .contains(fixture.now().plus(DAY));
        }

        @Test
        void isAskedAboutForTheLastTimeWhenTheTimeIsOver() throws Exception {
            StoredCertificate record = denied(Optional.of(fixture.now().minus(Duration.ofHours(22))));

            assertThat(record.due()).isEqualTo(fixture.now().plus(Duration.ofHours(2)));
        }

        @Test
        void thatLastedForTheWholeTimeWithdrawsTheName() throws Exception {
            Instant since = fixture.now().minus(DAY);

            StoredCertificate record = denied(Optional.of(since));

            assertThat(record.withdrawn()).contains(fixture.now());
            assertThat(record.deniedSince()).contains(since);
            assertThat(record.due()).isEqualTo(record.certificate().notAfter().plus(fixture.grace));
            assertThat(fixture.house.inventory().find(SHOP)).isEmpty();
            assertThat(fixture.lines(EventKind.WITHDRAWN))
                    .singleElement()
                    .asString()
                    .contains("withdrawn: denied at every ask since " + since);
        }

        @Test
        void withdrawsNothingWhileSoManyAreDenied() throws Exception {
            fixture.brakeOn();
            fixture.recheck = Optional.of(Duration.ofHours(12));

            StoredCertificate record = denied(Optional.of(fixture.now().minus(DAY)));

            assertThat(record.withdrawn()).isEmpty();
            assertThat(record.due()).isEqualTo(fixture.now().plus(Duration.ofHours(12)));
            assertThat(fixture.renewal.nothingWithdrawnUntil())
                    .contains(fixture.now().plus(DAY.multipliedBy(3)));
            assertThat(fixture.lines(EventKind.NOT_RENEWED))
                    .singleElement()
                    .asString()
                    .contains("served on while so many names are denied at once");
            assertThat(fixture.renewal.confirmDenials()).isTrue();
        }

        @Test
        void isAskedAboutAsOftenAsEverWhileSoManyAreDeniedAndOnlyRenewalsAsk() throws Exception {
            fixture.brakeOn();

            StoredCertificate record = denied(Optional.of(fixture.now().minus(Duration.ofHours(22))));

            assertThat(record.due()).isEqualTo(fixture.now().plus(Duration.ofHours(3)));
        }

        @Test
        void isNoMoreSinceAMomentThatIsAhead() throws Exception {
            StoredCertificate record = denied(Optional.of(fixture.now().plus(HOUR)));

            assertThat(record.deniedSince()).contains(fixture.now());
        }
    }
}
