package org.ondemandtls.jetty;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.NetworkConnector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.annotation.ManagedAttribute;
import org.eclipse.jetty.util.annotation.ManagedObject;
import org.eclipse.jetty.util.component.ContainerLifeCycle;
import org.eclipse.jetty.util.component.Dumpable;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.ssl.SniX509ExtendedKeyManager;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.StartException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.name.ServerName;

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

    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private final Slf4jEventListener log = new Slf4jEventListener();
    private final AcmeChallengeHandler challengeHandler = new AcmeChallengeHandler(this);
    private final HostCheck hostCheck = new HostCheck();
    private final List<KeyStoreCertificates> keyStores = new CopyOnWriteArrayList<>();
    private final List<Runnable> undo = new ArrayList<>();
    private final Server server;
    private final OnDemandTlsConfig config;

    private volatile @Nullable OnDemandTls engine;
    private volatile boolean engineClosed;

    private JettyOnDemandTls(Server server, OnDemandTlsConfig config) {
        this.server = server;
        this.config = config;
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
        JettyFloor.require(Server.getVersion());
        if (server.isRunning()) {
            throw new IllegalStateException("add On-Demand TLS before the server starts");
        }
        if (server.getBean(JettyOnDemandTls.class) != null) {
            throw new IllegalStateException("the server has On-Demand TLS already");
        }
        JettyOnDemandTls added = new JettyOnDemandTls(server, config);
        server.addBean(added, true);
        server.addEventListener(added.new ServerLife());
        return added;
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
    @ManagedAttribute(value = "Whether a connector without TLS is there, which HTTP-01 needs", readonly = true)
    public boolean hasPlainConnector() {
        for (Connector connector : server.getConnectors()) {
            if (isHttp(connector) && connector.getConnectionFactory(SslConnectionFactory.class) == null) {
                return true;
            }
        }
        return false;
    }

    /** Where certificates are kept. */
    @ManagedAttribute(value = "Where certificates are kept", readonly = true)
    public String getStore() {
        return config.store().toString();
    }

    /** Who signs. */
    @ManagedAttribute(value = "Who signs", readonly = true)
    public String getIssuer() {
        return config.issuer() == OnDemandTlsConfig.Issuer.INTERNAL
                ? "internal"
                : config.acme().directory().toString();
    }

    @Override
    public void dump(Appendable out, String indent) throws IOException {
        Dumpable.dumpObjects(out, indent, this, "issuer=" + getIssuer(), "store=" + getStore());
    }

    @Override
    protected void doStart() throws Exception {
        engine = OnDemandTls.open(config, new JettyHost());
        engineClosed = false;
        super.doStart();
    }

    @Override
    protected void doStop() throws Exception {
        closeEngine();
        engine = null;
        super.doStop();
    }

    private void install() {
        Map<SslContextFactory.Server, KeyStoreCertificates> found = new LinkedHashMap<>();
        for (Connector connector : server.getConnectors()) {
            if (connector instanceof AbstractConnector standard) {
                putGateInFront(standard);
            }
            for (ConnectionFactory factory : connector.getConnectionFactories()) {
                if (factory instanceof OnDemandSslConnectionFactory ours) {
                    found.computeIfAbsent(ours.getSslContextFactory(), KeyStoreCertificates::new);
                    putHostCheckFirst(connector);
                }
            }
        }
        if (found.isEmpty()) {
            throw new IllegalStateException("On-Demand TLS has no TLS connector to work on: add the module https");
        }
        keyStores.clear();
        keyStores.addAll(found.values());
        found.forEach(this::installKeyManagers);
        if (!server.getDescendants(AcmeChallengeHandler.class).contains(challengeHandler)) {
            server.insertHandler(challengeHandler);
        }
    }

    private void putGateInFront(AbstractConnector connector) {
        // A factory of several protocols is listed once for each.
        Set<ConnectionFactory> factories = new LinkedHashSet<>();
        boolean replaced = false;
        for (ConnectionFactory factory : connector.getConnectionFactories()) {
            boolean stock = factory.getClass() == SslConnectionFactory.class;
            replaced |= stock;
            factories.add(stock ? new OnDemandSslConnectionFactory(this, (SslConnectionFactory) factory) : factory);
        }
        if (replaced) {
            String defaultProtocol = connector.getDefaultProtocol();
            connector.setConnectionFactories(factories);
            connector.setDefaultProtocol(defaultProtocol);
        }
    }

    private void putHostCheckFirst(Connector connector) {
        if (!config.handshake().hostCheck()) {
            return;
        }
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
        String algorithm = factory.getKeyManagerFactoryAlgorithm();
        String alias = factory.getCertAlias();
        SniX509ExtendedKeyManager.SniSelector selector = factory.getSNISelector();
        KeyManagerProvider provider = KeyManagerProvider.register(
                this::engine, new KeyManagerProvider.Stock(algorithm, factory.getProvider(), alias));
        undo.add(() -> {
            provider.remove();
            factory.setKeyManagerFactoryAlgorithm(algorithm);
            factory.setCertAlias(alias);
            factory.setSNISelector(selector);
        });
        factory.setKeyManagerFactoryAlgorithm(provider.algorithm());
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

    // A public CA looks at ports 80 and 443 only; behind a forwarded port that is as it should be, so this is advice.
    private void advise() {
        if (config.issuer() != OnDemandTlsConfig.Issuer.ACME || !config.acme().publicAlias()) {
            return;
        }
        Set<String> elsewhere = new LinkedHashSet<>();
        for (Connector connector : server.getConnectors()) {
            if (isHttp(connector) && connector instanceof NetworkConnector network) {
                boolean tls = connector.getConnectionFactory(SslConnectionFactory.class) != null;
                if (network.getLocalPort() != (tls ? HTTPS_PORT : HTTP_PORT)) {
                    elsewhere.add((tls ? "https " : "http ") + network.getLocalPort());
                }
            }
        }
        if (!elsewhere.isEmpty()) {
            log.on(new Event(
                    EventKind.ADVICE,
                    null,
                    "a public CA looks at ports 80 and 443 only; this server listens on "
                            + String.join(", ", elsewhere)
                            + ": forward those ports to it, or set jetty.http.port and jetty.ssl.port"));
        }
    }

    private static boolean isHttp(Connector connector) {
        return connector.getConnectionFactory(HttpConfiguration.ConnectionFactory.class) != null;
    }

    private static final class AnyOf implements StaticCertificates {

        private final List<KeyStoreCertificates> keyStores;

        AnyOf(List<KeyStoreCertificates> keyStores) {
            this.keyStores = keyStores;
        }

        @Override
        public boolean covers(ServerName name) {
            for (KeyStoreCertificates keyStore : keyStores) {
                if (keyStore.covers(name)) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean any() {
            for (KeyStoreCertificates keyStore : keyStores) {
                if (keyStore.any()) {
                    return true;
                }
            }
            return false;
        }
    }

    private final class JettyHost implements OnDemandTls.Host {

        @Override
        public StaticCertificates staticCertificates() {
            return new AnyOf(keyStores);
        }

        @Override
        public boolean answersPlainHttp() {
            return hasPlainConnector();
        }

        @Override
        public EventListener eventListener() {
            return log;
        }
    }

    private final class ServerLife implements LifeCycle.Listener {

        @Override
        public void lifeCycleStarting(LifeCycle starting) {
            install();
        }

        @Override
        public void lifeCycleStarted(LifeCycle started) {
            OnDemandTls open = engine;
            if (open != null) {
                open.serve();
                advise();
            }
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
