package org.ondemandtls.store.file;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Content;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.Medium.View;
import org.ondemandtls.store.Medium.Visitor;
import org.ondemandtls.store.MediumStore;
import org.ondemandtls.store.RecordCodec;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.Troubles;
import org.ondemandtls.store.UnreadableException;
import org.ondemandtls.store.file.Disk.TooLargeException;

/**
 * The shelves of a directory: a file for each record, read, listed, changed and set aside one by one; and for each other name
 * of a certificate one that says where it leads.
 *
 * <p>Safe for use by many threads; who compares a record with what he writes holds its {@link #lockOf lock}.
 */
final class FileShelves {

    private static final Pattern NAME = Pattern.compile("[a-z0-9.*-]{1,253}");
    private static final int STRIPES = 64;
    private static final int SHARDS_LOOKED_AT = 4;

    private final Path root;
    private final FileLayout layout;
    private final Disk disk;
    private final Time time;
    private final Troubles troubles;
    private final List<ReentrantLock> stripes =
            IntStream.range(0, STRIPES).mapToObj(i -> new ReentrantLock()).toList();

    FileShelves(FileLayout layout, Disk disk, Time time, Troubles troubles) {
        this.troubles = troubles;
        this.root = layout.root();
        this.layout = layout;
        this.disk = disk;
        this.time = time;
    }

    /** As {@link Medium#view}. Each is looked at when it is asked for: a look costs little, and the first mostly does. */
    View view(Shelf shelf, List<String> keys) {
        return new View() {
            @Override
            public Optional<Found> own(String key) {
                return found(shelf, FileLayout.handle(shelf, key));
            }

            @Override
            public Optional<Found> led(String alias) throws StoreException {
                try {
                    return pointer(alias).flatMap(this::own);
                } catch (IOException e) {
                    throw failed(layout.see(alias) + " cannot be read", e);
                }
            }
        };
    }

    /** The record of a handle, empty if there is none. */
    Optional<Found> found(Shelf shelf, String handle) {
        return found(shelf, handle, layout.file(shelf, handle));
    }

    private Optional<Found> found(Shelf shelf, String handle, Path file) {
        Content content;
        try {
            Optional<byte[]> bytes = Disk.read(file);
            if (bytes.isEmpty()) {
                return Optional.empty();
            }
            content = bytes::get;
        } catch (TooLargeException e) {
            content = () -> {
                throw new UnreadableException(String.valueOf(e.getMessage()));
            };
        } catch (IOException e) {
            content = () -> {
                throw failed(shelf.one(handle) + " cannot be read", e);
            };
        }
        return Optional.of(new Found(shelf, handle, file.toString(), 0, content));
    }

    /** The first name of the certificate that another name leads to. */
    Optional<String> pointer(String name) throws IOException {
        try {
            return Disk.read(layout.see(name))
                    .map(pointer -> new String(pointer, US_ASCII).trim())
                    .filter(text -> NAME.matcher(text).matches());
        } catch (TooLargeException e) {
            // Leads nowhere, and is written anew with its certificate.
            return Optional.empty();
        }
    }

    /**
     * Has another name lead to a certificate. Reading costs less than synchronising what is there already. What cannot be
     * read is written anew; where it cannot be written either, it is told once, and one name is in nobody's way.
     */
    void point(String name, String first) throws IOException {
        Path see = layout.see(name);
        boolean readable = true;
        try {
            if (pointer(name).equals(Optional.of(first))) {
                return;
            }
        } catch (IOException e) {
            readable = false;
        }
        try {
            disk.directory(Disk.parentOf(see));
            disk.write(see, (first + '\n').getBytes(US_ASCII));
        } catch (IOException e) {
            if (readable) {
                throw e;
            }
            troubles.tell(see, failed(see + " cannot be read or written", e));
        }
    }

    /**
     * Has another name lead to a certificate no longer; one that cannot be read leads nobody anywhere. What cannot be removed
     * is told once: where there is no certificate it leads nowhere.
     */
    void unpoint(String name, String first) {
        Path see = layout.see(name);
        boolean ours = true;
        try {
            ours = pointer(name).equals(Optional.of(first));
        } catch (IOException e) {
            // Its name could not be looked up any more; if it leads elsewhere, that name is obtained anew.
        }
        try {
            if (ours) {
                Files.deleteIfExists(see);
            }
        } catch (IOException e) {
            troubles.tell(see, failed(see + " cannot be removed", e));
        }
    }

    /** As {@link Medium#rewrite}. */
    boolean rewrite(Found read, byte[] before, byte[] content) throws StoreException {
        Path file = layout.file(read.shelf(), read.handle());
        ReentrantLock held = lockOf(file);
        held.lock();
        try {
            Optional<byte[]> now = Disk.read(file);
            if (now.isEmpty() || !Arrays.equals(now.get(), before)) {
                return false;
            }
            disk.write(file, content);
            return true;
        } catch (IOException e) {
            throw failed(read.shelf().one(read.handle()) + " cannot be kept", e);
        } finally {
            held.unlock();
        }
    }

    /** As {@link Medium#setAside}. */
    Optional<String> setAside(Found read, boolean keep) throws StoreException {
        Path file = layout.file(read.shelf(), read.handle());
        Path aside = layout.quarantine()
                .resolve(file.getFileName() + "." + Long.toString(time.nanoTime(), Character.MAX_RADIX));
        ReentrantLock held = lockOf(file);
        held.lock();
        try {
            if (!isAsRead(file, read)) {
                // Somebody has written a good one meanwhile.
                return Optional.empty();
            }
            if (keep) {
                Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
                disk.synchronise(layout.quarantine());
            } else {
                Files.delete(file);
                disk.synchronise(Disk.parentOf(file));
            }
            return Optional.of("as " + aside);
        } catch (NoSuchFileException e) {
            // Another look-up has set it aside already.
            return Optional.empty();
        } catch (IOException e) {
            throw failed(file + " is damaged and cannot be set aside", e);
        } finally {
            held.unlock();
        }
    }

    private static boolean isAsRead(Path file, Found read) throws IOException, StoreException {
        byte @Nullable [] before = null;
        try {
            before = read.content().read();
        } catch (UnreadableException tooLarge) {
            // Without a content to compare.
        }
        try {
            return Arrays.equals(Disk.read(file).orElse(null), before);
        } catch (TooLargeException e) {
            return before == null;
        }
    }

    /** As {@link Medium#removeSetAside}. */
    void removeSetAside(Predicate<byte[]> which) throws StoreException {
        try {
            Disk.each(layout.quarantine(), file -> {
                if (Files.isRegularFile(file) && which.test(aside(file))) {
                    Files.deleteIfExists(file);
                }
                return true;
            });
        } catch (IOException e) {
            throw failed("what was set aside cannot be removed", e);
        }
    }

    // What cannot be read says nothing, and may be anything.
    private static byte[] aside(Path file) {
        try {
            return Disk.read(file).orElse(new byte[0]);
        } catch (IOException e) {
            return new byte[0];
        }
    }

    /** As {@link Medium#each}. */
    void each(Shelf shelf, Visitor visitor) throws StoreException {
        walk(shelf, FileLayout.suffix(shelf), file -> {
            String handle = FileLayout.handleOf(shelf, file);
            if (shelf == Shelf.SECRET && !(MediumStore.isSecretPath(handle) && Files.isRegularFile(file))) {
                return true;
            }
            Optional<Found> found = found(shelf, handle, file);
            return found.isEmpty() || visitor.visit(found.get());
        });
    }

    /** Goes through the first names of all certificates; opens those only whose names do not tell. */
    void firstNames(Consumer<String> name) throws StoreException {
        walk(Shelf.CERTIFICATE, FileLayout.suffix(Shelf.CERTIFICATE), file -> {
            String handle = FileLayout.handleOf(Shelf.CERTIFICATE, file);
            FileLayout.nameOf(handle).or(() -> hashed(handle)).ifPresent(name);
            return true;
        });
    }

    /** As {@link Medium#names}. */
    void names(Consumer<String> name, BooleanSupplier ended) throws StoreException {
        walk(Shelf.CERTIFICATE, "", file -> {
            String found = String.valueOf(file.getFileName());
            name.accept(found.substring(0, Math.max(0, found.lastIndexOf('.'))));
            return !ended.getAsBoolean();
        });
    }

    private void walk(Shelf shelf, String suffix, Disk.Entries<StoreException> files) throws StoreException {
        String what = shelf.all() + " cannot be listed";
        @Nullable StoreException unlisted = null;
        List<Path> directories;
        try {
            directories = layout.of(shelf);
        } catch (IOException e) {
            throw failed(what, e);
        }
        for (Path directory : directories) {
            try {
                if (!Disk.each(directory, suffix, files)) {
                    return;
                }
            } catch (IOException e) {
                // One directory keeps nobody from what is in the others.
                unlisted = unlisted == null ? failed(what, e) : unlisted;
            }
        }
        if (unlisted != null) {
            throw unlisted;
        }
    }

    private Optional<String> hashed(String handle) {
        Optional<Found> found = found(Shelf.CERTIFICATE, handle);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(RecordCodec.firstName(found.get().content().read()));
        } catch (UnreadableException | StoreException e) {
            // The look-up that wants it says so.
            return Optional.empty();
        }
    }

    /** As {@link Medium#estimatedNames}: names are spread evenly over the directories. */
    long estimatedNames() throws StoreException {
        try {
            List<Path> shards = layout.of(Shelf.CERTIFICATE);
            List<Path> some = shards.subList(0, Math.min(shards.size(), SHARDS_LOOKED_AT));
            AtomicLong files = new AtomicLong();
            for (Path shard : some) {
                Disk.each(shard, file -> files.incrementAndGet() > 0);
            }
            return some.isEmpty() ? 0 : files.get() * shards.size() / some.size();
        } catch (IOException e) {
            throw failed(Shelf.CERTIFICATE.all() + " cannot be listed", e);
        }
    }

    /** The lock under which a record is compared and written. */
    ReentrantLock lockOf(Path file) {
        return stripes.get(Math.floorMod(file.hashCode(), STRIPES));
    }

    /** What failed, without names of files: the same trouble reads the same whichever name it hits. */
    StoreException failed(String what, Exception cause) {
        return new StoreException(
                what + " in " + root + ": " + Disk.describe(cause) + "; check disk space, mount and owner of the store",
                cause);
    }
}
