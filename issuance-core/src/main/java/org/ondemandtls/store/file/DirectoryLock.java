package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.StoreException;

/** Keeps a directory to one process, and in it to one store. */
final class DirectoryLock implements AutoCloseable {

    private static final Duration RETRY = Duration.ofMillis(100);
    // One for all copies of our classes in this process: a text among the system's properties, which all of them see.
    private static final String OPEN_HERE = "org.ondemandtls.store.open:";

    // Those that a copy of an earlier version has locked: if they were closed, its lock would be gone.
    private static final Map<Path, FileChannel> KEPT_OPEN = new ConcurrentHashMap<>();

    /** Takes the lock of an open file. */
    @FunctionalInterface
    interface Locking {
        /** Whether it is taken now; false where another process has it. */
        boolean tryLock(FileChannel channel) throws IOException;
    }

    private final Path root;
    private final FileChannel channel;

    private DirectoryLock(Path root, FileChannel channel) {
        this.root = root;
        this.channel = channel;
    }

    /**
     * Takes the lock.
     *
     * @param root the real path of the directory
     * @param wait how long to wait for another process to end
     * @param time what it waits by
     * @param events told that it waits
     * @throws StoreException if another one has it still
     */
    static DirectoryLock take(Path root, Duration wait, Time time, Events events) throws IOException, StoreException {
        return take(root, wait, time, events, channel -> channel.tryLock() != null);
    }

    static DirectoryLock take(Path root, Duration wait, Time time, Events events, Locking locking)
            throws IOException, StoreException {
        long deadline = time.nanoTime() + wait.toNanos();
        boolean told = wait.isZero();
        do {
            FileChannel channel = tryLock(root, locking);
            if (channel != null) {
                return new DirectoryLock(root, channel);
            }
            if (!told) {
                told = true;
                events.publish(
                        EventKind.ADVICE,
                        "another process uses the store " + root + "; waiting up to " + wait.toSeconds()
                                + " s for it to end");
            }
            time.rest(RETRY.toNanos());
        } while (time.nanoTime() - deadline < 0 && !Thread.currentThread().isInterrupted());
        throw new StoreException("the store " + root + " is in use by another server (waited " + wait.toSeconds()
                + " s); a file store belongs to one process: end the other one, "
                + "give each its own onDemandTls.store, or use a database for several nodes");
    }

    // The registry comes first: POSIX drops a process's lock when any of its channels on the file is closed.
    private static @Nullable FileChannel tryLock(Path root, Locking locking) throws IOException, StoreException {
        if (System.getProperties().putIfAbsent(OPEN_HERE + root, "true") != null) {
            return null;
        }
        FileChannel locked = null;
        FileChannel channel = KEPT_OPEN.remove(root);
        try {
            if (channel == null) {
                channel = FileChannel.open(
                        root.resolve("lock"),
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            if (isLocked(root, channel, locking)) {
                locked = channel;
            }
        } catch (OverlappingFileLockException inThisProcess) {
            // Another copy of our classes has it, in another web application for example.
            if (channel != null) {
                KEPT_OPEN.put(root, channel);
                channel = null;
            }
            return null;
        } finally {
            if (locked == null) {
                System.getProperties().remove(OPEN_HERE + root);
                if (channel != null) {
                    channel.close();
                }
            }
        }
        return locked;
    }

    // A file that can be written and not locked is on a file system that gives no locks, whatever it answers.
    private static boolean isLocked(Path root, FileChannel channel, Locking locking)
            throws IOException, StoreException {
        try {
            return locking.tryLock(channel);
        } catch (IOException e) {
            requireWritable(channel, e);
            throw new StoreException(
                    "the store " + root + " cannot be locked (" + Disk.describe(e)
                            + "), because its file system gives no locks: on NFS start the lock service (rpc.statd) and"
                            + " mount without nolock; otherwise set onDemandTls.store to a directory elsewhere, or use"
                            + " a database for several nodes",
                    e);
        }
    }

    private static void requireWritable(FileChannel channel, IOException unlocked) throws IOException {
        try {
            channel.write(ByteBuffer.wrap(new byte[1]), 0);
            channel.truncate(0);
        } catch (IOException e) {
            unlocked.addSuppressed(e);
            throw unlocked;
        }
    }

    @Override
    public void close() throws IOException {
        System.getProperties().remove(OPEN_HERE + root);
        channel.close();
    }
}
