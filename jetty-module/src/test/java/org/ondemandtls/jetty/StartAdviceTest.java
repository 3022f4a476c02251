package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;

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

    @Test
    void howManyMayWaitIsToldOfEachConnectorWithALimit() throws Exception {
        Listening bounded = tls(443);
        bounded.addBean(new NetworkConnectionLimit(60, bounded));
        Listening named = tls(8443);
        named.setName("customers");
        named.addBean(new NetworkConnectionLimit(21, named));
        Listening wide = tls(9443);
        wide.addBean(new NetworkConnectionLimit(20_000, wide));
        Listening plain = plain(80);
        plain.addBean(new NetworkConnectionLimit(60, plain));
        List<Event> told = new ArrayList<>();

        StartAdvice.tell(config("letsencrypt-staging"), List.of(bounded, named, wide, plain, tls(443)), told::add);

        assertThat(told)
                .filteredOn(event -> event.kind() == EventKind.STARTED)
                .extracting(Event::text)
                .containsExactly(
                        "connector [ssl, http/1.1] at port 443: at most 30 handshakes wait for a certificate at the same"
                                + " time, half of the connections that its limit allows",
                        "connector customers: at most 10 handshakes wait for a certificate at the same time, half of"
                                + " the connections that its limit allows");
        assertThat(told)
                .filteredOn(event -> event.kind() == EventKind.ADVICE)
                .extracting(Event::text)
                .singleElement()
                .asString()
                .startsWith("a public CA looks at ports 80 and 443 only");
    }

    private static OnDemandTlsConfig config(String directory) throws Exception {
        return ConfigReader.read(
                Map.of("onDemandTls.permission.names", "a.customer.test", "onDemandTls.acme.directory", directory),
                Path.of("").toAbsolutePath());
    }

    private Listening plain(int port) {
        return new Listening(server, port, new HttpConnectionFactory());
    }

    private Listening tls(int port) {
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
