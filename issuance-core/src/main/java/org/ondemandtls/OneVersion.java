package org.ondemandtls;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** Refuses a server that has two of our jars beside each other, as an upgrade leaves them where the old one was not removed. */
final class OneVersion {

    // One class of each jar of ours.
    private static final List<String> OURS = List.of(
            "org/ondemandtls/OnDemandTls.class",
            "org/ondemandtls/jetty/JettyOnDemandTls.class",
            "org/ondemandtls/tomcat/OnDemandTlsProtocol.class",
            "org/ondemandtls/spring/OnDemandTlsAutoConfiguration.class",
            "org/ondemandtls/micrometer/OnDemandTlsMetrics.class");

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
        if (loader == null) {
            return;
        }
        try {
            List<List<URL>> found = new ArrayList<>();
            for (String one : OURS) {
                found.add(Collections.list(loader.getResources(one)));
            }
            require(found);
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
        // The drop-in for Tomcat has no such file, but a manifest of its own.
        String ofManifest = OneVersion.class.getPackage().getImplementationVersion();
        return built.getProperty("version", ofManifest == null ? UNKNOWN : ofManifest);
    }

    /**
     * Judges what was found.
     *
     * @param found where each class of ours is
     * @throws StartException if one of them is in several places
     */
    static void require(List<List<URL>> found) throws StartException {
        // The drop-in for Tomcat has several of these classes, and is named once.
        Set<String> twice = new LinkedHashSet<>();
        for (List<URL> urls : found) {
            TreeSet<String> places = new TreeSet<>();
            urls.forEach(url -> places.add(place(url)));
            if (places.size() > 1) {
                twice.add(String.join(" and ", places));
            }
        }
        if (!twice.isEmpty()) {
            throw new StartException("On-Demand TLS is there more than once: " + String.join(", ", twice)
                    + "; keep the jars of one version and remove the others");
        }
    }

    private static String place(URL url) {
        String text = url.toString().replace("jar:", "").replace("file:", "");
        // The last: a Maven repository has jars of ours below a directory of that name.
        int end = text.lastIndexOf("/org/ondemandtls/");
        String place = end < 0 ? text : text.substring(0, end);
        return place.endsWith("!") ? place.substring(0, place.length() - 1) : place;
    }
}
