package org.ondemandtls.jetty;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.StartException;

/** The oldest Jetty of each line that is supported: those that Spring Boot 3.5 and 4 bring, older ones are not tried. */
final class JettyFloor {

    private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})(?:\\D.*)?");
    private static final int OLDEST_12_0 = 29;
    private static final int OLDEST_12_1 = 10;

    private JettyFloor() {}

    /**
     * Refuses a Jetty that is too old.
     *
     * @param version what the server calls itself, for example {@code 12.0.29}; one that cannot be read passes
     * @throws StartException if it is older than 12.0.29, or of the 12.1 line and older than 12.1.10
     */
    static void require(String version) throws StartException {
        Matcher matcher = VERSION.matcher(version);
        if (!matcher.matches()) {
            return;
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        int patch = Integer.parseInt(matcher.group(3));
        boolean tooOld = major < 12
                || (major == 12 && minor == 0 && patch < OLDEST_12_0)
                || (major == 12 && minor == 1 && patch < OLDEST_12_1);
        if (tooOld) {
            throw new StartException("Jetty " + version + " is too old for On-Demand TLS: use 12.0." + OLDEST_12_0
                    + " or later, or 12.1." + OLDEST_12_1 + " or later");
        }
    }
}
