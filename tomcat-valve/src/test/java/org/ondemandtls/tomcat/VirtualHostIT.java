package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.VirtualHostContract;

class VirtualHostIT extends VirtualHostContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void aConnectionServedByTheServersOwnCertificateIsCheckedTheSameWay(String version) throws Exception {
        fixture.serveItself(NAME);
        fixture.launch();

        var visit = Curl.trusting(fixture.root())
                .with(version, "--insecure", "--header", "Host: other.customer.test")
                .get(NAME, fixture.port(), "/");

        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(421);
        assertThat(fixture.ask.questions()).isEmpty();
    }
}
