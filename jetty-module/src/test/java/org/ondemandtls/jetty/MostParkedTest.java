package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.eclipse.jetty.server.ConnectionLimit;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.handshake.Visit;
import org.ondemandtls.permission.PermissionPolicy;

/** {@link OnDemandSslConnectionFactory}: how many visits may wait on a connector. */
class MostParkedTest {

    private static final Visit.Host NOBODY = new Visit.Host() {
        @Override
        public @Nullable Runnable later(Runnable task, Duration delay) {
            return null;
        }

        @Override
        public void look() {}

        @Override
        public void forget(Visit visit) {}
    };

    @TempDir
    private Path base;

    private final Server server = new Server();
    private final ServerConnector connector = new ServerConnector(server);

    @Test
    void isNotBoundedWhereConnectionsAreNot() {
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isZero();
    }

    @Test
    void isAHalfOfTheLeastOfTheLimits() {
        connector.addBean(new NetworkConnectionLimit(20, connector));
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(10);

        connector.addBean(new NetworkConnectionLimit(9, connector));
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(4);
    }

    @Test
    @SuppressWarnings("removal")
    void isAHalfOfWhatTheStockModuleForLimitsAllows() {
        connector.addBean(new ConnectionLimit(20, connector));
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(10);

        connector.addBean(new NetworkConnectionLimit(8, connector));
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(4);

        connector.addBean(new ConnectionLimit(6, connector));
        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void isReachedBehindADetectorToo(boolean detected) throws Exception {
        OnDemandSslConnectionFactory ours = new OnDemandSslConnectionFactory(
                JettyOnDemandTls.addTo(server, setup()),
                new SslConnectionFactory(new SslContextFactory.Server(), "http/1.1"));
        connector.addFirstConnectionFactory(detected ? new DetectorConnectionFactory(ours) : ours);
        connector.addBean(new NetworkConnectionLimit(4, connector));
        server.addConnector(connector);
        assertThat(OnDemandSslConnectionFactory.mostParked(server)).isEqualTo(2);

        ours.remember(new Visit(NOBODY));
        assertThat(ours.isFullOfParked(connector)).isFalse();
        ours.remember(new Visit(NOBODY));

        assertThat(ours.isFullOfParked(connector)).isTrue();
    }

    @Test
    void isOneWhereOneConnectionIsTaken() {
        connector.addBean(new NetworkConnectionLimit(1, connector));

        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(1);
    }

    private OnDemandTlsSetup setup() throws Exception {
        return OnDemandTls.builder()
                .issuer(Issuer.INTERNAL)
                .permissionPolicy(PermissionPolicy.grantingIf(name -> true))
                .build(base);
    }
}
