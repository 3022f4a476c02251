package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.CertificateRedirectContract;

class CertificateRedirectIT extends CertificateRedirectContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/a%2Fb/%2e%2e/%C3%A9?q=%0d%0aX", "//evil.example/"})
    void whatJettyLetsThroughOnlyWhereItIsToldToStaysAsItWasSent(String target) throws Exception {
        fixture.http.setUriCompliance(UriCompliance.UNSAFE);

        assertThat(request("GET", target, NAME)).contains("\r\nLocation: https://" + NAME + target + "\r\n");
    }

    @Test
    void theSecurePortIsNamed() throws Exception {
        fixture.http.setSecurePort(8443);

        assertThat(request("GET", "/x", NAME)).contains("\r\nLocation: https://" + NAME + ":8443/x\r\n");
    }

    @Test
    void withoutASecurePortItIsTheOneOfTheTlsConnector() throws Exception {
        fixture.http.setSecurePort(0);

        assertThat(request("GET", "/x", NAME))
                .contains("\r\nLocation: https://" + NAME + ":" + fixture.port() + "/x\r\n");
    }

    @Test
    void theConnectorIsFoundWhereADetectorStandsInFrontOfTls() throws Exception {
        fixture.halt();
        var ssl = fixture.secure.removeConnectionFactory("SSL");
        if (!(ssl instanceof ConnectionFactory.Detecting detected)) {
            throw new AssertionError("no TLS: " + ssl);
        }
        fixture.secure.addFirstConnectionFactory(new DetectorConnectionFactory(detected));
        fixture.http.setSecurePort(0);
        fixture.launch();

        assertThat(request("GET", "/x", NAME))
                .contains("\r\nLocation: https://" + NAME + ":" + fixture.port() + "/x\r\n");
    }

    @Test
    void withoutOnDemandTlsTheServerDoesNotStart() {
        Server server = new Server();
        server.addConnector(new ServerConnector(server));
        server.insertHandler(new CertificateRedirectHandler());

        assertThatThrownBy(server::start).hasMessageContaining("JettyOnDemandTls.addTo");
    }
}
