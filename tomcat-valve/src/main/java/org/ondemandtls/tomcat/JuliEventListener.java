package org.ondemandtls.tomcat;

import java.util.EnumMap;
import java.util.Map;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;

/** Writes events to Tomcat's log: one line each, to the logger of its kind. */
final class JuliEventListener implements EventListener {

    private final Map<EventKind, Log> logs = new EnumMap<>(EventKind.class);

    /** Looks the loggers up. */
    JuliEventListener() {
        for (EventKind kind : EventKind.values()) {
            logs.put(kind, LogFactory.getLog(kind.logger()));
        }
    }

    @Override
    public void on(Event event) {
        Log log = logs.get(event.kind());
        if (log == null) {
            return;
        }
        switch (event.kind().severity()) {
            case DEBUG -> log.debug(event.line());
            case INFO -> log.info(event.line());
            case WARN -> log.warn(event.line());
            case ERROR -> log.error(event.line());
        }
    }
}
