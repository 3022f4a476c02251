package org.ondemandtls.status;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.name.ServerName;

/**
 * The names whose renewal has failed in one way on this server and has not succeeded since, at most {@value #MOST} of them.
 * Safe for use by many threads; never blocks.
 */
final class Overdue implements EventListener {

    static final int MOST = 100_000;

    private static final Set<EventKind> OVER =
            EnumSet.of(EventKind.RENEWED, EventKind.OBTAINED, EventKind.WITHDRAWN, EventKind.FORGOTTEN);

    private static final Set<EventKind> WAYS = EnumSet.of(EventKind.NOT_RENEWED, EventKind.MOVED_AWAY);

    private final Map<ServerName, Instant> since = new ConcurrentHashMap<>();
    private final Clock clock;
    private final EventKind begins;

    /**
     * None yet.
     *
     * @param clock the wall clock
     * @param begins the way their renewal fails in; another of {@link #WAYS} ends it
     */
    Overdue(Clock clock, EventKind begins) {
        this.clock = clock;
        this.begins = begins;
    }

    @Override
    public void on(Event event) {
        ServerName name = event.name();
        if (name == null) {
            return;
        }
        if (event.kind() == begins && since.size() < MOST) {
            since.putIfAbsent(name, clock.instant());
        } else if (event.kind() != begins && (OVER.contains(event.kind()) || WAYS.contains(event.kind()))) {
            since.remove(name);
        }
    }

    /** How many there are. */
    int count() {
        return since.size();
    }

    /** For how long the oldest has failed; zero where there is none. */
    Duration oldest() {
        Instant now = clock.instant();
        return since.values().stream()
                .min(Instant::compareTo)
                .map(first -> Duration.between(first, now))
                .filter(age -> !age.isNegative())
                .orElse(Duration.ZERO);
    }
}
