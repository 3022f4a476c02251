package org.ondemandtls.store.file;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Files that are there whole or not at all: written beside and moved into place, synchronised with their directory, 0600 in
 * directories of 0700 whatever the process's umask says. Safe for use by many threads.
 */
final class Disk {

    private static final Set<PosixFilePermission> OWNER_FILE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final int LARGEST_FILE = 1 << 20;

    private final Path tmp;
    private final StableStorage stable;
    private final AtomicLong written = new AtomicLong();

    /**
     * Clears away what an earlier writer left behind, as far as it can be.
     *
     * @param tmp where files are written before they are moved into place
     * @param stable what synchronises them
     */
    Disk(Path tmp, StableStorage stable) throws IOException {
        this.tmp = tmp;
        this.stable = stable;
        each(tmp, leftover -> {
            try {
                Files.deleteIfExists(leftover);
            } catch (IOException notOurs) {
                // It takes one name, which is passed over.
                return true;
            }
            return true;
        });
    }

    /** Told of each entry of a directory. */
    @FunctionalInterface
    interface Entries<X extends Exception> {
        /** One entry; whether to go on. */
        boolean visit(Path entry) throws IOException, X;
    }

    /**
     * Goes through a directory, one entry in memory at a time.
     *
     * @return whether it went to the end
     * @throws NoSuchFileException if there is no such directory
     * @throws IOException if it cannot be listed, which names the directory; or what the visitor threw
     */
    static <X extends Exception> boolean each(Path directory, Entries<X> entries) throws IOException, X {
        return each(directory, "", entries);
    }

    /** The same for those entries whose names end in a suffix. */
    static <X extends Exception> boolean each(Path directory, String suffix, Entries<X> entries) throws IOException, X {
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            return each(directory, suffix, stream, entries);
        } catch (FileSystemException e) {
            // What a visitor threw is about another file, and what came in the midst of it is worded already.
            boolean opening = directory.toString().equals(e.getFile()) && e.getCause() == null;
            throw opening ? unlisted(directory, e) : e;
        }
    }

    static <X extends Exception> boolean each(
            Path directory, String suffix, DirectoryStream<Path> stream, Entries<X> entries) throws IOException, X {
        Iterator<Path> iterator = stream.iterator();
        for (Path entry = next(directory, iterator); entry != null; entry = next(directory, iterator)) {
            if (String.valueOf(entry.getFileName()).endsWith(suffix) && !entries.visit(entry)) {
                return false;
            }
        }
        return true;
    }

    private static @Nullable Path next(Path directory, Iterator<Path> entries) throws IOException {
        try {
            return entries.hasNext() ? entries.next() : null;
        } catch (DirectoryIteratorException e) {
            throw unlisted(directory, e.getCause() == null ? new IOException(e) : e.getCause());
        }
    }

    private static FileSystemException unlisted(Path directory, IOException why) {
        String name = directory.toString();
        String words = name + " cannot be listed: " + describe(why);
        FileSystemException told = why instanceof NoSuchFileException
                ? new NoSuchFileException(name, null, words)
                : new FileSystemException(name, null, words);
        told.initCause(why);
        return told;
    }

    /** A file that cannot be ours: larger than anything we write. */
    static final class TooLargeException extends IOException {
        TooLargeException(Path file) {
            super(file + " is larger than anything we write");
        }
    }

    void write(Path target, byte[] content) throws IOException {
        Path beside = unused();
        try {
            try (FileChannel channel = FileChannel.open(
                    beside,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(OWNER_FILE))) {
                ByteBuffer buffer = ByteBuffer.wrap(content);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                stable.file(channel, beside);
            }
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.deleteIfExists(beside);
            throw new IOException("this file system cannot replace a file atomically", e);
        } catch (IOException e) {
            Files.deleteIfExists(beside);
            throw e;
        }
        stable.directory(parentOf(target));
    }

    private Path unused() {
        Path beside;
        do {
            beside = tmp.resolve(Long.toString(written.incrementAndGet(), Character.MAX_RADIX));
        } while (Files.exists(beside, LinkOption.NOFOLLOW_LINKS));
        return beside;
    }

    /** A file's content, empty where there is none. */
    static Optional<byte[]> read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] content = in.readNBytes(LARGEST_FILE + 1);
            if (content.length > LARGEST_FILE) {
                throw new TooLargeException(file);
            }
            return Optional.of(content);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Makes a directory for good, unless it is there. */
    void directory(Path directory) throws IOException {
        if (create(directory)) {
            stable.directory(parentOf(directory));
        }
    }

    /** Makes a directory, unless it is there; whether it did. */
    static boolean create(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return false;
        }
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
            return true;
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
            return false;
        }
    }

    /** Puts on stable storage which files are in a directory, as {@link StableStorage#directory} does. */
    void synchronise(Path directory) throws IOException {
        stable.directory(directory);
    }

    /** The directories in a directory. */
    static List<Path> directories(Path parent) throws IOException {
        List<Path> found = new ArrayList<>();
        each(parent, entry -> !Files.isDirectory(entry) || found.add(entry));
        return found;
    }

    static Path parentOf(Path path) {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null) {
            throw new UncheckedIOException(new IOException(path + " has no parent directory"));
        }
        return parent;
    }

    /** What went wrong, without the names of files: the same trouble reads the same whichever file it hits. */
    static String describe(Exception e) {
        if (e instanceof FileSystemException file && file.getReason() != null) {
            return file.getReason();
        }
        return e.getClass().getSimpleName()
                + (e.getMessage() == null || e instanceof FileSystemException ? "" : " " + e.getMessage());
    }
}
