package org.ondemandtls.store;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.ManualTime;

/** {@link MemoryCertificateStore} of several servers: what tests use in place of a database. */
class SharedMemoryStoreTest extends SharedStoreContract {

    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();
    private final ManualTime time = new ManualTime();

    @TempDir
    private Path directory;

    @Override
    protected CertificateStore join() throws Exception {
        return new MemoryCertificateStore(medium, Files.createTempDirectory(directory, "ledger"), time.clock(), true);
    }

    @Override
    protected void lapse(CertificateStore holder) {
        ((MemoryCertificateStore) holder).standStill();
    }
}
