package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.CertificateRedirectContract;

class CertificateRedirectIT extends CertificateRedirectContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    // By itself Jetty refuses it: two slashes are ambiguous there.
    @Test
    void aPathThatLooksLikeAHostStaysAPath() throws Exception {
        assertThat(request("GET", "//evil.example/", NAME))
                .contains("\r\nLocation: https://" + NAME + "//evil.example/\r\n");
    }

    @Test
    void theConnectorsRedirectPortIsNamed() throws Exception {
        fixture.plain.setRedirectPort(8443);

        assertThat(request("GET", "/x", NAME)).contains("\r\nLocation: https://" + NAME + ":8443/x\r\n");
    }
}
