package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.VirtualHostContract;

class VirtualHostIT extends VirtualHostContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @Test
    void whereTheHostCheckIsSwitchedOffJettysOwnStays() throws Exception {
        fixture.keys.put("onDemandTls.handshake.hostCheck", "false");
        fixture.launch();

        var visit = Curl.trusting(fixture.root())
                .http11()
                .with("--header", "Host: other.customer.test")
                .get(NAME, fixture.port(), "/");

        assertThat(visit.status()).isEqualTo(400);
    }
}
