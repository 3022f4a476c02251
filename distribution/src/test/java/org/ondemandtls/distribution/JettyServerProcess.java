package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Tools;

/** A real Jetty, run by {@code java -jar start.jar}. */
final class JettyServerProcess extends ServerProcess {

    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private static final Map<List<String>, Map<String, byte[]>> ADDED = new ConcurrentHashMap<>();

    private final Path home;
    private final Set<String> modules = new LinkedHashSet<>(List.of("http", "http2", "http2c", "ondemand-tls"));
    private final Map<String, String> ofJetty = new TreeMap<>();
    private @Nullable String ini;
    private @Nullable Path repository;

    private JettyServerProcess(Path home, Path base) throws IOException {
        super(base, "ondemandtls.jetty.overlay", base.resolve("content"));
        this.home = home;
        Path demo = Tools.root().resolve("etc/demo");
        for (String file : List.of("modules/content.mod", "etc/content.xml")) {
            Files.createDirectories(base.resolve(file).getParent());
            Files.copy(demo.resolve(file), base.resolve(file));
        }
        ofJetty.put("jetty.http.host", "127.0.0.1");
        ofJetty.put("jetty.http.port", Integer.toString(httpPort()));
        ofJetty.put("jetty.ssl.host", "127.0.0.1");
        ofJetty.put("jetty.ssl.port", Integer.toString(tlsPort()));
    }

    /** See {@link ServerLine#layOut}. */
    static JettyServerProcess layOut(Path home, Path base) throws IOException {
        return new JettyServerProcess(home, Files.createDirectories(base));
    }

    @Override
    ServerProcess redirecting() {
        modules.add("ondemand-tls-redirect");
        return this;
    }

    @Override
    ServerProcess sendingEverybodyToHttps() {
        modules.add("secure-redirect");
        ofJetty.put("jetty.httpConfig.securePort", Integer.toString(tlsPort()));
        return this;
    }

    @Override
    ServerProcess carryingThePage() throws IOException {
        modules.add("ondemand-tls-status");
        ofJetty.put("jetty.ondemandTlsStatus.users", "etc/ondemand-tls-users.properties");
        Files.writeString(
                base().resolve("etc/ondemand-tls-users.properties"),
                "looker: secret,ondemand-tls-look\nactor: secret,ondemand-tls-act\nguest: secret,guest\n");
        return this;
    }

    @Override
    ServerProcess withoutPlainHttp() {
        modules.removeAll(List.of("http", "http2c"));
        return this;
    }

    @Override
    ServerProcess servingItself(Path keyStore, String password) {
        modules.add("ssl-reload");
        ofJetty.put("jetty.sslContext.keyStorePath", base().relativize(keyStore).toString());
        ofJetty.put("jetty.sslContext.keyStorePassword", password);
        ofJetty.put("jetty.sslContext.reload.scanInterval", "1");
        return this;
    }

    @Override
    ServerProcess deploying() {
        modules.addAll(List.of("ee10-deploy", "jndi", "plus"));
        ofJetty.put("jetty.deploy.scanInterval", "1");
        return this;
    }

    /** The module sets the key. */
    @Override
    ServerProcess onConscrypt(Path jar) {
        modules.add("ondemand-tls-conscrypt");
        // Of repository/org/conscrypt/conscrypt-openjdk-uber/VERSION/JAR.
        repository = jar.getParent().getParent().getParent().getParent().getParent();
        return this;
    }

    @Override
    Path jars() {
        return base().resolve("lib/ondemand-tls");
    }

    /** The module {@code ssl-reload} sees it by itself. */
    @Override
    void reload() {}

    @Override
    int redirectPort() {
        return tlsPort();
    }

    @Override
    void configure(Map<String, String> keys) throws IOException {
        Path file = base().resolve("start.d/ondemand-tls.ini");
        if (ini == null) {
            addModules();
            ini = Files.exists(file) ? Files.readString(file) : "";
        }
        StringBuilder lines = new StringBuilder(ini).append('\n');
        for (Map<String, String> section : List.of(ofJetty, keys)) {
            section.forEach(
                    (key, value) -> lines.append(key).append('=').append(value).append('\n'));
        }
        Files.writeString(file, lines);
    }

    @Override
    List<String> command(List<String> options) {
        return startJar(options, List.of());
    }

    @Override
    Map<String, String> environment(List<String> options) {
        return Map.of();
    }

    @Override
    String startedLine() {
        return "Started oejs.Server@";
    }

    @Override
    List<String> optionsToGiveUp() {
        return List.of();
    }

    // A JVM does so; what it leaves depends on what it is told alone.
    private void addModules() throws IOException {
        List<String> arguments = new ArrayList<>(
                List.of("--add-modules=" + String.join(",", modules) + ",content", "--approve-all-licenses"));
        if (repository != null) {
            arguments.add("maven.local.repo=" + repository);
        }
        List<String> told = new ArrayList<>(List.of(home.toString()));
        told.addAll(arguments);
        Map<String, byte[]> known = ADDED.get(told);
        if (known == null) {
            Set<String> before = under(base());
            var added = Command.run(startJar(List.of(), arguments), PATIENCE);
            assertThat(added.exitCode()).as(added.stdout() + added.stderr()).isZero();
            ADDED.put(told, madeSince(before));
            return;
        }
        for (var one : known.entrySet()) {
            Path made = base().resolve(one.getKey());
            Files.createDirectories(one.getKey().endsWith("/") ? made : made.getParent());
            if (!one.getKey().endsWith("/")) {
                Files.write(made, one.getValue());
            }
        }
    }

    private Map<String, byte[]> madeSince(Set<String> before) throws IOException {
        Map<String, byte[]> made = new TreeMap<>();
        for (String path : under(base())) {
            if (!before.contains(path)) {
                made.put(path, path.endsWith("/") ? new byte[0] : Files.readAllBytes(base().resolve(path)));
            }
        }
        return made;
    }

    /** The paths of what is in a directory, those of directories with a slash at their end. */
    private static Set<String> under(Path base) throws IOException {
        try (var all = Files.walk(base)) {
            return all.map(one -> base.relativize(one) + (Files.isDirectory(one) ? "/" : ""))
                    .collect(Collectors.toSet());
        }
    }

    // jetty.base as a property: the layout is done from another working directory.
    private List<String> startJar(Collection<String> options, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(JAVA));
        command.addAll(SHORT_LIFE);
        command.addAll(options);
        command.addAll(List.of(
                "-Djetty.base=" + base(), "-jar", home.resolve("start.jar").toString()));
        command.addAll(arguments);
        return command;
    }
}
