package org.ondemandtls;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;

/** Refuses a server that has two of our jars beside each other, as an upgrade leaves them where the old one was not removed. */
final class OneVersion {

    private static final String OURS = "org/ondemandtls/OnDemandTls.class";

    private static final String BUILT = "/META-INF/maven/org.ondemandtls/ondemand-tls-core/pom.properties";
    private static final String UNKNOWN = "unknown";

    private OneVersion() {}

    /**
     * Looks where our classes are.
     *
     * @throws StartException if they are in several places; the message names them
     */
    static void require() throws StartException {
        ClassLoader loader = OneVersion.class.getClassLoader();
        try {
            require(loader == null ? List.of() : Collections.list(loader.getResources(OURS)));
        } catch (IOException e) {
            throw StartException.unreadable("cannot see which of our jars are there", e);
        }
    }

    /** The version of our jar as it was built, {@code unknown} where the jar was put together otherwise. */
    static String own() {
        Properties built = new Properties();
        try (InputStream in = OneVersion.class.getResourceAsStream(BUILT)) {
            if (in != null) {
                built.load(in);
            }
        } catch (IOException e) {
            return UNKNOWN;
        }
        return built.getProperty("version", UNKNOWN);
    }

    /**
     * Judges what was found.
     *
     * @param found where one class of ours is
     * @throws StartException if there are several places
     */
    static void require(List<URL> found) throws StartException {
        TreeSet<String> places = new TreeSet<>();
        for (URL url : found) {
            places.add(url.toString().replace("jar:", "").replace("file:", "").replaceAll("!?/" + OURS + "$", ""));
        }
        if (places.size() > 1) {
            throw new StartException("On-Demand TLS is there more than once: " + String.join(" and ", places)
                    + "; remove all but the one you want");
        }
    }
}
