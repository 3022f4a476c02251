package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** {@link WarmUp}: what any connector with TLS needs can be loaded ahead of it. */
class WarmUpTest {

    @Test
    void loadsTheCiphersThatAConnectorHasByDefault() throws Exception {
        assertThat(WarmUp.load()).isPositive();
    }
}
