package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Curl;

/** A real server with the redirect its overlay brings: who is sent to HTTPS, and who is not. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class RedirectIT {

    private static final String STRANGER = "stranger.example";

    // One server for all scenarios, each of which uses names of its own.
    private static AskEndpoint ask;
    private static ServerProcess server;

    @TempDir
    private static Path directory;

    @BeforeParameterizedClassInvocation
    static void startServer(ServerLine line) throws IOException {
        ask = AskEndpoint.granting("*.customer.example");
        server = line.layOut(directory.resolve(line.name()))
                .redirecting()
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s")
                .start();
    }

    @AfterParameterizedClassInvocation
    static void stopServer() {
        server.close();
        ask.close();
    }

    @Parameter
    private ServerLine line;

    @Test
    void aNameIsRedirectedOnceItHasACertificate() {
        String name = "shop.customer.example";
        var before = client().getPlain(name, server.httpPort(), "/");
        var visit = client().get(name, server.tlsPort(), "/");
        var after = client().http11().getPlain(name, server.httpPort(), "/a%20b?c=d");

        assertThat(before.status()).as(before.command().stderr()).isEqualTo(200);
        assertThat(before.body()).isEqualTo(ServerProcess.CONTENT);
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
        assertThat(after.status()).as(after.command().stderr()).isEqualTo(308);
        assertThat(after.location()).contains(location(name, "/a%20b?c=d"));
        if (line.isJetty()) {
            // Tomcat's plain connector of the sample speaks HTTP/1.1 only.
            var http2 = client().http2PriorKnowledge().getPlain(name, server.httpPort(), "/a%20b?c=d");
            assertThat(http2.httpVersion()).isEqualTo("2");
            assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(308);
            assertThat(http2.location()).isEqualTo(after.location());
        }
    }

    @Test
    void aNameWithoutACertificateStaysOnHttpAndNobodyIsAsked() {
        var stranger = client().getPlain(STRANGER, server.httpPort(), "/");
        var address = client().getPlain("127.0.0.1", server.httpPort(), "/");

        assertThat(stranger.status()).as(stranger.command().stderr()).isEqualTo(200);
        assertThat(address.status()).as(address.command().stderr()).isEqualTo(200);
        assertThat(ask.timesAsked(STRANGER)).isZero();
    }

    @Test
    void afterARestartItIsRedirectedWithoutAVisit() throws IOException {
        String name = "again.customer.example";
        client().get(name, server.tlsPort(), "/");
        server.stop();
        server.start();

        var first = client().getPlain(name, server.httpPort(), "/");

        // On Tomcat, which cannot let a request wait, the first one may stay on HTTP.
        assertThat(first.status()).isIn(line.isJetty() ? new Integer[] {308} : new Integer[] {200, 308});
        Awaitility.await()
                .atMost(ServerProcess.PATIENCE)
                .untilAsserted(() -> assertThat(
                                client().getPlain(name, server.httpPort(), "/").location())
                        .contains(location(name, "/")));
        assertThat(ask.timesAsked(name)).isEqualTo(1);
    }

    private static String location(String name, String target) {
        return "https://" + name + (server.redirectPort() == 443 ? "" : ":" + server.redirectPort()) + target;
    }

    private static Curl client() {
        return Curl.trusting(server.internalRoot());
    }
}
