package org.ondemandtls.store;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Counts what was asked of a CA and what failed, over sliding windows of time, so that its limits are kept over restarts.
 *
 * <p>A key is text of ours: what is counted, for whom. An entry made at {@code t} counts in a window from {@code t} until
 * just before {@code t} plus the window. Where a clock jumped, an entry from a future farther away than the window does
 * not count until that time comes, so nothing is held up for longer than its window and nothing is forgotten.
 *
 * <p><b>Threads.</b> Safe for use by many threads; called on the engine's executors only. Each method is one step: nobody
 * sees half of it.
 *
 * <p><b>Cost.</b> At most one write, which nobody waits for to reach the disk; memory in proportion to what counts.
 */
public interface Ledger {

    /**
     * The longest window anything is counted over.
     */
    Duration LONGEST_WINDOW = Duration.ofDays(31);

    /** The longest key, in characters. */
    int LONGEST_KEY = 2048;

    /**
     * So many in so long.
     *
     * @param key what is counted; visible ASCII, at most {@value #LONGEST_KEY} characters
     * @param most how many fit, 0 for none
     * @param window over how long, more than zero, at most {@link #LONGEST_WINDOW}
     */
    record Quota(String key, int most, Duration window) {

        /**
         * Checks the bounds.
         *
         * @throws IllegalArgumentException if one is not kept
         */
        public Quota {
            checkKey(key);
            checkWindow(window);
            if (most < 0) {
                throw new IllegalArgumentException("fewer than none");
            }
        }
    }

    /**
     * What one reservation counted, for giving it back; means something to the ledger that made it only, over restarts too.
     *
     * @param entries the numbers of the entries
     */
    record Ticket(List<Long> entries) {

        /** Keeps a copy. */
        public Ticket {
            entries = List.copyOf(entries);
        }
    }

    /** What became of a reservation. */
    sealed interface Outcome {

        /**
         * There was room in every quota and one entry was counted under each key.
         *
         * @param ticket for giving it back
         */
        record Reserved(Ticket ticket) implements Outcome {}

        /**
         * A quota has no room and nothing was counted. Of several, the one that has room last.
         *
         * @param quota the one
         * @param fits the first moment at which it has room if nothing else is counted meanwhile
         */
        record Spent(Quota quota, Instant fits) implements Outcome {}
    }

    /**
     * Counts one entry under each key of {@code counted}, if every quota of both lists has room for one more; otherwise
     * counts nothing. A key that stands in several quotas is counted once, for the longest of their windows.
     *
     * @param counted the quotas that are used up by this
     * @param checked the quotas that only have to have room
     * @return what became of it
     * @throws StoreException if it could not be kept; nothing was counted
     */
    Outcome reserve(List<Quota> counted, List<Quota> checked) throws StoreException;

    /**
     * Takes back what a reservation counted; what was given back already, or counts no longer, is left alone.
     *
     * @throws StoreException if it could not be kept; it may count again after a restart
     */
    void giveBack(Ticket ticket) throws StoreException;

    /**
     * Counts one entry without a question: something happened.
     *
     * @param key what is counted, as in {@link Quota}
     * @param keepFor the longest window it is to be counted in, as in {@link Quota}
     * @throws StoreException if it could not be kept; it counts in this process all the same
     */
    void count(String key, Duration keepFor) throws StoreException;

    /**
     * How many entries of a key count in a window now.
     *
     * @throws StoreException if the ledger could not be read
     */
    int used(String key, Duration window) throws StoreException;

    private static void checkKey(String key) {
        if (!isKey(key)) {
            throw new IllegalArgumentException("not a key of the ledger");
        }
    }

    private static void checkWindow(Duration window) {
        if (window.isNegative() || window.isZero() || window.compareTo(LONGEST_WINDOW) > 0) {
            throw new IllegalArgumentException("not a window of the ledger: " + window);
        }
    }

    /** Whether a text can be a key: visible ASCII, from 1 to {@value #LONGEST_KEY} characters. */
    static boolean isKey(String text) {
        return !text.isEmpty() && text.length() <= LONGEST_KEY && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }
}
