package org.ondemandtls.jetty;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.NetworkConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.ondemandtls.config.OnDemandTlsConfig;

/** What a server's connectors give reason to tell its operator, once per start: none of it stops the start. */
final class StartAdvice {

    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private StartAdvice() {}

    /**
     * Looks at connectors that accept connections already, so that their ports are known.
     *
     * @param config what the operator said
     * @param connectors the server's
     * @return one line for each thing worth saying, empty if there is none
     */
    static List<String> of(OnDemandTlsConfig config, Collection<Connector> connectors) {
        List<String> lines = new ArrayList<>();
        handshakesWithoutGate(connectors, lines);
        if (config.issuer() == OnDemandTlsConfig.Issuer.ACME && config.acme().hasPublicCa()) {
            unusualPorts(connectors, lines);
        }
        return lines;
    }

    private static void handshakesWithoutGate(Collection<Connector> connectors, List<String> lines) {
        for (Connector connector : connectors) {
            for (SslConnectionFactory factory : connector.getContainedBeans(SslConnectionFactory.class)) {
                if (!(factory instanceof OnDemandSslConnectionFactory)) {
                    lines.add("no certificates on demand from " + connector.getProtocols() + ": its "
                            + factory.getClass().getSimpleName()
                            + " is not Jetty's own, or stands in a factory that is not: use SslConnectionFactory,"
                            + " behind a DetectorConnectionFactory if need be");
                }
            }
        }
    }

    // A public CA looks at ports 80 and 443 only; behind a forwarded port that is as it should be, so this is advice.
    private static void unusualPorts(Collection<Connector> connectors, List<String> lines) {
        Set<String> elsewhere = new TreeSet<>();
        for (Connector connector : connectors) {
            if (speaksHttp(connector) && connector instanceof NetworkConnector network) {
                boolean tls = speaksTls(connector);
                if (network.getLocalPort() != (tls ? HTTPS_PORT : HTTP_PORT)) {
                    elsewhere.add((tls ? "https " : "http ") + network.getLocalPort());
                }
            }
        }
        if (!elsewhere.isEmpty()) {
            lines.add("a public CA looks at ports 80 and 443 only; this server listens on "
                    + String.join(", ", elsewhere)
                    + ": forward those ports to it, or set jetty.http.port and jetty.ssl.port");
        }
    }

    /** Whether a connector speaks HTTP, of any version. */
    static boolean speaksHttp(Connector connector) {
        return connector.getConnectionFactory(HttpConfiguration.ConnectionFactory.class) != null;
    }

    /** Whether a connector speaks TLS, be it for what a detector recognizes as such only. */
    static boolean speaksTls(Connector connector) {
        return !connector.getContainedBeans(SslConnectionFactory.class).isEmpty();
    }
}
