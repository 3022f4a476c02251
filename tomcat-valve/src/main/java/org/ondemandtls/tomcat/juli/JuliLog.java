package org.ondemandtls.tomcat.juli;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's log of one name. Its lines carry that name as their source; Tomcat by itself would name the class that writes.
 *
 * <p>Where Tomcat's logging was replaced, it goes where that one says.
 */
public final class JuliLog {

    // Tomcat's own, which goes to java.util.logging and guesses the source from the stack.
    private static final String GUESSING = "org.apache.juli.logging.DirectJDKLog";

    private final Log log;
    private final @Nullable Logger logger;
    private final String sourceClass;
    private final String sourceMethod;

    private JuliLog(String name) {
        log = LogFactory.getLog(name);
        logger = log.getClass().getName().equals(GUESSING) ? Logger.getLogger(name) : null;
        // Tomcat's lines show the two with a dot between.
        int dot = name.lastIndexOf('.');
        sourceClass = name.substring(0, Math.max(dot, 0));
        sourceMethod = name.substring(dot + 1);
    }

    /**
     * Looks a log up.
     *
     * @param name its name
     */
    public static JuliLog of(String name) {
        return new JuliLog(name);
    }

    /**
     * Writes a line.
     *
     * @param level one of {@code java.util.logging}: FINER, FINE, INFO, WARNING or SEVERE
     * @param text the line
     * @param thrown shown below it; null if there is nothing to show
     */
    public void write(Level level, String text, @Nullable Throwable thrown) {
        if (logger != null) {
            logger.logp(level, sourceClass, sourceMethod, text, thrown);
        } else if (level.equals(Level.SEVERE)) {
            log.error(text, thrown);
        } else if (level.equals(Level.WARNING)) {
            log.warn(text, thrown);
        } else if (level.equals(Level.INFO)) {
            log.info(text, thrown);
        } else if (level.equals(Level.FINE)) {
            log.debug(text, thrown);
        } else {
            log.trace(text, thrown);
        }
    }

    /** Tomcat's log itself, which knows what is written. */
    Log log() {
        return log;
    }
}
