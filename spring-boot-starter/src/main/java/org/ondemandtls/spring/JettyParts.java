package org.ondemandtls.spring;

import java.util.EventListener;
import java.util.List;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.ondemandtls.StartException;
import org.ondemandtls.jetty.CertificateRedirectHandler;
import org.ondemandtls.jetty.JettyOnDemandTls;

/** What is put into an embedded Jetty, whichever line of Spring Boot makes it. */
final class JettyParts {

    private final Settings settings;
    private final RunningEngine running;

    JettyParts(Settings settings, RunningEngine running) {
        this.settings = settings;
        this.running = running;
    }

    /**
     * Adds the connector for HTTPS, beside that of {@code server.port}, and the engine.
     *
     * @param server the server, not started
     * @throws IllegalStateException if this Jetty is too old; its cause says so
     */
    void addTo(Server server) {
        HttpConfiguration https = new HttpConfiguration();
        String address = null;
        for (Connector connector : server.getConnectors()) {
            HttpConnectionFactory http = connector.getConnectionFactory(HttpConnectionFactory.class);
            if (http != null && connector instanceof ServerConnector plain) {
                http.getHttpConfiguration().setSecurePort(settings.port());
                https = new HttpConfiguration(http.getHttpConfiguration());
                address = plain.getHost();
            }
        }
        https.addCustomizer(new SecureRequestCustomizer());
        ServerConnector tls =
                new ServerConnector(server, new SslContextFactory.Server(), new HttpConnectionFactory(https));
        tls.setPort(settings.port());
        tls.setHost(address);
        server.addConnector(tls);
        if (settings.redirect()) {
            server.insertHandler(new CertificateRedirectHandler());
        }
        List<EventListener> before = List.copyOf(server.getEventListeners());
        try {
            JettyOnDemandTls added = JettyOnDemandTls.addTo(server, settings.setup());
            running.isIn(added::engine);
            for (EventListener listener : List.copyOf(server.getEventListeners())) {
                if (!before.contains(listener) && listener instanceof LifeCycle.Listener engine) {
                    server.removeEventListener(listener);
                    server.addEventListener(new ConnectorsLater(engine, server, server.getConnectors()));
                }
            }
        } catch (StartException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }
}
