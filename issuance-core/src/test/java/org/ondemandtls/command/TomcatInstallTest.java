package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link TomcatInstall}: what it puts into a {@code $CATALINA_BASE}, it takes back, and nothing else. */
class TomcatInstallTest {

    private static final String ASK = "http://localhost:9123/check?a=1&b=2";
    private static final Map<String, String> KEYS = Map.of("onDemandTls.permission.ask", ASK);
    private static final String SERVER = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- <Engine name="old"> and <Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"/> -->
            <Server port="8005">
              <Service name="Catalina">
                <Connector port="8080" protocol="HTTP/1.1"/>
                <Engine name="Catalina" defaultHost="localhost">
                  <Realm className="org.apache.catalina.realm.LockOutRealm"/>
                  <Host name="l\u00f6calhost" appBase="webapps"/>
                </Engine>
              </Service>
            </Server>
            """;

    private static final String CONNECTOR = """
                <!-- ondemand-tls install: begin -->
                <Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                           onDemandTls.permission.ask="http://localhost:9123/check?a=1&amp;b=2">
                  <UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol"/>
                </Connector>
                <!-- ondemand-tls install: end -->
            """;
    private static final String ENGINE = """
                <Engine name="Catalina" defaultHost="localhost">
            """;
    private static final String VALVE = """
                  <!-- ondemand-tls install: begin -->
                  <Valve className="org.ondemandtls.tomcat.AcmeChallengeValve"/>
                  <!-- ondemand-tls install: end -->
            """;

    @TempDir
    private Path directory;

    private Path base;
    private Path jar;
    private final ByteArrayOutputStream told = new ByteArrayOutputStream();

    @BeforeEach
    void layOut() throws IOException {
        base = directory.resolve("base");
        jar = directory.resolve("ondemand-tls-tomcat-2.0.0-all.jar");
        Files.createDirectories(base.resolve("conf"));
        Files.writeString(jar, "the jar");
        write("conf/server.xml", SERVER);
        write("conf/catalina.properties", "common.loader=\"${catalina.base}/lib\"\n");
    }

    @Test
    void itPutsEachPieceIntoItsPlace() throws Exception {
        install();

        assertThat(base.resolve("lib/ondemand-tls-tomcat-2.0.0-all.jar")).hasContent("the jar");
        assertThat(read("conf/server.xml")).contains(CONNECTOR + ENGINE + VALVE + "      <Realm ");
        assertThat(read("conf/catalina.properties"))
                .startsWith("common.loader=\"${catalina.base}/lib\"\n")
                .contains("\norg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n"})
    void uninstallTakesItBackToTheByte(String lineEnd) throws Exception {
        write("conf/server.xml", SERVER.replace("\n", lineEnd));
        write("conf/catalina.properties", "a=b" + lineEnd);
        Map<String, String> before = files();

        install();
        if (lineEnd.equals("\r\n")) {
            assertThat(read("conf/server.xml").replace("\r\n", "")).doesNotContain("\n");
        }
        new TomcatInstall(jar, base, out()).uninstall(false);

        Map<String, String> after = files();
        assertThat(after.keySet())
                .containsExactlyInAnyOrder(
                        "conf/server.xml",
                        "conf/server.xml.before-ondemand-tls",
                        "conf/server.xml.before-uninstall",
                        "conf/catalina.properties",
                        "conf/catalina.properties.before-ondemand-tls",
                        "conf/catalina.properties.before-uninstall");
        assertThat(after).containsAllEntriesOf(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u00ef\u00bb\u00bf<?xml version='1.0'?><!DOCTYPE Server [<!ENTITY more SYSTEM 'more.xml'>]><Server><Service>"
                        + "<Engine name='a'><Host/>&more;</Engine></Service></Server>",
                "<Server>\r<Service>\r<Engine name='a'>\r</Engine></Service></Server>",
                "<Server>\n<Service>\n\t<Engine\n\t\tname='a'\n\t\tdefaultHost='b' >  \n\n</Engine></Service></Server>"
            })
    void anUnusualLayoutComesBackToTheByteToo(String xml) throws Exception {
        write("conf/server.xml", xml);
        write("conf/catalina.properties", "a=b");

        install();
        assertThat(read("conf/server.xml")).contains("AcmeChallengeValve", "OnDemandTlsProtocol");
        new TomcatInstall(jar, base, out()).uninstall(false);

        assertThat(read("conf/server.xml")).isEqualTo(xml);
        assertThat(read("conf/catalina.properties")).isEqualTo("a=b");
    }

    @Test
    void aKeyInAnyScriptLeavesTheFileReadable() throws Exception {
        new TomcatInstall(jar, base, out())
                .install(443, Map.of("onDemandTls.permission.names", "b\u00fccher.example,\u4f8b.example"), false);

        assertThat(Files.readAllLines(base.resolve("conf/server.xml")))
                .anyMatch(
                        line -> line.contains("onDemandTls.permission.names=\"b&#252;cher.example,&#20363;.example\""));
    }

    @Test
    void linksAreFollowed() throws Exception {
        Files.createDirectories(directory.resolve("elsewhere/lib"));
        Files.createSymbolicLink(base.resolve("lib"), directory.resolve("elsewhere/lib"));
        Files.move(base.resolve("conf"), directory.resolve("elsewhere/conf"));
        Files.createSymbolicLink(base.resolve("conf"), directory.resolve("elsewhere/conf"));
        base = Files.createSymbolicLink(directory.resolve("link"), base);

        install();

        assertThat(directory.resolve("elsewhere/lib/ondemand-tls-tomcat-2.0.0-all.jar"))
                .exists();
        assertThat(Files.readString(directory.resolve("elsewhere/conf/server.xml"), StandardCharsets.ISO_8859_1))
                .contains(CONNECTOR);
    }

    @Test
    void whatMayNotBeWrittenIsSaidBeforeAnythingIsChanged() throws Exception {
        Path lib = Files.createDirectories(base.resolve("lib"));
        Map<String, String> before = files();
        TomcatInstall installer = new TomcatInstall(jar, base, out(), path -> !path.equals(lib));

        assertThatThrownBy(() -> installer.install(443, KEYS, false))
                .isInstanceOf(Arguments.WrongException.class)
                .hasMessage(lib + " may not be written by this user; nothing was changed");

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void aCopyOfEachFileAsItWasStays() throws Exception {
        install();

        assertThat(read("conf/server.xml.before-ondemand-tls")).isEqualTo(SERVER);
        assertThat(read("conf/catalina.properties.before-ondemand-tls"))
                .isEqualTo("common.loader=\"${catalina.base}/lib\"\n");
    }

    @Test
    void theCopyOfTheOriginalOutlivesUninstall() throws Exception {
        install();
        String installed = read("conf/server.xml");
        new TomcatInstall(jar, base, out()).uninstall(false);

        assertThat(read("conf/server.xml.before-ondemand-tls")).isEqualTo(SERVER);
        assertThat(read("conf/server.xml.before-uninstall")).isEqualTo(installed);
        assertThat(told())
                .contains("a copy stays at conf/server.xml.before-ondemand-tls")
                .contains("a copy stays at conf/server.xml.before-uninstall");
    }

    @Test
    void theCopyOfTheOriginalOutlivesAnotherInstallation() throws Exception {
        install();
        write("conf/server.xml", read("conf/server.xml").replace("AcmeChallengeValve", "StatusValve"));

        install();

        assertThat(read("conf/server.xml")).contains("AcmeChallengeValve");
        assertThat(read("conf/server.xml.before-ondemand-tls")).isEqualTo(SERVER);
        assertThat(told()).contains("the original stays at conf/server.xml.before-ondemand-tls");
    }

    @Test
    void whatWasChangedBetweenTwoInstallationsIsCopied() throws Exception {
        install();
        new TomcatInstall(jar, base, out()).uninstall(false);
        write("conf/server.xml", SERVER.replace("8080", "8081"));

        install();

        assertThat(read("conf/server.xml.before-ondemand-tls")).isEqualTo(SERVER.replace("8080", "8081"));
    }

    @Test
    void aSecondRunChangesNothing() throws Exception {
        install();
        Map<String, String> once = files();
        told.reset();

        install();

        assertThat(files()).isEqualTo(once);
        assertThat(told()).contains("Nothing to change");
    }

    @Test
    void aDryRunSaysItAllAndChangesNothing() throws Exception {
        Map<String, String> before = files();

        new TomcatInstall(jar, base, out()).install(443, KEYS, true);

        assertThat(files()).isEqualTo(before);
        assertThat(told())
                .contains("Would change in ")
                .contains("add      lib")
                .contains("+ <Connector port=\"443\"")
                .contains("+ <Valve")
                .contains("+ org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true");
    }

    @Test
    void aJarThatCannotBeCopiedLeavesAllAsItWas() throws Exception {
        write("lib/ondemand-tls-tomcat-1.0.0.jar", "old");
        Map<String, String> before = files();
        Files.delete(jar);

        assertThatThrownBy(this::install).isInstanceOf(IOException.class);

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void theJarOfAnotherVersionGoes() throws Exception {
        write("lib/ondemand-tls-tomcat-1.0.0.jar", "old");
        write("lib/postgresql.jar", "driver");

        install();

        assertThat(files())
                .containsKeys("lib/postgresql.jar", "lib/ondemand-tls-tomcat-2.0.0-all.jar")
                .doesNotContainKey("lib/ondemand-tls-tomcat-1.0.0.jar");
    }

    @Test
    void aConnectorWrittenByHandStays() throws Exception {
        String own = SERVER.replace(
                "    <Engine name=\"Catalina\"",
                "    <Connector port=\"443\" protocol=\"org.ondemandtls.tomcat.OnDemandTlsProtocol\"/>\n"
                        + "    <Engine name=\"Catalina\"");
        write("conf/server.xml", own);

        install();

        assertThat(read("conf/server.xml").split("OnDemandTlsProtocol", -1)).hasSize(3);
        assertThatThrownBy(() -> new TomcatInstall(jar, base, out()).uninstall(false))
                .hasMessageContaining("outside of what install wrote");
        assertThat(base.resolve("lib/ondemand-tls-tomcat-2.0.0-all.jar")).exists();
    }

    @Test
    void eachKeyIsAnAttributeOfTheConnector() throws Exception {
        Map<String, String> keys = new TreeMap<>(KEYS);
        keys.put("onDemandTls.acme.directory", "letsencrypt-staging");

        new TomcatInstall(jar, base, out()).install(443, keys, false);

        assertThat(read("conf/server.xml")).contains("""
                               onDemandTls.acme.directory="letsencrypt-staging"
                               onDemandTls.permission.ask="http://localhost:9123/check?a=1&amp;b=2">
                """);
    }

    @Test
    void aConnectorThatIsThereKeepsItsKeysAndThatIsSaid() throws Exception {
        install();

        new TomcatInstall(jar, base, out()).install(443, Map.of("onDemandTls.issuer", "internal"), false);

        assertThat(read("conf/server.xml")).doesNotContain("internal");
        assertThat(told()).contains("has the connector already. It stays as it is");
    }

    @Test
    void aPortThatIsTakenIsSaid() throws Exception {
        Map<String, String> before = files();

        assertThatThrownBy(() -> new TomcatInstall(jar, base, out()).install(8080, KEYS, false))
                .hasMessageContaining("a connector on port 8080 already");

        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<Connector port='443'/>",
                "<Connector address=\"a>b\"\n port = \"443\" />",
                "<Connector port=\"${https.port}\"/>",
                "<Connector port=\"${unset:-443}\"/>"
            })
    void aPortIsTakenHoweverItIsWritten(String connector) throws Exception {
        write("conf/server.xml", SERVER.replace("<Connector port=\"8080\" protocol=\"HTTP/1.1\"/>", connector));
        write("conf/catalina.properties", "https.port=443\n");

        assertThatThrownBy(this::install).hasMessageContaining("a connector on port 443 already");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<Connector port=\"${unset}\" redirectPort=\"443\"/>",
                "<Connector redirectPort=\"443\" proxyPort='443'/>",
                "<Connector port=\"8080\" server=\"port='443'\"/>"
            })
    void anotherAttributeIsNoPort(String connector) throws Exception {
        write("conf/server.xml", SERVER.replace("<Connector port=\"8080\" protocol=\"HTTP/1.1\"/>", connector));

        install();

        assertThat(read("conf/server.xml")).contains(connector, CONNECTOR);
    }

    @Test
    void ofSeveralServicesTheFirstOneGetsTheConnectorAndThatIsSaid() throws Exception {
        String second = "<Service name='b'><Engine name='b'><Host name='b'/></Engine></Service>";
        String several = SERVER.replace("name=\"Catalina\" defaultHost", "name=\"a>b\" defaultHost")
                .replace("</Server>", second + "</Server>");
        write("conf/server.xml", several);

        install();

        assertThat(read("conf/server.xml"))
                .contains(CONNECTOR + ENGINE.replace("Catalina", "a>b") + VALVE)
                .contains(second);
        assertThat(told()).contains("several services. The connector goes into the first one");
        new TomcatInstall(jar, base, out()).uninstall(false);
        assertThat(read("conf/server.xml")).isEqualTo(several);
    }

    @Test
    void whatTheOperatorSaysAboutFailuresStays() throws Exception {
        write("conf/catalina.properties", "org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=false\n");

        install();

        assertThat(read("conf/catalina.properties"))
                .isEqualTo("org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=false\n");
        assertThat(told()).contains("Tomcat runs on without HTTPS");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true\n",
                "  org.apache.catalina.startup.EXIT_ON_INIT_FAILURE : TRUE\r\n",
                "org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=false\n"
                        + "org.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true"
            })
    void whereAFailureEndsTheStartNothingIsSaid(String properties) throws Exception {
        write("conf/catalina.properties", properties);

        install();

        assertThat(told()).doesNotContain("Tomcat runs on without HTTPS");
    }

    @Test
    void withoutPropertiesNoneAreMade() throws Exception {
        Files.delete(base.resolve("conf/catalina.properties"));

        install();

        assertThat(base.resolve("conf/catalina.properties")).doesNotExist();
        assertThat(told()).contains("-Dorg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true");
    }

    @Test
    void anythingElseThanACatalinaBaseIsRefused() {
        assertThatThrownBy(() -> new TomcatInstall(jar, directory, out()))
                .hasMessageContaining("is no $CATALINA_BASE: it has no conf/server.xml");
        assertThatThrownBy(() -> new TomcatInstall(directory.resolve("ondemand-tls-core-2.0.0.jar"), base, out()))
                .hasMessageContaining("needs the jar for Tomcat");
    }

    @Test
    void anEngineThatHasNoPlaceIsSaid() throws Exception {
        write("conf/server.xml", "<Server><Service><Engine name='x'/></Service></Server>");
        assertThatThrownBy(this::install).hasMessageContaining("is empty");

        write("conf/server.xml", "<Server/>");
        assertThatThrownBy(this::install).hasMessageContaining("has no <Engine>");
    }

    private void install() throws Exception {
        new TomcatInstall(jar, base, out()).install(443, KEYS, false);
    }

    private PrintStream out() {
        return new PrintStream(told, true, StandardCharsets.UTF_8);
    }

    private String told() {
        return told.toString(StandardCharsets.UTF_8);
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(base.resolve(name).getParent());
        Files.writeString(base.resolve(name), text);
    }

    private String read(String name) throws IOException {
        return Files.readString(base.resolve(name));
    }

    private Map<String, String> files() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (var all = Files.walk(base)) {
            for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
                files.put(base.relativize(file).toString().replace('\\', '/'), Files.readString(file));
            }
        }
        return files;
    }
}
