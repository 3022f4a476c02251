package org.ondemandtls.tomcat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.tomcat.util.res.StringManager;
import org.ondemandtls.StartException;

/** The oldest Tomcat of each line that is supported. */
final class TomcatFloor {

    private static final StringManager sm = StringManager.getManager(TomcatFloor.class);
    private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})(?:\\D.*)?");
    // The first that takes a TLS context for a connector without a certificate file
    // (SSLHostConfigCertificate.setSslContext).
    private static final int OLDEST_10_1 = 19;

    private TomcatFloor() {}

    /**
     * Refuses a Tomcat that is too old.
     *
     * @param version what the server calls itself, for example {@code 10.1.19.0}; one that cannot be read passes
     * @throws StartException if it is older than 10.1.19
     */
    static void require(String version) throws StartException {
        Matcher matcher = VERSION.matcher(version);
        if (!matcher.matches()) {
            return;
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        int patch = Integer.parseInt(matcher.group(3));
        boolean tooOld = major < 10 || (major == 10 && (minor < 1 || (minor == 1 && patch < OLDEST_10_1)));
        if (tooOld) {
            throw new StartException(sm.getString("tomcatFloor.tooOld", version));
        }
    }
}
