package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.HostFixture;

/** A real Jetty in a JVM of its own, with the overlay unpacked over a fresh {@code $JETTY_BASE}. */
final class JettyServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path home;
    private final Path base;
    private final int tlsPort = FreePorts.next();
    private final List<String> jvmOptions = new ArrayList<>();
    private List<String> wrapper = List.of();
    private @Nullable BackgroundProcess process;

    private JettyServer(Path home, Path base) {
        this.home = home;
        this.base = base;
    }

    /** Lays out a server as the README tells a user to; it is not started yet. */
    static JettyServer layOut(Setting setting, Path base) throws IOException {
        var server = new JettyServer(setting.jettyHome(), Files.createDirectories(base));
        unzip(setting.overlay(), base);
        List<String> command = server.command();
        command.addAll(List.of("--add-modules=http,ondemand-tls", "--approve-all-licenses"));
        Command added = Command.run(command, PATIENCE);
        if (added.exitCode() != 0) {
            throw new IOException("Jetty's modules could not be enabled:\n" + added.stdout() + added.stderr());
        }
        return server.with("jetty.http.host", "127.0.0.1")
                .with("jetty.http.port", Integer.toString(FreePorts.next()))
                .with("jetty.ssl.host", "127.0.0.1")
                .with("jetty.ssl.port", Integer.toString(server.tlsPort));
    }

    /** Lays out a Jetty as it comes, with TLS from a PKCS #12 file whose names are the only ones it serves. */
    static JettyServer layOutStock(Setting setting, Path base, Path keyStore) throws IOException {
        var server = new JettyServer(setting.jettyHome(), Files.createDirectories(base));
        List<String> command = server.command();
        command.addAll(List.of("--add-modules=http,https", "--approve-all-licenses"));
        Command added = Command.run(command, PATIENCE);
        if (added.exitCode() != 0) {
            throw new IOException("Jetty's modules could not be enabled:\n" + added.stdout() + added.stderr());
        }
        Files.writeString(base.resolve("start.d/ondemand-tls.ini"), "");
        return server.with("jetty.http.host", "127.0.0.1")
                .with("jetty.http.port", Integer.toString(FreePorts.next()))
                .with("jetty.ssl.host", "127.0.0.1")
                .with("jetty.ssl.port", Integer.toString(server.tlsPort))
                .with("jetty.sslContext.keyStorePath", keyStore.toString())
                .with("jetty.sslContext.keyStorePassword", HostFixture.PASSWORD)
                .with("jetty.sslContext.sniRequired", "true");
    }

    /** Keeps the server to one core, from the next start on. */
    JettyServer pinnedTo(int core) {
        wrapper = List.of("taskset", "-c", Integer.toString(core));
        return this;
    }

    /** The store of the default configuration. */
    Path store() {
        return base.resolve("ondemand-tls");
    }

    /** Appends {@code key=value} to the module's ini file. */
    JettyServer with(String key, String value) throws IOException {
        Path ini = base.resolve("start.d/ondemand-tls.ini");
        String before = Files.readString(ini);
        Files.writeString(ini, before + (before.endsWith("\n") ? "" : "\n") + key + "=" + value + "\n");
        return this;
    }

    /** Opens JMX to everybody on the machine, from the next start on. */
    JettyServer managedAt(int port) {
        String remote = "-Dcom.sun.management.jmxremote.";
        jvmOptions.addAll(List.of(
                remote + "port=" + port,
                remote + "rmi.port=" + port,
                remote + "host=127.0.0.1",
                remote + "authenticate=false",
                remote + "ssl=false",
                "-Djava.rmi.server.hostname=127.0.0.1"));
        return this;
    }

    /** Starts a new JVM and returns when Jetty says that it has started. */
    void start() throws IOException {
        List<String> command = command();
        command.addAll(1, jvmOptions);
        command.addAll(0, wrapper);
        process = BackgroundProcess.start(command, base, Map.of(), base.resolve("server.log"));
        process.awaitOutput("Started oejs.Server@", PATIENCE);
    }

    /** The port of TLS. */
    int tlsPort() {
        return tlsPort;
    }

    /** The running process. */
    BackgroundProcess process() {
        if (process == null) {
            throw new IllegalStateException("never started");
        }
        return process;
    }

    /** The processor time the server has used since its start, to the system's clock tick. */
    Duration processorTime() {
        return ProcessHandle.of(process().pid())
                .flatMap(handle -> handle.info().totalCpuDuration())
                .orElse(Duration.ZERO);
    }

    /** Ends the server; it may be started again, and finds its store as it was. */
    @Override
    public void close() {
        if (process != null) {
            process.close();
        }
    }

    // jetty.base as a property: the working directory differs between layout and start.
    private List<String> command() {
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djetty.base=" + base,
                "-jar",
                home.resolve("start.jar").toString()));
    }

    private static void unzip(Path archive, Path target) throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            for (var entries = zip.entries(); entries.hasMoreElements(); ) {
                var entry = entries.nextElement();
                Path file = target.resolve(entry.getName()).normalize();
                if (!file.startsWith(target)) {
                    throw new IOException("an entry points outside of the archive: " + entry.getName());
                }
                Path directory = entry.isDirectory() ? file : file.getParent();
                if (directory != null) {
                    Files.createDirectories(directory);
                }
                if (!entry.isDirectory()) {
                    try (var content = zip.getInputStream(entry)) {
                        Files.copy(content, file);
                    }
                }
            }
        }
    }
}
