package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.security.Security;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.LifeCycleContract;
import org.ondemandtls.testing.TlsProbe;

class LifeCycleIT extends LifeCycleContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @Test
    void neitherAStopNorAStartInVainLeavesAProvider() throws Exception {
        String[] providers = providers();
        fixture.launch();
        fixture.halt();
        assertThat(providers()).isEqualTo(providers);
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            fixture.listenOn(taken.getLocalPort());

            assertThatThrownBy(fixture::launch).isInstanceOf(IOException.class);

            assertThat(providers()).isEqualTo(providers);
        }
    }

    @Test
    void aServerWithoutATlsConnectorIsToldSo() throws Exception {
        fixture.server.removeConnector(fixture.secure);
        fixture.add();

        assertThatThrownBy(() -> fixture.server.start()).hasMessageContaining("no TLS connector");
    }

    @Test
    void aConnectorAddedToARunningServerIsGatedAndHasCertificatesOfItsOwn() throws Exception {
        fixture.serveItself("own.operator.test");
        fixture.start();
        ServerConnector added = connector();
        fixture.server.addConnector(added);
        added.start();

        assertThat(new Client(added.getLocalPort()).get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        // What one connector serves by itself, the other obtains.
        assertThat(issuer(added, "own.operator.test")).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer(fixture.secure, "own.operator.test")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.ask.timesAsked("own.operator.test")).isEqualTo(1);
    }

    @Test
    void aConnectorThatRanBeforeItWasAddedIsToldOf() throws Exception {
        fixture.start();
        ServerConnector added = connector();
        added.start();

        fixture.server.addConnector(added);

        assertThat(fixture.advice())
                .anySatisfy(line -> assertThat(line).contains("the connector ran before it was added"));
        added.stop();
    }

    @Test
    void aServerWhoseConnectorsComeLaterWorksFromThenOn() throws Exception {
        fixture.server.removeConnector(fixture.secure);
        fixture.add().withConnectorsLater();
        fixture.server.start();

        fixture.server.addConnector(fixture.secure);
        fixture.secure.start();

        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(fixture.events).anyMatch(event -> event.kind() == EventKind.STARTED);
    }

    @Test
    void aConnectorThatStopsTellsThoseWhoWaitThereAndNobodyElse() throws Exception {
        fixture.start();
        ServerConnector added = connector();
        fixture.server.addConnector(added);
        added.start();
        int port = added.getLocalPort();
        CompletableFuture<TlsProbe.Outcome> ends = CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().handshake(port, "slow2.customer.test"), LifeCycleIT::start);
        CompletableFuture<String> stays =
                CompletableFuture.supplyAsync(() -> fixture.visit("slow1.customer.test"), LifeCycleIT::start);
        OnDemandSslConnectionFactory waitsHere = added.getConnectionFactory(OnDemandSslConnectionFactory.class);
        // A visit has its place a moment before it waits.
        await().until(() -> fixture.parked() == 2 && waitsHere.waiting() == 1);

        added.stop();

        assertThat(ends.get(2, TimeUnit.MINUTES).alert()).contains("internal_error");
        assertThat(fixture.parked()).isEqualTo(1);
        fixture.slowAnswers.countDown();
        assertThat(stays.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
    }

    private ServerConnector connector() {
        HttpConfiguration https = new HttpConfiguration();
        https.addCustomizer(new SecureRequestCustomizer());
        ServerConnector connector = new ServerConnector(
                fixture.server,
                new SslConnectionFactory(new SslContextFactory.Server(), "http/1.1"),
                new HttpConnectionFactory(https));
        connector.setHost("127.0.0.1");
        return connector;
    }

    private static String issuer(ServerConnector connector, String name) {
        return TlsProbe.trustingAnything()
                .handshake(connector.getLocalPort(), name)
                .leaf()
                .getIssuerX500Principal()
                .getName();
    }

    private static void start(Runnable client) {
        new Thread(client).start();
    }

    @Test
    void everySettingOfTheStockFactoryIsKept() throws Exception {
        SslConnectionFactory stock = fixture.secure.getConnectionFactory(SslConnectionFactory.class);
        stock.setDirectBuffersForDecryption(true);
        stock.setInputBufferSize(20_000);
        fixture.start();
        SslConnectionFactory ours = fixture.secure.getConnectionFactory(SslConnectionFactory.class);

        assertThat(ours).isNotSameAs(stock);
        assertThat(ours.getNextProtocol()).isEqualTo(stock.getNextProtocol());
        assertThat(ours.getSslContextFactory()).isSameAs(stock.getSslContextFactory());
        assertThat(ours.isDirectBuffersForDecryption()).isTrue();
        assertThat(ours.isDirectBuffersForEncryption()).isFalse();
        assertThat(ours.getInputBufferSize()).isGreaterThanOrEqualTo(20_000);
        assertThat(fixture.secure.getDefaultProtocol()).isEqualToIgnoringCase("ssl");
    }

    private static String[] providers() {
        return Stream.of(Security.getProviders())
                .map(provider -> provider.getName())
                .toArray(String[]::new);
    }
}
