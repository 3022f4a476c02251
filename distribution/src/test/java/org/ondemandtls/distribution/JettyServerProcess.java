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
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Tools;

/**
 * A real Jetty in a process of its own, with the overlay unpacked over a fresh {@code $JETTY_BASE}, as the README tells
 * a user to do it. {@code GET /} is answered with {@value #CONTENT}.
 */
final class JettyServerProcess implements AutoCloseable {

    /** What {@code GET /} answers. */
    static final String CONTENT = "served by Jetty";

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private final Path home;
    private final Path base;
    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final List<String> jvmOptions = new ArrayList<>();
    private List<String> wrapper = List.of();
    private @Nullable BackgroundProcess process;

    private JettyServerProcess(Path home, Path base) {
        this.home = home;
        this.base = base;
    }

    /**
     * Lays out a server that is not started yet.
     *
     * @param line which Jetty
     * @param base becomes {@code $JETTY_BASE}
     * @param modules enabled in this order, beside the tests' own content
     */
    static JettyServerProcess layOut(JettyLine line, Path base, String... modules) throws IOException {
        var server = new JettyServerProcess(line.home(), Files.createDirectories(base));
        unzip(Path.of(System.getProperty("ondemandtls.jetty.overlay", "not set")), base);
        server.writeContent();
        List<String> command = new ArrayList<>(server.startJar());
        command.add("--add-modules=" + String.join(",", modules) + ",content");
        command.add("--approve-all-licenses");
        var added = Command.run(command, PATIENCE);
        assertThat(added.exitCode()).as(added.stdout() + added.stderr()).isZero();
        server.property("jetty.http.host", "127.0.0.1");
        server.property("jetty.http.port", Integer.toString(server.httpPort));
        server.property("jetty.ssl.host", "127.0.0.1");
        server.property("jetty.ssl.port", Integer.toString(server.tlsPort));
        return server;
    }

    /** Appends {@code key=value} to the module's ini file, as an operator does. */
    JettyServerProcess property(String key, String value) throws IOException {
        return ini(key + "=" + value);
    }

    /** Appends a line to the module's ini file. */
    JettyServerProcess ini(String line) throws IOException {
        Path ini = base.resolve("start.d/ondemand-tls.ini");
        String before = Files.exists(ini) ? Files.readString(ini) : "";
        Files.writeString(ini, before + (before.isEmpty() || before.endsWith("\n") ? "" : "\n") + line + "\n");
        return this;
    }

    /** Adds options of the JVM the server runs on, from the next start on. */
    JettyServerProcess jvm(String... options) {
        jvmOptions.addAll(Arrays.asList(options));
        return this;
    }

    /** Starts the server under another program from the next start on, which gets the server's command line appended. */
    JettyServerProcess under(String... command) {
        wrapper = List.of(command);
        return this;
    }

    /** Starts the server and returns when it accepts connections. */
    JettyServerProcess start() throws IOException {
        launch();
        process().awaitOutput("Started oejs.Server@", PATIENCE);
        return this;
    }

    /** Starts a server that is expected to give up, and returns what it wrote when it has. */
    String startInVain() throws IOException {
        launch();
        assertThat(process().ended(PATIENCE)).as(process().output()).isTrue();
        assertThat(process().exitValue()).as("exit status").isNotZero();
        return process().output();
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

    /** {@code $JETTY_BASE}. */
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

    private void launch() throws IOException {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException("runs already");
        }
        List<String> command = new ArrayList<>(startJar());
        command.addAll(1, jvmOptions);
        command.addAll(0, wrapper);
        process = BackgroundProcess.start(command, base, Map.of(), base.resolve("server.log"));
    }

    // jetty.base as a property: the layout is done from another working directory.
    private List<String> startJar() {
        return List.of(
                JAVA, "-Djetty.base=" + base, "-jar", home.resolve("start.jar").toString());
    }

    private void writeContent() throws IOException {
        Path demo = Tools.root().resolve("etc/demo");
        for (String file : List.of("modules/content.mod", "etc/content.xml")) {
            Files.createDirectories(base.resolve(file).getParent());
            Files.copy(demo.resolve(file), base.resolve(file));
        }
        Files.writeString(Files.createDirectories(base.resolve("content")).resolve("index.html"), CONTENT);
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
