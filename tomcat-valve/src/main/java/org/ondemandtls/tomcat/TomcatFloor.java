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
    // The first whose contexts of OpenSSL give back the certificate and the key they were made with.
    private static final int OPENSSL_10_1 = 55;
    private static final int OPENSSL_11_0 = 22;

    private TomcatFloor() {}

    /**
     * Refuses a Tomcat that is too old.
     *
     * @param version what the server calls itself, for example {@code 10.1.19.0}; one that cannot be read passes
     * @throws StartException if it is older than 10.1.19
     */
    static void require(String version) throws StartException {
        if (isBefore(version, OLDEST_10_1, 0)) {
            throw new StartException(sm.getString("tomcatFloor.tooOld", version));
        }
    }

    /**
     * Refuses a Tomcat that is too old for OpenSSL: it would lose memory with every name that is visited.
     *
     * @param version what the server calls itself; one that cannot be read passes
     * @throws StartException if it is older than 10.1.55, or than 11.0.22
     */
    static void requireForOpenSsl(String version) throws StartException {
        if (isBefore(version, OPENSSL_10_1, OPENSSL_11_0)) {
            throw OpenSslLibrary.unusable("openSslLibrary.oldTomcat", version);
        }
    }

    private static boolean isBefore(String version, int patch101, int patch110) {
        Matcher matcher = VERSION.matcher(version);
        if (!matcher.matches()) {
            return false;
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        int patch = Integer.parseInt(matcher.group(3));
        return switch (major) {
            case 10 -> minor < 1 || (minor == 1 && patch < patch101);
            case 11 -> minor == 0 && patch < patch110;
            default -> major < 10;
        };
    }
}
