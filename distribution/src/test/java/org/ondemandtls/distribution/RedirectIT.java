package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Curl;

/** A real Jetty with the module {@code ondemand-tls-redirect}: who is sent to HTTPS, and who is not. */
@ParameterizedClass
@EnumSource(JettyLine.class)
class RedirectIT {

    private static final String NAME = "shop.customer.example";
    private static final String STRANGER = "stranger.example";

    @Parameter
    private JettyLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private JettyServerProcess server;

    @BeforeEach
    void startServer() throws IOException {
        ask = AskEndpoint.granting("*.customer.example");
        server = JettyServerProcess.layOut(line, directory.resolve("base"), "http2c", "ondemand-tls-redirect")
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .start();
    }

    @AfterEach
    void stopServer() {
        server.close();
        ask.close();
    }

    @Test
    void aNameIsRedirectedOnBothVersionsOfHttpOnceItHasACertificate() {
        var before = client().getPlain(NAME, server.httpPort(), "/");
        var visit = client().get(NAME, server.tlsPort(), "/");
        var http11 = client().http11().getPlain(NAME, server.httpPort(), "/a%20b?c=d");
        var http2 = client().http2PriorKnowledge().getPlain(NAME, server.httpPort(), "/a%20b?c=d");

        assertThat(before.status()).as(before.command().stderr()).isEqualTo(200);
        assertThat(before.body()).isEqualTo(JettyServerProcess.CONTENT);
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
        assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(308);
        assertThat(http11.location()).contains("https://" + NAME + ":" + server.tlsPort() + "/a%20b?c=d");
        assertThat(http2.httpVersion()).isEqualTo("2");
        assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(308);
        assertThat(http2.location()).isEqualTo(http11.location());
    }

    @Test
    void aNameWithoutACertificateStaysOnHttpAndNobodyIsAsked() {
        var stranger = client().getPlain(STRANGER, server.httpPort(), "/");
        var address = client().getPlain("127.0.0.1", server.httpPort(), "/");

        assertThat(stranger.status()).as(stranger.command().stderr()).isEqualTo(200);
        assertThat(address.status()).as(address.command().stderr()).isEqualTo(200);
        assertThat(ask.questions()).isEmpty();
    }

    @Test
    void theFirstRequestAfterARestartIsRedirectedToThePortTheOperatorNamed() throws IOException {
        client().get(NAME, server.tlsPort(), "/");
        server.stop();
        server.property("jetty.httpConfig.securePort", "443").start();

        var redirected = client().getPlain(NAME, server.httpPort(), "/");

        assertThat(redirected.status()).as(redirected.command().stderr()).isEqualTo(308);
        assertThat(redirected.location()).contains("https://" + NAME + "/");
    }

    private Curl client() {
        return Curl.trusting(server.internalRoot());
    }
}
