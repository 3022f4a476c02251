package org.ondemandtls.jetty;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Content;
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
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;

/**
 * A Jetty with eight threads, a plain and a TLS connector, whose permission is asked of an endpoint the test controls:
 * names that start with {@code denied} are denied, names that start with {@code slow} are answered when released.
 */
final class ServerFixture {

    static final int THREADS = 8;

    private static final int ACCEPT_QUEUE = 1_000;

    final Server server;
    final HttpConfiguration http = new HttpConfiguration();
    final SecureRequestCustomizer secureRequests = new SecureRequestCustomizer();
    final SslContextFactory.Server tls = new SslContextFactory.Server();
    final AtomicInteger asked = new AtomicInteger();
    final AtomicInteger requests = new AtomicInteger();
    final List<Event> events = new CopyOnWriteArrayList<>();
    final CountDownLatch slowAnswers = new CountDownLatch(1);
    final Map<String, String> keys = new HashMap<>();
    final ServerConnector plain;
    final ServerConnector secure;

    private final Path directory;
    private final ExecutorService askThreads = Executors.newCachedThreadPool();
    private final HttpServer ask;

    ServerFixture(Path directory) throws IOException {
        this(directory, new QueuedThreadPool(THREADS));
    }

    ServerFixture(Path directory, ThreadPool threads) throws IOException {
        this.directory = directory;
        server = new Server(threads);
        ask = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ask.setExecutor(askThreads);
        ask.createContext("/", this::answer);
        ask.start();
        keys.put(
                "onDemandTls.permission.ask",
                "http://127.0.0.1:" + ask.getAddress().getPort() + "/check");
        keys.put("onDemandTls.permission.askTimeout", "20s");
        keys.put("onDemandTls.issuer", "internal");
        keys.put("onDemandTls.store", directory.resolve("store").toString());
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

    /** The root of the internal CA, which the started server has made. */
    Path root() {
        return directory.resolve("store/internal-ca/root.pem");
    }

    /** What the operator was advised since the server was first started. */
    List<String> advice() {
        return events.stream()
                .filter(event -> event.kind() == EventKind.ADVICE)
                .map(Event::line)
                .toList();
    }

    void close() throws Exception {
        slowAnswers.countDown();
        server.stop();
        ask.stop(0);
        askThreads.shutdownNow();
    }

    private OnDemandTlsConfig config() throws ConfigException {
        return ConfigReader.read(keys, Path.of("").toAbsolutePath());
    }

    private void answer(HttpExchange exchange) throws IOException {
        asked.incrementAndGet();
        String query = exchange.getRequestURI().getQuery();
        String name = query.substring(query.indexOf("domain=") + "domain=".length());
        if (name.startsWith("slow")) {
            try {
                slowAnswers.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        exchange.sendResponseHeaders(name.startsWith("denied") ? 403 : 200, -1);
        exchange.close();
    }
}
