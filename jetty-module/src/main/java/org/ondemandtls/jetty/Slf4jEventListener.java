package org.ondemandtls.jetty;

import java.util.EnumMap;
import java.util.Map;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Writes events to Jetty's log: one line each, to the logger of its kind. */
final class Slf4jEventListener implements EventListener {

    private final Map<EventKind, Logger> loggers = new EnumMap<>(EventKind.class);

    /** Looks the loggers up. */
    Slf4jEventListener() {
        for (EventKind kind : EventKind.values()) {
            loggers.put(kind, LoggerFactory.getLogger(kind.logger()));
        }
    }

    @Override
    public void on(Event event) {
        Logger logger = loggers.get(event.kind());
        if (logger != null) {
            logger.atLevel(level(event.kind().severity())).log(event.line());
        }
    }

    private static Level level(EventKind.Severity severity) {
        return switch (severity) {
            case DEBUG -> Level.DEBUG;
            case INFO -> Level.INFO;
            case WARN -> Level.WARN;
            case ERROR -> Level.ERROR;
        };
    }
}
