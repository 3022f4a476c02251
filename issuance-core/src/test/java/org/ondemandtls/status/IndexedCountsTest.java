package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link IndexedCounts}: what is overdue by what the store says, whoever renewed, denied or revoked meanwhile. */
class IndexedCountsTest {

    private static final Duration LIFE = Duration.ofDays(90);

    @TempDir
    private Path directory;

    private final ManualTime time = new ManualTime();
    private CertificateStore store;

    @BeforeEach
    void open() throws IOException {
        store = new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock());
    }

    @AfterEach
    void close() {
        store.close();
    }

    private Instant now() {
        return time.clock().instant();
    }

    private StoredCertificate save(String name, Duration renewIn, UnaryOperator<StoredCertificate> change)
            throws Exception {
        return store.save(change.apply(StoredCertificate.obtained(
                TestLeaves.leaf(now(), LIFE, name), "https://ca.example/dir", now(), now().plus(renewIn))));
    }

    private IndexedCounts counted() throws Exception {
        return IndexedCounts.of(store, now()).orElseThrow();
    }

    @Test
    void aRenewalIsOverdueOnceItIsLateByATwentiethOfTheLife() throws Exception {
        save("a.example.com", Duration.ZERO, record -> record);
        save("b.example.com", Duration.ofDays(60), record -> record);
        time.advance(Duration.ofDays(4));
        assertThat(counted()).isEqualTo(IndexedCounts.NONE);

        time.advance(Duration.ofDays(1));

        assertThat(counted().overdue()).isEqualTo(1);
        assertThat(counted().oldest()).isEqualTo(Duration.ofDays(5));
    }

    @Test
    void theOneThatAnotherServerRenewedIsOverdueNoMore() throws Exception {
        StoredCertificate late = save("a.example.com", Duration.ZERO, record -> record);
        time.advance(Duration.ofDays(6));
        assertThat(counted().overdue()).isEqualTo(1);

        store.save(late.withRenew(now().plus(Duration.ofDays(30))).withDue(now().plus(Duration.ofDays(30))));

        assertThat(counted()).isEqualTo(IndexedCounts.NONE);
    }

    @Test
    void whatIsOverdueIsCountedBehindAnyNumberOfThoseThatAreNotRenewed() throws Exception {
        StoredCertificate idle = save("idle.example.com", Duration.ZERO, record -> record);
        for (int i = 0; i < IndexedCounts.MOST + 500; i++) {
            save("n" + i + ".example.com", Duration.ZERO, record -> record.withWithdrawn(Optional.of(now())));
        }
        store.save(idle.withWithdrawn(Optional.of(now())));
        time.advance(Duration.ofDays(1));
        save("late.example.com", Duration.ZERO, record -> record);

        time.advance(Duration.ofDays(6));

        assertThat(counted().overdue()).isEqualTo(1);
    }

    @Test
    void whatHasMovedAwayIsCountedUntilItsCertificateEnds() throws Exception {
        save(
                "a.example.com",
                Duration.ZERO,
                record -> record.withMoved(Optional.of(new Moved(now(), "192.0.2.1", "point it here again"))));
        assertThat(counted().movedAway()).isEqualTo(1);

        time.advance(LIFE);

        assertThat(counted().movedAway()).isZero();
    }

    @Test
    void whatIsWithdrawnOrNotVisitedOrHasExpiredIsNotOverdue() throws Exception {
        save("a.example.com", Duration.ZERO, record -> record.withWithdrawn(Optional.of(now())));
        save("b.example.com", Duration.ZERO, record -> record.withDue(now().plus(Duration.ofDays(120))));
        save("c.example.com", Duration.ZERO, record -> record);
        time.advance(Duration.ofDays(80));
        assertThat(counted().overdue()).isEqualTo(1);

        time.advance(Duration.ofDays(20));

        assertThat(counted()).isEqualTo(IndexedCounts.NONE);
    }
}
