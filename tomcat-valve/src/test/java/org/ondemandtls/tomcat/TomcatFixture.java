package org.ondemandtls.tomcat;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.TestLeaves;
import org.ondemandtls.testing.TlsProbe;

/**
 * A Tomcat with a plain and an on-demand connector, whose permission is asked of an endpoint the test controls: names
 * that start with {@code denied} are denied, names that start with {@code slow} are answered when released.
 */
final class TomcatFixture {

    static final int THREADS = 20;
    static final String KEY_STORE_PASSWORD = "changeit";

    final Tomcat tomcat = new Tomcat();
    final Connector plain = new Connector("HTTP/1.1");
    final Connector secure = connector();
    final TreeMap<String, String> keys = new TreeMap<>();
    final AtomicInteger requests = new AtomicInteger();
    final CountDownLatch slowAnswers = new CountDownLatch(1);
    final AskEndpoint ask;

    private final Path directory;

    TomcatFixture(Path directory) throws IOException {
        this.directory = directory;
        ask = AskEndpoint.answering(this::answer);
        keys.put("onDemandTls.permission.ask", ask.uri().toString());
        keys.put("onDemandTls.permission.askTimeout", "20s");
        keys.put("onDemandTls.issuer", "internal");
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

    OnDemandTls engine() {
        OnDemandTls engine = ((OnDemandTlsProtocol) secure.getProtocolHandler()).engine();
        if (engine == null) {
            throw new AssertionError("the engine is not open");
        }
        return engine;
    }

    int port() {
        return secure.getLocalPort();
    }

    int parked() {
        return engine().status().getParkedHandshakes();
    }

    /** A visit by a client that trusts anybody: the head and body of the answer. */
    String get(String name) {
        return TlsProbe.trustingAnything().get(port(), name, "/").answer();
    }

    Socket tcp() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** A request over plain HTTP, as text, and its answer. */
    String plain(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), plain.getLocalPort())) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
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

    void close() throws Exception {
        slowAnswers.countDown();
        if (tomcat.getServer().getState().isAvailable()) {
            tomcat.stop();
        }
        tomcat.destroy();
        ask.close();
    }

    static Stream<String> onDemandThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("ondemand-tls"));
    }

    private AskEndpoint.Answer answer(String name) {
        if (name.startsWith("slow")) {
            try {
                slowAnswers.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return name.startsWith("denied")
                ? AskEndpoint.Answer.DENIED
                : name.startsWith("broken") ? AskEndpoint.Answer.status(503) : AskEndpoint.Answer.GRANTED;
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
