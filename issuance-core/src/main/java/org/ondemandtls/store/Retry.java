package org.ondemandtls.store;

/** The one retry of what reads a record, changes it, and may find that somebody else was faster. */
public final class Retry {

    /** How often it is tried: more often in a row nobody is faster by chance. */
    static final int ATTEMPTS = 5;

    /**
     * Something that begins by reading what is stored.
     *
     * @param <T> what comes of it
     * @param <X> what else it throws
     */
    @FunctionalInterface
    public interface Attempt<T, X extends Exception> {
        /**
         * Reads, changes and saves.
         *
         * @throws StaleRevisionException where somebody was faster; it is run again then
         * @throws StoreException if the store failed
         */
        T run() throws StoreException, X;
    }

    /** An attempt of which nothing comes. */
    @FunctionalInterface
    public interface Step {
        /**
         * Reads, changes and saves.
         *
         * @throws StaleRevisionException where somebody was faster; it is run again then
         * @throws StoreException if the store failed
         */
        void run() throws StoreException;
    }

    private Retry() {}

    /**
     * Runs an attempt again where somebody was faster. Blocks for the store.
     *
     * @throws StaleRevisionException if somebody was faster each time
     * @throws StoreException if the store failed
     */
    public static <T, X extends Exception> T ifStale(Attempt<T, X> attempt) throws StoreException, X {
        for (int run = 1; ; run++) {
            try {
                return attempt.run();
            } catch (StaleRevisionException e) {
                if (run == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /**
     * Runs a step again where somebody was faster. Blocks for the store.
     *
     * @throws StaleRevisionException if somebody was faster each time
     * @throws StoreException if the store failed
     */
    public static void stepIfStale(Step step) throws StoreException {
        Retry.<Boolean, StoreException>ifStale(() -> {
            step.run();
            return true;
        });
    }
}
