package org.ondemandtls.store;

import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.store.file.FileLedger;
import org.ondemandtls.testing.ManualTime;

/** {@link MemoryMedium}: a medium like any other. */
class MemoryMediumTest extends MediumContract {

    private final Clock clock = new ManualTime().clock();

    @TempDir
    private Path directory;

    @Override
    protected Medium open() throws Exception {
        return new MemoryMedium(new MemoryMedium.World(), new FileLedger(directory, clock), false, KeySealing.none());
    }
}
