package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.ListedIndex;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.RecordCodec;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;
import org.ondemandtls.store.UntilDone;

/**
 * What the certificates of a store of files are listed by, and which names are held: in memory, read from the disk when
 * somebody lists for the first time, and kept up from then on. Certificates are read in the background, holds at once: they
 * are few. A file that cannot be read is left out until it is saved again. Safe for use by many threads.
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
    private final NavigableSet<String> held = new ConcurrentSkipListSet<>();
    private final UntilDone reading;

    private final ReentrantLock readingHeld = new ReentrantLock();

    private volatile boolean wanted;
    private volatile boolean complete;
    private volatile boolean heldWanted;
    private volatile boolean heldComplete;

    FileListing(FileShelves shelves, Events events, Time time, Path root) {
        this.shelves = shelves;
        this.reading = new UntilDone(
                time,
                "ondemand-tls-store-listing",
                RETRY,
                this::read,
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        "what the certificates in " + root + " are listed by cannot be read: " + e.getMessage()
                                + "; tried again by itself"));
    }

    /** A certificate is stored now. */
    void saved(Listed entry) {
        if (wanted) {
            index.saved(entry);
        }
    }

    /** Another record is stored now. */
    void saved(Shelf shelf, String key) {
        if (heldWanted && isName(shelf, key)) {
            held.add(key);
        }
    }

    /** A record is not stored any more. */
    void forgotten(Shelf shelf, String key) {
        if (shelf == Shelf.CERTIFICATE) {
            index.forgotten(key);
        } else if (isName(shelf, key)) {
            held.remove(key);
        }
    }

    private static boolean isName(Shelf shelf, String key) {
        return shelf == Shelf.HOLD && OF_NAMES.stream().anyMatch(key::startsWith);
    }

    /** As {@link Medium#listed}; the first call begins to read what it is about. */
    Optional<List<Listed>> page(Listed.Slice slice, String after, int limit) {
        begin();
        return complete ? Optional.of(index.page(slice, after, limit)) : Optional.empty();
    }

    /** As {@link Medium#namesHeld}; the first call reads what it is about. */
    SortedMap<String, Found> namesHeld(String prefix, String after, int limit) throws StoreException {
        readHeld();
        SortedMap<String, Found> page = new TreeMap<>();
        for (String key : held.tailSet(prefix + after, false)) {
            if (page.size() == limit || !key.startsWith(prefix)) {
                break;
            }
            shelves.found(Shelf.HOLD, FileLayout.handle(Shelf.HOLD, key))
                    .ifPresent(found -> page.put(key.substring(prefix.length()), found));
        }
        return page;
    }

    private void readHeld() throws StoreException {
        if (heldComplete) {
            return;
        }
        readingHeld.lock();
        try {
            if (!heldComplete) {
                // Seen before anything is read: what is saved meanwhile is not missed.
                heldWanted = true;
                shelves.each(Shelf.HOLD, found -> {
                    String key = scope(found);
                    if (isName(Shelf.HOLD, key)) {
                        held.add(key);
                    }
                    return true;
                });
                heldComplete = true;
            }
        } finally {
            readingHeld.unlock();
        }
    }

    private void begin() {
        if (!wanted) {
            // Seen before anything is read: what is saved meanwhile is not missed.
            wanted = true;
            reading.start();
        }
    }

    private void read() throws IOException, StoreException {
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
