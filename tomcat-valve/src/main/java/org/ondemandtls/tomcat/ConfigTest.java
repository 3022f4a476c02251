package org.ondemandtls.tomcat;

import java.util.Arrays;
import java.util.List;

/**
 * Tells whether this JVM runs {@code catalina.sh configtest}, which initialises connectors and never starts them. A store
 * that is in use must not be waited for then, nor made, perhaps by root; and no CA is to hear of it.
 */
final class ConfigTest {

    private static final String BOOTSTRAP = "org.apache.catalina.startup.Bootstrap";
    private static final String VERB = "configtest";

    private ConfigTest() {}

    /** Whether it does; reads a property. */
    static boolean isRunning() {
        return isIn(System.getProperty("sun.java.command", ""));
    }

    /**
     * Whether a command line is that of a test.
     *
     * @param command the main class and its arguments, as the JVM tells them
     */
    static boolean isIn(String command) {
        List<String> words = Arrays.asList(command.trim().split("\\s+", -1));
        // The verb is the last word, as Bootstrap reads it.
        return words.size() > 1
                && words.get(0).equals(BOOTSTRAP)
                && words.get(words.size() - 1).equals(VERB);
    }
}
