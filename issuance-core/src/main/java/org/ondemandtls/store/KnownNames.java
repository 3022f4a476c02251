package org.ondemandtls.store;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.machine.Time;

/**
 * Which names are stored, told without I/O: a fingerprint in memory, filled by a survey in the background and by what is
 * saved and heard since. While a survey is under way, any name may be there.
 *
 * <p>A survey that fails is tried again until it succeeds. One that was begun before {@link #surveyAgain} is never used
 * after it. Safe for use by many threads.
 */
final class KnownNames implements AutoCloseable {

    // What is heard during a survey that cannot succeed must not fill the memory.
    private static final int MOST_HEARD = 200_000;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

    /** Reads the names that are stored. */
    @FunctionalInterface
    interface Survey {
        /**
         * Reads them all.
         *
         * @param ended whether nobody wants the answer any more
         * @return all names, at least those that were stored when it began
         * @throws IOException to be tried again later
         * @throws StoreException to be tried again later
         */
        NameFingerprint names(BooleanSupplier ended) throws IOException, StoreException;
    }

    private final Survey survey;
    private final UntilDone surveys;
    private final Set<String> heard = ConcurrentHashMap.newKeySet();
    // Publishing a survey and asking for another one are told apart by it.
    private final ReentrantLock lock = new ReentrantLock();

    private long wanted;

    private volatile @Nullable NameFingerprint fingerprint;

    /**
     * Makes it; nothing is surveyed yet.
     *
     * @param time what a survey that failed rests by
     * @param survey reads the names, on a thread of this
     * @param failed told of the first failure in a row
     */
    KnownNames(Time time, Survey survey, Consumer<Exception> failed) {
        this.survey = survey;
        this.surveys = new UntilDone(time, "ondemand-tls-store-survey", FIRST_PAUSE, this::survey, failed);
    }

    /** Has the names read from the beginning; until then any name may be there. Does not block. */
    void surveyAgain() {
        lock.lock();
        try {
            wanted++;
            fingerprint = null;
        } finally {
            lock.unlock();
        }
        surveys.start();
    }

    /** Whether a survey is complete. */
    boolean isComplete() {
        return fingerprint != null;
    }

    /** Whether a name may be stored: false only if a survey is complete and the name is not there. Costs two hashes. */
    boolean mayContain(String name) {
        NameFingerprint known = fingerprint;
        // What was heard during a survey is put into its fingerprint a moment after that is published, and leaves then.
        return known == null || heard.contains(name) || known.mayContain(name);
    }

    /** Notes a name that is stored now. Does not block. */
    void add(String name) {
        NameFingerprint known = fingerprint;
        if (known == null) {
            // The survey may have passed its place already.
            heard.add(name);
            if (heard.size() > MOST_HEARD) {
                heard.clear();
                surveyAgain();
            }
            known = fingerprint;
        }
        if (known != null) {
            known.add(name);
            if (known.isFull()) {
                surveyAgain();
            }
        }
    }

    @Override
    public void close() {
        surveys.close();
    }

    private void survey() throws IOException, StoreException {
        long begun;
        lock.lock();
        try {
            begun = wanted;
        } finally {
            lock.unlock();
        }
        NameFingerprint fresh = survey.names(surveys::isClosed);
        if (surveys.isClosed()) {
            return;
        }
        lock.lock();
        try {
            if (begun != wanted) {
                // What asked for another survey has asked for another run as well.
                return;
            }
            fingerprint = fresh;
        } finally {
            lock.unlock();
        }
        heard.removeIf(name -> {
            fresh.add(name);
            return true;
        });
    }
}
