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
 * What happened lately to names: the last {@value Happening#MOST} events of at most {@value #NAMES} names, in memory.
 *
 * <p>Names that are looked at often stay; strangers' names push each other out. Safe for use by many threads; never blocks.
 */
final class Recent implements EventListener, Happening.Source {

    static final int PER_NAME = Happening.MOST;
    static final int NAMES = 2_000;

    private static final int LONGEST_TEXT = 500;
    private static final Set<EventKind> LEFT_OUT =
            EnumSet.of(EventKind.LOADED, EventKind.REFUSED, EventKind.DEADLINE, EventKind.OVERLOADED);

    private final Cache<String, Deque<Happening>> byName =
            Caffeine.newBuilder().maximumSize(NAMES).executor(Runnable::run).build();
    private final Clock clock;

    Recent(Clock clock) {
        this.clock = clock;
    }

    @Override
    public void on(Event event) {
        ServerName name = event.name();
        if (name == null || LEFT_OUT.contains(event.kind())) {
            return;
        }
        String text = event.text().length() <= LONGEST_TEXT
                ? event.text()
                : event.text().substring(0, LONGEST_TEXT);
        Deque<Happening> own = byName.get(name.value(), none -> new ArrayDeque<>());
        synchronized (own) {
            own.addLast(new Happening(clock.instant(), event.kind().name().toLowerCase(Locale.ROOT), text));
            if (own.size() > PER_NAME) {
                own.removeFirst();
            }
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
