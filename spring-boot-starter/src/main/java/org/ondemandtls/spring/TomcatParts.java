package org.ondemandtls.spring;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.boot.web.server.Compression;

/** What is put into an embedded Tomcat, whichever line of Spring Boot makes it. */
final class TomcatParts {

    private final Settings settings;
    private final RunningEngine running;

    TomcatParts(Settings settings, RunningEngine running) {
        this.settings = settings;
        this.running = running;
    }

    /** A connector for HTTPS, for {@link #complete}; what others say about connectors is done to it in between. */
    Connector connector() {
        Connector tls = new Connector(new OnDemandTlsProtocol());
        setUp(tls);
        return tls;
    }

    /** Gives a connector of our protocol what it works with. */
    void setUp(Connector tls) {
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) tls.getProtocolHandler();
        protocol.use(settings.setup());
        // What Spring Boot writes into its log; requests know by themselves.
        tls.setScheme("https");
        tls.setSecure(true);
        tls.setThrowOnFailure(true);
        running.isIn(protocol::engine);
    }

    /**
     * Says the rest about a connector beside that of {@code server.port}: where it listens, and what the factory does to
     * its own connector only.
     */
    void complete(Connector tls, AbstractConfigurableWebServerFactory factory) {
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) tls.getProtocolHandler();
        tls.setPort(settings.port());
        if (factory.getAddress() != null) {
            tls.setProperty("address", factory.getAddress().getHostAddress());
        }
        if (factory.getHttp2() != null && factory.getHttp2().isEnabled()) {
            tls.addUpgradeProtocol(new Http2Protocol());
        }
        Compression compression = factory.getCompression();
        if (compression != null && compression.getEnabled()) {
            protocol.setCompression("on");
            protocol.setCompressionMinSize(
                    Math.toIntExact(compression.getMinResponseSize().toBytes()));
            protocol.setCompressibleMimeType(String.join(",", compression.getMimeTypes()));
            if (compression.getExcludedUserAgents() != null) {
                protocol.setNoCompressionUserAgents(String.join("|", compression.getExcludedUserAgents()));
            }
        }
        if (settings.virtualThreads()) {
            protocol.setExecutor(new VirtualThreadExecutor("ondemand-tls-handler-"));
        }
    }

    /**
     * The valves of the engine with ours: proofs before all others, the redirect behind those that know the proxy.
     *
     * @param others the valves there are
     * @param redirect whether there is a plain connector to redirect from
     */
    List<Valve> valves(Collection<Valve> others, boolean redirect) {
        List<Valve> valves = new ArrayList<>(others);
        valves.add(0, new AcmeChallengeValve());
        if (redirect) {
            valves.add(new CertificateRedirectValve());
        }
        return valves;
    }

    /** Tells a plain connector where HTTPS is. */
    void redirect(Connector plain) {
        plain.setRedirectPort(settings.port());
    }
}
