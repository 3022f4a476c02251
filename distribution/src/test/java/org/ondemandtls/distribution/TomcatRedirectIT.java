package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Curl;

/** A real Tomcat with the {@code CertificateRedirectValve} of the sample: who is sent to HTTPS, and who is not. */
@ParameterizedClass
@EnumSource(TomcatLine.class)
class TomcatRedirectIT {

    private static final String NAME = "shop.customer.example";
    private static final String STRANGER = "stranger.example";

    @Parameter
    private TomcatLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private TomcatServerProcess server;

    @BeforeEach
    void startServer() throws IOException {
        ask = AskEndpoint.granting("*.customer.example");
        server = TomcatServerProcess.layOut(line, directory.resolve("base"))
                .redirecting()
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
    void aNameIsRedirectedOnceItHasACertificate() {
        var before = client().getPlain(NAME, server.httpPort(), "/");
        var visit = client().get(NAME, server.tlsPort(), "/");
        var after = client().getPlain(NAME, server.httpPort(), "/a%20b?c=d");

        assertThat(before.status()).as(before.command().stderr()).isEqualTo(200);
        assertThat(before.body()).isEqualTo(TomcatServerProcess.CONTENT);
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
        assertThat(after.status()).as(after.command().stderr()).isEqualTo(308);
        assertThat(after.location()).contains("https://" + NAME + "/a%20b?c=d");
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
    void afterARestartAFirstRequestMayStayOnHttpAndLaterOnesAreRedirected() throws IOException {
        client().get(NAME, server.tlsPort(), "/");
        server.stop();
        server.start();

        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(
                                client().getPlain(NAME, server.httpPort(), "/").status())
                        .isEqualTo(308));
    }

    private Curl client() {
        return Curl.trusting(server.internalRoot());
    }
}
