package org.ondemandtls.tomcat;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.collections.SynchronizedStack;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SocketBufferHandler;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.StartException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.Alert;
import org.ondemandtls.handshake.ChallengeTls;
import org.ondemandtls.handshake.HelloReading;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.handshake.TicketSecrets;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.handshake.Visit;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.HttpHosts;

/**
 * Tomcat's NIO endpoint whose TLS connections pass the gate first.
 *
 * <p>One class for Tomcat 10.1 and 11: it names no method that only one of them has, and neither does what it is
 * compiled to.
 */
final class OnDemandEndpoint extends NioEndpoint implements StaticCertificates {

    /** What a client is told while there is no engine. */
    static final Admission.Refuse CLOSED = new Admission.Refuse(Alert.INTERNAL_ERROR);

    private static final StringManager sm = StringManager.getManager(OnDemandEndpoint.class);
    private static final Log log = LogFactory.getLog(OnDemandEndpoint.class);

    /** How often parked connections are looked at, to give back the places of clients that have left. */
    private static final Duration WATCH = Duration.ofMillis(500);

    /** How long a stop waits for parked clients to get their alert. */
    private static final ThreadLocal<@Nullable String> READ = new ThreadLocal<>();

    private static final Duration FAREWELLS = Duration.ofSeconds(5);

    // Enough to hand over the one channel that is being accepted, on a server too small to keep any.
    private static final int SMALLEST_POOL = 16;

    private final Map<Visit, GatedChannel> parked = new ConcurrentHashMap<>();
    private final HandshakeContexts contexts = new HandshakeContexts(new EngineKeyManager(this::engine), this::tickets);

    private volatile @Nullable SharedEngine shared;
    private volatile TlsProvider tls = TlsProvider.JDK;
    private @Nullable Future<?> watch;

    /** An endpoint without an engine yet; TLS by the JDK, until it is told otherwise. */
    OnDemandEndpoint() {
        setSSLEnabled(true);
        setSslImplementationName(JSSEImplementation.class.getName());
    }

    /**
     * Refuses what the connector was told and this endpoint cannot do.
     *
     * @throws StartException in one line that names the attribute
     */
    void check() throws StartException {
        String implementation = getSslImplementationName();
        if (!HandshakeContexts.isImplementation(implementation)) {
            throw new StartException(sm.getString("onDemandEndpoint.implementation", implementation));
        }
        if (!isSSLEnabled()) {
            throw new StartException(sm.getString("onDemandEndpoint.sslDisabled"));
        }
        if (getSocketProperties().getBufferPool() == 0) {
            throw new StartException(sm.getString("onDemandEndpoint.noPool", "socket.bufferPool"));
        }
        if (getSocketProperties().getBufferPoolSize() == 0) {
            throw new StartException(sm.getString("onDemandEndpoint.noPool", "socket.bufferPoolSize"));
        }
        if (getSocketProperties().getActualBufferPool(getSniParseLimit() * 2) == 0) {
            getSocketProperties().setBufferPool(SMALLEST_POOL);
        }
    }

    /**
     * Says whose TLS engines shake hands; before the endpoint binds its port.
     *
     * @param chosen what the operator said, which can be had
     * @param provider makes what this endpoint makes engines of by itself
     */
    void use(OnDemandTlsConfig.TlsProvider chosen, TlsProvider provider) {
        tls = provider;
        setSslImplementationName(contexts.use(chosen, negotiableProtocols));
    }

    /** Adds the default host configuration where the user gave none. */
    void completeHostConfigs() {
        if (sslHostConfigs.get(getDefaultSSLHostConfigName()) == null) {
            SSLHostConfig config = new SSLHostConfig();
            config.setHostName(getDefaultSSLHostConfigName());
            addSslHostConfig(config);
        }
    }

    /**
     * Connects the endpoint to an engine.
     *
     * @param engine the engine
     */
    void use(SharedEngine engine) {
        shared = engine;
    }

    /** Takes the engine away again. */
    void leave() {
        shared = null;
    }

    /** Begins to look after parked connections; call it when the endpoint has started. */
    void beginWatch() {
        OnDemandTls engine = engine();
        if (engine != null) {
            watch = engine.scheduler()
                    .scheduleWithFixedDelay(
                            this::watchParked, WATCH.toMillis(), WATCH.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Ends what {@link #beginWatch} began. */
    void endWatch() {
        if (watch != null) {
            watch.cancel(false);
            watch = null;
        }
    }

    /** The engine; null while it is not open. */
    @Nullable
    OnDemandTls engine() {
        SharedEngine used = shared;
        return used == null ? null : used.engine();
    }

    private @Nullable TicketSecrets tickets() {
        OnDemandTls engine = engine();
        return engine == null ? null : engine.ticketSecrets();
    }

    /** How long a client may take to send its ClientHello. */
    Duration helloTimeout() {
        OnDemandTls engine = engine();
        return engine == null
                ? Duration.ofMillis(getConnectionTimeout())
                : engine.config().handshake().helloTimeout();
    }

    /**
     * Asks the gate.
     *
     * @param hello what the client said
     * @param client where it comes from
     * @return how to go on
     */
    Admission admit(ClientHello hello, SocketAddress client) {
        SharedEngine used = shared;
        return used == null ? CLOSED : used.admit(this, hello, client);
    }

    /**
     * Answers octets that are no ClientHello.
     *
     * @param invalid what was wrong
     * @return the refusal
     */
    Admission.Refuse refuseUnreadable(ClientHelloParser.Progress.Invalid invalid) {
        OnDemandTls engine = engine();
        return engine == null ? CLOSED : engine.gate().refuseUnreadable(invalid);
    }

    /** Begins to read a ClientHello. */
    HelloReading reading() {
        OnDemandTls engine = engine();
        return new HelloReading(engine == null ? null : engine.gate());
    }

    /** Answers a ClientHello that is not whole where too much of such is held. */
    Admission.Refuse refuseUnfinished() {
        OnDemandTls engine = engine();
        return engine == null ? CLOSED : engine.gate().refuseUnfinished();
    }

    /** Answers a ClientHello that is not whole in time. */
    Admission.Refuse refuseSlow() {
        OnDemandTls engine = engine();
        return engine == null ? CLOSED : engine.gate().refuseSlow("no complete ClientHello in time");
    }

    /**
     * Takes note of a request that got 421.
     *
     * @param served the server name its connection was served under, null for none
     * @param host the request's, as sent
     * @param peer the client's address
     */
    void misdirected(@Nullable String served, @Nullable String host, String peer) {
        OnDemandTls engine = engine();
        if (engine != null) {
            engine.gate().misdirected(served, host, peer);
        }
    }

    /**
     * Which {@code <SSLHostConfig>} sets the terms for a host.
     *
     * @param host as sent, null for none
     * @return its name
     */
    String hostConfigName(@Nullable String host) {
        return getSSLHostConfig(host).getHostName();
    }

    /** Whether as many handshakes wait here as leave room for others among the connections that are taken. */
    boolean isFullOfParked() {
        int most = mostParked();
        return most > 0 && parked.size() >= most;
    }

    /** How many handshakes may wait here: a half of the connections that are taken; 0 where those are not bounded. */
    int mostParked() {
        return getMaxConnections() <= 0 ? 0 : Math.max(1, getMaxConnections() / 2);
    }

    /** The names of the certificate that an engine has shown to a client that sent this server name, null for none. */
    Set<String> namesShown(@Nullable SSLEngine engine, @Nullable String host) {
        return contexts.namesShown(engine, getSSLHostConfig(host));
    }

    /** How many {@code <SSLHostConfig>} elements are known. */
    int knownHostConfigs() {
        return contexts.size();
    }

    /** Ends the wait of all that are parked, while there are workers to tell them. */
    void refuseParked() {
        Visit.refuse(parked.keySet(), FAREWELLS);
    }

    /** Makes a TLS engine that shows a challenge certificate. */
    SSLEngine challengeEngine(Admission.Prove prove) {
        return ChallengeTls.engine(prove, tls);
    }

    /** Says that a challenge certificate has been seen. */
    void proved(Admission.Prove prove, @Nullable SocketChannel to) {
        OnDemandTls engine = engine();
        if (engine != null) {
            engine.gate().proved(prove, to == null ? null : to.socket().getRemoteSocketAddress());
        }
    }

    /** Says that a handshake is complete. */
    void completed(Admission.Serve serve) {
        OnDemandTls engine = engine();
        if (engine != null) {
            engine.gate().completed(serve);
        }
    }

    /**
     * Makes a TLS engine for a certificate of ours.
     *
     * @param host the server name the client sent, null for none
     * @return it, under the trust, ciphers and protocols of the host configuration that applies
     * @throws IOException if there is none
     */
    SSLEngine onDemandEngine(@Nullable String host) throws IOException {
        SSLContext context = contexts.onDemand(getSSLHostConfig(host));
        if (context == null) {
            throw new IOException("no TLS context for certificates obtained on demand");
        }
        return context.createSSLEngine();
    }

    /**
     * Begins with a connection.
     *
     * @param wrapper what Tomcat knows it by
     * @return how far it has come: its octets are still to be read
     */
    Visit visit(NioSocketWrapper wrapper) {
        return new Visit(new Visit.Host() {
            @Override
            public @Nullable Runnable later(Runnable task, Duration delay) {
                OnDemandTls engine = engine();
                return engine == null ? null : engine.timers().set(task, delay);
            }

            // As if the connection were readable.
            @Override
            public void look() {
                if (!isLookedAt(wrapper)) {
                    wrapper.close();
                }
            }

            @Override
            public void forget(Visit visit) {
                parked.remove(visit);
            }
        });
    }

    /** Looks after a visit from now on. */
    void remember(Visit visit, GatedChannel channel) {
        parked.put(visit, channel);
    }

    /** Whether the user gave this connector a certificate for a host, which is in lower case. */
    @Override
    public boolean covers(String host) {
        SSLHostConfig chosen = chosen(HttpHosts.canonical(host));
        return chosen != null && contexts.isConfigured(chosen);
    }

    /** Whether a client that names no server is answered: by a certificate of the default host configuration. */
    @Override
    public boolean any() {
        SSLHostConfig byDefault = sslHostConfigs.get(getDefaultSSLHostConfigName());
        return byDefault != null && contexts.isConfigured(byDefault);
    }

    /** Keeps Tomcat's idle timeout from closing a connection before it has had its alert. */
    @Override
    public boolean processSocket(SocketWrapperBase<NioChannel> wrapper, SocketEvent event, boolean dispatch) {
        if (event == SocketEvent.ERROR
                && wrapper != null
                && wrapper.getSocket() instanceof GatedChannel channel
                && channel.isUsedBy(wrapper)) {
            Visit visit = channel.visit();
            if (visit.move(Visit.State.READING, Visit.State.EXPIRED)) {
                return super.processSocket(wrapper, SocketEvent.OPEN_READ, dispatch);
            }
            if (visit.state() == Visit.State.EXPIRED) {
                return true;
            }
        }
        return super.processSocket(wrapper, event, dispatch);
    }

    // Tomcat 10.1 makes its channels itself unless it finds one here. Only the acceptor, which calls this, takes
    // channels out, so the one that is put in is the one it gets, or one of ours that was used before.
    @Override
    protected boolean setSocketOptions(SocketChannel socket) {
        SynchronizedStack<NioChannel> pool = getNioChannels();
        if (pool != null) {
            NioChannel channel = pool.pop();
            if (channel == null) {
                channel = newChannel();
            }
            if (!pool.push(channel)) {
                channel.free();
            }
        }
        return super.setSocketOptions(socket);
    }

    /**
     * Makes the channel of a connection; overrides a method of the same shape in Tomcat 11.
     *
     * @param buffers what Tomcat has made for the decrypted side; ours come later
     */
    public NioChannel createChannel(SocketBufferHandler buffers) {
        buffers.free();
        return newChannel();
    }

    private NioChannel newChannel() {
        LatentBuffers buffers = new LatentBuffers(
                socketProperties.getAppReadBufSize(),
                socketProperties.getAppWriteBufSize(),
                socketProperties.getDirectBuffer());
        return new GatedChannel(buffers, this);
    }

    @Override
    public void addSslHostConfig(SSLHostConfig config, boolean replace) {
        super.addSslHostConfig(config, replace);
        contexts.retain(sslHostConfigs.values());
    }

    @Override
    public SSLHostConfig removeSslHostConfig(String hostName) {
        SSLHostConfig removed = super.removeSslHostConfig(hostName);
        contexts.retain(sslHostConfigs.values());
        return removed;
    }

    @Override
    protected void createSSLContext(SSLHostConfig config) {
        contexts.prepare(config);
        super.createSSLContext(config);
        contexts.learn(config);
    }

    @Override
    protected void logCertificate(SSLHostConfigCertificate certificate) {
        if (!contexts.isPlaceholder(certificate)) {
            super.logCertificate(certificate);
            return;
        }
        getLogCertificate()
                .info(sm.getString(
                        "onDemandEndpoint.onDemand",
                        getName(),
                        certificate.getSSLHostConfig().getHostName()));
    }

    /** As Tomcat chooses, and before it falls back to the default, by the names in the certificates. */
    @Override
    protected SSLHostConfig getSSLHostConfig(@Nullable String sniHostName) {
        String read = READ.get();
        String host = read == null ? sniHostName : read;
        SSLHostConfig chosen = host == null ? null : chosen(HttpHosts.canonical(host));
        return chosen != null ? chosen : super.getSSLHostConfig(host);
    }

    /**
     * Tells the server name of the ClientHello this thread is about to give to Tomcat, which finds none in one of several
     * records.
     *
     * @param host the name, null for none; also where that is over
     */
    static void hasRead(@Nullable String host) {
        if (host == null) {
            READ.remove();
        } else {
            READ.set(host);
        }
    }

    private @Nullable SSLHostConfig chosen(String host) {
        SSLHostConfig byName = sslHostConfigs.get(host);
        int dot = host.indexOf('.');
        if (byName == null && dot > 0) {
            byName = sslHostConfigs.get("*" + host.substring(dot));
        }
        if (byName != null) {
            return byName;
        }
        SSLHostConfig byDefault = sslHostConfigs.get(getDefaultSSLHostConfigName());
        if (byDefault != null && contexts.names(byDefault, host)) {
            return byDefault;
        }
        for (SSLHostConfig config : sslHostConfigs.values()) {
            if (contexts.names(config, host)) {
                return config;
            }
        }
        return null;
    }

    // Where a worker cannot be started, nobody else would ever end the connection.
    private boolean isLookedAt(NioSocketWrapper wrapper) {
        try {
            return super.processSocket(wrapper, SocketEvent.OPEN_READ, true);
        } catch (RuntimeException | Error notRun) {
            return false;
        }
    }

    // Where it throws, nobody is watched any more.
    private void watchParked() {
        parked.forEach((visit, channel) -> {
            try {
                channel.watch(visit);
            } catch (RuntimeException | Error e) {
                log.error(sm.getString("onDemandEndpoint.watchFailed"), e);
            }
        });
    }
}
