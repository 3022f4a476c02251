package org.ondemandtls.spring;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;

/** What is put into an embedded Tomcat, whichever line of Spring Boot makes it. */
final class TomcatParts {

    private final Settings settings;
    private final RunningEngine running;

    TomcatParts(Settings settings, RunningEngine running) {
        this.settings = settings;
        this.running = running;
    }

    /**
     * The connector for HTTPS, beside that of {@code server.port}.
     *
     * @param address what the server is bound to, null for every address
     * @param http2 whether the application wants HTTP/2
     */
    Connector connector(@Nullable InetAddress address, boolean http2) {
        OnDemandTlsProtocol protocol = new OnDemandTlsProtocol(settings.setup());
        if (settings.virtualThreads()) {
            protocol.setExecutor(new VirtualThreadExecutor("ondemand-tls-handler-"));
        }
        Connector tls = new Connector(protocol);
        tls.setPort(settings.port());
        if (address != null) {
            tls.setProperty("address", address.getHostAddress());
        }
        if (http2) {
            tls.addUpgradeProtocol(new Http2Protocol());
        }
        tls.setThrowOnFailure(true);
        running.isIn(protocol::engine);
        return tls;
    }

    /** The valves of the engine with ours: proofs before all others, the redirect behind those that know the proxy. */
    List<Valve> valves(Collection<Valve> others) {
        List<Valve> valves = new ArrayList<>(others);
        valves.add(0, new AcmeChallengeValve());
        if (settings.redirect()) {
            valves.add(new CertificateRedirectValve());
        }
        return valves;
    }

    /** Tells a plain connector where HTTPS is. */
    void redirect(Connector plain) {
        plain.setRedirectPort(settings.port());
    }
}
