package org.ondemandtls.spring;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.server.AbstractConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.StartException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.jetty.CertificateRedirectHandler;
import org.ondemandtls.jetty.JettyOnDemandTls;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.util.ClassUtils;

/** What is put into an embedded Jetty, whichever line of Spring Boot makes it. */
final class JettyParts {

    /**
     * A part of HTTP/2 that an application adds.
     *
     * @param dependency what to add
     * @param className a class of it
     */
    private record Part(String dependency, String className) {}

    private static final Part HTTP2 = new Part(
            "org.eclipse.jetty.http2:jetty-http2-server",
            "org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory");
    private static final Part ALPN = new Part(
            "org.eclipse.jetty:jetty-alpn-java-server", "org.eclipse.jetty.alpn.java.server.JDK9ServerALPNProcessor");
    private static final Part ALPN_OF_CONSCRYPT = new Part(
            "org.eclipse.jetty:jetty-alpn-conscrypt-server",
            "org.eclipse.jetty.alpn.conscrypt.server.ConscryptServerALPNProcessor");

    private final Settings settings;
    private final RunningEngine running;

    JettyParts(Settings settings, RunningEngine running) {
        this.settings = settings;
        this.running = running;
    }

    /** Whether the application says {@code server.http2.enabled}. */
    static boolean wantsHttp2(Object factory) {
        return factory instanceof AbstractConfigurableWebServerFactory known
                && known.getHttp2() != null
                && known.getHttp2().isEnabled();
    }

    /**
     * Adds the connector for HTTPS, beside that of {@code server.port} or in its place, and the engine.
     *
     * @param server the server, not started
     * @param http2 whether HTTP/2 is offered
     * @throws IllegalStateException if this Jetty is too old or lacks a part; its cause says so
     */
    void addTo(Server server, boolean http2) {
        try {
            boolean beside = addConnector(server, http2);
            if (beside && settings.redirect()) {
                server.insertHandler(new CertificateRedirectHandler());
            }
            addEngine(server);
        } catch (StartException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    // Returns whether there is a plain connector beside it.
    private boolean addConnector(Server server, boolean http2) throws StartException {
        ServerConnector plain = plain(server);
        HttpConnectionFactory http = plain == null ? null : plain.getConnectionFactory(HttpConnectionFactory.class);
        HttpConfiguration https = new HttpConfiguration();
        if (http != null) {
            http.getHttpConfiguration().setSecurePort(settings.redirectPort());
            https = new HttpConfiguration(http.getHttpConfiguration());
        }
        https.addCustomizer(new SecureRequestCustomizer());
        ServerConnector tls = new ServerConnector(
                server,
                plain == null ? -1 : plain.getAcceptors(),
                plain == null ? -1 : plain.getSelectorManager().getSelectorCount(),
                AbstractConnectionFactory.getFactories(new SslContextFactory.Server(), protocols(https, http2)));
        tls.setPort(settings.port());
        boolean instead = false;
        if (plain != null) {
            tls.setHost(plain.getHost());
            tls.setIdleTimeout(plain.getIdleTimeout());
            instead = settings.takesPort(plain.getPort());
            if (instead) {
                server.removeConnector(plain);
            }
        }
        server.addConnector(tls);
        limitTogether(server);
        return plain != null && !instead;
    }

    // Spring Boot makes its limit, of server.jetty.max-connections, before there is our connector.
    private static void limitTogether(Server server) {
        for (NetworkConnectionLimit before : List.copyOf(server.getBeans(NetworkConnectionLimit.class))) {
            NetworkConnectionLimit after =
                    new NetworkConnectionLimit(before.getMaxNetworkConnectionCount(), server.getConnectors());
            after.setEndPointIdleTimeout(before.getEndPointIdleTimeout());
            server.removeBean(before);
            server.addBean(after);
        }
    }

    private static @Nullable ServerConnector plain(Server server) {
        for (Connector connector : server.getConnectors()) {
            if (connector instanceof ServerConnector plain
                    && plain.getConnectionFactory(HttpConnectionFactory.class) != null) {
                return plain;
            }
        }
        return null;
    }

    private ConnectionFactory[] protocols(HttpConfiguration https, boolean http2) throws StartException {
        List<ConnectionFactory> protocols = new ArrayList<>();
        if (http2) {
            boolean jdk = settings.setup().config().tlsProvider() == OnDemandTlsConfig.TlsProvider.JDK;
            for (Part part : List.of(HTTP2, jdk ? ALPN : ALPN_OF_CONSCRYPT)) {
                if (!ClassUtils.isPresent(part.className(), JettyParts.class.getClassLoader())) {
                    throw new StartException("server.http2.enabled: add the dependency " + part.dependency());
                }
            }
            JettyHttp2.addTo(protocols, https);
        }
        protocols.add(new HttpConnectionFactory(https));
        return protocols.toArray(ConnectionFactory[]::new);
    }

    private void addEngine(Server server) throws StartException {
        // Spring Boot starts a Jetty without its connectors and adds them when the whole application is ready.
        JettyOnDemandTls added =
                JettyOnDemandTls.addTo(server, settings.setup()).withConnectorsLater();
        running.isIn(new JettyHost(added));
    }

    /**
     * Spring Boot stops the connectors of its Jetty, and the server only when all beans are destroyed, which would be too
     * late for the engine.
     */
    private record JettyHost(JettyOnDemandTls added) implements RunningEngine.Host {

        @Override
        public @Nullable OnDemandTls engine() {
            return added.engine();
        }

        @Override
        public void suspend() throws Exception {
            added.stop();
        }

        @Override
        public void resume() throws Exception {
            added.start();
        }

        @Override
        public void discard() throws Exception {
            added.stop();
        }
    }
}
