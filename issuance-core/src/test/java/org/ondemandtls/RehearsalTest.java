package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.OrderRehearsal;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.preflight.LookRehearsal;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link Rehearsal} and what it rehearses. */
class RehearsalTest {

    private final ManualTime time = new ManualTime();

    @Test
    void anOrderEndsWithAVerifiedCertificateAgainAndAgain() {
        OrderRehearsal rehearsal = new OrderRehearsal(time.clock(), time::nanoTime);

        KeyedCertificate first = rehearsal.perform();
        KeyedCertificate second = rehearsal.perform();

        assertThat(first.names()).containsExactly("rehearsal.invalid");
        assertThat(second.leaf()).isEqualTo(first.leaf());
    }

    @Test
    void aLookAtDnsIsAnsweredInMemory() {
        assertThat(new LookRehearsal(time::nanoTime).perform())
                .as("both kinds of addresses, and CAA at the name")
                .isEqualTo(3);
    }

    @Test
    void soManyRoundsAsAreWantedArePerformed() {
        assertThat(Rehearsal.rehearse(time.clock(), time::nanoTime, TlsProvider.JDK, 2, Duration.ofSeconds(1)))
                .isEqualTo(2);
    }

    @Test
    void theEnginesOfAnotherProviderAreRehearsedAsWell() throws Exception {
        TlsProvider conscrypt = TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT);

        assertThat(Rehearsal.rehearse(time.clock(), time::nanoTime, conscrypt, 2, Duration.ofSeconds(1)))
                .isEqualTo(2);
    }

    @Test
    void isWaitedForOnlyWhereNothingIsStored(@TempDir Path directory) throws Exception {
        Instant now = time.clock().instant();
        try (FileCertificateStore store =
                FileCertificateStore.open(directory, new RecordedEvents().events(), time.machine(), Duration.ZERO)) {
            assertThat(Rehearsal.isWorthWaitingFor(store)).isTrue();

            store.save(StoredCertificate.obtained(
                    TestLeaves.leaf(now, Duration.ofDays(90), "shop.example.com"), "internal", now, now));

            assertThat(Rehearsal.isWorthWaitingFor(store)).isFalse();
        }
    }

    @Test
    void noRoundBeginsWhenTheTimeIsOver() {
        long[] now = {0};
        LongSupplier slow = () -> now[0] += Duration.ofMillis(10).toNanos();

        assertThat(Rehearsal.rehearse(time.clock(), slow, TlsProvider.JDK, 1_000, Duration.ofSeconds(1)))
                .isLessThan(100);
        assertThat(Rehearsal.rehearse(time.clock(), time::nanoTime, TlsProvider.JDK, 2, Duration.ZERO))
                .isZero();
    }
}
