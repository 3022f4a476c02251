package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/**
 * The README's paths, typed as they stand there. Only what a machine without the internet has to have otherwise is replaced: the
 * CA's directory by Pebble's, with its roots, and the ports by free ones.
 */
@Tag("once")
class ReadmeIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String NAME = "shop.customer.example";
    private static final int MOST_LINES = 10;

    @TempDir
    private Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final int askPort = FreePorts.next();
    private Pebble pebble;
    private BackgroundProcess ask;

    @BeforeEach
    void startCaAndEndpoint() throws IOException, InterruptedException {
        pebble = Pebble.options().httpPort(httpPort).tlsPort(tlsPort).start(directory.resolve("pebble"));
        Path source =
                Files.writeString(directory.resolve("Ask.java"), block("ask").replace("9123", "" + askPort));
        ask = BackgroundProcess.start(
                List.of(java(), source.toString()), directory, Map.of(), directory.resolve("ask.log"));
        ask.awaitPort(askPort, PATIENCE);
        assertThat(answer(NAME)).isEqualTo(200);
        assertThat(answer("stranger.example")).isEqualTo(404);
    }

    private int answer(String name) throws IOException, InterruptedException {
        URI check = URI.create("http://localhost:" + askPort + "/check?domain=" + name);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(check).build(), HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    @AfterEach
    void stop() {
        ask.close();
        pebble.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"jetty12", "jetty121"})
    void jetty(String line) throws Exception {
        Path base = Files.createDirectories(directory.resolve("base"));
        publish("ondemand-tls-jetty-overlay", ".zip", Path.of(System.getProperty("ondemandtls.jetty.overlay")));
        String script = block("jetty")
                .replace("jetty.http.port=80", "jetty.http.port=" + httpPort)
                .replace("jetty.ssl.port=443", "jetty.ssl.port=" + tlsPort)
                .replace(
                        "onDemandTls.acme.directory=letsencrypt-staging",
                        "onDemandTls.acme.directory=" + pebble.directory() + "\nonDemandTls.acme.trustedRoots="
                                + pebble.trustedRoots());

        try (BackgroundProcess jetty =
                shell(script, Map.of("JETTY_HOME", home(line).toString(), "JETTY_BASE", base.toString()))) {
            jetty.awaitOutput("Started oejs.Server@", PATIENCE);

            assertThatTheFirstVisitSucceedsAndAStrangerIsRefused(jetty);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void tomcat(String line) throws Exception {
        Path jar = Tools.root()
                .resolve("distribution/target/tomcat/lib/ondemand-tls-tomcat-"
                        + System.getProperty("ondemandtls.version") + "-all.jar");
        publish("ondemand-tls-tomcat", "-all.jar", jar);
        Path base = tomcatBase(home(line));
        String script = block("tomcat")
                .replace(
                        "--set onDemandTls.acme.directory=letsencrypt-staging",
                        "--set onDemandTls.acme.directory=" + pebble.directory()
                                + " --set onDemandTls.acme.trustedRoots=" + pebble.trustedRoots() + " --port " + tlsPort
                                + " --ask http://localhost:9123/check")
                // The archive that Maven unpacks has no executable files.
                .replace("\"$CATALINA_HOME/bin/catalina.sh\"", "sh \"$CATALINA_HOME/bin/catalina.sh\"");

        try (BackgroundProcess tomcat =
                shell(script, Map.of("CATALINA_HOME", home(line).toString(), "CATALINA_BASE", base.toString()))) {
            tomcat.awaitOutput("Server startup in", PATIENCE);

            assertThatTheFirstVisitSucceedsAndAStrangerIsRefused(tomcat);
        }
    }

    @Test
    void jettyStartedFromJava() throws Exception {
        Path home = home("jetty121");
        Path libraries = Files.createDirectories(directory.resolve("overlay"));
        Command unpacked = Command.run(
                List.of(
                        "sh",
                        "-c",
                        "cd " + libraries + " && "
                                + Path.of(System.getProperty("java.home"), "bin", "jar") + " xf "
                                + System.getProperty("ondemandtls.jetty.overlay")),
                PATIENCE);
        assertThat(unpacked.exitCode()).as(unpacked.stderr()).isZero();

        try (BackgroundProcess jetty = program(
                "embedded-jetty",
                home + "/lib/*:" + home + "/lib/logging/*:" + libraries + "/lib/ondemand-tls/*",
                "org.eclipse.jetty.server.*",
                "org.eclipse.jetty.util.ssl.*",
                "org.ondemandtls.jetty.*")) {
            jetty.awaitPort(tlsPort, PATIENCE);

            assertThatTheFirstVisitSucceedsAndAStrangerIsRefused(jetty);
        }
    }

    @Test
    void tomcatStartedFromJava() throws Exception {
        Path home = home("tomcat11");

        try (BackgroundProcess tomcat = program(
                "embedded-tomcat",
                home + "/lib/*:" + home + "/bin/tomcat-juli.jar:" + Tools.root() + "/distribution/target/tomcat/lib/*",
                "org.apache.catalina.connector.*",
                "org.apache.catalina.startup.*",
                "org.ondemandtls.tomcat.*")) {
            tomcat.awaitPort(tlsPort, PATIENCE);

            assertThatTheFirstVisitSucceedsAndAStrangerIsRefused(tomcat);
        }
    }

    // 404 is the answer of a server without an application. A busy machine may let the first question go unanswered.
    private void assertThatTheFirstVisitSucceedsAndAStrangerIsRefused(BackgroundProcess server) {
        Curl curl = Curl.trusting(pebble.issuerRoot());
        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
            var visit = curl.get(NAME, tlsPort, "/");
            assertThat(visit.status())
                    .as(visit.command().stderr() + server.output())
                    .isEqualTo(404);
        });
        X509Certificate leaf =
                TlsProbe.trustingAnything().handshake(tlsPort, NAME).leaf();
        assertThat(leaf.getIssuerX500Principal().getName()).contains("Pebble");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                curl.get("stranger.example", tlsPort, "/").alert())
                        .hasValue(112));
    }

    private static Path home(String line) {
        return Path.of(System.getProperty("ondemandtls." + line + ".home"));
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static String block(String path) throws IOException {
        Matcher block = Pattern.compile("<!-- path: " + path + " -->\n```\\w*\n(.*?)```\n", Pattern.DOTALL)
                .matcher(Files.readString(Tools.root().resolve("README.md")));
        assertThat(block.find()).as(path).isTrue();
        assertThat(block.group(1).lines()).hasSizeLessThanOrEqualTo(MOST_LINES);
        return block.group(1);
    }

    private void publish(String artefact, String ending, Path file) throws IOException {
        String version = System.getProperty("ondemandtls.version");
        Path published = directory.resolve("home/.m2/repository/org/ondemandtls/" + artefact + '/' + version + '/'
                + artefact + '-' + version + ending);
        Files.createDirectories(published.getParent());
        Files.copy(file, published);
    }

    private BackgroundProcess shell(String script, Map<String, String> more) throws IOException {
        Path home = Files.createDirectories(directory.resolve("home"));
        Map<String, String> environment = new HashMap<>(more);
        environment.put("HOME", home.toString());
        environment.put("JAVA_HOME", System.getProperty("java.home"));
        environment.put("JAVA_TOOL_OPTIONS", "-Duser.home=" + home + " " + String.join(" ", ServerProcess.SHORT_LIFE));
        environment.put("PATH", Path.of(java()).getParent() + ":" + System.getenv("PATH"));
        return BackgroundProcess.start(
                List.of("sh", "-ec", script.replace(":9123/", ":" + askPort + '/')),
                home,
                environment,
                directory.resolve("server.log"));
    }

    private BackgroundProcess program(String path, String classPath, String... packages) throws IOException {
        StringBuilder source = new StringBuilder();
        for (String one : packages) {
            source.append("import ").append(one).append(";\n");
        }
        source.append("import java.net.URI;\nimport java.nio.file.Path;\nimport org.ondemandtls.*;\n")
                .append("class Main { public static void main(String... args) throws Exception {\n")
                .append(block(path)
                        .replace("443", String.valueOf(tlsPort))
                        .replace("9123", String.valueOf(askPort))
                        .replace(
                                "a.directory(\"letsencrypt-staging\")",
                                "a.directory(\"" + pebble.directory() + "\").trustedRoots(Path.of(\""
                                        + pebble.trustedRoots() + "\"))"))
                .append("Thread.currentThread().join();\n}}\n");
        Path work = Files.createDirectories(directory.resolve("work"));
        Path main = Files.writeString(work.resolve("Main.java"), source);
        return BackgroundProcess.start(
                List.of(java(), "-cp", classPath, main.toString()), work, Map.of(), directory.resolve("server.log"));
    }

    private Path tomcatBase(Path home) throws IOException {
        Path base = directory.resolve("base");
        for (String name : List.of("conf", "lib", "logs", "temp", "work", "webapps")) {
            Files.createDirectories(base.resolve(name));
        }
        try (var files = Files.list(home.resolve("conf"))) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                Files.copy(file, base.resolve("conf").resolve(file.getFileName()));
            }
        }
        Path server = base.resolve("conf/server.xml");
        Files.writeString(
                server,
                Files.readString(server)
                        .replace("<Server port=\"8005\"", "<Server port=\"-1\"")
                        .replace("<Connector port=\"8080\"", "<Connector port=\"" + httpPort + "\""));
        return base;
    }
}
