package org.ondemandtls.store.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link Disk}: a directory that is gone through. */
class DiskTest {

    @TempDir
    private Path directory;

    /** A directory whose disk fails once it is being read. */
    private static final class Failing implements DirectoryStream<Path> {
        @Override
        public Iterator<Path> iterator() {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    throw new DirectoryIteratorException(new IOException("Input/output error"));
                }

                @Override
                public Path next() {
                    throw new AssertionError("there is none");
                }
            };
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }

    @Test
    void isNamedWhereItFailsWhileItIsBeingListed() {
        assertThatThrownBy(() -> Disk.each(directory, "", new Failing(), entry -> true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(directory + " cannot be listed: IOException Input/output error")
                .satisfies(e -> assertThat(Disk.describe((IOException) e)).contains(directory.toString()));
    }

    @Test
    void isNamedWhereItCannotBeOpened() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> Disk.each(file, entry -> true))
                .isInstanceOf(IOException.class)
                .satisfies(e -> assertThat(Disk.describe((IOException) e)).contains(file.toString()));
        assertThatThrownBy(() -> Disk.each(directory.resolve("none"), entry -> true))
                .isInstanceOf(NoSuchFileException.class)
                .satisfies(e -> assertThat(Disk.describe((IOException) e)).contains("none cannot be listed"));
    }

    @Test
    void isGoneThroughUntilTheVisitorHasEnough() throws Exception {
        for (String name : List.of("a.pem", "b.pem", "c.see")) {
            Files.createFile(directory.resolve(name));
        }
        List<Path> all = new ArrayList<>();
        List<Path> some = new ArrayList<>();

        assertThat(Disk.each(directory, ".pem", all::add)).isTrue();
        assertThat(Disk.each(directory, entry -> !some.add(entry))).isFalse();

        assertThat(all).hasSize(2);
        assertThat(some).hasSize(1);
    }
}
