package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.HostFixture;

/** A real Jetty. */
final class JettyServer extends Server {

    private static final Pattern THREAD = Pattern.compile("^\"qtp");

    private final Path home;
    private final Map<String, String> limits = new TreeMap<>();

    JettyServer(Setting setting, Path base) throws IOException {
        this(setting, setting.overlay(), base, "http,ondemand-tls");
    }

    private JettyServer(Setting setting, @Nullable Path overlay, Path base, String modules) throws IOException {
        super(overlay, base);
        this.home = setting.home();
        add(modules);
    }

    private void add(String modules) throws IOException {
        List<String> command = command(List.of());
        command.addAll(List.of("--add-modules=" + modules, "--approve-all-licenses"));
        Command added = Command.run(command, PATIENCE);
        if (added.exitCode() != 0) {
            throw new IOException("Jetty's modules could not be enabled:\n" + added.stdout() + added.stderr());
        }
    }

    /** Lays out a Jetty as it comes, with TLS from a PKCS #12 file whose names are the only ones it serves. */
    static JettyServer layOutStock(Setting setting, Path base, Path keyStore) throws IOException {
        return stock(new JettyServer(setting, null, base, "http,https"), keyStore);
    }

    /** Lays out a Jetty as it comes, with the other TLS engine by Jetty's own module for it. */
    static JettyServer layOutStockOnConscrypt(Setting setting, Path base, Path keyStore, Path jar) throws IOException {
        String version =
                String.valueOf(jar.getFileName()).replaceFirst(".*-", "").replace(".jar", "");
        Path place =
                Files.createDirectories(base.resolve("lib/conscrypt")).resolve("conscrypt-uber-" + version + ".jar");
        Files.copy(jar, place);
        Files.writeString(
                Files.createDirectories(base.resolve("start.d")).resolve("version.ini"),
                "conscrypt.version=" + version + "\n");
        return stock(new JettyServer(setting, null, base, "http,https,conscrypt"), keyStore);
    }

    private static JettyServer stock(JettyServer server, Path keyStore) {
        server.limits.put("jetty.sslContext.keyStorePath", keyStore.toString());
        server.limits.put("jetty.sslContext.keyStorePassword", HostFixture.PASSWORD);
        server.limits.put("jetty.sslContext.sniRequired", "true");
        return server;
    }

    /** Lays out a Jetty of ours with the other TLS engine. */
    static JettyServer layOutOnConscrypt(Setting setting, Path base, Path jar) throws IOException {
        Path place = base.resolve("lib/ondemand-tls/conscrypt").resolve(String.valueOf(jar.getFileName()));
        Files.createDirectories(base.resolve("lib/ondemand-tls/conscrypt"));
        Files.copy(jar, place);
        return new JettyServer(setting, setting.overlay(), base, "http,ondemand-tls,ondemand-tls-conscrypt");
    }

    @Override
    Server threads(int most) {
        limits.put("jetty.threadPool.maxThreads", Integer.toString(most));
        limits.put("jetty.threadPool.minThreads", Integer.toString(most));
        return this;
    }

    @Override
    Server backlog(int connections) {
        limits.put("jetty.ssl.acceptQueueSize", Integer.toString(connections));
        return this;
    }

    @Override
    Server carryingThePage() throws IOException {
        Path users = base().resolve("etc/ondemand-tls-users.properties");
        Files.writeString(users, "looker: secret,ondemand-tls-look\n");
        limits.put("jetty.ondemandTlsStatus.users", "etc/ondemand-tls-users.properties");
        add("ondemand-tls-status");
        return this;
    }

    @Override
    String limits() {
        return "`" + String.join("`, `", lines(limits)) + "`, Jetty's own choice of acceptors and selectors";
    }

    @Override
    Pattern threadNames() {
        return THREAD;
    }

    @Override
    void configure(Map<String, String> onDemandKeys) throws IOException {
        Map<String, String> ini = new TreeMap<>(onDemandKeys);
        ini.putAll(limits);
        ini.put("jetty.http.host", "127.0.0.1");
        ini.put("jetty.http.port", Integer.toString(plainPort()));
        ini.put("jetty.ssl.host", "127.0.0.1");
        ini.put("jetty.ssl.port", Integer.toString(tlsPort()));
        Files.writeString(base().resolve("start.d/benchmark.ini"), String.join("\n", lines(ini)) + "\n");
    }

    // jetty.base as a property: the working directory differs between layout and start.
    @Override
    List<String> command(List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of(
                "-Djetty.base=" + base(), "-jar", home.resolve("start.jar").toString()));
        return command;
    }

    @Override
    Map<String, String> environment(List<String> options) {
        return Map.of();
    }

    @Override
    String startLine() {
        return "Started oejs.Server@";
    }

    private static List<String> lines(Map<String, String> properties) {
        return properties.entrySet().stream()
                .map(property -> property.getKey() + "=" + property.getValue())
                .toList();
    }
}
