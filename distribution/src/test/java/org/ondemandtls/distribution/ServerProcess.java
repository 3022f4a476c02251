package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Driver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.zip.ZipFile;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.FreePorts;

/**
 * A real server in a process of its own, with the overlay unpacked over a fresh base directory, as the README tells a
 * user to do it: plain HTTP on one port, HTTPS with HTTP/2 on another. {@code GET /} is answered with {@value #CONTENT},
 * {@code GET /protocol.html} with a page whose script writes down the protocol it came by.
 */
abstract class ServerProcess implements AutoCloseable {

    /** What {@code GET /} answers. */
    static final String CONTENT = "served by a real server";

    /** How long starting and the like may take: on a busy machine that is minutes, and no failure. */
    static final Duration PATIENCE = Duration.ofMinutes(3);

    /**
     * What halves the work of a start: most servers of tests live for seconds, beside others on few cores, and what a JVM
     * does for a long life never pays off.
     */
    static final List<String> SHORT_LIFE = List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    private static final int MOST_LOOKS = 100;

    private static final String PROTOCOL_PAGE = """
            <!doctype html><title>protocol</title><body><script>
            document.body.append("came by " + performance.getEntriesByType("navigation")[0].nextHopProtocol)
            </script>
            """;

    private final Path base;
    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final int managementPort = FreePorts.next();
    private final Map<String, String> properties = new TreeMap<>();
    private final List<String> jvmOptions = new ArrayList<>();
    private List<String> wrapper = List.of();
    private @Nullable BackgroundProcess process;

    /**
     * Unpacks the overlay.
     *
     * @param base the base directory
     * @param overlay the system property that names the archive
     * @param content where the server looks for its files
     */
    ServerProcess(Path base, String overlay, Path content) throws IOException {
        this.base = base;
        Files.createDirectories(content);
        Files.writeString(content.resolve("index.html"), CONTENT);
        Files.writeString(content.resolve("protocol.html"), PROTOCOL_PAGE);
        unzip(Path.of(System.getProperty(overlay, "not set")), base);
    }

    /** Sends whoever has a certificate from HTTP to HTTPS; before the first start. */
    abstract ServerProcess redirecting();

    /** Sends everybody from HTTP to HTTPS, by the server's own means; before the first start. */
    abstract ServerProcess sendingEverybodyToHttps();

    /**
     * Carries the management page, for a user {@code looker} who may look and one {@code actor} who may act, both by the
     * password {@code secret}; before the first start.
     */
    abstract ServerProcess carryingThePage() throws IOException;

    /** Closes the port of plain HTTP; before the first start. */
    abstract ServerProcess withoutPlainHttp();

    /**
     * Serves a key store of the operator's own beside names on demand; before the first start.
     *
     * @param keyStore a PKCS #12 file within the base directory
     * @param password what it is locked with
     */
    abstract ServerProcess servingItself(Path keyStore, String password);

    /** Deploys what lies in {@code webapps} while the server runs, and binds names for it; before the first start. */
    abstract ServerProcess deploying();

    /**
     * Shakes hands with Conscrypt, as OPERATIONS tells an operator to have it; before the first start.
     *
     * @param jar Conscrypt's, in a Maven repository
     */
    abstract ServerProcess onConscrypt(Path jar) throws IOException;

    /** Where jars are put that the server itself is to see. */
    abstract Path jars();

    /** Has the server read its own key store again, as its operator would; returns at once or when it has. */
    abstract void reload() throws Exception;

    /** The port that the redirect names. */
    abstract int redirectPort();

    /** Writes the configuration, before each start. */
    abstract void configure(Map<String, String> keys) throws IOException;

    /** The command line, without what {@link #under} puts before it. */
    abstract List<String> command(List<String> options);

    /** What the command line needs in its environment. */
    abstract Map<String, String> environment(List<String> options);

    /** What the server writes when it accepts connections. */
    abstract String startedLine();

    /** What makes the JVM of a server end where the on-demand connector does not start. */
    abstract List<String> optionsToGiveUp();

    /** Sets one of our keys, from the next start on. */
    ServerProcess property(String key, String value) {
        properties.put(key, value);
        return this;
    }

    /** Takes all keys and options back, from the next start on. */
    ServerProcess withoutProperties() {
        properties.clear();
        jvmOptions.clear();
        return this;
    }

    /** Gives the server the driver of a database; once. */
    ServerProcess withDriver(Class<? extends Driver> driver) throws IOException, URISyntaxException {
        Files.createDirectories(jars());
        Files.copy(
                Path.of(driver.getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI()),
                jars().resolve("driver.jar"));
        return this;
    }

    /** Adds options of the JVM the server runs on, from the next start on. */
    ServerProcess jvm(String... options) {
        jvmOptions.addAll(Arrays.asList(options));
        return this;
    }

    /** Opens the JVM to JMX on a loopback port, from the next start on. */
    ServerProcess managed() {
        return jvm(
                "-Dcom.sun.management.jmxremote.port=" + managementPort,
                "-Dcom.sun.management.jmxremote.rmi.port=" + managementPort,
                "-Dcom.sun.management.jmxremote.host=127.0.0.1",
                "-Djava.rmi.server.hostname=127.0.0.1",
                "-Dcom.sun.management.jmxremote.authenticate=false",
                "-Dcom.sun.management.jmxremote.ssl=false");
    }

    /** Connects by JMX to a server that was started {@link #managed}. */
    JMXConnector management() throws IOException {
        return JMXConnectorFactory.connect(
                new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + managementPort + "/jmxrmi"));
    }

    /** The engine's own MXBean, as an operator reaches it; over a connection from {@link #management}. */
    static OnDemandTlsMXBean engine(JMXConnector connector) throws IOException, JMException {
        return JMX.newMXBeanProxy(
                connector.getMBeanServerConnection(),
                new ObjectName("org.ondemandtls:type=OnDemandTls"),
                OnDemandTlsMXBean.class);
    }

    /** Starts the server under another program from the next start on, which gets the server's command line appended. */
    ServerProcess under(String... command) {
        wrapper = List.of(command);
        return this;
    }

    /** Starts the server and returns when it accepts connections. */
    ServerProcess start() throws IOException {
        launch(jvmOptions);
        process().awaitOutput(startedLine(), PATIENCE);
        return this;
    }

    /** Starts the server and returns at once: it may not live to accept connections. */
    ServerProcess begin() throws IOException {
        launch(jvmOptions);
        return this;
    }

    /** Starts a server that is expected to give up, and returns what it wrote when it has. */
    String startInVain() throws IOException {
        List<String> options = new ArrayList<>(jvmOptions);
        options.addAll(optionsToGiveUp());
        launch(options);
        assertThat(process().ended(PATIENCE)).as(process().output()).isTrue();
        assertThat(process().exitValue()).as("exit status").isNotZero();
        return process().output();
    }

    /** Asks the server to stop, and returns when it has; a busy machine may take a minute for it. */
    void stop() {
        stopWithin(Duration.ofMinutes(1));
    }

    /** Asks the server to stop, and returns when it has. */
    void stopWithin(Duration time) {
        assertThat(process().terminate(time))
                .as("stopped within %s:\n%s", time, process().output())
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

    /** The base directory. */
    Path base() {
        return base;
    }

    /** The store of the default configuration. */
    Path store() {
        return base.resolve("ondemand-tls");
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

    /** Looks at files that a server moves and removes meanwhile; looks again where one of them was gone. */
    static <T> T whileFilesMove(Callable<T> look) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try {
                return look.call();
            } catch (NoSuchFileException | UncheckedIOException gone) {
                boolean moved = gone instanceof NoSuchFileException || gone.getCause() instanceof NoSuchFileException;
                if (!moved || attempt == MOST_LOOKS) {
                    throw gone;
                }
            }
        }
    }

    private void launch(List<String> options) throws IOException {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException("runs already");
        }
        configure(properties);
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(command(options));
        process = BackgroundProcess.start(command, base, environment(options), base.resolve("server.log"));
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
