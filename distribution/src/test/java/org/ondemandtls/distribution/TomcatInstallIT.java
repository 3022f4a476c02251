package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.BackgroundProcess;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Tools;

/** {@code java -jar … install} into a real Tomcat as it is delivered, and {@code uninstall}. */
class TomcatInstallIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String NAME = "shop.customer.example";

    @TempDir
    private Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private Path home;
    private Path base;

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void oneCommandMakesADeliveredTomcatServeANewName(String line) throws Exception {
        layOut(line);
        try (AskEndpoint ask = AskEndpoint.granting(NAME)) {
            assertThat(install("--ask", ask.uri().toString()).stdout()).contains("Done.");

            try (BackgroundProcess tomcat = BackgroundProcess.start(
                    catalina("run"),
                    base,
                    environment("-DonDemandTls.issuer=internal -DonDemandTls.permission.askTimeout=20s"),
                    directory.resolve("tomcat.log"))) {
                tomcat.awaitOutput("Server startup in", PATIENCE);
                var visit = Curl.trusting(base.resolve("ondemand-tls/internal-ca/root.pem"))
                        .get(NAME, tlsPort, "/");

                assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(404);
                assertThat(tomcat.output())
                        .containsPattern("Scanning JAR \\[.*/lib/other\\.jar\\]")
                        .doesNotContainPattern("Scanning JAR \\[.*ondemand-tls")
                        .containsPattern("INFO \\[\\S+\\] org\\.ondemandtls\\.issuance name=" + NAME);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void aMistakeEndsTheStartAndTheTestOfTheConfiguration(String line) throws Exception {
        layOut(line);
        install();

        assertThat(configtest("-DonDemandTls.issuer=internal").exitCode()).isZero();
        assertThat(base.resolve("ondemand-tls"))
                .as("nothing is made for the server")
                .doesNotExist();
        Command mistaken = configtest("-DonDemandTls.issuer=nobody");
        assertThat(mistaken.exitCode()).as(mistaken.stderr()).isEqualTo(1);
        assertThat(mistaken.stdout() + mistaken.stderr()).containsPattern("(?m)^SEVERE: onDemandTls\\.issuer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void whatCannotBeOpenedIsSaidInOneLine(String line) throws Exception {
        layOut(line);
        install();
        Files.writeString(Files.createDirectories(base.resolve("ondemand-tls")).resolve("FORMAT"), "of tomorrow");

        assertThat(configtest("-DonDemandTls.issuer=internal").exitCode())
                .as("the store is left alone")
                .isZero();
        Command refused = catalina("run", "-DonDemandTls.issuer=internal");

        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.stdout() + refused.stderr())
                .containsPattern("SEVERE .*org\\.ondemandtls .*base/ondemand-tls");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void twoVersionsBesideEachOtherAreRefusedByName(String line) throws Exception {
        layOut(line);
        install();
        Path installed = base.resolve("lib").resolve(jar().getFileName());
        Files.copy(installed, base.resolve("lib/ondemand-tls-tomcat-0.9.0-all.jar"));

        Command refused = configtest("-DonDemandTls.issuer=internal");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.stdout() + refused.stderr())
                .contains("On-Demand TLS is there more than once: ")
                .contains("lib/ondemand-tls-tomcat-0.9.0-all.jar and ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void theSampleKeepsTheManager(String line) throws Exception {
        layOut(line);
        install();
        Files.writeString(
                base.resolve("conf/server.xml"),
                Files.readString(Tools.root().resolve("etc/tomcat/conf/ondemand-tls/server.xml"))
                        .replace("port=\"8005\"", "port=\"-1\"")
                        .replace("port=\"80\"", "port=\"" + httpPort + "\"")
                        .replace("port=\"443\"", "port=\"" + tlsPort + "\""));
        Files.writeString(
                base.resolve("conf/tomcat-users.xml"),
                "<tomcat-users xmlns=\"http://tomcat.apache.org/xml\" version=\"1.0\">"
                        + "<user username=\"op\" password=\"secret\" roles=\"manager-script\"/></tomcat-users>");
        Path context =
                Files.createDirectories(base.resolve("conf/Catalina/localhost")).resolve("manager.xml");
        Files.writeString(
                context, "<Context docBase=\"" + home.resolve("webapps/manager") + "\" privileged=\"true\"/>");

        try (BackgroundProcess tomcat = BackgroundProcess.start(
                catalina("run"), base, environment("-DonDemandTls.issuer=internal"), directory.resolve("tomcat.log"))) {
            tomcat.awaitOutput("Server startup in", PATIENCE);
            HttpResponse<String> list = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + "/manager/text/list"))
                                    .header(
                                            "Authorization",
                                            "Basic "
                                                    + Base64.getEncoder()
                                                            .encodeToString(
                                                                    "op:secret".getBytes(StandardCharsets.UTF_8)))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());

            assertThat(list.statusCode()).as(tomcat.output()).isEqualTo(200);
            assertThat(list.body()).contains("OK - ").contains("/shop");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomcat10", "tomcat11"})
    void uninstallLeavesTomcatAsItWas(String line) throws Exception {
        layOut(line);
        Map<String, String> before = files();

        install();
        install();
        Command uninstalled = command("uninstall", base.toString());

        assertThat(uninstalled.exitCode()).as(uninstalled.stderr()).isZero();
        Map<String, String> after = files();
        after.keySet().removeIf(name -> name.endsWith(".before-ondemand-tls") || name.endsWith(".before-uninstall"));
        assertThat(after).isEqualTo(before);
    }

    private void layOut(String line) throws IOException {
        home = Path.of(System.getProperty("ondemandtls." + line + ".home"));
        base = directory.resolve("base");
        for (String name : List.of("conf", "lib", "logs", "temp", "work", "webapps/shop/WEB-INF")) {
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
        Path logging = base.resolve("conf/logging.properties");
        Files.writeString(logging, Files.readString(logging) + "\norg.apache.tomcat.util.scan.level = FINE\n");
        Files.writeString(
                base.resolve("webapps/shop/WEB-INF/web.xml"),
                "<web-app xmlns=\"https://jakarta.ee/xml/ns/jakartaee\" version=\"6.0\"/>");
        new JarOutputStream(Files.newOutputStream(base.resolve("lib/other.jar"))).close();
    }

    private Command install(String... more) {
        List<String> words = new ArrayList<>(List.of("install", base.toString(), "--port", String.valueOf(tlsPort)));
        words.addAll(List.of(more));
        Command installed = command(words.toArray(String[]::new));
        assertThat(installed.exitCode()).as(installed.stderr()).isZero();
        return installed;
    }

    private static Command command(String... words) {
        List<String> line = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-jar", jar().toString()));
        line.addAll(List.of(words));
        return Command.run(line, PATIENCE);
    }

    private static Path jar() {
        return Tools.root()
                .resolve("distribution/target/tomcat/lib/ondemand-tls-tomcat-"
                        + System.getProperty("ondemandtls.version") + "-all.jar");
    }

    private Command configtest(String options) {
        return catalina("configtest", options);
    }

    private Command catalina(String verb, String options) {
        List<String> line = new ArrayList<>(List.of("env"));
        environment(options).forEach((name, value) -> line.add(name + "=" + value));
        line.addAll(catalina(verb));
        return Command.run(line, PATIENCE);
    }

    private List<String> catalina(String verb) {
        return List.of("sh", home.resolve("bin/catalina.sh").toString(), verb);
    }

    private Map<String, String> environment(String options) {
        return Map.of(
                "CATALINA_HOME", home.toString(),
                "CATALINA_BASE", base.toString(),
                "JAVA_HOME", System.getProperty("java.home"),
                "JAVA_OPTS", String.join(" ", ServerProcess.SHORT_LIFE) + " " + options);
    }

    private Map<String, String> files() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (var all = Files.walk(base)) {
            for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
                files.put(base.relativize(file).toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return files;
    }
}
