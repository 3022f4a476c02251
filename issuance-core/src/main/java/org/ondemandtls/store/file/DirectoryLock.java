package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Locale;
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
        long deadline = time.nanoTime() + wait.toNanos();
        boolean told = wait.isZero();
        do {
            FileChannel channel = tryLock(root);
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
    private static @Nullable FileChannel tryLock(Path root) throws IOException, StoreException {
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
            if (channel.tryLock() != null) {
                locked = channel;
            }
        } catch (OverlappingFileLockException inThisProcess) {
            // Another copy of our classes has it, in another web application for example.
            if (channel != null) {
                KEPT_OPEN.put(root, channel);
                channel = null;
            }
            return null;
        } catch (IOException e) {
            if (isWithoutLocks(e)) {
                throw new StoreException(
                        "the store " + root + " cannot be locked (" + Disk.describe(e)
                                + "): on NFS start the lock service"
                                + " (rpc.statd) and mount without nolock, or use a database for several nodes",
                        e);
            }
            throw e;
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

    /** Whether a lock failed since the file system gives none: ENOLCK, as NFS answers it. */
    static boolean isWithoutLocks(IOException e) {
        return Disk.describe(e).toLowerCase(Locale.ROOT).contains("no locks available");
    }

    @Override
    public void close() throws IOException {
        System.getProperties().remove(OPEN_HERE + root);
        channel.close();
    }
}
