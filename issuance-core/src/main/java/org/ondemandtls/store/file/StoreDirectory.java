package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.StoreException;

/**
 * Makes the directory of a store its owner's alone, or says why it cannot be one. Called at the start, by one thread.
 *
 * <p>What a mount opened for a group is taken back, as Kubernetes does it with {@code fsGroup} at each mount. A volume's own
 * directory belongs to somebody else: then the store is a directory below. A store that belongs to somebody else is refused.
 */
final class StoreDirectory {

    /** The store's name where the directory that was given is not ours. */
    static final String BELOW = "ondemand-tls";

    // What a file system puts into the directory it is mounted at.
    private static final String RESCUED = "lost+found";

    private static final Set<PosixFilePermission> OWNER = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OTHERS = EnumSet.of(
            PosixFilePermission.OTHERS_READ, PosixFilePermission.OTHERS_WRITE, PosixFilePermission.OTHERS_EXECUTE);

    /** Changes who may use a directory. */
    interface Tightening {
        /** Throws a {@link FileSystemException} where the directory is somebody else's. */
        void tighten(Path directory) throws IOException;
    }

    private final Events events;
    private final StableStorage.Force force;
    private final Tightening tightening;

    /**
     * Makes it.
     *
     * @param events told of what was changed
     * @param force what synchronises a directory that was made
     */
    StoreDirectory(Events events, StableStorage.Force force) {
        this(events, force, directory -> Files.setPosixFilePermissions(directory, OWNER));
    }

    StoreDirectory(Events events, StableStorage.Force force, Tightening tightening) {
        this.events = events;
        this.force = force;
        this.tightening = tightening;
    }

    /**
     * Makes a directory ready.
     *
     * @param root the directory that was given, which may not be there yet
     * @return the directory to use: the same, or one below it
     * @throws StoreException if it cannot be used, with what to do
     */
    Path ready(Path root) throws IOException, StoreException {
        return ready(root, false);
    }

    private Path ready(Path root, boolean below) throws IOException, StoreException {
        requirePermissions(root);
        if (!Files.exists(root)) {
            Path parent = Disk.parentOf(root);
            // Where it is a link to one, JDK 17 would not find it there.
            if (!Files.isDirectory(parent)) {
                Files.createDirectories(parent);
            }
            Files.createDirectory(root, PosixFilePermissions.asFileAttribute(OWNER));
            requireClosed(root);
            StableStorage.of(root, force).directory(parent);
            return root;
        }
        if (!Files.isDirectory(root)) {
            throw new StoreException("the store " + root + " is not a directory; set onDemandTls.store to one");
        }
        Set<PosixFilePermission> open = permissions(root);
        String before = PosixFilePermissions.toString(open);
        open.removeAll(OWNER);
        if (open.isEmpty()) {
            return root;
        }
        boolean used = hasContent(root);
        if (used && open.removeAll(OTHERS)) {
            throw new StoreException("the store " + root + " can be reached by other users (" + before
                    + ") and is not empty; check who read it, then: chmod -R go-rwx " + root);
        }
        try {
            tightening.tighten(root);
        } catch (FileSystemException notOurs) {
            if (below || FileFormat.isIn(root)) {
                throw ofAnother(root, before);
            }
            return below(root, before);
        }
        requireClosed(root);
        if (used) {
            events.publish(
                    EventKind.ADVICE,
                    "the store " + root + " could be reached by its group (" + before + "), now by its owner only. On"
                            + " Kubernetes fsGroup opens it at each mount: set fsGroupChangePolicy to OnRootMismatch");
        }
        return root;
    }

    private Path below(Path root, String permissions) throws IOException, StoreException {
        Path own = root.resolve(BELOW);
        events.publish(
                EventKind.ADVICE, root + " belongs to another user (" + permissions + "), so the store is " + own);
        return ready(own, true);
    }

    // An empty store beside a full one would obtain everything again, under another account.
    private static StoreException ofAnother(Path root, String permissions) throws IOException {
        String owner = Files.getOwner(root).getName();
        return new StoreException("the store " + root + " belongs to another user (" + owner + ", " + permissions
                + "); run the server as that user, or give the store to the server's user: chown -R USER: " + root);
    }

    // CIFS and FAT take what they are told and do nothing: the next start would find private keys that others can read.
    private static void requireClosed(Path root) throws IOException, StoreException {
        Set<PosixFilePermission> still = permissions(root);
        String after = PosixFilePermissions.toString(still);
        if (still.removeAll(OTHERS)) {
            throw new StoreException("the store " + root + " stays open to other users (" + after
                    + "), because its file system keeps no permissions; mount it for the server's user alone"
                    + " (for CIFS: dir_mode=0700,file_mode=0600), or set onDemandTls.store to another directory");
        }
    }

    // To be changed by the caller; there may be none.
    private static Set<PosixFilePermission> permissions(Path root) throws IOException {
        Set<PosixFilePermission> found = EnumSet.noneOf(PosixFilePermission.class);
        found.addAll(Files.getPosixFilePermissions(root));
        return found;
    }

    private static void requirePermissions(Path root) throws StoreException {
        if (!root.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            throw new StoreException(
                    "the store " + root + " is on a file system without POSIX permissions, which private"
                            + " keys need; Windows is not supported: use Linux or macOS, or a database (onDemandTls.store=jdbc:...)");
        }
    }

    private static boolean hasContent(Path root) throws IOException {
        return !Disk.each(root, entry -> {
            String name = String.valueOf(entry.getFileName());
            return name.equals(RESCUED) || name.equals(BELOW);
        });
    }
}
