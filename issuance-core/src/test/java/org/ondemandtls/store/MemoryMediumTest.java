package org.ondemandtls.store;

import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.store.file.FileLedger;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link MemoryMedium}: a medium like any other. */
class MemoryMediumTest extends MediumContract {

    private final Clock clock = new ManualTime().clock();

    @TempDir
    private Path directory;

    private MemoryMedium medium;

    @Override
    protected Medium open() throws Exception {
        medium = new MemoryMedium(
                new MemoryMedium.World(),
                new FileLedger(directory, clock, new RecordedEvents().events()),
                false,
                KeySealing.none());
        return medium;
    }

    @Override
    protected void damage(Shelf shelf, String key, byte[] content) {
        medium.damage(shelf, key, content);
    }
}
