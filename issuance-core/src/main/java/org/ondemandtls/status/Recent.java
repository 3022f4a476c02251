package org.ondemandtls.status;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Happening;

/**
 * What happened lately to names: the last {@value Happening#MOST} events of at most {@value #NAMES} names, in memory; and
 * the last {@value #OF_THE_SERVER} of the server as a whole.
 *
 * <p>Names that are looked at often stay; strangers' names push each other out. Safe for use by many threads; never blocks.
 */
final class Recent implements EventListener, Happening.Source {

    static final int PER_NAME = Happening.MOST;
    static final int NAMES = 2_000;

    /** How many events of the server as a whole are kept. */
    static final int OF_THE_SERVER = 50;

    private static final int LONGEST_TEXT = 500;
    private static final Set<EventKind> LEFT_OUT =
            EnumSet.of(EventKind.LOADED, EventKind.REFUSED, EventKind.DEADLINE, EventKind.OVERLOADED);

    private final Cache<String, Deque<Happening>> byName =
            Caffeine.newBuilder().maximumSize(NAMES).executor(Runnable::run).build();
    private final Deque<Happening> ofTheServer = new ArrayDeque<>();
    private final Clock clock;

    Recent(Clock clock) {
        this.clock = clock;
    }

    @Override
    public void on(Event event) {
        ServerName name = event.name();
        if (isOfTheServer(event)) {
            String whose = name == null ? "" : name + ": ";
            keep(ofTheServer, OF_THE_SERVER, happening(event, whose + event.text()));
        }
        if (name != null && !LEFT_OUT.contains(event.kind())) {
            keep(byName.get(name.value(), none -> new ArrayDeque<>()), PER_NAME, happening(event, event.text()));
        }
    }

    // What concerns one name is told with it; what somebody has to act on, here as well.
    private static boolean isOfTheServer(Event event) {
        return event.name() == null
                ? event.kind() != EventKind.STILL_FAILING && !LEFT_OUT.contains(event.kind())
                : event.kind().severity() == EventKind.Severity.ERROR;
    }

    private Happening happening(Event event, String text) {
        return new Happening(
                clock.instant(),
                event.kind().name().toLowerCase(Locale.ROOT),
                text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT));
    }

    private static void keep(Deque<Happening> own, int most, Happening one) {
        synchronized (own) {
            own.addLast(one);
            if (own.size() > most) {
                own.removeFirst();
            }
        }
    }

    /** What happened lately to the server as a whole, the oldest first. */
    List<Happening> ofTheServer() {
        synchronized (ofTheServer) {
            return List.copyOf(ofTheServer);
        }
    }

    /** Takes over what a record had, before that is removed. */
    void recall(String name, List<Happening> kept) {
        Deque<Happening> own = byName.get(name, none -> new ArrayDeque<>());
        synchronized (own) {
            List<Happening> all = Happening.joined(kept, List.copyOf(own));
            own.clear();
            own.addAll(all);
        }
    }

    @Override
    public List<Happening> of(String name) {
        Deque<Happening> own = byName.getIfPresent(name);
        if (own == null) {
            return List.of();
        }
        synchronized (own) {
            return List.copyOf(own);
        }
    }
}
