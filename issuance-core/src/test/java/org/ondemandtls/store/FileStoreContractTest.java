package org.ondemandtls.store;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link FileCertificateStore}: the contract. */
class FileStoreContractTest extends CertificateStoreContract {

    @TempDir
    private Path base;

    @Override
    protected CertificateStore open(ManualTime time) throws Exception {
        return FileCertificateStore.open(
                base.resolve("store"), new RecordedEvents().events(), time.machine(), Duration.ZERO, sealing());
    }

    KeySealing sealing() {
        return KeySealing.none();
    }
}
