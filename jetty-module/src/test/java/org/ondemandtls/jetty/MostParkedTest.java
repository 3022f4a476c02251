package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.Test;

/** {@link OnDemandSslConnectionFactory}: how many visits may wait on a connector. */
class MostParkedTest {

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
    void isOneWhereOneConnectionIsTaken() {
        connector.addBean(new NetworkConnectionLimit(1, connector));

        assertThat(OnDemandSslConnectionFactory.mostParked(connector)).isEqualTo(1);
    }
}
