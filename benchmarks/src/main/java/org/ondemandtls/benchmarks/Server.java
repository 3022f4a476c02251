package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.FreePorts;

/** A real server in a JVM of its own, with the overlay unpacked over a fresh base directory as the README says. */
abstract class Server implements AutoCloseable {

    /** How long starting and the like may take. */
    static final Duration PATIENCE = Duration.ofMinutes(3);

    private final Path base;
    private final int plainPort = FreePorts.next();
    private final int tlsPort;
    private final Map<String, String> keys = new TreeMap<>();
    private final List<String> jvmOptions = new ArrayList<>();
    private List<String> wrapper = List.of();
    private @Nullable BackgroundProcess process;

    /**
     * Unpacks the overlay.
     *
     * @param overlay the archive; null for a server as it comes
     * @param base becomes {@code $JETTY_BASE} or {@code $CATALINA_BASE}
     */
    Server(@Nullable Path overlay, Path base) throws IOException {
        this(overlay, base, FreePorts.next());
    }

    /**
     * The same, where something that is there already expects it.
     *
     * @param tlsPort the port of TLS
     */
    Server(@Nullable Path overlay, Path base, int tlsPort) throws IOException {
        this.tlsPort = tlsPort;
        this.base = Files.createDirectories(base);
        if (overlay != null) {
            unzip(overlay, base);
        }
    }

    /** Lays out a server; it is not started yet. */
    static Server layOut(Setting setting, Path base) throws IOException {
        return switch (setting.kind()) {
            case JETTY -> new JettyServer(setting, base);
            case TOMCAT -> new TomcatServer(setting, base);
        };
    }

    /** Limits the threads that work on connections; before the first start. */
    abstract Server threads(int most);

    /** Has the kernel queue so many connections that are not accepted yet; before the first start. */
    abstract Server backlog(int connections);

    /** Carries the management page, whose user {@code looker} has the password {@code secret}; before the first start. */
    abstract Server carryingThePage() throws IOException;

    /** What {@link #threads} and {@link #backlog} have set, as a user would write it. */
    abstract String limits();

    /** The names of the threads that work on connections begin so, in lower case. */
    abstract Pattern threadNames();

    /** Writes the configuration. */
    abstract void configure(Map<String, String> onDemandKeys) throws IOException;

    /** The command line. */
    abstract List<String> command(List<String> options);

    /** What the command line needs in its environment. */
    abstract Map<String, String> environment(List<String> options);

    /** What the server writes when it accepts connections. */
    abstract String startLine();

    /** Sets one of our keys, from the next start on. */
    final Server with(String key, String value) {
        keys.put(key, value);
        return this;
    }

    /** Keeps the server to one core, from the next start on. */
    final Server pinnedTo(int core) {
        wrapper = List.of("taskset", "-c", Integer.toString(core));
        return this;
    }

    /** Where certificates are stored by default. */
    Path store() {
        return base.resolve("ondemand-tls");
    }

    /** Removes all that it has stored, its account with the CA included; while it does not run. */
    final void forget() throws IOException {
        Setting.remove(store());
    }

    /** Opens JMX to everybody on the machine, from the next start on. */
    final Server managedAt(int port) {
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

    /** Starts a new JVM and returns when the server says that it has started. */
    final void start() throws IOException {
        configure(Map.copyOf(keys));
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(command(jvmOptions));
        process = BackgroundProcess.start(command, base, environment(jvmOptions), base.resolve("server.log"));
        process.awaitOutput(startLine(), PATIENCE);
    }

    /** {@code $JETTY_BASE} or {@code $CATALINA_BASE}. */
    final Path base() {
        return base;
    }

    /** The port of plain HTTP. */
    final int plainPort() {
        return plainPort;
    }

    /** The port of TLS. */
    final int tlsPort() {
        return tlsPort;
    }

    /** The running process. */
    final BackgroundProcess process() {
        if (process == null) {
            throw new IllegalStateException("never started");
        }
        return process;
    }

    /** The processor time the server has used since its start, to the system's clock tick. */
    final Duration processorTime() {
        return ProcessHandle.of(process().pid())
                .flatMap(handle -> handle.info().totalCpuDuration())
                .orElse(Duration.ZERO);
    }

    /** What of the machine's memory the server holds, in megabytes. */
    final long residentMegabytes() throws IOException {
        try (var lines = Files.lines(Path.of("/proc", Long.toString(process().pid()), "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                            .map(line -> line.replaceAll("\\D", ""))
                            .mapToLong(Long::parseLong)
                            .findFirst()
                            .orElse(0)
                    / 1024;
        }
    }

    /** Ends the server; it may be started again, and finds its store as it was. */
    @Override
    public final void close() {
        if (process != null) {
            process.close();
        }
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
