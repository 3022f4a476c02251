package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/**
 * Puts files and directories on stable storage, on one file system. Some file systems cannot do it with a directory, CIFS,
 * FUSE and sandboxes for example: nothing is lost by that but the newest files in a power failure. What they answer differs
 * by system and by language, so it is found out by trying: where a file can be put there and its directory cannot, the file
 * system does not offer it. A disk may answer the same once, so it is tried on: what has worked is offered, and from then on
 * a failure is one. Safe for use by many threads.
 */
final class StableStorage {

    /** Has the operating system write out what it holds of an open file or directory. */
    @FunctionalInterface
    interface Force {
        /**
         * Does it.
         *
         * @param channel the file or directory
         * @param path where it is
         */
        void force(FileChannel channel, Path path) throws IOException;
    }

    /** As the operating system does it. */
    static final Force OF_MACHINE = (channel, path) -> channel.force(true);

    private static final String PROBE = ".probe";

    private final Force force;
    private final Optional<String> refusal;
    private volatile boolean offered;

    private StableStorage(Force force, Optional<String> refusal) {
        this.force = force;
        this.refusal = refusal;
        this.offered = refusal.isEmpty();
    }

    /**
     * Finds out what a directory's file system can do. Writes nothing into a store, which may be on a disk that is full.
     *
     * @param directory a directory of ours
     * @param force what does it
     * @throws IOException if the directory cannot be opened, or a file in it cannot be put on stable storage
     */
    static StableStorage of(Path directory, Force force) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            try {
                force.force(channel, directory);
                return new StableStorage(force, Optional.empty());
            } catch (IOException e) {
                forceFile(directory, force);
                return new StableStorage(force, Optional.of(Disk.describe(e)));
            }
        }
    }

    private static void forceFile(Path directory, Force force) throws IOException {
        if (FileFormat.isIn(directory)) {
            Path file = FileFormat.in(directory);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                force.force(channel, file);
            }
            return;
        }
        Path probe = directory.resolve(PROBE);
        try (FileChannel channel = FileChannel.open(
                probe,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            channel.write(ByteBuffer.wrap(new byte[1]));
            force.force(channel, probe);
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    /** What the file system answered at first where it did not put a directory on stable storage, empty where it did. */
    Optional<String> refusal() {
        return refusal;
    }

    /** Puts the content of a file there. */
    void file(FileChannel channel, Path path) throws IOException {
        force.force(channel, path);
    }

    /** Puts there which files are in a directory, where the file system can. */
    void directory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            force.force(channel, directory);
            offered = true;
        } catch (IOException e) {
            if (offered) {
                throw e;
            }
        }
    }
}
