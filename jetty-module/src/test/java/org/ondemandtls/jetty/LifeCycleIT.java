package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Security;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.eclipse.jetty.server.ProxyConnectionFactory;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.StartException;

/** How the component comes into a server, and out of it again. */
class LifeCycleIT {

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aServerStartedAgainServesFromItsStoreAndLeavesNothingBehindWhenStopped() throws Exception {
        String[] providers = providers();
        fixture.add();
        for (int i = 0; i < 5; i++) {
            fixture.server.start();
            assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
            fixture.server.stop();
        }

        assertThat(fixture.ask.questions()).hasSize(1);
        assertThat(providers()).isEqualTo(providers);
        assertThat(ondemandThreads()).isEmpty();
    }

    @Test
    void aServerThatCannotStartLeavesNothingBehind() throws Exception {
        // So that the engine is open when the port turns out to be taken.
        fixture.server.setOpenEarly(false);
        JettyOnDemandTls onDemand = fixture.add();
        String[] providers = providers();
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            fixture.plain.setPort(taken.getLocalPort());

            assertThatThrownBy(() -> fixture.server.start()).isInstanceOf(java.io.IOException.class);

            assertThat(onDemand.isStopped()).isTrue();
            assertThat(providers()).isEqualTo(providers);
            assertThat(ondemandThreads()).isEmpty();
        }
    }

    @Test
    void anUnusableStoreStopsTheStartWithOneLine() throws Exception {
        Path store = Files.createDirectory(directory.resolve("store"));
        Files.writeString(store.resolve("somebody-elses"), "file");
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rwxr-xr-x"));
        fixture.add();

        assertThatThrownBy(() -> fixture.server.start())
                .isInstanceOf(StartException.class)
                .message()
                .hasLineCount(1);
    }

    @Test
    void aServerWithoutATlsConnectorIsToldSo() throws Exception {
        fixture.server.removeConnector(fixture.secure);
        fixture.add();

        assertThatThrownBy(() -> fixture.server.start()).hasMessageContaining("no TLS connector");
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

    @Test
    void theProxyProtocolMayStandInFront() throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();
        Client client = fixture.client();
        try (Socket tcp = client.tcp()) {
            tcp.getOutputStream()
                    .write("PROXY TCP4 198.51.100.7 192.0.2.1 55555 443\r\n".getBytes(StandardCharsets.US_ASCII));
            try (SSLSocket socket = client.handshake(tcp, "shop.customer.test", "TLSv1.3", "http/1.1")) {

                assertThat(Client.get(socket, "shop.customer.test")).startsWith("HTTP/1.1 200 ");
            }
        }
    }

    @Test
    void octetsReadByTheProxyProtocolAreNotLost() throws Exception {
        fixture.secure.addFirstConnectionFactory(new ProxyConnectionFactory("SSL"));
        fixture.start();
        byte[] line = "PROXY TCP4 198.51.100.7 192.0.2.1 55555 443\r\n".getBytes(StandardCharsets.US_ASCII);
        byte[] hello = Hellos.clientHello("shop.customer.test");
        byte[] both = java.util.Arrays.copyOf(line, line.length + hello.length);
        System.arraycopy(hello, 0, both, line.length, hello.length);
        try (Socket tcp = fixture.client().tcp()) {
            tcp.getOutputStream().write(both);

            assertThat(tcp.getInputStream().read()).isEqualTo(22);
        }
    }

    private static String[] providers() {
        return Stream.of(Security.getProviders())
                .map(provider -> provider.getName())
                .toArray(String[]::new);
    }

    private static Stream<String> ondemandThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("ondemand-tls"));
    }
}
