package org.ondemandtls.tomcat.juli;

import org.apache.juli.logging.Log;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** One SLF4J logger on top of Tomcat's of the same name; markers are not known there. */
final class JuliLogger extends LegacyAbstractLogger {

    private final transient Log log;
    private final transient JuliLog lines;

    /**
     * Looks Tomcat's logger up.
     *
     * @param name its name
     */
    JuliLogger(String name) {
        this.name = name;
        this.lines = JuliLog.of(name);
        this.log = lines.log();
    }

    @Override
    public boolean isTraceEnabled() {
        return log.isTraceEnabled();
    }

    @Override
    public boolean isDebugEnabled() {
        return log.isDebugEnabled();
    }

    @Override
    public boolean isInfoEnabled() {
        return log.isInfoEnabled();
    }

    @Override
    public boolean isWarnEnabled() {
        return log.isWarnEnabled();
    }

    @Override
    public boolean isErrorEnabled() {
        return log.isErrorEnabled();
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String pattern,
            Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        String text = MessageFormatter.basicArrayFormat(pattern, arguments);
        lines.write(
                switch (level) {
                    case TRACE -> java.util.logging.Level.FINER;
                    case DEBUG -> java.util.logging.Level.FINE;
                    case INFO -> java.util.logging.Level.INFO;
                    case WARN -> java.util.logging.Level.WARNING;
                    case ERROR -> java.util.logging.Level.SEVERE;
                },
                text,
                thrown);
    }
}
