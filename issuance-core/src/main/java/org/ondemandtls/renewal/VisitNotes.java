package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/** Writes down which certificates are visited. Used by one thread at a time; blocks for the store. */
final class VisitNotes {

    private static final int MOST_AT_ONCE = 4096;

    private final Desk desk;
    private final Outage outage;
    private final Consumer<StoredCertificate> dueNow;
    private final Consumer<StoredCertificate> seen;

    /**
     * Makes it.
     *
     * @param desk what to work with
     * @param outage told where the store fails
     * @param dueNow told of records that are due for having been visited
     * @param seen told of records that were visited
     */
    VisitNotes(Desk desk, Outage outage, Consumer<StoredCertificate> dueNow, Consumer<StoredCertificate> seen) {
        this.desk = desk;
        this.outage = outage;
        this.dueNow = dueNow;
        this.seen = seen;
    }

    /** Writes down what waits, for at most so long; what is left waits on. */
    void write(Duration atMost) {
        Visits visits = desk.floors().visits();
        long end = desk.nanos() + atMost.toNanos();
        List<Visits.Visit> waiting = visits.take(MOST_AT_ONCE);
        boolean trusted = desk.floors().watch().isTrusted();
        for (Visits.Visit visit : waiting) {
            if (!trusted || desk.nanos() - end >= 0) {
                visits.notWritten(visit);
                continue;
            }
            try {
                write(visit);
            } catch (StoreException | RuntimeException | Error e) {
                visits.notWritten(visit);
                outage.failed(null, Troubled.words(e));
            }
        }
    }

    private void write(Visits.Visit visit) throws StoreException {
        Set<String> names = visit.certificate().names();
        String first = names.iterator().next();
        if (names.size() == 1 && Records.plainName(first).isEmpty()) {
            // A wildcard alone is not renewed, whoever visits it; beside one there may be names that are.
            return;
        }
        AtomicBoolean leftAlone = new AtomicBoolean();
        Optional<StoredCertificate> stored = desk.floors().store().update(ServerName.answeredBy(first), before -> {
            leftAlone.set(false);
            if (!before.certificate().id().equals(visit.certificate().id())) {
                // Replaced meanwhile: its successor will be visited.
                return before;
            }
            seen.accept(before);
            StoredCertificate visited = before.withVisited(visit.at());
            // One that was left alone for want of visitors is looked at again as soon as it has one.
            leftAlone.set(visited.isLeftAlone());
            Instant due = leftAlone.get() ? visit.at() : earlier(before, visit.at());
            return due.equals(before.due()) && Records.isNoted(before, visit) ? before : visited.withDue(due);
        });
        stored.filter(saved -> leftAlone.get()).ifPresent(dueNow);
    }

    // Permission, and what its CA has revoked, is asked for what is visited.
    private Instant earlier(StoredCertificate record, Instant visit) {
        return desk.nextLook(record.firstName(), visit)
                .filter(at -> record.withdrawn().isEmpty() && at.isBefore(record.due()))
                .orElse(record.due());
    }
}
