package org.ondemandtls.distribution;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A line of server releases an overlay works on; every scenario that is not of one server's own passes on all of them. */
enum ServerLine {
    /** The oldest supported Jetty. */
    JETTY_12_0("ondemandtls.jetty12.home", "start.jar"),
    /** The current Jetty. */
    JETTY_12_1("ondemandtls.jetty121.home", "start.jar"),
    /** The oldest supported Tomcat. */
    TOMCAT_10_1("ondemandtls.tomcat10.home", "bin/catalina.sh"),
    /** The current Tomcat. */
    TOMCAT_11("ondemandtls.tomcat11.home", "bin/catalina.sh");

    private final String property;
    private final String landmark;

    ServerLine(String property, String landmark) {
        this.property = property;
        this.landmark = landmark;
    }

    /**
     * Those a scenario is tried on in this run: the current Jetty and Tomcat where nothing else is said, the oldest ones, or
     * all.
     */
    static Stream<ServerLine> tried() {
        String which = System.getProperty("ondemandtls.servers", "newest");
        return switch (which) {
            case "newest" -> Stream.of(JETTY_12_1, TOMCAT_11);
            case "oldest" -> Stream.of(JETTY_12_0, TOMCAT_10_1);
            case "all" -> Stream.of(values());
            default -> throw new AssertionError("-Dtests.servers=" + which + ": newest, oldest or all");
        };
    }

    /** Whether it is a Jetty; a Tomcat otherwise. */
    boolean isJetty() {
        return this == JETTY_12_0 || this == JETTY_12_1;
    }

    /**
     * A server that is not started yet, with the overlay over a fresh base directory.
     *
     * @param base becomes {@code $JETTY_BASE} or {@code $CATALINA_BASE}
     */
    ServerProcess layOut(Path base) throws IOException {
        return isJetty() ? JettyServerProcess.layOut(home(), base) : TomcatServerProcess.layOut(home(), base);
    }

    /** {@code $JETTY_HOME} or {@code $CATALINA_HOME}, unpacked by the build before the integration tests. */
    private Path home() {
        Path home = Path.of(System.getProperty(property, "not set"));
        if (!Files.exists(home.resolve(landmark))) {
            throw new AssertionError("no server at " + home + " (-D" + property + "); unpack it with: "
                    + "mvn -pl distribution pre-integration-test");
        }
        return home;
    }
}
