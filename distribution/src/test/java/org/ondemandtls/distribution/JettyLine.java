package org.ondemandtls.distribution;

import java.nio.file.Files;
import java.nio.file.Path;

/** A line of Jetty releases the overlay works on. */
enum JettyLine {
    /** The oldest supported one. */
    JETTY_12_0("ondemandtls.jetty12.home"),
    /** The current one. */
    JETTY_12_1("ondemandtls.jetty121.home");

    private final String property;

    JettyLine(String property) {
        this.property = property;
    }

    /** {@code $JETTY_HOME}, unpacked by the build before the integration tests. */
    Path home() {
        Path home = Path.of(System.getProperty(property, "not set"));
        if (!Files.exists(home.resolve("start.jar"))) {
            throw new AssertionError("no Jetty at " + home + " (-D" + property + "); unpack it with: "
                    + "mvn -pl distribution pre-integration-test");
        }
        return home;
    }
}
