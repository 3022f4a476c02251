package org.ondemandtls.store;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.ManualTime;

/** {@link MemoryCertificateStore}: what tests use in place of a store keeps what every store promises. */
class MemoryCertificateStoreTest extends CertificateStoreContract {

    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();

    @TempDir
    private Path directory;

    @Override
    protected CertificateStore open(ManualTime time) throws Exception {
        return new MemoryCertificateStore(medium, directory, time.clock());
    }
}
