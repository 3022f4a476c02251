package org.ondemandtls.store.file;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.MediumContract;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link FileMedium}: the contract of a medium. */
class FileMediumTest extends MediumContract {

    @TempDir
    private Path directory;

    private FileMedium medium;

    @Override
    protected Medium open() throws Exception {
        medium = FileMedium.open(
                directory.resolve("store"),
                new RecordedEvents().events(),
                new ManualTime().machine(),
                Duration.ZERO,
                KeySealing.none());
        return medium;
    }

    @Override
    protected void damage(Shelf shelf, String key, byte[] content) throws Exception {
        Files.write(medium.file(shelf, key), content);
    }
}
