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
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;

/** What a server's connectors give reason to tell its operator, once per start: none of it stops the start. */
final class StartAdvice {

    private StartAdvice() {}

    /**
     * Tells what is worth saying of connectors that accept connections already, and how many handshakes may wait on those whose
     * connections are bounded.
     *
     * @param config what the operator said
     * @param connectors the server's
     * @param log where it is told
     */
    static void tell(OnDemandTlsConfig config, Collection<Connector> connectors, EventListener log) {
        of(config, connectors).forEach(line -> log.on(new Event(EventKind.ADVICE, null, line)));
        limits(config, connectors).forEach(line -> log.on(new Event(EventKind.STARTED, null, line)));
    }

    /** How many handshakes may wait, for each connector that bounds them below the key for all. */
    static List<String> limits(OnDemandTlsConfig config, Collection<Connector> connectors) {
        List<String> lines = new ArrayList<>();
        for (Connector connector : connectors) {
            int most = OnDemandSslConnectionFactory.of(connector).isEmpty()
                    ? 0
                    : OnDemandSslConnectionFactory.mostParked(connector);
            if (most > 0 && most < config.handshake().parked()) {
                lines.add("connector " + name(connector) + ": at most " + most
                        + " handshakes wait for a certificate at the"
                        + " same time, half of the connections that its limit allows");
            }
        }
        return lines;
    }

    private static String name(Connector connector) {
        if (connector.getName() != null) {
            return connector.getName();
        }
        return connector.getProtocols()
                + (connector instanceof NetworkConnector network ? " at port " + network.getLocalPort() : "");
    }

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
