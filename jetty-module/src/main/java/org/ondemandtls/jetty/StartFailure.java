package org.ondemandtls.jetty;

import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.slf4j.LoggerFactory;

/** Says in one line of ours why a server does not start: Jetty shows the exception as well, on top of a long stack trace. */
final class StartFailure {

    private StartFailure() {}

    /**
     * Writes a line at level ERROR.
     *
     * @param line what is wrong and what to do
     */
    static void report(@Nullable String line) {
        LoggerFactory.getLogger(EventKind.STARTED.logger()).error(line);
    }
}
