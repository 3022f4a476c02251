package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;

/** {@link StartAdvice}: one line for each thing, and none where there is nothing to say. */
class StartAdviceTest {

    private final Server server = new Server();

    @Test
    void portsAPublicCaDoesNotLookAtAreNamedInOneLine() throws Exception {
        List<String> lines = StartAdvice.of(config("letsencrypt"), List.of(plain(8080), tls(8443)));

        assertThat(lines)
                .containsExactly("a public CA looks at ports 80 and 443 only; this server listens on"
                        + " http 8080, https 8443: forward those ports to it,"
                        + " or set jetty.http.port and jetty.ssl.port");
    }

    @Test
    void theCasOwnPortsAreWorthNoLine() throws Exception {
        assertThat(StartAdvice.of(config("letsencrypt"), List.of(plain(80), tls(443))))
                .isEmpty();
    }

    private static OnDemandTlsConfig config(String directory) throws Exception {
        return ConfigReader.read(
                Map.of("onDemandTls.permission.names", "a.customer.test", "onDemandTls.acme.directory", directory),
                Path.of("").toAbsolutePath());
    }

    private Connector plain(int port) {
        return new Listening(server, port, new HttpConnectionFactory());
    }

    private Connector tls(int port) {
        HttpConnectionFactory http = new HttpConnectionFactory();
        SslConnectionFactory ssl = new SslConnectionFactory(new SslContextFactory.Server(), http.getProtocol());
        return new Listening(server, port, gated(ssl), http);
    }

    private SslConnectionFactory gated(SslConnectionFactory stock) {
        try {
            return new OnDemandSslConnectionFactory(JettyOnDemandTls.addTo(new Server(), config("letsencrypt")), stock);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** A connector that says it listens on a port; nothing is opened. */
    private static final class Listening extends ServerConnector {

        private final int port;

        Listening(Server server, int port, org.eclipse.jetty.server.ConnectionFactory... factories) {
            super(server, factories);
            this.port = port;
        }

        @Override
        public void open() throws IOException {
            throw new IOException("never opened");
        }

        @Override
        public int getLocalPort() {
            return port;
        }
    }
}
