package org.ondemandtls.store.file;

import java.util.NavigableSet;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.StoreException;

/**
 * Keys of a store of files in their order, for an operator's list.
 *
 * <p>Read from the disk when they are first asked for, and kept up from then on: about a hundred octets for each.
 * Safe for use by many threads.
 */
final class ListedNames {

    /** Reads the keys that are stored. */
    @FunctionalInterface
    interface Survey {
        /**
         * Reads them all; what is saved meanwhile may be left out.
         *
         * @param found told of each key
         * @throws StoreException if they cannot be read
         */
        void read(Consumer<String> found) throws StoreException;
    }

    private final Survey survey;
    private final NavigableSet<String> names = new ConcurrentSkipListSet<>();
    private final ReentrantLock surveying = new ReentrantLock();

    private volatile boolean wanted;
    private volatile boolean complete;

    ListedNames(Survey survey) {
        this.survey = survey;
    }

    /** Notes a key that is stored now. Does not block. */
    void saved(String name) {
        if (wanted) {
            names.add(name);
        }
    }

    /** Notes a key that is not stored any more. Does not block. */
    void forgotten(String name) {
        names.remove(name);
    }

    /**
     * Reads a page, as {@link Medium#page} says; blocks for the disk.
     *
     * @param reader reads the record of a key, empty if it is gone
     */
    SortedMap<String, Found> page(String prefix, String after, int limit, Function<String, Optional<Found>> reader)
            throws StoreException {
        complete();
        SortedMap<String, Found> page = new TreeMap<>();
        boolean behind = after.compareTo(prefix) >= 0;
        for (String name : names.tailSet(behind ? after : prefix, !behind)) {
            if (page.size() == limit || !name.startsWith(prefix)) {
                break;
            }
            reader.apply(name).ifPresent(found -> page.put(name, found));
        }
        return page;
    }

    /** Reads the keys unless they have been read; blocks for the disk. */
    void complete() throws StoreException {
        if (complete) {
            return;
        }
        surveying.lock();
        try {
            if (!complete) {
                // Seen before anything is read: what is saved meanwhile is not missed.
                wanted = true;
                survey.read(names::add);
                complete = true;
            }
        } finally {
            surveying.unlock();
        }
    }
}
