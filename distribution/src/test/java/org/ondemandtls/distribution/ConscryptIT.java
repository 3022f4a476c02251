package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.conscrypt.Conscrypt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.Browser;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** A real server that shakes hands with the engine of Conscrypt, brought there as OPERATIONS says. */
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class ConscryptIT {

    private static final String NAME = "shop.customer.example";
    private static final String OTHER = "blog.customer.example";

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private ServerProcess server;

    @BeforeEach
    void layOut() throws Exception {
        server = line.layOut(directory.resolve("base")).property("onDemandTls.permission.names", "*.customer.example");
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void aCaProvesTheNameOverItsEngineAndClientsOfAllKindsAreServed() throws Exception {
        server.onConscrypt(jar());
        try (var pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"))) {
            server.property("onDemandTls.acme.challenges", "tls-alpn-01")
                    .property("onDemandTls.acme.directory", pebble.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            pebble.trustedRoots().toString())
                    .start();
            Path root = pebble.issuerRoot();

            var http2 = Curl.trusting(root).http2().get(NAME, server.tlsPort(), "/");
            var http11 = Curl.trusting(root).http11().get(NAME, server.tlsPort(), "/");
            var misdirected = Curl.trusting(root)
                    .http11()
                    .with("--header", "Host: " + OTHER)
                    .get(NAME, server.tlsPort(), "/");
            var denied = TlsProbe.trusting(root).handshake(server.tlsPort(), "stranger.example");

            assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(200);
            assertThat(http2.httpVersion()).isEqualTo("2");
            assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(200);
            assertThat(misdirected.status()).isBetween(400, 421);
            assertThat(denied.alert()).contains("unrecognized_name");
            pebble.assertIssued(1);
            SessionChecks.assertNoneCrosses(server, directory, NAME, OTHER, root);
            assertThat(groupOfABrowser(root)).isEqualTo("X25519MLKEM768");
        }
        assertThat(group()).isEqualTo("X25519MLKEM768");
    }

    @Test
    void withoutItsJarNothingStartsAndTheLogSaysWhatToDo() throws Exception {
        server.property("onDemandTls.issuer", "internal").property("onDemandTls.tls.provider", "conscrypt");

        assertThat(server.startInVain())
                .contains("onDemandTls.tls.provider: \"conscrypt\" cannot be used: the jar of Conscrypt is missing")
                .contains("conscrypt-openjdk-uber");
    }

    private String groupOfABrowser(Path root) throws Exception {
        Path home = directory.resolve("browser");
        Chromium.trusting(home, root);
        try (Browser browser = Browser.start(home, "nobody", "--host-resolver-rules=MAP * 127.0.0.1")) {
            browser.open("https://" + NAME + ":" + server.tlsPort() + "/");
            return browser.keyExchangeGroup();
        }
    }

    // What its own client agrees on with the server, which is nobody else's engine then.
    private String group() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS", Conscrypt.newProvider());
        context.init(null, new TrustManager[] {TlsProbe.anyTrust()}, null);
        try (SSLSocket socket = (SSLSocket)
                context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), server.tlsPort())) {
            Conscrypt.setHostname(socket, NAME);
            socket.startHandshake();
            return Conscrypt.getGroupName(socket);
        }
    }

    private static Path jar() throws Exception {
        return Path.of(Conscrypt.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
    }
}
