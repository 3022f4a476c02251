package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.event.Figures;
import org.ondemandtls.testing.ManualTime;

/** {@link MeasuredStore}: a store like the one behind it. */
class MeasuredStoreTest {

    private final ManualTime time = new ManualTime();

    @TempDir
    private Path directory;

    @Test
    void listsByTheIndexOfTheStoreBehindIt() throws Exception {
        try (CertificateStore store =
                        new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock());
                CertificateStore measured = MeasuredStore.of(store, new Figures(), time::nanoTime)) {
            measured.save(ShelfContract.stored("a.example.com"));

            assertThat(measured.listed(new Listed.OfDomain("example.com"), "", 9))
                    .hasValueSatisfying(
                            page -> assertThat(page).extracting(Listed::name).containsExactly("a.example.com"));
        }
    }
}
