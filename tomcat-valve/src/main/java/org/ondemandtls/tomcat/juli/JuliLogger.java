package org.ondemandtls.tomcat.juli;

import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** One SLF4J logger on top of Tomcat's of the same name; markers are not known there. */
final class JuliLogger extends LegacyAbstractLogger {

    private final transient Log log;

    /**
     * Looks Tomcat's logger up.
     *
     * @param name its name
     */
    JuliLogger(String name) {
        this.name = name;
        this.log = LogFactory.getLog(name);
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
        switch (level) {
            case TRACE -> log.trace(text, thrown);
            case DEBUG -> log.debug(text, thrown);
            case INFO -> log.info(text, thrown);
            case WARN -> log.warn(text, thrown);
            case ERROR -> log.error(text, thrown);
        }
    }
}
