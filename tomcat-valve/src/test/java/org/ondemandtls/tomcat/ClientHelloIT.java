package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.ClientHelloContract;

class ClientHelloIT extends ClientHelloContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @Test
    void aSilentClientGetsAnAlertAlsoWhereTomcatsOwnTimeoutIsShorter() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "30s");
        fixture.secure.setProperty("connectionTimeout", "500");
        fixture.start();
        try (Socket silent = fixture.tcp()) {

            assertThat(silent.getInputStream().readAllBytes()).isEqualTo(new byte[] {21, 3, 3, 0, 2, 2, 50});
        }
    }
}
