package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.ListedIndex;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.Medium.Kept;
import org.ondemandtls.store.RecordCodec;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;
import org.ondemandtls.store.UntilDone;

/**
 * What the certificates of a store of files are listed by, and which names are held: in memory, read from the disk when
 * somebody lists for the first time, and kept up from then on. It is read in the background, the holds first: whoever
 * asks for these meanwhile waits. A file that cannot be read is left out until it is saved again. Safe for use by many
 * threads.
 */
final class FileListing implements AutoCloseable {

    private static final Duration RETRY = Duration.ofSeconds(5);
    private static final int READ_AT_ONCE = 100;
    private static final List<String> OF_NAMES =
            List.of(Medium.NAME_REFUSED, Medium.NAME_TAKEN_AWAY, Medium.NAME_WITHDRAWN);
    // Whoever visits goes first.
    private static final long REST = TimeUnit.MILLISECONDS.toNanos(5);

    private final FileShelves shelves;
    private final ListedIndex index = new ListedIndex();
    private final ListedNames names;
    private final ListedNames held;
    private final UntilDone reading;

    private volatile boolean wanted;
    private volatile boolean complete;

    FileListing(FileShelves shelves, Events events, Time time, Path root) {
        this.shelves = shelves;
        this.names = new ListedNames(shelves::firstNames);
        this.held = new ListedNames(this::readHeld);
        this.reading = new UntilDone(
                time,
                "ondemand-tls-store-listing",
                RETRY,
                this::read,
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        "cannot read the certificates in " + root + " for the lists of the management page: "
                                + e.getMessage() + "; the server tries again by itself"));
    }

    /** A record is stored now. */
    void saved(Kept record) {
        if (record.shelf() == Shelf.CERTIFICATE) {
            names.saved(record.key());
            if (wanted) {
                record.marks().listed().ifPresent(index::saved);
            }
        } else if (isHoldOfName(record.shelf(), record.key())) {
            held.saved(record.key());
        }
    }

    /** A record is not stored any more. */
    void forgotten(Shelf shelf, String key) {
        if (shelf == Shelf.CERTIFICATE) {
            names.forgotten(key);
            index.forgotten(key);
        } else if (isHoldOfName(shelf, key)) {
            held.forgotten(key);
        }
    }

    private static boolean isHoldOfName(Shelf shelf, String key) {
        return shelf == Shelf.HOLD && OF_NAMES.stream().anyMatch(key::startsWith);
    }

    /** As {@link Medium#listed}; the first call begins to read what it is about. */
    Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) {
        begin();
        return complete ? Optional.of(index.page(slice, after, limit)) : Optional.empty();
    }

    /** As {@link Medium#page}; the first call reads the names of all, and begins to read what the other lists need. */
    SortedMap<String, Found> page(String prefix, String after, int limit) throws StoreException {
        SortedMap<String, Found> page = names.page(prefix, after, limit, reader(Shelf.CERTIFICATE));
        // Behind the page: both would read the same disk.
        begin();
        return page;
    }

    /** As {@link Medium#namesHeld}; the first call reads all holds. */
    SortedMap<String, Found> namesHeld(String prefix, String after, int limit) throws StoreException {
        SortedMap<String, Found> page = new TreeMap<>();
        held.page(prefix, prefix + after, limit, reader(Shelf.HOLD))
                .forEach((key, found) -> page.put(key.substring(prefix.length()), found));
        return page;
    }

    private Function<String, Optional<Found>> reader(Shelf shelf) {
        return key -> shelves.found(shelf, FileLayout.handle(shelf, key));
    }

    private void readHeld(Consumer<String> key) throws StoreException {
        shelves.each(Shelf.HOLD, found -> {
            Optional.of(scope(found))
                    .filter(scope -> isHoldOfName(Shelf.HOLD, scope))
                    .ifPresent(key);
            return true;
        });
    }

    private void begin() {
        if (!wanted) {
            // Seen before anything is read: what is saved meanwhile is not missed.
            wanted = true;
            reading.start();
        }
    }

    private void read() throws IOException, StoreException {
        held.complete();
        int[] read = {0};
        shelves.each(Shelf.CERTIFICATE, found -> {
            try {
                index.met(RecordCodec.listed(found.content().read()));
            } catch (UnreadableException | StoreException e) {
                // Whoever reads it says so; the others can be listed without it.
                return !reading.isClosed();
            }
            if (++read[0] % READ_AT_ONCE == 0) {
                reading.rest(REST);
            }
            return !reading.isClosed();
        });
        complete = !reading.isClosed();
    }

    private static String scope(Found found) {
        try {
            return RecordCodec.scope(found.content().read());
        } catch (UnreadableException | StoreException e) {
            // The look-up that wants it says so.
            return "";
        }
    }

    @Override
    public void close() {
        reading.close();
    }
}
