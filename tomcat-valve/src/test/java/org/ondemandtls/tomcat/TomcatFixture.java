package org.ondemandtls.tomcat;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.catalina.Context;
import org.apache.catalina.Pipeline;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardThreadExecutor;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.RemoteIpValve;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.HostFixture;

/** A Tomcat with twenty threads. */
final class TomcatFixture extends HostFixture {

    static final int THREADS = 20;

    final Tomcat tomcat = new Tomcat();
    /** The names of the threads the application was called on. */
    final Set<String> threads = ConcurrentHashMap.newKeySet();

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
        // Whom the kernel has no place for tries again only a second later.
        connector.setProperty("acceptCount", "1000");
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
    public int connections() {
        return endpoint().getConnections().size();
    }

    @Override
    public void idleTimeout(Duration time) {
        endpoint().getConnections().forEach(connection -> {
            connection.setReadTimeout(time.toMillis());
            connection.setWriteTimeout(time.toMillis());
        });
    }

    @Override
    public int busyThreads() {
        return ((ThreadPoolExecutor) secure.getProtocolHandler().getExecutor()).getActiveCount();
    }

    @Override
    public void serveItself(String... names) throws Exception {
        secure.addSslHostConfig(hostConfig("_default_", names));
    }

    @Override
    public void reloadItself(String... names) throws Exception {
        ((OnDemandTlsProtocol) secure.getProtocolHandler()).addSslHostConfig(hostConfig("_default_", names), true);
    }

    @Override
    public void redirectToHttps() {
        plain.setRedirectPort(443);
        Pipeline pipeline = tomcat.getEngine().getPipeline();
        pipeline.addValve(new AcmeChallengeValve());
        RemoteIpValve proxy = new RemoteIpValve();
        proxy.setProtocolHeader("X-Forwarded-Proto");
        pipeline.addValve(proxy);
        pipeline.addValve(new CertificateRedirectValve());
    }

    @Override
    public void askItself(int most, Consumer<String> application) throws IOException {
        StandardThreadExecutor executor = new StandardThreadExecutor();
        executor.setName("shared");
        executor.setMaxThreads(most);
        executor.setMinSpareThreads(most);
        tomcat.getService().addExecutor(executor);
        for (Connector connector : new Connector[] {plain, secure}) {
            ((AbstractProtocol<?>) connector.getProtocolHandler()).setExecutor(executor);
        }
        Context own = tomcat.addContext(
                "/own", Files.createDirectories(directory.resolve("own")).toString());
        Tomcat.addServlet(own, "check", new HttpServlet() {
            @Override
            protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                application.accept(request.getParameter("domain"));
                response.getWriter().write("yes");
            }
        });
        own.addServletMappingDecoded("/check", "check");
        plain.setPort(FreePorts.next());
        keys.put("onDemandTls.permission.ask", "http://127.0.0.1:" + plain.getPort() + "/own/check");
    }

    @Override
    public void carryThePage() {
        tomcat.addUser("looker", "secret");
        tomcat.addRole("looker", "ondemand-tls-look");
        tomcat.addUser("actor", "secret");
        tomcat.addRole("actor", "ondemand-tls-act");
        tomcat.addUser("guest", "secret");
        tomcat.addRole("guest", "guest");
        tomcat.getEngine().getPipeline().addValve(new StatusValve());
    }

    @Override
    public void listenOn(int port) {
        secure.setPort(port);
    }

    @Override
    public void listenAt(InetAddress address) {
        secure.setProperty("address", address.getHostAddress());
    }

    @Override
    public void leaveHostsToUs() {
        // Tomcat sees one host configuration for all names on demand, and checks nothing.
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
        certificate.setCertificateKeystorePassword(PASSWORD);
        config.addCertificate(certificate);
        return config;
    }

    Path keyStore(String... names) throws Exception {
        return keyStore(directory.resolve(names[0].replace('*', '_') + ".p12"), names);
    }

    /** A trust store with the certificates of a key store. */
    Path trustStore(Path keyStore) throws Exception {
        KeyStore keys = KeyStore.getInstance(keyStore.toFile(), PASSWORD.toCharArray());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("trusted", keys.getCertificate("own"));
        Path file = directory.resolve("trusted-" + keyStore.getFileName());
        try (OutputStream out = Files.newOutputStream(file)) {
            trusted.store(out, PASSWORD.toCharArray());
        }
        return file;
    }

    private OnDemandEndpoint endpoint() {
        return ((OnDemandTlsProtocol) secure.getProtocolHandler()).onDemandEndpoint();
    }

    private final class Hello extends HttpServlet {

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            requests.incrementAndGet();
            threads.add(Thread.currentThread().getName());
            response.getWriter()
                    .write("hello from " + request.getServerName() + " by " + request.getScheme()
                            + (request.isSecure() ? ", secure" : ""));
        }
    }
}
