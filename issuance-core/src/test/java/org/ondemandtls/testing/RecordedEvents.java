package org.ondemandtls.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;

/** Keeps every event that was handed on. */
public final class RecordedEvents {

    private final List<Event> seen = new CopyOnWriteArrayList<>();
    private final Events events = new Events(seen::add, System::nanoTime);

    /** Where to report. */
    public Events events() {
        return events;
    }

    /** The lines of one kind, in order. */
    public List<String> lines(EventKind kind) {
        return seen.stream()
                .filter(event -> event.kind() == kind)
                .map(Event::line)
                .toList();
    }
}
