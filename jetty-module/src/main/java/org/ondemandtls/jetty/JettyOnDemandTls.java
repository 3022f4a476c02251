package org.ondemandtls.jetty;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.eclipse.jetty.util.annotation.ManagedAttribute;
import org.eclipse.jetty.util.annotation.ManagedObject;
import org.eclipse.jetty.util.component.Container;
import org.eclipse.jetty.util.component.ContainerLifeCycle;
import org.eclipse.jetty.util.component.Dumpable;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.ssl.SniX509ExtendedKeyManager;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.StartException;
import org.ondemandtls.TlsSetup;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.handshake.TlsProvider;

/**
 * On-demand TLS as a component of a Jetty server.
 *
 * <p>{@link #addTo} before the server starts is all there is to do: when it starts, the gate is put in front of every
 * TLS connector's handshakes, the HTTP-01 handler in front of every other handler, and the host check in front of every
 * other customizer of those connectors. Certificates the server has of its own stay in force.
 *
 * <p><b>Life.</b> The engine is opened before connectors start, works from the moment they accept connections, and is
 * closed when the server begins to stop, before its connectors do. A server may be started and stopped again and again.
 */
@ManagedObject("Obtains certificates during the first TLS handshake for a permitted server name")
public final class JettyOnDemandTls extends ContainerLifeCycle {

    private final AcmeChallengeHandler challengeHandler = new AcmeChallengeHandler(this);
    private final HostCheck hostCheck;
    private final Map<SslContextFactory.Server, KeyStoreCertificates> keyStores = new ConcurrentHashMap<>();
    private final List<Runnable> undo = new ArrayList<>();
    private final AtomicBoolean serving = new AtomicBoolean();
    private final ConnectorLife connectorLife = new ConnectorLife();
    private final Server server;
    private final OnDemandTlsSetup setup;
    private final OnDemandTlsConfig config;
    private final EventListener log;

    private volatile @Nullable OnDemandTls engine;
    private volatile boolean engineClosed;
    private volatile boolean installed;
    private volatile boolean connectorsComeLater;

    private JettyOnDemandTls(Server server, OnDemandTlsSetup setup, EventListener log) {
        this.server = server;
        this.setup = setup;
        this.config = setup.config();
        this.hostCheck = new HostCheck(this, config.handshake().hostCheck() != OnDemandTlsConfig.HostCheck.FALSE);
        this.log = log;
    }

    /**
     * Makes a server obtain certificates on demand on all of its TLS connectors.
     *
     * @param server the server; not started. Connectors may still be added to it until it starts
     * @param config what the operator said
     * @return the component, which is a bean of the server from now on
     * @throws StartException if this Jetty is too old
     * @throws IllegalStateException if the server runs, or has such a component already
     */
    public static JettyOnDemandTls addTo(Server server, OnDemandTlsConfig config) throws StartException {
        return addTo(server, OnDemandTlsSetup.of(config));
    }

    /**
     * Makes a server obtain certificates on demand on all of its TLS connectors.
     *
     * @param server the server; not started. Connectors may still be added to it until it starts
     * @param setup what the operator said, and what only Java can say
     * @return the component, which is a bean of the server from now on
     * @throws StartException if this Jetty is too old
     * @throws IllegalStateException if the server runs, or has such a component already
     */
    public static JettyOnDemandTls addTo(Server server, OnDemandTlsSetup setup) throws StartException {
        return addTo(server, setup, new Slf4jEventListener());
    }

    /** The same with another log than the server's. */
    static JettyOnDemandTls addTo(Server server, OnDemandTlsSetup setup, EventListener log) throws StartException {
        JettyFloor.require(Server.getVersion());
        if (server.isRunning()) {
            throw new IllegalStateException("add On-Demand TLS before the server starts");
        }
        if (server.getBean(JettyOnDemandTls.class) != null) {
            throw new IllegalStateException("the server has On-Demand TLS already");
        }
        JettyOnDemandTls added = new JettyOnDemandTls(server, setup, log);
        server.addBean(added, true);
        server.addEventListener(added.new ServerLife());
        return added;
    }

    /**
     * Lets the server start without a TLS connector, for hosts that add theirs to a running server, as Spring Boot does:
     * certificates are obtained from the moment the first one accepts connections.
     *
     * <p>Connectors may always be added to a running server, before they are started themselves.
     *
     * @return this
     */
    public JettyOnDemandTls withConnectorsLater() {
        connectorsComeLater = true;
        return this;
    }

    /** The engine; null before the server starts and after it has stopped. */
    public @Nullable OnDemandTls engine() {
        return engine;
    }

    /** What the operator said. */
    public OnDemandTlsConfig config() {
        return config;
    }

    /** Whether a connector without TLS is there, which HTTP-01 needs. */
    @ManagedAttribute(
            value = "Whether a connector without TLS is there, which HTTP-01 needs",
            name = "plainConnector",
            readonly = true)
    public boolean hasPlainConnector() {
        for (Connector connector : server.getConnectors()) {
            // A detector may find plain HTTP on a connector that speaks TLS as well.
            if (StartAdvice.speaksHttp(connector)
                    && connector.getConnectionFactory(SslConnectionFactory.class) == null) {
                return true;
            }
        }
        return false;
    }

    /** Where certificates are kept. */
    @ManagedAttribute(value = "Where certificates are kept", readonly = true)
    public String getStore() {
        return config.store().location();
    }

    /** Who signs. */
    @ManagedAttribute(value = "Who signs", readonly = true)
    public String getIssuer() {
        return config.issuer() == OnDemandTlsConfig.Issuer.INTERNAL
                ? "internal"
                : config.acme().directories().stream()
                        .map(directory -> directory.url().toString())
                        .collect(Collectors.joining(", "));
    }

    @Override
    public void dump(Appendable out, String indent) throws IOException {
        Dumpable.dumpObjects(out, indent, this, "issuer=" + getIssuer(), "store=" + getStore());
    }

    /** Whose TLS engines shake hands. */
    TlsProvider tlsProvider() {
        try {
            return TlsSetup.provider(config);
        } catch (StartException e) {
            // The start of this component, which follows, ends with it.
            return TlsProvider.JDK;
        }
    }

    @Override
    protected void doStart() throws Exception {
        try {
            engine = OnDemandTls.open(setup, new JettyHost());
        } catch (StartException e) {
            StartFailure.report(e.getMessage());
            throw e;
        }
        engineClosed = false;
        serving.set(false);
        super.doStart();
    }

    @Override
    protected void doStop() throws Exception {
        closeEngine();
        engine = null;
        super.doStop();
    }

    private void install() {
        keyStores.clear();
        for (Connector connector : server.getConnectors()) {
            install(connector);
        }
        if (keyStores.isEmpty() && !connectorsComeLater) {
            throw new IllegalStateException("On-Demand TLS has no TLS connector to work on: add the module https");
        }
        installed = true;
        if (!server.getDescendants(AcmeChallengeHandler.class).contains(challengeHandler)) {
            server.insertHandler(challengeHandler);
        }
    }

    private void install(Connector connector) {
        if (connector instanceof AbstractConnector standard) {
            putGateInFront(standard);
        }
        if (!OnDemandSslConnectionFactory.of(connector).isEmpty()) {
            EngineParts.require(tlsProvider(), connector);
        }
        for (OnDemandSslConnectionFactory ours : connector.getContainedBeans(OnDemandSslConnectionFactory.class)) {
            if (keyStores.putIfAbsent(ours.getSslContextFactory(), ours.ownCertificates()) == null) {
                installKeyManagers(ours.getSslContextFactory(), ours.ownCertificates());
            }
            putHostCheckFirst(connector);
            if (!connector.getEventListeners().contains(connectorLife)) {
                connector.addEventListener(connectorLife);
            }
        }
    }

    // Whether it can be seen to or not: nothing happens in silence.
    private void added(Connector connector) {
        if (!connector.isRunning()) {
            install(connector);
        } else if (StartAdvice.speaksTls(connector)) {
            log.on(new Event(
                    EventKind.ADVICE,
                    null,
                    "no certificates on demand from " + connector.getProtocols()
                            + ": the connector ran before it was added to the server; add it first, then start it"));
        }
    }

    private void serve(Collection<Connector> connectors) {
        OnDemandTls open = engine;
        if (open != null && !keyStores.isEmpty() && serving.compareAndSet(false, true)) {
            open.serve();
        }
        if (open != null) {
            StartAdvice.tell(config, connectors, log);
        }
    }

    private void putGateInFront(AbstractConnector connector) {
        // A factory of several protocols is listed once for each.
        Set<ConnectionFactory> stock = new LinkedHashSet<>(connector.getConnectionFactories());
        Set<ConnectionFactory> gated = new LinkedHashSet<>();
        stock.forEach(factory -> gated.add(gated(factory)));
        if (!gated.equals(stock)) {
            String defaultProtocol = connector.getDefaultProtocol();
            connector.setConnectionFactories(gated);
            connector.setDefaultProtocol(defaultProtocol);
        }
    }

    private ConnectionFactory gated(ConnectionFactory factory) {
        if (factory.getClass() == SslConnectionFactory.class) {
            return new OnDemandSslConnectionFactory(this, (SslConnectionFactory) factory);
        }
        return factory.getClass() == DetectorConnectionFactory.class
                ? gatedInside((DetectorConnectionFactory) factory)
                : factory;
    }

    // What a detector chooses between cannot be changed, so it is made again.
    private DetectorConnectionFactory gatedInside(DetectorConnectionFactory stock) {
        List<ConnectionFactory> before = List.copyOf(stock.getBeans(ConnectionFactory.Detecting.class));
        List<ConnectionFactory> after = before.stream().map(this::gated).toList();
        if (after.equals(before)) {
            return stock;
        }
        DetectorConnectionFactory detector = new DetectorConnectionFactory(after.stream()
                .map(ConnectionFactory.Detecting.class::cast)
                .toArray(ConnectionFactory.Detecting[]::new));
        detector.setInputBufferSize(stock.getInputBufferSize());
        OnDemandSslConnectionFactory.copyListeners(stock, detector);
        return detector;
    }

    private void putHostCheckFirst(Connector connector) {
        for (HttpConfiguration http : connector.getContainedBeans(HttpConfiguration.class)) {
            List<HttpConfiguration.Customizer> customizers = http.getCustomizers();
            if (!customizers.contains(hostCheck)) {
                customizers.add(0, hostCheck);
            }
        }
    }

    private void installKeyManagers(SslContextFactory.Server factory, KeyStoreCertificates certificates) {
        if (!factory.isRunning() && factory.getSslContext() != null) {
            throw new IllegalStateException("On-Demand TLS cannot give key managers to " + factory
                    + ": it was given a finished SSLContext (setSslContext)");
        }
        TlsProvider tls = tlsProvider();
        EngineParts.require(tls, factory);
        String algorithm = factory.getKeyManagerFactoryAlgorithm();
        String alias = factory.getCertAlias();
        SniX509ExtendedKeyManager.SniSelector selector = factory.getSNISelector();
        KeyManagerProvider provider = KeyManagerProvider.register(
                this::engine, new KeyManagerProvider.Stock(algorithm, factory.getProvider(), alias), tls);
        String protocol = factory.getProtocol();
        undo.add(() -> {
            provider.remove();
            factory.setProtocol(protocol);
            factory.setKeyManagerFactoryAlgorithm(algorithm);
            factory.setCertAlias(alias);
            factory.setSNISelector(selector);
        });
        factory.setKeyManagerFactoryAlgorithm(provider.algorithm());
        if (!tls.isJdk()) {
            factory.setProtocol(provider.algorithm());
        }
        // Jetty would force the alias upon every handshake; the stock key managers behind ours keep to it.
        factory.setCertAlias(null);
        factory.setSNISelector(new StaticFirstSelector(certificates, selector == null ? factory : selector));
        if (factory.getKeyStoreResource() == null && factory.getKeyStore() == null) {
            // Without a key store Jetty would not ask for key managers.
            factory.setKeyStore(emptyKeyStore());
        }
        if (factory.isRunning()) {
            reload(factory);
        }
    }

    private static KeyStore emptyKeyStore() {
        try {
            KeyStore empty = KeyStore.getInstance(KeyStore.getDefaultType());
            empty.load(null, null);
            return empty;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("this JDK makes no empty key store", e);
        }
    }

    private static void reload(SslContextFactory.Server factory) {
        try {
            factory.reload(unchanged -> {});
        } catch (Exception e) {
            throw new IllegalStateException("the running sslContextFactory cannot be loaded again", e);
        }
    }

    private void uninstall() {
        installed = false;
        undo.forEach(Runnable::run);
        undo.clear();
    }

    private void closeEngine() {
        OnDemandTls open = engine;
        if (open != null && !engineClosed) {
            engineClosed = true;
            open.close();
        }
    }

    private final class OwnCertificates implements StaticCertificates {

        @Override
        public boolean covers(String host) {
            return keyStores.values().stream().anyMatch(keyStore -> keyStore.covers(host));
        }

        @Override
        public boolean any() {
            return keyStores.values().stream().anyMatch(KeyStoreCertificates::any);
        }
    }

    private final class JettyHost implements OnDemandTls.Host {

        @Override
        public StaticCertificates staticCertificates() {
            return new OwnCertificates();
        }

        @Override
        public boolean answersPlainHttp() {
            return hasPlainConnector();
        }

        @Override
        public int mostParked() {
            return OnDemandSslConnectionFactory.mostParked(server);
        }

        @Override
        public EventListener eventListener() {
            return log;
        }

        @Override
        public Optional<Object> published(String attribute) {
            Object last = null;
            for (ContextHandler application : server.getDescendants(ContextHandler.class)) {
                Object value = application.isRunning() && application.isAvailable()
                        ? application.getContext().getAttribute(attribute)
                        : null;
                last = value == null ? last : value;
            }
            return Optional.ofNullable(last);
        }
    }

    /** Of each connector that speaks TLS. */
    private final class ConnectorLife implements LifeCycle.Listener {

        @Override
        public void lifeCycleStarted(LifeCycle started) {
            // Those that start with the server are seen to with it.
            if (server.isStarted() && started instanceof Connector connector) {
                serve(List.of(connector));
            }
        }

        /** Parked clients get their alert while there are threads to send it. */
        @Override
        public void lifeCycleStopping(LifeCycle stopping) {
            if (stopping instanceof Connector connector) {
                connector
                        .getContainedBeans(OnDemandSslConnectionFactory.class)
                        .forEach(OnDemandSslConnectionFactory::refuseParked);
            }
        }
    }

    private final class ServerLife implements LifeCycle.Listener, Container.Listener {

        @Override
        public void beanAdded(Container parent, Object child) {
            if (installed && child instanceof Connector connector) {
                added(connector);
            }
        }

        @Override
        public void beanRemoved(Container parent, Object child) {
            // What was put in front of it stays there: it may come back.
        }

        @Override
        public void lifeCycleStarting(LifeCycle starting) {
            try {
                install();
            } catch (IllegalStateException e) {
                StartFailure.report(e.getMessage());
                throw e;
            }
        }

        @Override
        public void lifeCycleStarted(LifeCycle started) {
            serve(List.of(server.getConnectors()));
        }

        /** Before connectors stop: a graceful stop would wait for handshakes that are parked. */
        @Override
        public void lifeCycleStopping(LifeCycle stopping) {
            closeEngine();
        }

        @Override
        public void lifeCycleStopped(LifeCycle stopped) {
            uninstall();
        }

        /** A server that could not start leaves its beans running; ours has threads and a lock on the store. */
        @Override
        public void lifeCycleFailure(LifeCycle failed, Throwable cause) {
            LifeCycle.stop(JettyOnDemandTls.this);
            uninstall();
        }
    }
}
