package org.ondemandtls.tomcat;

import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.logging.Level;
import org.apache.catalina.util.ServerInfo;
import org.apache.coyote.Processor;
import org.apache.coyote.UpgradeProtocol;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.StartException;
import org.ondemandtls.TlsSetup;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.tomcat.juli.JuliLog;

/**
 * Tomcat's HTTPS connector that obtains certificates during the first handshake:
 *
 * <pre>{@code
 * <Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
 *            onDemandTls.permission.ask="http://localhost:9123/check" />
 * }</pre>
 *
 * <p>It is Tomcat's NIO connector, with TLS by the JDK unless a key chooses otherwise; whatever that one is documented to take is taken here. It needs
 * no certificate; those of its {@code <SSLHostConfig>} elements are served for their names.
 *
 * <p><b>Life.</b> The engine is opened before the port is bound, works from the moment connections are accepted, and is
 * closed when the connector stops. Several such connectors of one server share one engine.
 */
public class OnDemandTlsProtocol extends Http11NioProtocol {

    private static final Log log = LogFactory.getLog(OnDemandTlsProtocol.class);
    private static final StringManager sm = StringManager.getManager(OnDemandTlsProtocol.class);

    private static final String PREFIX = "onDemandTls.";

    private final SortedMap<String, String> attributes = new TreeMap<>();
    private final OnDemandEndpoint onDemandEndpoint;

    private @Nullable OnDemandTlsSetup given;

    // Written at start and stop, read by workers.
    private volatile @Nullable OnDemandTlsConfig config;
    private volatile @Nullable SharedEngine shared;

    /** Made by Tomcat, which then sets the attributes of the {@code <Connector>}. */
    public OnDemandTlsProtocol() {
        this(new OnDemandEndpoint(), null);
    }

    /**
     * Made in Java, for {@code new Connector(protocol)}.
     *
     * @param config what the operator said
     */
    public OnDemandTlsProtocol(OnDemandTlsConfig config) {
        this(OnDemandTlsSetup.of(config));
    }

    /**
     * Made in Java, for {@code new Connector(protocol)}. Several connectors of one server take the same setup.
     *
     * @param setup what the operator said, and what only Java can say
     */
    public OnDemandTlsProtocol(OnDemandTlsSetup setup) {
        this(new OnDemandEndpoint(), setup);
    }

    private OnDemandTlsProtocol(OnDemandEndpoint endpoint, @Nullable OnDemandTlsSetup given) {
        super(endpoint);
        this.onDemandEndpoint = endpoint;
        this.given = given;
        JarScan.passOverDropIn();
        WarmUp.begin();
    }

    /**
     * Gives a connector that somebody else made, by the name of this class, what it would have been made with in Java.
     *
     * @param setup what the operator said, and what only Java can say
     * @throws IllegalStateException if the connector is initialised
     */
    public void use(OnDemandTlsSetup setup) {
        if (shared != null) {
            throw new IllegalStateException("the connector is initialised");
        }
        given = setup;
    }

    /** The engine; null before the connector is initialised and after it has stopped. */
    public @Nullable OnDemandTls engine() {
        SharedEngine joined = shared;
        return joined == null ? null : joined.engine();
    }

    /** Keeps what is ours, in whatever case, for {@link #init} to judge; all else is the connector's. */
    @Override
    public boolean setProperty(String name, String value) {
        if (name.regionMatches(true, 0, PREFIX, 0, PREFIX.length())) {
            attributes.put(name, value);
            return true;
        }
        return super.setProperty(name, value);
    }

    @Override
    public void init() throws Exception {
        reporting(() -> {
            TomcatFloor.require(ServerInfo.getServerNumber());
            onDemandEndpoint.check();
        });
        onDemandEndpoint.completeHostConfigs();
        if (ConfigTest.isRunning()) {
            check();
        } else {
            join();
        }
        try {
            super.init();
        } catch (Exception | Error e) {
            leave();
            throw e;
        }
    }

    @Override
    public void start() throws Exception {
        join();
        awaitPreparation();
        try {
            super.start();
        } catch (Exception | Error e) {
            leave();
            throw e;
        }
        onDemandEndpoint.beginWatch();
        tellLimit();
        if (!AcmeChallengeValve.isStartingWith(this)) {
            serve();
        }
    }

    @Override
    public void stop() throws Exception {
        // Parked clients get their alert while there are workers to send it.
        onDemandEndpoint.refuseParked();
        leave();
        super.stop();
    }

    @Override
    public void destroy() throws Exception {
        leave();
        super.destroy();
    }

    @Override
    public @Nullable UpgradeProtocol getNegotiatedProtocol(String name) {
        UpgradeProtocol negotiated = super.getNegotiatedProtocol(name);
        return negotiated == null ? null : new HostCheckedUpgrade(negotiated, onDemandEndpoint, checksHosts());
    }

    @Override
    protected Processor createProcessor() {
        return new HostCheckedProcessor(this, new HostCheckAdapter(getAdapter(), onDemandEndpoint, checksHosts()));
    }

    @Override
    protected Log getLog() {
        return log;
    }

    /** Lets the engine work; call it when connections are accepted, here and where a CA looks for HTTP-01. */
    void serve() {
        SharedEngine joined = shared;
        if (joined != null) {
            joined.serve();
        }
    }

    /** The endpoint. */
    OnDemandEndpoint onDemandEndpoint() {
        return onDemandEndpoint;
    }

    // Web applications have been started meanwhile.
    private void awaitPreparation() {
        OnDemandTls open = engine();
        if (open != null) {
            open.awaitPreparation();
        }
    }

    private void tellLimit() {
        OnDemandTls open = engine();
        int most = onDemandEndpoint.mostParked();
        if (open != null && most > 0 && most < open.config().handshake().parked()) {
            report(
                    Level.INFO,
                    sm.getString(
                            "onDemandTlsProtocol.mostParked",
                            getName(),
                            Integer.toString(most),
                            Integer.toString(getMaxConnections())));
        }
    }

    private boolean checksHosts() {
        OnDemandTlsConfig known = config;
        return known != null && known.handshake().hostCheck() != OnDemandTlsConfig.HostCheck.FALSE;
    }

    private interface Opening {
        void run() throws ConfigException, StartException;
    }

    private void check() throws ConfigException, StartException {
        reporting(() -> {
            OnDemandTlsSetup known = setup(base());
            OnDemandTls.check(known);
            if (known.config().tlsProvider() == OnDemandTlsConfig.TlsProvider.OPENSSL) {
                OpenSslLibrary.load();
            }
            use(known.config());
        });
    }

    private void join() throws ConfigException, StartException {
        if (shared == null) {
            reporting(this::open);
        }
    }

    private static void reporting(Opening opening) throws ConfigException, StartException {
        try {
            opening.run();
        } catch (ConfigException e) {
            // Tomcat shows the exception, with all its mistakes on one line, on top of a long stack trace.
            e.mistakes().forEach(mistake -> report(Level.SEVERE, mistake));
            throw e;
        } catch (StartException e) {
            report(Level.SEVERE, e.getMessage());
            throw e;
        }
    }

    private static void report(Level level, @Nullable String line) {
        JuliLog.of(EventKind.STARTED.logger()).write(level, String.valueOf(line), null);
    }

    private static Path base() {
        return Path.of(System.getProperty("catalina.base", "")).toAbsolutePath().normalize();
    }

    private OnDemandTlsSetup setup(Path base) throws ConfigException, StartException {
        if (given != null && !attributes.isEmpty()) {
            throw new StartException(sm.getString("onDemandTlsProtocol.twice", attributes.firstKey()));
        }
        return given != null
                ? given
                : OnDemandTlsSetup.of(
                        ConfigReader.read(ConfigReader.withFallback(attributes, System.getProperties()), base));
    }

    private void open() throws ConfigException, StartException {
        Path base = base();
        OnDemandTlsSetup known = setup(base);
        config = known.config();
        SharedEngine joined = SharedEngine.join(base, known, this);
        shared = joined;
        onDemandEndpoint.use(joined);
        use(known.config());
    }

    private void use(OnDemandTlsConfig known) throws StartException {
        onDemandEndpoint.use(known.tlsProvider(), TlsSetup.provider(known));
    }

    private void leave() {
        SharedEngine joined = shared;
        if (joined != null) {
            onDemandEndpoint.endWatch();
            joined.leave(this);
            onDemandEndpoint.leave();
            shared = null;
        }
    }
}
