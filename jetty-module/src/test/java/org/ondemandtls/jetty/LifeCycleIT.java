package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.security.Security;
import java.util.stream.Stream;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.LifeCycleContract;

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
