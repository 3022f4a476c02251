package org.ondemandtls.tomcat;

import java.security.CodeSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tells Tomcat that the drop-in jar holds nothing for web applications. Tomcat would search the jar for annotations and
 * fragments once for each web application it starts, for a second or two each.
 *
 * <p>Tomcat reads its list when the first application starts; connectors are made before.
 */
final class JarScan {

    private static final String SKIPPED = "tomcat.util.scan.StandardJarScanFilter.jarsToSkip";
    private static final String DROP_IN = "-all.jar";

    private JarScan() {}

    /** Adds the jar this class comes from to Tomcat's list; does nothing where Tomcat is embedded. */
    static void passOverDropIn() {
        CodeSource source = JarScan.class.getProtectionDomain().getCodeSource();
        dropIn(
                        source == null || source.getLocation() == null
                                ? ""
                                : source.getLocation().getPath())
                .ifPresent(jar -> System.setProperty(SKIPPED, with(System.getProperty(SKIPPED), jar)));
    }

    /**
     * The file name of the drop-in jar.
     *
     * @param location the path where our classes are
     * @return empty if our classes are somewhere else
     */
    static Optional<String> dropIn(String location) {
        String file = location.substring(location.lastIndexOf('/') + 1);
        return file.endsWith(DROP_IN) ? Optional.of(file) : Optional.empty();
    }

    /**
     * A list of jars with one more.
     *
     * @param skipped the names as Tomcat has them, separated by commas; null if there are none
     * @param jar a file name
     */
    static String with(@Nullable String skipped, String jar) {
        if (skipped == null || skipped.isBlank()) {
            return jar;
        }
        return List.of(skipped.split(",", -1)).stream().map(String::strip).anyMatch(jar::equals)
                ? skipped
                : skipped + "," + jar;
    }
}
