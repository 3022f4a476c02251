package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.ManualTime;

/** {@link MeasuredStore}: each thing a store does is timed by what it was and how it ended. */
class MeasuredStoreFiguresTest {

    private final ManualTime time = new ManualTime();
    private final Figures figures = new Figures();

    @TempDir
    private Path directory;

    private CertificateStore behind;

    @BeforeEach
    void open() throws Exception {
        behind = new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock());
    }

    @AfterEach
    void close() {
        behind.close();
    }

    private CertificateStore measured(CertificateStore store) {
        return MeasuredStore.of(store, figures, time::nanoTime);
    }

    private Figures.Series of(String operation, String result) {
        return figures.series().stream()
                .filter(one -> one.figure() == Figure.STORE && one.values().equals(List.of(operation, result)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatIsDoneIsTimed() throws Exception {
        CertificateStore slow = measured(Except.of(CertificateStore.class, behind, "nextDue", through -> {
            time.advance(Duration.ofSeconds(3));
            return through.call();
        }));

        assertThat(slow.nextDue()).isEmpty();

        assertThat(of("nextDue", "done").count()).isEqualTo(1);
        assertThat(of("nextDue", "done").seconds()).isEqualTo(3.0);
    }

    @Test
    void whatComesTooLateIsRefused() throws Exception {
        CertificateStore store = measured(behind);
        StoredCertificate record = ShelfContract.stored("a.example.com");
        store.save(record);

        assertThatThrownBy(() -> store.save(record)).isInstanceOf(StaleRevisionException.class);

        assertThat(of("save", "done").count()).isEqualTo(1);
        assertThat(of("save", "refused").count()).isEqualTo(1);
    }

    @Test
    void whatThrowsHasFailed() {
        CertificateStore broken = measured(Except.of(CertificateStore.class, behind, "nextDue", through -> {
            throw new StoreException("broken");
        }));

        assertThatThrownBy(broken::nextDue).isInstanceOf(StoreException.class).hasMessage("broken");

        assertThat(of("nextDue", "failed").count()).isEqualTo(1);
    }

    @Test
    void whatDoesNoWorkIsNotTimed() throws Exception {
        CertificateStore store = measured(behind);

        assertThat(store.location()).isEqualTo(behind.location());
        assertThat(store.mayHold(ShelfContract.SHOP)).isFalse();
        assertThat(store.knowsItsNames()).isTrue();
        assertThat(store.peers()).isSameAs(behind.peers());
        assertThat(store.ledger()).isSameAs(behind.ledger());
        assertThat(store.readableHold(new Scope.Denials())).isEmpty();

        assertThat(figures.series()).extracting(Figures.Series::values).containsExactly(List.of("hold", "done"));
    }
}
