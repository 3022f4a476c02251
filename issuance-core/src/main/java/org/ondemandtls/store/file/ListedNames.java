package org.ondemandtls.store.file;

import java.util.NavigableSet;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.StoreException;

/**
 * The first names of a store of files in their order, for an operator's list.
 *
 * <p>Read from the disk when it is first asked for, and kept up from then on: about a hundred octets for each name.
 * Safe for use by many threads.
 */
final class ListedNames {

    /** Reads the names that are stored. */
    @FunctionalInterface
    interface Survey {
        /**
         * Reads them all; what is saved meanwhile may be left out.
         *
         * @param found told of each name
         * @throws StoreException if they cannot be read
         */
        void read(Consumer<String> found) throws StoreException;
    }

    private final Survey survey;
    private final ReentrantLock surveying = new ReentrantLock();
    private volatile @Nullable NavigableSet<String> names;
    private volatile boolean complete;

    ListedNames(Survey survey) {
        this.survey = survey;
    }

    /** Notes a name that is stored now. Does not block. */
    void saved(String name) {
        NavigableSet<String> known = names;
        if (known != null) {
            known.add(name);
        }
    }

    /** Notes a name that is not stored any more. Does not block. */
    void forgotten(String name) {
        NavigableSet<String> known = names;
        if (known != null) {
            known.remove(name);
        }
    }

    /**
     * Reads a page, as {@link Medium#page} says; blocks for the disk.
     *
     * @param reader reads the certificate of a first name, empty if it is gone
     */
    SortedMap<String, Found> page(String prefix, String after, int limit, Function<String, Optional<Found>> reader)
            throws StoreException {
        NavigableSet<String> all = known();
        SortedMap<String, Found> page = new TreeMap<>();
        boolean behind = after.compareTo(prefix) >= 0;
        for (String name : all.tailSet(behind ? after : prefix, !behind)) {
            if (page.size() == limit || !name.startsWith(prefix)) {
                break;
            }
            reader.apply(name).ifPresent(found -> page.put(name, found));
        }
        return page;
    }

    private NavigableSet<String> known() throws StoreException {
        NavigableSet<String> known = names;
        if (known != null && complete) {
            return known;
        }
        surveying.lock();
        try {
            NavigableSet<String> filled = names;
            if (filled == null || !complete) {
                filled = new ConcurrentSkipListSet<>();
                // Seen before it is filled: what is saved meanwhile is not missed.
                names = filled;
                survey.read(filled::add);
                complete = true;
            }
            return filled;
        } finally {
            surveying.unlock();
        }
    }
}
