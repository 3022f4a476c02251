package org.ondemandtls.jetty;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.ForwardedRequestCustomizer;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ThreadPool;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.HostFixture;

/** A Jetty with eight threads. */
final class ServerFixture extends HostFixture {

    static final int THREADS = 8;

    private static final int ACCEPT_QUEUE = 1_000;

    final Server server;
    final HttpConfiguration http = new HttpConfiguration();
    final SecureRequestCustomizer secureRequests = new SecureRequestCustomizer();
    final SslContextFactory.Server tls = new SslContextFactory.Server();
    final List<Event> events = new CopyOnWriteArrayList<>();
    final ServerConnector plain;
    final ServerConnector secure;

    private final Path directory;

    ServerFixture(Path directory) throws IOException {
        this(directory, new QueuedThreadPool(THREADS));
    }

    ServerFixture(Path directory, ThreadPool threads) throws IOException {
        super(directory.resolve("store"));
        this.directory = directory;
        server = new Server(threads);
        HttpConfiguration https = new HttpConfiguration(http);
        https.addCustomizer(secureRequests);
        HttpConnectionFactory http1 = new HttpConnectionFactory(https);
        ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
        alpn.setDefaultProtocol(http1.getProtocol());
        plain = new ServerConnector(server, new HttpConnectionFactory(http), new HTTP2CServerConnectionFactory(http));
        secure = new ServerConnector(
                server,
                new SslConnectionFactory(tls, alpn.getProtocol()),
                alpn,
                new HTTP2ServerConnectionFactory(https),
                http1);
        plain.setHost("127.0.0.1");
        secure.setHost("127.0.0.1");
        // Whom the kernel has no place for tries again only a second later.
        secure.setAcceptQueueSize(ACCEPT_QUEUE);
        server.addConnector(plain);
        server.addConnector(secure);
        server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                requests.incrementAndGet();
                Content.Sink.write(response, true, "hello from " + Request.getServerName(request), callback);
                return true;
            }
        });
    }

    JettyOnDemandTls start() throws Exception {
        JettyOnDemandTls added = add();
        server.start();
        return added;
    }

    JettyOnDemandTls add() throws Exception {
        return JettyOnDemandTls.addTo(server, OnDemandTlsSetup.of(config()), events::add);
    }

    Client client() {
        return new Client(secure.getLocalPort());
    }

    @Override
    public void launch() throws Exception {
        if (server.getBean(JettyOnDemandTls.class) == null) {
            add();
        }
        server.start();
    }

    @Override
    public void halt() throws Exception {
        server.stop();
    }

    @Override
    public OnDemandTls engine() {
        OnDemandTls engine = server.getBean(JettyOnDemandTls.class).engine();
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
        return secure.getConnectedEndPoints().size();
    }

    @Override
    public void idleTimeout(Duration time) {
        secure.getConnectedEndPoints().forEach(endPoint -> endPoint.setIdleTimeout(time.toMillis()));
    }

    // Those that Jetty keeps in reserve count as idle.
    @Override
    public int busyThreads() {
        return ((QueuedThreadPool) server.getThreadPool()).getUtilizedThreads();
    }

    @Override
    public void serveItself(String... names) throws Exception {
        tls.setKeyStorePath(keyStore(directory.resolve("own.p12"), names).toString());
        tls.setKeyStorePassword(PASSWORD);
    }

    @Override
    public void reloadItself(String... names) throws Exception {
        keyStore(directory.resolve("own.p12"), names);
        tls.reload(unchanged -> {});
    }

    @Override
    public void redirectToHttps() {
        http.setSecurePort(443);
        http.addCustomizer(new ForwardedRequestCustomizer());
        server.insertHandler(new CertificateRedirectHandler());
    }

    @Override
    public void askItself(int threads, Consumer<String> application) throws IOException {
        ((QueuedThreadPool) server.getThreadPool()).setMaxThreads(threads);
        server.insertHandler(new Handler.Wrapper() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                if (!Request.getPathInContext(request).equals("/own/check")) {
                    return super.handle(request, response, callback);
                }
                application.accept(Request.extractQueryParameters(request).getValue("domain"));
                Content.Sink.write(response, true, "yes", callback);
                return true;
            }
        });
        plain.open();
        keys.put("onDemandTls.permission.ask", "http://127.0.0.1:" + plain.getLocalPort() + "/own/check");
    }

    @Override
    public void carryThePage() throws IOException {
        Path users = directory.resolve("users.properties");
        Files.writeString(
                users, "looker: secret,ondemand-tls-look\nactor: secret,ondemand-tls-act\nguest: secret,guest\n");
        StatusHandler page = new StatusHandler();
        page.setUsers(users.toString());
        server.insertHandler(page);
    }

    @Override
    public void listenOn(int port) {
        plain.setPort(port);
        // So that the engine is open when the port turns out to be taken.
        server.setOpenEarly(false);
    }

    @Override
    public void listenAt(InetAddress address) {
        secure.setHost(address.getHostAddress());
    }

    @Override
    public void leaveHostsToUs() {
        secureRequests.setSniHostCheck(false);
    }

    /** What the operator was advised since the server was first started. */
    List<String> advice() {
        return events.stream()
                .filter(event -> event.kind() == EventKind.ADVICE)
                .map(Event::line)
                .toList();
    }

    private OnDemandTlsConfig config() throws ConfigException {
        return ConfigReader.read(keys, Path.of("").toAbsolutePath());
    }
}
