package org.ondemandtls.jetty;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.NetworkConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.ondemandtls.PortAdvice;
import org.ondemandtls.config.OnDemandTlsConfig;

/** What a server's connectors give reason to tell its operator, once per start: none of it stops the start. */
final class StartAdvice {

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
        ports(connectors).line(config, "set jetty.http.port and jetty.ssl.port").ifPresent(lines::add);
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

    private static PortAdvice ports(Collection<Connector> connectors) {
        PortAdvice advice = new PortAdvice();
        for (Connector connector : connectors) {
            if (speaksHttp(connector) && connector instanceof NetworkConnector network) {
                if (speaksTls(connector)) {
                    advice.tls(network.getLocalPort());
                } else {
                    advice.plain(network.getLocalPort());
                }
            }
        }
        return advice;
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
