package org.ondemandtls.tomcat;

import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.PortAdvice;
import org.ondemandtls.StartException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.StaticCertificates;
import org.ondemandtls.name.ClientHello;

/**
 * The one engine of a server, whatever number of its connectors work on demand: opened for the first of them, closed
 * when the last has left.
 *
 * <p>A server is known by its base directory: a connector knows nothing else of its server that early.
 */
final class SharedEngine {

    private static final StringManager sm = StringManager.getManager(SharedEngine.class);
    private static final ReentrantLock LOCK = new ReentrantLock();
    private static final Map<Path, SharedEngine> OPEN = new HashMap<>();

    private final Set<OnDemandTlsProtocol> members = new CopyOnWriteArraySet<>();
    private final Path base;
    private final OnDemandTlsSetup setup;

    private volatile @Nullable OnDemandTls engine;

    // Guarded by the lock.
    private boolean serving;

    private SharedEngine(Path base, OnDemandTlsSetup setup) {
        this.base = base;
        this.setup = setup;
    }

    /**
     * Opens the engine of a server, or joins the connectors that have opened it.
     *
     * @param base the server's base directory
     * @param setup what this connector was told
     * @param member the connector
     * @return the engine the connector uses until it {@link #leave leaves}
     * @throws StartException if the engine cannot be opened, or others use it with other keys
     */
    static SharedEngine join(Path base, OnDemandTlsSetup setup, OnDemandTlsProtocol member) throws StartException {
        LOCK.lock();
        try {
            SharedEngine shared = OPEN.get(base);
            if (shared == null) {
                shared = new SharedEngine(base, setup);
                shared.engine = OnDemandTls.open(setup, shared.new TomcatHost());
                OPEN.put(base, shared);
            } else if (!shared.setup.equals(setup)) {
                throw new StartException(sm.getString("sharedEngine.contradiction"));
            }
            shared.members.add(member);
            return shared;
        } finally {
            LOCK.unlock();
        }
    }

    /** Lets the engine work, if it does not yet; call it when a connector accepts. */
    void serve() {
        LOCK.lock();
        try {
            OnDemandTls open = engine;
            if (open != null && !serving) {
                serving = true;
                open.serve();
                portAdvice(open.config(), members)
                        .ifPresent(line -> open.events().publish(EventKind.ADVICE, line));
            }
        } finally {
            LOCK.unlock();
        }
    }

    /**
     * Gives the engine up; the last one closes it, which takes seconds at most.
     *
     * @param member the connector
     */
    void leave(OnDemandTlsProtocol member) {
        LOCK.lock();
        try {
            members.remove(member);
            OnDemandTls open = engine;
            if (members.isEmpty() && open != null) {
                OPEN.remove(base, this);
                // Closed before anybody can open the same store again.
                open.close();
                engine = null;
            }
        } finally {
            LOCK.unlock();
        }
    }

    /** The engine; null once the last connector has left. */
    @Nullable
    OnDemandTls engine() {
        return engine;
    }

    /**
     * Asks the gate on behalf of one connector.
     *
     * @param endpoint the connector's, whose certificates win
     * @param hello what the client said
     * @param client where it comes from
     * @return how to go on
     */
    Admission admit(OnDemandEndpoint endpoint, ClientHello hello, SocketAddress client) {
        OnDemandTls open = engine;
        return open == null
                ? OnDemandEndpoint.CLOSED
                : open.gate().admit(hello, client, endpoint, endpoint::isFullOfParked);
    }

    /**
     * What the ports of connectors give reason to tell their operator.
     *
     * @param config what the operator said
     * @param members the on-demand connectors; those that have not started are left out
     * @return one line, empty if there is nothing to say
     */
    static Optional<String> portAdvice(OnDemandTlsConfig config, Iterable<OnDemandTlsProtocol> members) {
        PortAdvice advice = new PortAdvice();
        for (OnDemandTlsProtocol member : members) {
            advice.tls(member.getLocalPort());
            AcmeChallengeValve.plainConnectors(member).forEach(connector -> advice.plain(connector.getLocalPort()));
        }
        return advice.line(config, sm.getString("sharedEngine.ports"));
    }

    private final class TomcatHost implements OnDemandTls.Host, StaticCertificates {

        private final EventListener log = new JuliEventListener();

        @Override
        public StaticCertificates staticCertificates() {
            return this;
        }

        @Override
        public void requireOpenSsl() throws StartException {
            OpenSslLibrary.load();
        }

        @Override
        public boolean answersPlainHttp() {
            return members.stream().anyMatch(AcmeChallengeValve::answersFor);
        }

        @Override
        public int mostParked() {
            int sum = 0;
            for (OnDemandTlsProtocol member : members) {
                int most = member.onDemandEndpoint().mostParked();
                if (most == 0) {
                    return 0;
                }
                sum += most;
            }
            return sum;
        }

        @Override
        public EventListener eventListener() {
            return log;
        }

        @Override
        public Optional<Object> published(String attribute) {
            return Applications.published(attribute);
        }

        @Override
        public boolean covers(String host) {
            return members.stream().anyMatch(member -> member.onDemandEndpoint().covers(host));
        }

        @Override
        public boolean any() {
            return members.stream().anyMatch(member -> member.onDemandEndpoint().any());
        }
    }
}
