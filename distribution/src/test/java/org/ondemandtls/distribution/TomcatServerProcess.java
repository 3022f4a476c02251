package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;

/** A real Tomcat, run by {@code bin/catalina.sh run} with the sample {@code server.xml} of the overlay. */
final class TomcatServerProcess extends ServerProcess {

    private static final String PLAIN = "<Connector port=\"80\" protocol=\"HTTP/1.1\" redirectPort=\"443\"/>";
    private static final String PERMISSION = " onDemandTls.permission.ask=\"http://localhost:9123/check\"";

    private final Path home;
    private boolean redirecting;
    private boolean page;
    private boolean plain = true;
    private String hostConfig = "";

    private TomcatServerProcess(Path home, Path base) throws IOException {
        super(base, "ondemandtls.tomcat.overlay", base.resolve("webapps/ROOT"));
        this.home = home;
        copy(home.resolve("conf"), base.resolve("conf"));
        for (String directory : List.of("logs", "temp", "work")) {
            Files.createDirectories(base.resolve(directory));
        }
    }

    /** See {@link ServerLine#layOut}. */
    static TomcatServerProcess layOut(Path home, Path base) throws IOException {
        return new TomcatServerProcess(home, Files.createDirectories(base));
    }

    @Override
    ServerProcess redirecting() {
        redirecting = true;
        return this;
    }

    @Override
    ServerProcess sendingEverybodyToHttps() {
        String xml = """
                <web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
                  <security-constraint>
                    <web-resource-collection>
                      <web-resource-name>all</web-resource-name>
                      <url-pattern>/*</url-pattern>
                    </web-resource-collection>
                    <user-data-constraint>
                      <transport-guarantee>CONFIDENTIAL</transport-guarantee>
                    </user-data-constraint>
                  </security-constraint>
                </web-app>
                """;
        try {
            Files.writeString(
                    Files.createDirectories(base().resolve("webapps/ROOT/WEB-INF"))
                            .resolve("web.xml"),
                    xml);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    @Override
    ServerProcess carryingThePage() throws IOException {
        page = true;
        Files.writeString(base().resolve("conf/tomcat-users.xml"), """
                <tomcat-users>
                  <user username="looker" password="secret" roles="ondemand-tls-look"/>
                  <user username="actor" password="secret" roles="ondemand-tls-act"/>
                  <user username="guest" password="secret" roles="guest"/>
                </tomcat-users>
                """);
        return this;
    }

    @Override
    ServerProcess withoutPlainHttp() {
        plain = false;
        return this;
    }

    @Override
    ServerProcess servingItself(Path keyStore, String password) {
        hostConfig = "<SSLHostConfig><Certificate certificateKeystoreFile=\"" + base().relativize(keyStore)
                + "\" certificateKeystoreType=\"PKCS12\" certificateKeystorePassword=\"" + password
                + "\"/></SSLHostConfig>";
        return managed();
    }

    /**
     * Configures hosts of the connector on their own; before the first start.
     *
     * @param xml {@code <SSLHostConfig>} elements
     */
    void configuringHosts(String xml) {
        hostConfig = xml;
    }

    /** As the sample does anyway. */
    @Override
    ServerProcess deploying() {
        return this;
    }

    @Override
    ServerProcess onConscrypt(Path jar) throws IOException {
        Files.copy(jar, jars().resolve(jar.getFileName()));
        return property("onDemandTls.tls.provider", "conscrypt");
    }

    @Override
    Path jars() {
        return base().resolve("lib");
    }

    /** By Tomcat's own operation, which its Manager calls as well. */
    @Override
    void reload() throws Exception {
        try (var connector = management()) {
            connector
                    .getMBeanServerConnection()
                    .invoke(
                            new ObjectName(
                                    "Catalina:type=ProtocolHandler,port=" + tlsPort() + ",address=\"127.0.0.1\""),
                            "reloadSslHostConfigs",
                            new Object[0],
                            new String[0]);
        }
    }

    @Override
    int redirectPort() {
        return 443;
    }

    // The sample as it is delivered, with other ports and the keys of the test.
    @Override
    void configure(Map<String, String> keys) throws IOException {
        StringBuilder ours = new StringBuilder();
        keys.forEach((key, value) -> ours.append(' ')
                .append(key)
                .append("=\"")
                .append(escaped(value))
                .append('"'));
        String sample = Files.readString(base().resolve("conf/ondemand-tls/server.xml"));
        assertThat(sample).contains(PLAIN).contains(PERMISSION);
        String xml = sample.replace(PLAIN, plain ? PLAIN : "")
                .replace("<Server port=\"8005\"", "<Server port=\"-1\"")
                .replace("port=\"80\"", "address=\"127.0.0.1\" port=\"" + httpPort() + "\"")
                .replace("port=\"443\"", "address=\"127.0.0.1\" port=\"" + tlsPort() + "\"")
                .replace(PERMISSION, ours.toString())
                .replace("</Connector>", hostConfig + "</Connector>");
        if (redirecting) {
            String valve = "<Valve className=\"org.ondemandtls.tomcat.CertificateRedirectValve\"/>";
            Matcher comment = Pattern.compile("(certificate\\.)\\s+" + Pattern.quote(valve) + "\\s+-->")
                    .matcher(xml);
            assertThat(comment.find()).isTrue();
            xml = comment.replaceFirst("$1 -->" + valve);
        }
        if (page) {
            String valve = "<Valve className=\"org.ondemandtls.tomcat.StatusValve\"/>";
            assertThat(xml).contains(valve);
            xml = xml.replace(
                    "<Realm className=\"org.apache.catalina.realm.LockOutRealm\">",
                    valve + "<Realm className=\"org.apache.catalina.realm.LockOutRealm\">");
        }
        assertThat(xml).contains(ours).contains("\"" + tlsPort() + "\"");
        Files.writeString(base().resolve("conf/server.xml"), xml);
    }

    @Override
    List<String> command(List<String> options) {
        return new ArrayList<>(List.of("sh", home.resolve("bin/catalina.sh").toString(), "run"));
    }

    @Override
    Map<String, String> environment(List<String> options) {
        return Map.of(
                "CATALINA_HOME",
                home.toString(),
                "CATALINA_BASE",
                base().toString(),
                "JAVA_HOME",
                System.getProperty("java.home"),
                "CATALINA_OPTS",
                String.join(" ", SHORT_LIFE) + " " + String.join(" ", options));
    }

    @Override
    String startedLine() {
        return "Server startup in";
    }

    /** By itself a Tomcat goes on without a connector that does not start. */
    @Override
    List<String> optionsToGiveUp() {
        return List.of("-Dorg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true");
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
}
