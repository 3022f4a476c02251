package org.ondemandtls.jetty;

import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.EventListener;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.component.Container;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.ServedMatcher;
import org.ondemandtls.handshake.SessionScope;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.handshake.Visit;

/**
 * Jetty's factory of TLS connections with the gate in front: what it makes first reads the ClientHello.
 *
 * <p>Stands where the stock factory stood, under the same protocol name and with its settings and listeners.
 */
final class OnDemandSslConnectionFactory extends SslConnectionFactory {

    /** How long a stop waits for parked clients to get their alert. */
    private static final Duration FAREWELLS = Duration.ofSeconds(5);

    private final JettyOnDemandTls onDemand;
    private final KeyStoreCertificates ownCertificates;
    private final Set<Visit> parked = ConcurrentHashMap.newKeySet();

    /**
     * Takes the place of a stock factory.
     *
     * @param onDemand gives the engine
     * @param stock the factory to replace; not started
     */
    OnDemandSslConnectionFactory(JettyOnDemandTls onDemand, SslConnectionFactory stock) {
        super(stock.getSslContextFactory(), stock.getNextProtocol());
        this.onDemand = onDemand;
        this.ownCertificates = new KeyStoreCertificates(stock.getSslContextFactory());
        setInputBufferSize(stock.getInputBufferSize());
        setDirectBuffersForEncryption(stock.isDirectBuffersForEncryption());
        setDirectBuffersForDecryption(stock.isDirectBuffersForDecryption());
        setEnsureSecureRequestCustomizer(stock.isEnsureSecureRequestCustomizer());
        copyListeners(stock, this);
    }

    /** Gives one component the listeners of another, those aside that every component of a server inherits. */
    static void copyListeners(Container from, Container to) {
        for (EventListener listener : from.getEventListeners()) {
            if (!(listener instanceof Container.InheritedListener)) {
                to.addEventListener(listener);
            }
        }
    }

    /** The certificates this factory serves by itself. */
    KeyStoreCertificates ownCertificates() {
        return ownCertificates;
    }

    /** Whose TLS engines shake hands. */
    TlsProvider tlsProvider() {
        return onDemand.tlsProvider();
    }

    /** Looks after a visit that waits. */
    void remember(Visit visit) {
        parked.add(visit);
    }

    /** Ends that. */
    void forget(Visit visit) {
        parked.remove(visit);
    }

    /** How many visits wait on connections of this factory, and are told when its connector stops. */
    int waiting() {
        return parked.size();
    }

    /** Whether as many visits wait as leave room for others among the connections that one limit allows, on all its connectors. */
    boolean isFullOfParked(Connector connector) {
        return ConnectionBound.of(connector).stream()
                .anyMatch(limit -> waiting(connector.getServer(), limit) >= limit.mostParked());
    }

    private static int waiting(Server server, ConnectionBound limit) {
        Set<OnDemandSslConnectionFactory> sharing = new HashSet<>();
        for (Connector connector : server.getConnectors()) {
            if (ConnectionBound.of(connector).contains(limit)) {
                sharing.addAll(of(connector));
            }
        }
        return sharing.stream().mapToInt(OnDemandSslConnectionFactory::waiting).sum();
    }

    /** Those of a connector, behind a detector of protocols too. */
    static Collection<OnDemandSslConnectionFactory> of(Connector connector) {
        return connector.getContainedBeans(OnDemandSslConnectionFactory.class);
    }

    private static Optional<ConnectionBound> tightest(Connector connector) {
        return ConnectionBound.of(connector).stream().min(Comparator.comparingInt(ConnectionBound::connections));
    }

    /**
     * How many visits may wait on a connector where nobody waits on another: a half of the connections that a
     * {@link ConnectionBound} of it, or of its server, allows.
     *
     * @return 0 where connections are not bounded
     */
    static int mostParked(Connector connector) {
        return tightest(connector).map(ConnectionBound::mostParked).orElse(0);
    }

    /**
     * How many visits may wait on all on-demand connectors of a server; what a limit allows that they share counts once.
     *
     * @return 0 where that is not bounded on one of them
     */
    static int mostParked(Server server) {
        Set<ConnectionBound> all = new HashSet<>();
        for (Connector connector : server.getConnectors()) {
            if (!of(connector).isEmpty()) {
                Optional<ConnectionBound> limit = tightest(connector);
                if (limit.isEmpty()) {
                    return 0;
                }
                all.add(limit.get());
            }
        }
        return all.stream().mapToInt(ConnectionBound::mostParked).sum();
    }

    /** Ends the wait of all that are parked here, while there are threads to tell them. */
    void refuseParked() {
        Visit.refuse(parked, FAREWELLS);
    }

    /** Starts with its connector, after web applications; what the engine prepares meanwhile is waited for. */
    @Override
    protected void doStart() throws Exception {
        super.doStart();
        OnDemandTls engine = onDemand.engine();
        if (engine != null) {
            engine.awaitPreparation();
        }
    }

    @Override
    public Connection newConnection(Connector connector, EndPoint endPoint) {
        OnDemandTls engine = onDemand.engine();
        if (engine == null) {
            return super.newConnection(connector, endPoint);
        }
        return configure(
                new ClientHelloConnection(
                        connector,
                        endPoint,
                        this,
                        engine.gate(),
                        engine.timers(),
                        engine.config().handshake().helloTimeout()),
                connector,
                endPoint);
    }

    /**
     * Makes the stock connection that follows a {@link ClientHelloConnection}, and all above it.
     *
     * @param connector the connector that accepted it
     * @param endPoint an end point whose connection is a {@link ClientHelloConnection} the gate has decided for
     * @param scope what its sessions belong to
     * @return a connection to upgrade to
     */
    Connection newHandshake(Connector connector, EndPoint endPoint, SessionScope scope) {
        return scope.during(() -> super.newConnection(connector, endPoint));
    }

    @Override
    protected SslConnection newSslConnection(Connector connector, EndPoint endPoint, SSLEngine engine) {
        if (!(endPoint.getConnection() instanceof ClientHelloConnection admitted)) {
            return super.newSslConnection(connector, endPoint, engine);
        }
        Admission.Serve serve = admitted.serve();
        if (serve != null) {
            // Before the first unwrap, or the JDK would resume a session of another name.
            ServedMatcher.bind(engine, serve);
        }
        GatedSslConnection gated =
                new GatedSslConnection(connector, this, endPoint, engine, serve, admitted.serverName());
        if (admitted.serverName() == null) {
            // Among the server's own names the server decides, as it would without us.
            gated.addHandshakeListener(new NamelessSessionCheck(name -> serve == null && ownCertificates.covers(name)));
        }
        if (serve != null) {
            // After the check, which may still end it.
            gated.addHandshakeListener(new CompletionListener(admitted.gate(), serve));
        }
        return gated;
    }
}
