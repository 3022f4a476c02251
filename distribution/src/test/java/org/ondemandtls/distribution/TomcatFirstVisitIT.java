package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.OpenSsl;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.RawTls;
import org.ondemandtls.testing.TlsProbe;

/** A real Tomcat with the overlay and its sample configuration: what clients of every kind see, asked for or not. */
@ParameterizedClass
@EnumSource(TomcatLine.class)
class TomcatFirstVisitIT {

    private static final String NAME = "shop.customer.example";
    private static final String DENIED = "stranger.example";
    private static final OptionalInt UNRECOGNIZED_NAME = OptionalInt.of(112);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Parameter
    private TomcatLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private TomcatServerProcess server;

    @BeforeEach
    void layOut() throws IOException {
        ask = AskEndpoint.granting("*.customer.example");
        server = TomcatServerProcess.layOut(line, directory.resolve("base"))
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.ask", ask.uri().toString());
    }

    @AfterEach
    void stopServer() {
        server.close();
        ask.close();
    }

    @Test
    void aNameNobodyConfiguredIsServedOverHttp2AndHttp11WithOneQuestion() throws IOException {
        server.start();
        var second = Curl.trusting(server.internalRoot()).http2().get(NAME, server.tlsPort(), "/");
        var first = Curl.trusting(server.internalRoot()).http11().get(NAME, server.tlsPort(), "/");
        var openssl = OpenSsl.connect(server.tlsPort(), NAME, server.internalRoot(), "-tls1_2");

        assertThat(second.status()).as(second.command().stderr()).isEqualTo(200);
        assertThat(second.httpVersion()).isEqualTo("2");
        assertThat(second.body()).isEqualTo(TomcatServerProcess.CONTENT);
        assertThat(first.status()).as(first.command().stderr()).isEqualTo(200);
        assertThat(first.httpVersion()).isEqualTo("1.1");
        assertThat(openssl.verified()).isTrue();
        assertThat(ask.questions()).hasSize(1);
        assertThat(ask.questions().get(0).purpose()).isEqualTo("obtain");
    }

    @Test
    void aDeniedNameGetsUnrecognizedNameFromEveryClientWithOneQuestion() throws IOException {
        server.start();
        var curl = Curl.trusting(server.internalRoot()).get(DENIED, server.tlsPort(), "/");
        var openssl = OpenSsl.connect(server.tlsPort(), DENIED, server.internalRoot());
        var openssl12 = OpenSsl.connect(server.tlsPort(), DENIED, server.internalRoot(), "-tls1_2");
        var jdk = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), DENIED);

        assertThat(curl.alert()).as(curl.command().stderr()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(openssl.alert()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(openssl12.alert()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(jdk.alert()).contains("unrecognized_name");
        assertThat(ask.timesAsked(DENIED)).isEqualTo(1);
    }

    @Test
    void aClientHelloInSegmentsOfOneByteAndInManyRecordsIsUnderstood() throws IOException {
        server.start();
        var whole = TlsProbe.trusting(server.internalRoot()).oneByteAtATime().get(server.tlsPort(), NAME, "/");
        byte[] hello = TlsProbe.trustingAnything().clientHello(NAME);
        var both = RawTls.send(server.tlsPort(), PATIENCE, RawTls.single(RawTls.inRecordsOf(50, hello)));

        assertThat(whole.answer()).startsWith("HTTP/1.1 200").endsWith(TomcatServerProcess.CONTENT);
        assertThat(both.handshakes()).as("records of 50 bytes, byte by byte").isTrue();
    }

    @Test
    void aHostTheCertificateDoesNotCoverIsMisdirectedOnBothVersionsOfHttp() throws IOException {
        server.start();
        var http2 = Curl.trusting(server.internalRoot())
                .http2()
                .with("--header", "Host: other.customer.example")
                .get(NAME, server.tlsPort(), "/");
        var http11 = Curl.trusting(server.internalRoot())
                .http11()
                .with("--header", "Host: other.customer.example")
                .get(NAME, server.tlsPort(), "/");

        assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(421);
        assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(421);
    }

    // The JDK's client sends the name of the session it resumes, whatever name it was told; OpenSSL's does as told.
    @Test
    void aSessionIsResumedForTheSameNameAndNeverForAnother() throws IOException {
        server.start();
        for (String protocol : new String[] {"-tls1_2", "-tls1_3"}) {
            String session = directory.resolve("session" + protocol).toString();
            var first = OpenSsl.get(server.tlsPort(), NAME, server.internalRoot(), protocol, "-sess_out", session);

            var again = OpenSsl.get(server.tlsPort(), NAME, server.internalRoot(), protocol, "-sess_in", session);
            var across = OpenSsl.get(
                    server.tlsPort(), "other.customer.example", server.internalRoot(), protocol, "-sess_in", session);

            assertThat(first.resumed()).as(protocol).isFalse();
            assertThat(again.resumed()).as(protocol).isTrue();
            assertThat(across.resumed()).as(protocol).isFalse();
            assertThat(across.verified()).as(protocol).isTrue();
        }
    }

    @Test
    void afterKillAndAfterStopTheSameCertificateIsServedWithoutPermissionBeingAsked() throws IOException {
        server.start();
        var before = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);
        server.kill9();
        ask.close();

        server.start();
        var afterKill = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);
        server.stop();
        server.start();
        var afterStop = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);

        assertThat(afterKill.leaf()).isEqualTo(before.leaf());
        assertThat(afterStop.leaf()).isEqualTo(before.leaf());
    }

    @Test
    void mistakesFailTheConnectorWithOneLineEachAndTheServerGoesOn() throws IOException {
        server.property("onDemandTls.isuer", "internal")
                .property("onDemandTls.handshake.deadline", "soon")
                .start();

        assertThat(server.log())
                .contains("onDemandTls.isuer is not a known key; the nearest is onDemandTls.issuer")
                .contains("onDemandTls.handshake.deadline: \"soon\" is not a duration")
                .contains("Failed to initialize component [Connector");
    }

    @Test
    void tlsAlpn01ProvesANameToARealCa() throws Exception {
        try (var pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"))) {
            trust(pebble);
            server.property("onDemandTls.acme.challenges", "tls-alpn-01").start();

            assertThat(TlsProbe.trusting(pebble.issuerRoot())
                            .get(server.tlsPort(), NAME, "/")
                            .answer())
                    .startsWith("HTTP/1.1 200");
            assertThat(pebble.orders()).isEqualTo(1);
        }
    }

    @Test
    void http01ProvesANameToARealCaThroughTheValve() throws Exception {
        try (var pebble = Pebble.options().httpPort(server.httpPort()).start(directory.resolve("pebble"))) {
            trust(pebble);
            server.property("onDemandTls.acme.challenges", "http-01").start();

            assertThat(TlsProbe.trusting(pebble.issuerRoot())
                            .get(server.tlsPort(), NAME, "/")
                            .answer())
                    .startsWith("HTTP/1.1 200");
            assertThat(pebble.orders()).isEqualTo(1);
            assertThat(Files.exists(server.store())).isTrue();
        }
    }

    private void trust(Pebble pebble) {
        server.property("onDemandTls.issuer", "acme")
                .property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString());
    }
}
