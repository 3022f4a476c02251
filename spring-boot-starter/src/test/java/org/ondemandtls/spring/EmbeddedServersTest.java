package org.ondemandtls.spring;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.ajp.AbstractAjpProtocol;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.coyote.http2.Http2Protocol;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.component.AbstractLifeCycle;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;
import org.springframework.boot.web.embedded.tomcat.TomcatProtocolHandlerCustomizer;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.Http2;

/** What is put into embedded servers, as Spring Boot treats them. */
class EmbeddedServersTest {

    private static final int KEEP_ALIVE = 12_345;

    @TempDir
    private Path base;

    private final RunningEngine running = new RunningEngine();
    private Settings settings;

    @BeforeEach
    void configure() throws Exception {
        settings = new Settings(
                OnDemandTls.builder()
                        .issuer(Issuer.INTERNAL)
                        .permissionPolicy((name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()))
                        .build(base),
                0,
                true,
                443,
                false,
                null);
    }

    @Test
    void theConnectorOfTomcatIsTreatedAsSpringBootTreatsItsOwn() throws Exception {
        TomcatServletWebServerFactory factory = new TomcatServletWebServerFactory(8080);
        factory.setAddress(InetAddress.getByName("127.0.0.1"));
        factory.setServerHeader("Shop");
        factory.setUriEncoding(ISO_8859_1);
        Http2 http2 = new Http2();
        http2.setEnabled(true);
        factory.setHttp2(http2);
        TomcatProtocolHandlerCustomizer<AbstractHttp11Protocol<?>> fits = handler -> handler.setMaxSwallowSize(7);
        TomcatProtocolHandlerCustomizer<AbstractAjpProtocol<?>> other =
                handler -> handler.setTomcatAuthentication(true);
        factory.addProtocolHandlerCustomizers(fits, other, new OfAjp());
        // As Spring Boot does for server.tomcat.keep-alive-timeout.
        factory.addConnectorCustomizers(connector -> {
            for (var upgrade : connector.getProtocolHandler().findUpgradeProtocols()) {
                ((Http2Protocol) upgrade).setKeepAliveTimeout(KEEP_ALIVE);
            }
            connector.setPort(9);
        });

        new Boot3Tomcat().onDemandTlsTomcat(settings, running).customize(factory);

        Connector tls = factory.getAdditionalTomcatConnectors().get(0);
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) tls.getProtocolHandler();
        assertThat(tls.getPort()).isZero();
        assertThat(tls.getURIEncoding()).isEqualTo("ISO-8859-1");
        assertThat(protocol.getServer()).isEqualTo("Shop");
        assertThat(protocol.getAddress()).isEqualTo(InetAddress.getByName("127.0.0.1"));
        assertThat(protocol.getMaxSwallowSize()).isEqualTo(7);
        assertThat(protocol.findUpgradeProtocols())
                .singleElement()
                .satisfies(upgrade -> assertThat(((Http2Protocol) upgrade).getKeepAliveTimeout())
                        .isEqualTo(KEEP_ALIVE));
    }

    @Test
    void aConnectorOfTomcatThatNeverStartsLetsTheStoreGo() throws Exception {
        TomcatServletWebServerFactory factory = new TomcatServletWebServerFactory(8080);
        new Boot3Tomcat().onDemandTlsTomcat(settings, running).customize(factory);
        Connector tls = factory.getAdditionalTomcatConnectors().get(0);
        assertThat(running.hasHost())
                .as("as where the application is deployed to a Tomcat of its own")
                .isFalse();
        running.destroy();
        // The server is made, and Spring Boot takes its connectors out; then a bean fails.
        tls.setProperty("bindOnInit", "false");
        tls.init();
        assertThat(running.find()).isPresent();
        assertThat(running.hasHost()).isTrue();

        running.destroy();

        assertThat(running.find()).isEmpty();
        assertThat(tls.getState()).isEqualTo(LifecycleState.DESTROYED);
        RunningEngine next = new RunningEngine();
        TomcatServletWebServerFactory another = new TomcatServletWebServerFactory(8080);
        new Boot3Tomcat().onDemandTlsTomcat(settings, next).customize(another);
        Connector again = another.getAdditionalTomcatConnectors().get(0);
        again.setProperty("bindOnInit", "false");
        again.init();
        assertThat(next.find()).isPresent();
        next.destroy();
    }

    @Test
    void theEngineOfJettyEndsWithItsConnectorsAndComesBackWithThem() throws Exception {
        Server server = new Server();
        ServerConnector plain = new ServerConnector(server);
        server.addConnector(plain);
        new JettyParts(settings, running).addTo(server, false);
        // As Spring Boot does, which adds them again when the whole application is ready.
        var connectors = server.getConnectors();
        server.addBean(new AbstractLifeCycle() {
            @Override
            protected void doStart() {
                server.setConnectors(null);
            }
        });
        server.start();
        try {
            assertThat(running.find()).isPresent();
            assertThat(plain.getConnectionFactory(HttpConnectionFactory.class)
                            .getHttpConfiguration()
                            .getSecurePort())
                    .isEqualTo(443);
            server.setConnectors(connectors);
            for (var connector : connectors) {
                connector.start();
            }

            for (var connector : connectors) {
                connector.stop();
            }
            running.stop();
            assertThat(running.find()).isEmpty();
            assertThat(running.isRunning()).isFalse();

            running.start();
            assertThat(running.isRunning()).isTrue();
            for (var connector : connectors) {
                connector.start();
            }
            assertThat(running.find()).isPresent();
            running.destroy();
            assertThat(running.find()).isEmpty();
        } finally {
            server.stop();
        }
    }

    @Test
    void theLimitThatSpringBootSetsOnTheConnectionsOfJettyIsOneForBothConnectors() throws Exception {
        Server server = new Server();
        ServerConnector plain = new ServerConnector(server);
        server.addConnector(plain);
        // As Spring Boot does for server.jetty.max-connections, before its customizers are asked.
        NetworkConnectionLimit ofSpringBoot = new NetworkConnectionLimit(20, server.getConnectors());
        ofSpringBoot.setEndPointIdleTimeout(KEEP_ALIVE);
        server.addBean(ofSpringBoot);
        new JettyParts(settings, running).addTo(server, false);
        NetworkConnectionLimit limit = server.getBean(NetworkConnectionLimit.class);

        server.start();
        try {
            assertThat(server.getConnectors())
                    .hasSize(2)
                    .allSatisfy(connector -> assertThat(connector.getBeans(NetworkConnectionLimit.class))
                            .containsExactly(limit));
            assertThat(limit.getMaxNetworkConnectionCount()).isEqualTo(20);
            assertThat(limit.getEndPointIdleTimeout()).isEqualTo(KEEP_ALIVE);
            assertThat(running.find().orElseThrow().status().getParkedLimit()).isEqualTo(10);
        } finally {
            server.stop();
        }
    }

    @ParameterizedTest
    @CsvSource({"jdk, jetty-alpn-java-server", "conscrypt, jetty-alpn-conscrypt-server"})
    void thePartOfJettyThatAgreesOnHttp2IsNamedByTheEngineThatShakesHands(String provider, String part)
            throws Exception {
        Settings chosen = new Settings(
                OnDemandTlsSetup.of(ConfigReader.read(
                        Map.of(
                                "onDemandTls.issuer",
                                "internal",
                                "onDemandTls.permission.names",
                                "a.customer.test",
                                "onDemandTls.tls.provider",
                                provider),
                        base)),
                0,
                true,
                443,
                false,
                null);

        assertThatThrownBy(() -> new JettyParts(chosen, running).addTo(new Server(), true))
                .hasMessage("server.http2.enabled: add the dependency org.eclipse.jetty:" + part);
    }

    /** Its type tells that it is about something else. */
    private static final class OfAjp implements TomcatProtocolHandlerCustomizer<AbstractAjpProtocol<?>> {

        @Override
        public void customize(AbstractAjpProtocol<?> handler) {
            handler.setTomcatAuthentication(true);
        }
    }
}
