package org.ondemandtls.tomcat;

import java.util.EnumMap;
import java.util.Map;
import java.util.logging.Level;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.tomcat.juli.JuliLog;

/** Writes events to Tomcat's log: one line each, to the logger of its kind. */
final class JuliEventListener implements EventListener {

    private final Map<EventKind, JuliLog> logs = new EnumMap<>(EventKind.class);

    /** Looks the loggers up. */
    JuliEventListener() {
        for (EventKind kind : EventKind.values()) {
            logs.put(kind, JuliLog.of(kind.logger()));
        }
    }

    @Override
    public void on(Event event) {
        JuliLog log = logs.get(event.kind());
        if (log == null) {
            return;
        }
        log.write(
                switch (event.kind().severity()) {
                    case DEBUG -> Level.FINE;
                    case INFO -> Level.INFO;
                    case WARN -> Level.WARNING;
                    case ERROR -> Level.SEVERE;
                },
                event.line(),
                null);
    }
}
