package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.xml.ConfigurationProcessor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TlsProvider;

/** {@link StartFailure}: whatever mistake keeps a Jetty from starting has one line of ours at level ERROR. */
class StartFailureTest {

    @TempDir
    private Path directory;

    private final Server server = new Server();
    private final SslContextFactory.Server tls = new SslContextFactory.Server();

    @BeforeEach
    void forget() {
        RecordedErrors.forget();
    }

    @AfterEach
    void stop() {
        LifeCycle.stop(server);
    }

    @Test
    void noServerToConfigure() {
        ConfigurationProcessor element = new OnDemandTlsXml().getConfigurationProcessor(null, "OnDemandTls");

        assertThatThrownBy(() -> element.configure("no server")).isInstanceOf(StartException.class);
        assertThatThrownBy(element::configure).isInstanceOf(StartException.class);

        assertThat(RecordedErrors.lines()).hasSize(2).allMatch(line -> line.contains("list it after"));
    }

    @Test
    void noConnectorThatSpeaksTls() throws Exception {
        add();

        assertIsSaidOnce("no TLS connector");
    }

    @Test
    void aFinishedContext() throws Exception {
        tls.setSslContext(SSLContext.getDefault());
        addConnector();
        add();

        assertIsSaidOnce("finished SSLContext");
    }

    @Test
    void conscryptBehindOurBack() throws Exception {
        tls.setProvider("Conscrypt");
        addConnector();
        add();

        assertIsSaidOnce("provider=Conscrypt");
    }

    @Test
    void conscryptWithoutThePartOfJettyThatAgreesOnHttp2WithIt() throws Exception {
        TlsProvider conscrypt = TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT);
        ClassLoader without = ClassLoader.getPlatformClassLoader();
        ClassLoader with = getClass().getClassLoader();
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        EngineParts.require(conscrypt, without);
        Thread.currentThread().setContextClassLoader(without);
        try {
            EngineParts.require(conscrypt, with);
            EngineParts.require(TlsProvider.JDK, without);
            assertThatThrownBy(() -> EngineParts.require(conscrypt, without))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("onDemandTls.tls.provider: \"conscrypt\" cannot be used: HTTP/2")
                    .hasMessageContaining("org.eclipse.jetty:jetty-alpn-conscrypt-server");
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    @Test
    void usersThatCannotBeRead() {
        StatusHandler page = new StatusHandler();
        page.setUsers(directory.resolve("missing").toString());
        server.setHandler(page);

        assertIsSaidOnce("jetty.ondemandTlsStatus.users");
    }

    @Test
    void aRedirectWithoutAnybodyToAsk() {
        server.setHandler(new CertificateRedirectHandler());

        assertIsSaidOnce("CertificateRedirectHandler has no On-Demand TLS to ask");
    }

    private void assertIsSaidOnce(String what) {
        assertThatThrownBy(server::start).hasMessageContaining(what);

        assertThat(RecordedErrors.lines()).singleElement().asString().contains(what);
    }

    private void add() throws Exception {
        JettyOnDemandTls.addTo(
                server,
                ConfigReader.read(
                        Map.of("onDemandTls.permission.names", "a.customer.test", "onDemandTls.issuer", "internal"),
                        directory));
    }

    private void addConnector() {
        server.addConnector(
                new ServerConnector(server, new SslConnectionFactory(tls, "http/1.1"), new HttpConnectionFactory()));
    }
}
