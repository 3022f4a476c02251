package org.ondemandtls.store;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;

/**
 * Single records that could not be read: each is told once with its place, and left alone. A record that is damaged is set
 * aside instead. Safe for use by many threads.
 */
public final class Troubles {

    // Beyond it a place may be told twice.
    private static final int MOST_REMEMBERED = 1_000;

    private final Events events;
    private final Set<String> told = new LinkedHashSet<>();
    private final ReentrantLock lock = new ReentrantLock();

    /**
     * Nothing is told yet.
     *
     * @param events where it will be
     */
    public Troubles(Events events) {
        this.events = events;
    }

    /**
     * Tells of a record, unless it was told of before.
     *
     * @param place where it is
     * @param why why it could not be read
     */
    public void tell(Object place, StoreException why) {
        String at = place.toString();
        String message = String.valueOf(why.getMessage());
        boolean fresh;
        lock.lock();
        try {
            fresh = told.add(at + '\n' + message);
            if (told.size() > MOST_REMEMBERED) {
                told.remove(told.iterator().next());
            }
        } finally {
            lock.unlock();
        }
        events.publish(
                fresh ? EventKind.STORE_FAILED : EventKind.STILL_FAILING,
                (message.contains(at) ? "" : at + ": ") + message + "; all other records are served and renewed");
    }
}
