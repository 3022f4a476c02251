package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.FreePorts;

/**
 * A real Tomcat in a process of its own, run by {@code bin/catalina.sh run}, with the overlay unpacked over a fresh
 * {@code $CATALINA_BASE}. {@code GET /} is answered with {@value #CONTENT}.
 */
final class TomcatServerProcess implements AutoCloseable {

    /** What {@code GET /} answers. */
    static final String CONTENT = "served by Tomcat";

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path home;
    private final Path base;
    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final Map<String, String> attributes = new TreeMap<>();
    private final List<String> jvmOptions = new ArrayList<>();
    private boolean redirecting;
    private @Nullable BackgroundProcess process;

    private TomcatServerProcess(Path home, Path base) {
        this.home = home;
        this.base = base;
    }

    /**
     * Lays out a server that is not started yet.
     *
     * @param line which Tomcat
     * @param base becomes {@code $CATALINA_BASE}
     */
    static TomcatServerProcess layOut(TomcatLine line, Path base) throws IOException {
        var server = new TomcatServerProcess(line.home(), Files.createDirectories(base));
        copy(line.home().resolve("conf"), base.resolve("conf"));
        for (String directory : List.of("logs", "temp", "work", "webapps/ROOT")) {
            Files.createDirectories(base.resolve(directory));
        }
        Files.writeString(base.resolve("webapps/ROOT/index.html"), CONTENT);
        unzip(Path.of(System.getProperty("ondemandtls.tomcat.overlay", "not set")), base);
        return server;
    }

    /** Gives the on-demand connector an attribute, from the next start on. */
    TomcatServerProcess property(String key, String value) {
        attributes.put(key, value);
        return this;
    }

    /** Takes the redirect to HTTPS out of the sample's comment, from the next start on. */
    TomcatServerProcess redirecting() {
        redirecting = true;
        return this;
    }

    /** Adds options of the JVM the server runs on, from the next start on. */
    TomcatServerProcess jvm(String... options) {
        jvmOptions.addAll(Arrays.asList(options));
        return this;
    }

    /** Starts the server and returns when it accepts connections. */
    TomcatServerProcess start() throws IOException {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException("runs already");
        }
        writeServerXml();
        process = BackgroundProcess.start(
                List.of("sh", home.resolve("bin/catalina.sh").toString(), "run"),
                base,
                Map.of(
                        "CATALINA_HOME",
                        home.toString(),
                        "CATALINA_BASE",
                        base.toString(),
                        "JAVA_HOME",
                        System.getProperty("java.home"),
                        "CATALINA_OPTS",
                        String.join(" ", jvmOptions)),
                base.resolve("server.log"));
        process.awaitOutput("Server startup in", PATIENCE);
        return this;
    }

    /** Asks the server to stop, and returns when it has; it must within ten seconds. */
    void stop() {
        assertThat(process().terminate(Duration.ofSeconds(10)))
                .as("stopped within 10 s:\n" + process().output())
                .isTrue();
    }

    /** Ends the server as a power failure would, as far as the process goes. */
    void kill9() {
        process().kill();
    }

    /** The port of plain HTTP. */
    int httpPort() {
        return httpPort;
    }

    /** The port of TLS. */
    int tlsPort() {
        return tlsPort;
    }

    /** The store of the default configuration. */
    Path store() {
        return base.resolve("ondemand-tls");
    }

    /** {@code $CATALINA_BASE}. */
    Path base() {
        return base;
    }

    /** The root of the internal CA, which the started server has made. */
    Path internalRoot() {
        Path root = store().resolve("internal-ca/root.pem");
        process().await("make " + root, () -> Files.exists(root), PATIENCE);
        return root;
    }

    /** What the server wrote since its last start. */
    String log() {
        return process().output();
    }

    /** The running process. */
    BackgroundProcess process() {
        if (process == null) {
            throw new IllegalStateException("never started");
        }
        return process;
    }

    /** Ends the server, however it takes. */
    @Override
    public void close() {
        if (process != null) {
            process.close();
        }
    }

    // The sample as it is delivered, with other ports and the keys of the test.
    private void writeServerXml() throws IOException {
        StringBuilder ours = new StringBuilder();
        attributes.forEach((key, value) -> ours.append(' ')
                .append(key)
                .append("=\"")
                .append(escaped(value))
                .append('"'));
        String sample = Files.readString(base.resolve("conf/ondemand-tls/server.xml"));
        String xml = sample.replace("<Server port=\"8005\"", "<Server port=\"-1\"")
                .replace("port=\"80\"", "address=\"127.0.0.1\" port=\"" + httpPort + "\"")
                .replace("port=\"443\"", "address=\"127.0.0.1\" port=\"" + tlsPort + "\"")
                .replace(" onDemandTls.permission.ask=\"http://localhost:9123/check\"", ours.toString());
        if (redirecting) {
            String valve = "<Valve className=\"org.ondemandtls.tomcat.CertificateRedirectValve\"/>";
            assertThat(xml).containsPattern("certificate\\.\\s+" + Pattern.quote(valve) + "\\s+-->");
            xml = xml.replaceFirst("(certificate\\.)\\s+" + Pattern.quote(valve) + "\\s+-->", "$1 -->" + valve);
        }
        assertThat(xml).contains(ours).contains("\"" + tlsPort + "\"").contains("\"" + httpPort + "\"");
        Files.writeString(base.resolve("conf/server.xml"), xml);
    }

    private static String escaped(String value) {
        return value.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (var files = Files.list(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (Files.isRegularFile(file)) {
                    Files.copy(file, to.resolve(file.getFileName()));
                }
            }
        }
    }

    private static void unzip(Path archive, Path target) throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            for (var entries = zip.entries(); entries.hasMoreElements(); ) {
                var entry = entries.nextElement();
                Path file = target.resolve(entry.getName()).normalize();
                assertThat(file).startsWithRaw(target);
                if (entry.isDirectory()) {
                    Files.createDirectories(file);
                } else {
                    Files.createDirectories(file.getParent());
                    try (var content = zip.getInputStream(entry)) {
                        Files.copy(content, file);
                    }
                }
            }
        }
    }
}
