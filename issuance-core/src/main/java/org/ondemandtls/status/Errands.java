package org.ondemandtls.status;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;

/**
 * Obtains the names of operators' lists, {@value #AT_ONCE} at the same time: a list must not fill the queues that visitors
 * need, and nothing of it may be dropped because they are full.
 *
 * <p><b>Threads.</b> Safe for many; nothing blocks. The next name begins on the thread that ended the one before.
 *
 * <p><b>Cost.</b> Only operators get here; {@value #MOST} names wait at most.
 */
final class Errands {

    /** How many names are obtained at the same time. */
    static final int AT_ONCE = 64;

    /** How many names wait for their turn at most. */
    static final int MOST = 10_000;

    private static final long AGAIN_AFTER_SECONDS = 1;
    // Visitors may fill a queue for as long as they like.
    private static final int MOST_TRIES = 600;

    private record Errand(ServerName name, int tries) {}

    private final Function<ServerName, CompletableFuture<KeyedCertificate>> flights;
    private final ScheduledExecutorService scheduler;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Errand> waiting = new ArrayDeque<>();
    private final Set<ServerName> names = new HashSet<>();
    private int running;

    /**
     * None yet.
     *
     * @param flights begins to obtain a name; completes exceptionally with an {@link IssuanceException}
     * @param scheduler wakes what found a queue full
     */
    Errands(Function<ServerName, CompletableFuture<KeyedCertificate>> flights, ScheduledExecutorService scheduler) {
        this.flights = flights;
        this.scheduler = scheduler;
    }

    /**
     * Takes a name up; nothing happens where it waits already.
     *
     * @return whether it is obtained now or waits for its turn; false where too many wait
     */
    boolean add(ServerName name) {
        lock.lock();
        try {
            if (names.contains(name)) {
                return true;
            }
            if (names.size() >= MOST) {
                return false;
            }
            names.add(name);
            waiting.add(new Errand(name, 1));
        } finally {
            lock.unlock();
        }
        goOn();
        return true;
    }

    /** Whether a name of a list is being obtained or waits for its turn. */
    boolean has(ServerName name) {
        lock.lock();
        try {
            return names.contains(name);
        } finally {
            lock.unlock();
        }
    }

    private void goOn() {
        for (Errand next = next(); next != null; next = next()) {
            Errand errand = next;
            CompletableFuture<KeyedCertificate> flight = flights.apply(errand.name());
            if (flight.isDone()) {
                // A long list of names that are denied at once must not become a deep stack.
                ended(errand, flight);
            } else {
                flight.whenComplete((certificate, failure) -> {
                    ended(errand, flight);
                    goOn();
                });
            }
        }
    }

    private @Nullable Errand next() {
        lock.lock();
        try {
            Errand next = running < AT_ONCE ? waiting.poll() : null;
            running += next == null ? 0 : 1;
            return next;
        } finally {
            lock.unlock();
        }
    }

    private void ended(Errand errand, CompletableFuture<KeyedCertificate> flight) {
        boolean again = errand.tries() < MOST_TRIES
                && flight.handle((certificate, failure) -> failure instanceof IssuanceException.Overloaded)
                        .join();
        lock.lock();
        try {
            running--;
            if (!again) {
                names.remove(errand.name());
            }
        } finally {
            lock.unlock();
        }
        if (again) {
            scheduler.schedule(() -> again(errand), AGAIN_AFTER_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void again(Errand errand) {
        lock.lock();
        try {
            waiting.addFirst(new Errand(errand.name(), errand.tries() + 1));
        } finally {
            lock.unlock();
        }
        goOn();
    }
}
