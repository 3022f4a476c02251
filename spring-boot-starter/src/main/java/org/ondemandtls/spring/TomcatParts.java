package org.ondemandtls.spring;

import java.lang.reflect.InvocationTargetException;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.ProtocolHandler;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.boot.web.server.Compression;
import org.springframework.core.ResolvableType;
import org.springframework.util.StringUtils;

/** What is put into an embedded Tomcat, whichever line of Spring Boot makes it. */
final class TomcatParts {

    private final Settings settings;
    private final RunningEngine running;

    TomcatParts(Settings settings, RunningEngine running) {
        this.settings = settings;
        this.running = running;
    }

    /** What an application says about the protocols of its connectors: customizers of that type of its line. */
    record Handlers(Class<?> type, Collection<?> customizers) {

        /** Has each say it that is about such a protocol. */
        void customize(ProtocolHandler protocol) {
            for (Object customizer : customizers) {
                Class<?> about = ResolvableType.forInstance(customizer).as(type).resolveGeneric();
                if (about == null || about.isInstance(protocol)) {
                    customize(protocol, customizer, about == null || about == ProtocolHandler.class);
                }
            }
        }

        // Of a lambda the type is not known; the cast in it tells.
        private void customize(ProtocolHandler protocol, Object customizer, boolean isOfUnknownType) {
            try {
                type.getMethod("customize", ProtocolHandler.class).invoke(customizer, protocol);
            } catch (InvocationTargetException e) {
                if (isOfUnknownType && e.getCause() instanceof ClassCastException) {
                    return;
                }
                throw new IllegalStateException("a customizer of protocols failed: " + e.getCause(), e.getCause());
            } catch (IllegalArgumentException e) {
                // How later JDKs tell the same of a lambda.
                if (!isOfUnknownType) {
                    throw e;
                }
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("this Spring Boot has other customizers of protocols", e);
            }
        }
    }

    /**
     * A connector for HTTPS beside that of {@code server.port}, treated as the factory treats its own, in the same order;
     * the customizers of connectors come next, and then {@link #complete}.
     *
     * @param factory what makes the web server
     * @param uriEncoding the encoding of paths; null for Tomcat's
     * @param handlers the customizers of protocols
     */
    Connector connector(
            AbstractConfigurableWebServerFactory factory, @Nullable Charset uriEncoding, Handlers handlers) {
        OnDemandTlsProtocol protocol = new OnDemandTlsProtocol();
        Connector tls = new Connector(protocol);
        setUp(tls);
        tls.setPort(settings.port());
        if (StringUtils.hasText(factory.getServerHeader())) {
            tls.setProperty("server", factory.getServerHeader());
        }
        if (factory.getAddress() != null) {
            protocol.setAddress(factory.getAddress());
        }
        if (settings.virtualThreads()) {
            protocol.setExecutor(new VirtualThreadExecutor("ondemand-tls-handler-"));
        }
        handlers.customize(protocol);
        if (uriEncoding != null) {
            tls.setURIEncoding(uriEncoding.name());
        }
        if (factory.getHttp2() != null && factory.getHttp2().isEnabled()) {
            tls.addUpgradeProtocol(new Http2Protocol());
        }
        compress(protocol, factory.getCompression());
        return tls;
    }

    /** Has the last word about the port: a customizer may have said that of {@code server.port}. */
    void complete(Connector tls) {
        tls.setPort(settings.port());
    }

    /** Gives a connector of our protocol what it works with. */
    void setUp(Connector tls) {
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) tls.getProtocolHandler();
        protocol.use(settings.setup());
        // What Spring Boot writes into its log; requests know by themselves.
        tls.setScheme("https");
        tls.setSecure(true);
        tls.setThrowOnFailure(true);
        running.isIn(new TomcatHost(tls, protocol));
    }

    private static void compress(OnDemandTlsProtocol protocol, @Nullable Compression compression) {
        if (compression != null && compression.getEnabled()) {
            protocol.setCompression("on");
            protocol.setCompressionMinSize(
                    Math.toIntExact(compression.getMinResponseSize().toBytes()));
            protocol.setCompressibleMimeType(String.join(",", compression.getMimeTypes()));
            if (compression.getExcludedUserAgents() != null) {
                protocol.setNoCompressionUserAgents(String.join("|", compression.getExcludedUserAgents()));
            }
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
        plain.setRedirectPort(settings.redirectPort());
    }

    /**
     * The engine is opened when the connector is initialised and closed when it stops. Spring Boot takes the connector
     * from the server in between, so that nobody would end it where the application does not start.
     */
    private record TomcatHost(Connector connector, OnDemandTlsProtocol protocol) implements RunningEngine.Host {

        @Override
        public @Nullable OnDemandTls engine() {
            return protocol.engine();
        }

        // In a Tomcat of its own an application finds the classes of an embedded one, too, and starts none.
        @Override
        public boolean isMade() {
            return connector.getState() != LifecycleState.NEW;
        }

        @Override
        public void discard() throws Exception {
            if (connector.getState().isAvailable()) {
                connector.stop();
            }
            if (isMade()) {
                connector.destroy();
            }
        }
    }
}
