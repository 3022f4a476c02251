package org.ondemandtls.distribution;

import java.nio.file.Files;
import java.nio.file.Path;

/** A line of Tomcat releases the overlay works on. */
enum TomcatLine {
    /** The older supported one. */
    TOMCAT_10_1("ondemandtls.tomcat10.home"),
    /** The current one. */
    TOMCAT_11("ondemandtls.tomcat11.home");

    private final String property;

    TomcatLine(String property) {
        this.property = property;
    }

    /** {@code $CATALINA_HOME}, unpacked by the build before the integration tests. */
    Path home() {
        Path home = Path.of(System.getProperty(property, "not set"));
        if (!Files.exists(home.resolve("bin/catalina.sh"))) {
            throw new AssertionError("no Tomcat at " + home + " (-D" + property + "); unpack it with: "
                    + "mvn -pl distribution pre-integration-test");
        }
        return home;
    }
}
