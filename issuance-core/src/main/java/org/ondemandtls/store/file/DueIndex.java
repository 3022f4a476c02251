package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The index of a file store over its due times: a directory per hour, in it an empty file per certificate, named by minute,
 * second and the name of the bundle.
 *
 * <p>Each is a hint; the truth is in the bundle. A hint too many costs one look, and is removed by whoever took it. Nothing
 * here is synchronised to disk: making a hint is one system call, and a journaling file system has it on disk at the latest
 * with the bundle that is synchronised after it.
 *
 * <p>In memory are the names of the hours only. Safe for use by many threads.
 */
final class DueIndex {

    private static final String COMPLETE = "complete";
    private static final Pattern HOUR = Pattern.compile("\\d{4}-\\d{2}-\\d{2}T\\d{2}");
    private static final Pattern FILE = Pattern.compile("[0-5]\\d[0-5]\\d_.+");
    private static final int TIME_LENGTH = "mmss_".length();
    private static final DateTimeFormatter HOUR_FORMAT =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final long LATEST = Instant.parse("9999-12-31T23:59:59Z").getEpochSecond();
    private static final int HOUR_SECONDS = 3600;
    private static final int MINUTE_SECONDS = 60;
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /**
     * A certificate that may be due.
     *
     * @param hour the directory it is in
     * @param file its name there
     */
    record Hint(String hour, String file) implements Comparable<Hint> {

        static Hint of(Instant due, String bundle) {
            Instant clamped = clamp(due);
            long inHour = Math.floorMod(clamped.getEpochSecond(), HOUR_SECONDS);
            return new Hint(
                    hourOf(clamped),
                    String.format(
                            Locale.ROOT, "%02d%02d_%s", inHour / MINUTE_SECONDS, inHour % MINUTE_SECONDS, bundle));
        }

        /** The due time in whole seconds, rounded down. */
        Instant at() {
            return Instant.parse(hour + ":" + file.substring(0, 2) + ":" + file.substring(2, 4) + "Z");
        }

        /** The file name of the bundle, without its suffix. */
        String bundle() {
            return file.substring(TIME_LENGTH);
        }

        @Override
        public int compareTo(Hint other) {
            int byHour = hour.compareTo(other.hour);
            return byHour != 0 ? byHour : file.compareTo(other.file);
        }
    }

    private final Path directory;
    private final BiConsumer<Path, IOException> unlisted;
    private final NavigableSet<String> hours = new ConcurrentSkipListSet<>();
    // Adding a hint and removing an hour are told apart by it; held for one or two system calls.
    private final ReentrantLock lock = new ReentrantLock();

    private long changes;
    private @Nullable Hint earliest;

    private volatile boolean complete;

    /**
     * Opens the index, listing the names of the hours.
     *
     * @param directory where it is; exists
     * @param unlisted told of an hour that cannot be listed, or tidied up, each time that is met; it is passed over
     */
    DueIndex(Path directory, BiConsumer<Path, IOException> unlisted) throws IOException {
        this.directory = directory;
        this.unlisted = unlisted;
        this.complete = Files.exists(directory.resolve(COMPLETE));
        Disk.each(directory, entry -> {
            String name = String.valueOf(entry.getFileName());
            if (HOUR.matcher(name).matches() && isMoment(name)) {
                hours.add(name);
            }
            return true;
        });
    }

    /** Whether every bundle has its hint. */
    boolean isComplete() {
        return complete;
    }

    /** Notes for this and later lives that every bundle has its hint. */
    void completed() throws IOException {
        create(directory.resolve(COMPLETE));
        complete = true;
    }

    /** Adds a hint; nothing happens if it is there. */
    void add(Hint hint) throws IOException {
        Path hour = directory.resolve(hint.hour());
        lock.lock();
        try {
            try {
                create(hour.resolve(hint.file()));
            } catch (NoSuchFileException e) {
                Files.createDirectory(hour, OWNER_DIRECTORY);
                create(hour.resolve(hint.file()));
            }
            hours.add(hint.hour());
            changes++;
            if (earliest != null && hint.compareTo(earliest) < 0) {
                earliest = hint;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Removes a hint; nothing happens if it is not there. */
    void remove(Hint hint) throws IOException {
        lock.lock();
        try {
            Files.deleteIfExists(directory.resolve(hint.hour()).resolve(hint.file()));
            changes++;
            if (hint.equals(earliest)) {
                earliest = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The first hint of all, of the hours that can be listed. Lists the first hour where that is not remembered. */
    Optional<Hint> first() {
        long before;
        lock.lock();
        try {
            if (earliest != null) {
                return Optional.of(earliest);
            }
            before = changes;
        } finally {
            lock.unlock();
        }
        boolean all = true;
        for (String hour : hours) {
            Optional<List<Hint>> found = listed(hour, null, 1);
            if (found.isPresent() && !found.get().isEmpty()) {
                Hint first = found.get().get(0);
                if (all) {
                    remember(first, before);
                }
                return Optional.of(first);
            }
            // An hour that can be listed again is not to be forgotten for a later one that is remembered.
            all &= found.isPresent();
            tidy(hour, found);
        }
        return Optional.empty();
    }

    /**
     * Hints up to a moment in their order; an hour met without any is removed. Opens those hours only that have come.
     *
     * @param atOrBefore the moment, itself included
     * @param after where to go on, null for the beginning
     * @param limit how many at most
     */
    List<Hint> upTo(Instant atOrBefore, @Nullable Hint after, int limit) {
        Hint last = Hint.of(atOrBefore, Character.toString(Character.MAX_VALUE));
        Optional<Hint> first = first();
        if (first.isEmpty() || first.get().compareTo(last) > 0) {
            return List.of();
        }
        List<Hint> found = new ArrayList<>();
        NavigableSet<String> come = hours.headSet(last.hour(), true);
        for (String hour : after == null ? come : come.tailSet(after.hour(), true)) {
            Optional<List<Hint>> here = listed(hour, after, limit - found.size());
            if (after == null || !hour.equals(after.hour())) {
                tidy(hour, here);
            }
            for (Hint hint : here.orElse(List.of())) {
                if (hint.compareTo(last) > 0) {
                    return found;
                }
                found.add(hint);
            }
            if (found.size() == limit) {
                return found;
            }
        }
        return found;
    }

    /** The hours there are, for synchronising their directories. */
    List<Path> directories() {
        return hours.stream().map(directory::resolve).toList();
    }

    private void remember(Hint hint, long before) {
        lock.lock();
        try {
            if (changes == before) {
                earliest = hint;
            }
        } finally {
            lock.unlock();
        }
    }

    // Empty where it cannot be listed.
    private Optional<List<Hint>> listed(String hour, @Nullable Hint after, int limit) {
        try {
            return Optional.of(list(hour, after, limit));
        } catch (IOException e) {
            unlisted.accept(directory.resolve(hour), e);
            return Optional.empty();
        }
    }

    // The smallest ones, in memory for as many only: an hour may have any number.
    private List<Hint> list(String hour, @Nullable Hint after, int limit) throws IOException {
        PriorityQueue<Hint> smallest = new PriorityQueue<>(Comparator.<Hint>reverseOrder());
        try {
            Disk.each(directory.resolve(hour), file -> {
                Hint hint = new Hint(hour, String.valueOf(file.getFileName()));
                if (FILE.matcher(hint.file()).matches() && (after == null || hint.compareTo(after) > 0)) {
                    smallest.add(hint);
                    if (smallest.size() > limit) {
                        smallest.remove();
                    }
                }
                return true;
            });
        } catch (NoSuchFileException e) {
            return List.of();
        }
        List<Hint> found = new ArrayList<>(smallest);
        found.sort(Comparator.naturalOrder());
        return found;
    }

    // What is not ours keeps its directory, which is then out of mind until a hint is added to it.
    private void tidy(String hour, Optional<List<Hint>> found) {
        if (found.isEmpty() || !found.get().isEmpty()) {
            return;
        }
        lock.lock();
        try {
            if (list(hour, null, 1).isEmpty()) {
                hours.remove(hour);
                Files.deleteIfExists(directory.resolve(hour));
            }
        } catch (DirectoryNotEmptyException e) {
            return;
        } catch (IOException e) {
            unlisted.accept(directory.resolve(hour), e);
        } finally {
            lock.unlock();
        }
    }

    private static void create(Path file) throws IOException {
        try {
            Files.createFile(file, OWNER_FILE);
        } catch (FileAlreadyExistsException e) {
            return;
        }
    }

    // What is spelled like an hour and is none would stand in the way of all that is due.
    private static boolean isMoment(String hour) {
        try {
            return !Instant.parse(hour + ":59:59Z").isBefore(Instant.EPOCH);
        } catch (DateTimeParseException e) {
            return false;
        }
    }

    private static Instant clamp(Instant due) {
        return Instant.ofEpochSecond(Math.max(0, Math.min(LATEST, due.getEpochSecond())));
    }

    private static String hourOf(Instant at) {
        return HOUR_FORMAT.format(at);
    }
}
