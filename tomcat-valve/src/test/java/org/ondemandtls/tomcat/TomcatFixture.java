package org.ondemandtls.tomcat;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.TestLeaves;

/** A Tomcat with twenty threads. */
final class TomcatFixture extends HostFixture {

    static final int THREADS = 20;
    static final String KEY_STORE_PASSWORD = "changeit";

    final Tomcat tomcat = new Tomcat();
    final Connector plain = new Connector("HTTP/1.1");
    final Connector secure = connector();

    private final Path directory;

    TomcatFixture(Path directory) throws IOException {
        super(directory.resolve("ondemand-tls"));
        this.directory = directory;
        tomcat.setBaseDir(directory.toString());
        plain.setPort(0);
        plain.setProperty("address", "127.0.0.1");
        tomcat.getService().addConnector(plain);
        tomcat.getService().addConnector(secure);
        Context root = tomcat.addContext(
                "", Files.createDirectories(directory.resolve("root")).toString());
        Tomcat.addServlet(root, "hello", new Hello());
        root.addServletMappingDecoded("/", "hello");
    }

    static Connector connector() {
        Connector connector = new Connector(OnDemandTlsProtocol.class.getName());
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("maxThreads", String.valueOf(THREADS));
        connector.setThrowOnFailure(true);
        connector.addUpgradeProtocol(new Http2Protocol());
        return connector;
    }

    void start() throws Exception {
        keys.forEach(secure::setProperty);
        tomcat.start();
    }

    @Override
    public void launch() throws Exception {
        start();
    }

    @Override
    public void halt() throws Exception {
        if (tomcat.getServer().getState().isAvailable()) {
            tomcat.stop();
        }
    }

    @Override
    public OnDemandTls engine() {
        OnDemandTls engine = ((OnDemandTlsProtocol) secure.getProtocolHandler()).engine();
        if (engine == null) {
            throw new AssertionError("the engine is not open");
        }
        return engine;
    }

    @Override
    public int port() {
        return secure.getLocalPort();
    }

    @Override
    public int plainPort() {
        return plain.getLocalPort();
    }

    @Override
    public void close() throws Exception {
        super.close();
        tomcat.destroy();
    }

    /** An {@code <SSLHostConfig>} with one certificate for these names. */
    SSLHostConfig hostConfig(String hostName, String... names) throws Exception {
        SSLHostConfig config = new SSLHostConfig();
        config.setHostName(hostName);
        SSLHostConfigCertificate certificate =
                new SSLHostConfigCertificate(config, SSLHostConfigCertificate.Type.UNDEFINED);
        certificate.setCertificateKeystoreFile(keyStore(names).toString());
        certificate.setCertificateKeystoreType("PKCS12");
        certificate.setCertificateKeystorePassword(KEY_STORE_PASSWORD);
        config.addCertificate(certificate);
        return config;
    }

    Path keyStore(String... names) throws Exception {
        KeyedCertificate leaf = TestLeaves.leaf(Clock.systemUTC().instant(), Duration.ofDays(30), names);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry(
                "own",
                leaf.key(),
                KEY_STORE_PASSWORD.toCharArray(),
                leaf.chain().toArray(java.security.cert.X509Certificate[]::new));
        return stored(keys, names[0].replace('*', '_') + ".p12");
    }

    /** A trust store with the certificates of a key store. */
    Path trustStore(Path keyStore) throws Exception {
        KeyStore keys = KeyStore.getInstance(keyStore.toFile(), KEY_STORE_PASSWORD.toCharArray());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("trusted", keys.getCertificate("own"));
        return stored(trusted, "trusted-" + keyStore.getFileName());
    }

    private Path stored(KeyStore keys, String name) throws Exception {
        Path file = directory.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            keys.store(out, KEY_STORE_PASSWORD.toCharArray());
        }
        return file;
    }

    private final class Hello extends HttpServlet {

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            requests.incrementAndGet();
            response.getWriter()
                    .write("hello from " + request.getServerName() + " by " + request.getScheme()
                            + (request.isSecure() ? ", secure" : ""));
        }
    }
}
