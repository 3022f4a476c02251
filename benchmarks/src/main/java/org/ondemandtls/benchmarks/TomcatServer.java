package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.HostFixture;

/** A real Tomcat with the sample {@code server.xml}. */
final class TomcatServer extends Server {

    private static final Pattern THREAD = Pattern.compile("^\"https-[^\"]*-exec-");
    private static final String CHALLENGES = "<Valve className=\"org.ondemandtls.tomcat.AcmeChallengeValve\"/>";
    private static final String PAGE = "<Valve className=\"org.ondemandtls.tomcat.StatusValve\"/>";
    private static final String SAMPLE_PERMISSION = " onDemandTls.permission.ask=\"http://localhost:9123/check\"";

    private final Path home;
    private final @Nullable Path keyStore;
    private final Map<String, String> limits = new TreeMap<>();
    private boolean page;

    TomcatServer(Setting setting, Path base) throws IOException {
        this(setting, setting.overlay(), base, null);
    }

    private TomcatServer(Setting setting, @Nullable Path overlay, Path base, @Nullable Path keyStore)
            throws IOException {
        super(overlay, base);
        this.home = setting.home();
        this.keyStore = keyStore;
        Files.createDirectories(base.resolve("conf"));
        for (String directory : List.of("logs", "temp", "work", "webapps/ROOT")) {
            Files.createDirectories(base.resolve(directory));
        }
        try (var files = Files.list(home.resolve("conf"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (Files.isRegularFile(file)) {
                    Files.copy(file, base.resolve("conf").resolve(String.valueOf(file.getFileName())));
                }
            }
        }
    }

    /** Lays out a Tomcat as it comes, with TLS from a PKCS #12 file. */
    static TomcatServer layOutStock(Setting setting, Path base, Path keyStore) throws IOException {
        return new TomcatServer(setting, null, base, keyStore);
    }

    /** Lays out a Tomcat as it comes, in a JVM that prefers the other TLS engine to its own. */
    static TomcatServer layOutStockOnConscrypt(Setting setting, Path base, Path keyStore, Path jar) throws IOException {
        TomcatServer server = layOutStock(setting, base, keyStore);
        List<String> lines = new ArrayList<>(List.of("security.provider.1=org.conscrypt.OpenSSLProvider"));
        for (Provider provider : Security.getProviders()) {
            lines.add("security.provider." + (lines.size() + 1) + "=" + provider.getName());
        }
        Path preferring = Files.write(base.resolve("conf/providers.security"), lines);
        Files.createDirectories(base.resolve("bin"));
        Files.writeString(
                base.resolve("bin/setenv.sh"),
                "CLASSPATH='" + jar + "'\nCATALINA_OPTS=\"$CATALINA_OPTS -Djava.security.properties=" + preferring
                        + "\"\n");
        return server;
    }

    /** Lays out a Tomcat of ours with the other TLS engine. */
    static Server layOutOnConscrypt(Setting setting, Path base, Path jar) throws IOException {
        TomcatServer server = new TomcatServer(setting, base);
        Files.copy(jar, base.resolve("lib").resolve(String.valueOf(jar.getFileName())));
        return server.with("onDemandTls.tls.provider", "conscrypt");
    }

    /** Lays out a Tomcat of ours with the OpenSSL of this machine; for Java 22 or later. */
    static Server layOutOnOpenSsl(Setting setting, Path base) throws IOException {
        return new TomcatServer(setting, base).with("onDemandTls.tls.provider", "openssl");
    }

    @Override
    Server threads(int most) {
        limits.put("maxThreads", Integer.toString(most));
        return this;
    }

    @Override
    Server backlog(int connections) {
        limits.put("acceptCount", Integer.toString(connections));
        return this;
    }

    @Override
    Server carryingThePage() throws IOException {
        page = true;
        Files.writeString(base().resolve("conf/tomcat-users.xml"), """
                <tomcat-users>
                  <user username="looker" password="secret" roles="ondemand-tls-look"/>
                </tomcat-users>
                """);
        return this;
    }

    @Override
    String limits() {
        return "`" + attributes(limits).strip() + "`";
    }

    @Override
    Pattern threadNames() {
        return THREAD;
    }

    @Override
    void configure(Map<String, String> onDemandKeys) throws IOException {
        if (keyStore != null) {
            Files.writeString(base().resolve("conf/server.xml"), stock(keyStore));
            return;
        }
        String sample = Files.readString(base().resolve("conf/ondemand-tls/server.xml"));
        if (!sample.contains(SAMPLE_PERMISSION) || !sample.contains(CHALLENGES)) {
            throw new IOException("the sample server.xml has another permission key or valve than is replaced here");
        }
        Files.writeString(
                base().resolve("conf/server.xml"),
                sample.replace("<Server port=\"8005\"", "<Server port=\"-1\"")
                        .replace(CHALLENGES, CHALLENGES + (page ? PAGE : ""))
                        .replace("port=\"80\"", "address=\"127.0.0.1\" port=\"" + plainPort() + "\"")
                        .replace("port=\"443\"", "address=\"127.0.0.1\" port=\"" + tlsPort() + "\"")
                        .replace(SAMPLE_PERMISSION, attributes(new TreeMap<>(onDemandKeys)) + attributes(limits)));
    }

    @Override
    List<String> command(List<String> options) {
        return List.of("sh", home.resolve("bin/catalina.sh").toString(), "run");
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
                String.join(" ", options));
    }

    @Override
    String startLine() {
        return "Server startup in";
    }

    private String stock(Path ownKeys) {
        return """
                <Server port="-1">
                  <Service name="Catalina">
                    <Connector address="127.0.0.1" port="TLS_PORT" protocol="org.apache.coyote.http11.Http11NioProtocol" LIMITS
                               SSLEnabled="true" scheme="https" secure="true">
                      <SSLHostConfig>
                        <Certificate certificateKeystoreFile="KEY_STORE" certificateKeystorePassword="PASSWORD"
                                     certificateKeystoreType="PKCS12"/>
                      </SSLHostConfig>
                    </Connector>
                    <Engine name="Catalina" defaultHost="localhost">
                      <Host name="localhost" appBase="webapps"/>
                    </Engine>
                  </Service>
                </Server>
                """.replace("TLS_PORT", Integer.toString(tlsPort()))
                .replace("LIMITS", attributes(limits))
                .replace("KEY_STORE", ownKeys.toString())
                .replace("PASSWORD", HostFixture.PASSWORD);
    }

    private static String attributes(Map<String, String> attributes) {
        return attributes.entrySet().stream()
                .map(attribute -> ' ' + attribute.getKey() + "=\""
                        + attribute.getValue().replace("&", "&amp;").replace("\"", "&quot;") + '"')
                .collect(Collectors.joining());
    }
}
