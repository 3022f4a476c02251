package org.ondemandtls.store.file;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link StableStorage}: what a file system cannot do with directories is borne, what it cannot do with files is not. */
class StableStorageTest {

    @TempDir
    private Path base;

    private final RecordedEvents recorded = new RecordedEvents();

    private Path root() {
        return base.resolve("store");
    }

    private FileMedium open(StableStorage.Force force) throws StoreException {
        return FileMedium.open(
                root(), recorded.events(), new ManualTime().machine(), Duration.ZERO, KeySealing.none(), force);
    }

    private static StableStorage.Force failing(Predicate<Path> where, String answer) {
        return (channel, path) -> {
            if (where.test(path)) {
                throw new IOException(answer);
            }
            StableStorage.OF_MACHINE.force(channel, path);
        };
    }

    private static void put(FileMedium medium, String path) throws StoreException {
        medium.put(
                new Medium.Kept(
                        Shelf.SECRET,
                        path,
                        "content".getBytes(US_ASCII),
                        0,
                        new Medium.Marks(List.of(), Instant.EPOCH, "plain", "", false, Optional.empty())),
                Medium.Expected.ANY,
                null);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Invalid argument",
                "Ungültiges Argument",
                "Function not implemented",
                "Bad file descriptor",
                "Unknown error 524"
            })
    void aFileSystemThatCannotSynchroniseDirectoriesIsBorneWithOneLine(String answer) throws Exception {
        try (FileMedium fresh = open(failing(Files::isDirectory, answer))) {
            put(fresh, "accounts/a.pem");
            put(fresh, "accounts/b.pem");

            assertThat(fresh.file(Shelf.SECRET, "accounts/b.pem")).hasContent("content");
        }

        assertThat(recorded.lines(EventKind.ADVICE))
                .singleElement()
                .asString()
                .contains("cannot synchronise directories (IOException " + answer + ")");
        assertThat(root().resolve(".probe")).doesNotExist();
    }

    @Test
    void itsNextStartWritesNothingToFindThatOut() throws Exception {
        open(failing(Files::isDirectory, "Ungültiges Argument")).close();
        String format = Files.readString(root().resolve("FORMAT"));
        Path inTheWay = Files.createDirectories(root().resolve(".probe/in-the-way"));

        open(failing(Files::isDirectory, "Ungültiges Argument")).close();

        assertThat(root().resolve("FORMAT")).hasContent(format);
        assertThat(inTheWay).exists();
        assertThat(recorded.lines(EventKind.ADVICE)).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileThatCannotBeSynchronisedIsAFailure(boolean full) throws Exception {
        if (full) {
            open(StableStorage.OF_MACHINE).close();
        }

        assertThatThrownBy(() -> open(failing(path -> true, "Ungültiges Argument")))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("cannot be opened: IOException Ungültiges Argument");

        assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();
        open(StableStorage.OF_MACHINE).close();
    }

    @Test
    void aDirectoryThatCannotBeSynchronisedAnyMoreIsAFailure() throws Exception {
        AtomicBoolean broken = new AtomicBoolean();
        try (FileMedium medium = open(failing(path -> broken.get() && Files.isDirectory(path), "Invalid argument"))) {
            put(medium, "accounts/a.pem");
            broken.set(true);

            assertThatThrownBy(() -> put(medium, "accounts/b.pem"))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("Invalid argument");
        }
    }

    @Test
    void aDirectoryThatCouldNotBeSynchronisedOnlyOnceIsSynchronisedAsAnyOther() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        try (FileMedium medium = open(failing(path -> broken.get() && Files.isDirectory(path), "Input/output error"))) {
            put(medium, "accounts/a.pem");
            broken.set(false);
            put(medium, "accounts/b.pem");
            broken.set(true);

            assertThatThrownBy(() -> put(medium, "accounts/c.pem"))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("Input/output error");
        }
    }
}
