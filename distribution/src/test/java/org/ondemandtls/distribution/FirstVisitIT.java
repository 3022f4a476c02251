package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.AskEndpoint.Answer;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.OpenSsl;
import org.ondemandtls.testing.RawTls;
import org.ondemandtls.testing.TlsProbe;

/** A real server with the overlay and the internal CA: what clients of every kind see, asked for or not. */
@ParameterizedClass
@EnumSource(ServerLine.class)
class FirstVisitIT {

    private static final String NAME = "shop.customer.example";
    private static final OptionalInt UNRECOGNIZED_NAME = OptionalInt.of(112);
    private static final OptionalInt INTERNAL_ERROR = OptionalInt.of(80);
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    // One server for all scenarios, each of which uses names of its own.
    private static AskEndpoint ask;
    private static ServerProcess server;

    @TempDir
    private static Path directory;

    @BeforeParameterizedClassInvocation
    static void startServer(ServerLine line) throws IOException {
        ask = AskEndpoint.answering(FirstVisitIT::answer);
        server = line.layOut(directory.resolve(line.name()))
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
    void aNameNobodyConfiguredIsServedOverHttp2AndHttp11WithOneQuestion() {
        var second = Curl.trusting(server.internalRoot()).http2().get("first.customer.example", server.tlsPort(), "/");
        var first = Curl.trusting(server.internalRoot()).http11().get("first.customer.example", server.tlsPort(), "/");

        assertThat(second.status()).as(second.command().stderr()).isEqualTo(200);
        assertThat(second.httpVersion()).isEqualTo("2");
        assertThat(second.body()).isEqualTo(ServerProcess.CONTENT);
        assertThat(first.status()).as(first.command().stderr()).isEqualTo(200);
        assertThat(first.httpVersion()).isEqualTo("1.1");
        assertThat(ask.questions())
                .filteredOn(question -> question.name().equals("first.customer.example"))
                .extracting(AskEndpoint.Question::purpose)
                .containsExactly("obtain");
    }

    @Test
    void aDeniedNameGetsUnrecognizedNameFromEveryClientWithOneQuestion() {
        var curl = Curl.trusting(server.internalRoot()).get("stranger.example", server.tlsPort(), "/");
        var openssl = OpenSsl.connect(server.tlsPort(), "stranger.example", server.internalRoot());
        var openssl12 = OpenSsl.connect(server.tlsPort(), "stranger.example", server.internalRoot(), "-tls1_2");
        var jdk = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), "stranger.example");

        assertThat(curl.alert()).as(curl.command().stderr()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(openssl.alert()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(openssl12.alert()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(jdk.alert()).contains("unrecognized_name");
        assertThat(ask.timesAsked("stranger.example")).isEqualTo(1);
    }

    @Test
    void aHandshakeWithoutAServerNameIsRefusedWithoutAQuestion() {
        int asked = ask.questions().size();

        var openssl = OpenSsl.connect(server.tlsPort(), null, server.internalRoot());

        assertThat(openssl.alert()).isEqualTo(UNRECOGNIZED_NAME);
        assertThat(ask.questions()).hasSize(asked);
    }

    @Test
    void malformedNamesAreRefusedWithoutAQuestionAndWithoutATraceInTheLog() throws IOException {
        int asked = ask.questions().size();
        byte[] hello = TlsProbe.trustingAnything().clientHello("aaaa.example");
        for (String hostile : new String[] {
            "../..example",
            "10.11.12.113",
            "single-label",
            "a\0aa.example",
            "*.aa.example",
            "a\naa.example",
            "aa..examples",
            ".aaa.example",
            "xn--a.exampl",
            "aa a.example",
            "aaa.exam.123"
        }) {
            byte[] changed = replace(hello, "aaaa.example", hostile);

            var answer = RawTls.send(server.tlsPort(), PATIENCE, changed);

            assertThat(answer.alert()).as(hostile).isEqualTo(UNRECOGNIZED_NAME);
            assertThat(answer.silent()).as(hostile).isFalse();
            assertThat(server.log()).doesNotContain(hostile);
        }
        assertThat(ask.questions()).hasSize(asked);
    }

    @Test
    void bytesThatAreNoTlsAreAnsweredAndDisturbNobody() throws IOException {
        var plain = RawTls.send(
                server.tlsPort(), PATIENCE, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        var zeros = RawTls.send(server.tlsPort(), PATIENCE, new byte[200]);

        assertThat(plain.handshakes()).isFalse();
        assertThat(plain.silent()).isFalse();
        assertThat(zeros.handshakes()).isFalse();
        assertThat(zeros.silent()).isFalse();
        assertThat(TlsProbe.trusting(server.internalRoot())
                        .handshake(server.tlsPort(), NAME)
                        .failure())
                .isEmpty();
    }

    @Test
    void aClientHelloInSegmentsOfOneByteAndInManyRecordsIsUnderstood() throws IOException {
        var whole = TlsProbe.trusting(server.internalRoot()).oneByteAtATime().get(server.tlsPort(), NAME, "/");
        byte[] hello = TlsProbe.trustingAnything().clientHello(NAME);
        var records = RawTls.send(server.tlsPort(), PATIENCE, RawTls.inRecordsOf(7, hello));
        var both = RawTls.send(server.tlsPort(), PATIENCE, RawTls.single(RawTls.inRecordsOf(50, hello)));

        assertThat(whole.failure()).isEmpty();
        assertThat(whole.answer()).startsWith("HTTP/1.1 200").endsWith(ServerProcess.CONTENT);
        assertThat(records.handshakes()).as("records of 7 bytes").isTrue();
        assertThat(both.handshakes()).as("records of 50 bytes, byte by byte").isTrue();
    }

    @Test
    void aClientHelloOfEighteenHundredOctetsIsUnderstoodInWhateverRecords() {
        String protocols = "http/1.1," + ("x".repeat(100) + ",").repeat(13) + "y";
        var openssl = OpenSsl.get(
                server.tlsPort(), "large.customer.example", server.internalRoot(), "-alpn", protocols, "-tls1_3");
        var client = TlsProbe.trusting(server.internalRoot()).alpn(protocols.split(","));
        assertThat(client.clientHello(NAME)).hasSizeGreaterThan(1_600);

        assertThat(openssl.verified()).as(openssl.command().stderr()).isTrue();
        assertThat(openssl.command().stdout()).contains("HTTP/1.1 200");
        for (int size : new int[] {1, 4, 500, 1_400}) {
            var visit = client.clientHelloInRecordsOf(size).get(server.tlsPort(), "large.customer.example", "/");
            assertThat(visit.answer()).as("records of " + size).endsWith(ServerProcess.CONTENT);
        }
    }

    @Test
    void aBrowserSeesTheFirstVisitAndTheNextAsAnyOtherOverHttp2() throws IOException {
        var chromium = Chromium.trusting(directory.resolve("home" + line), server.internalRoot());

        String first = chromium.visit("browser.customer.example", server.tlsPort(), "/protocol.html");
        String second = chromium.visit("browser.customer.example", server.tlsPort(), "/protocol.html");

        assertThat(first).contains("came by h2");
        assertThat(second).contains("came by h2");
        assertThat(ask.timesAsked("browser.customer.example")).isEqualTo(1);
    }

    @Test
    void aPermissionThatDoesNotAnswerIsAnInternalErrorAndRecoversByItself() {
        String silent = "silent.customer.example";
        ask.answer(name -> Answer.status(503));
        var down = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), silent);
        ask.answer(FirstVisitIT::answer);

        assertThat(down.alert()).contains("internal_error");
        assertThat(OpenSsl.connect(server.tlsPort(), silent, server.internalRoot())
                        .alert())
                .isIn(INTERNAL_ERROR, OptionalInt.empty());
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(TlsProbe.trusting(server.internalRoot())
                                .handshake(server.tlsPort(), silent)
                                .failure())
                        .isEmpty());
    }

    @Test
    void aRedirectIsNoAnswer() {
        ask.answer(name -> Answer.redirect("http://127.0.0.1:1/elsewhere"));
        try {
            assertThat(TlsProbe.trusting(server.internalRoot())
                            .handshake(server.tlsPort(), "moved.customer.example")
                            .alert())
                    .contains("internal_error");
        } finally {
            ask.answer(FirstVisitIT::answer);
        }
    }

    @Test
    void aHostTheCertificateDoesNotCoverIsMisdirectedOnBothVersionsOfHttp() {
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

    @Test
    void aSessionIsResumedForTheSameNameByTheJdksClient() {
        for (String protocol : new String[] {"TLSv1.2", "TLSv1.3"}) {
            var client = TlsProbe.trusting(server.internalRoot()).protocols(protocol);
            var first = client.get(server.tlsPort(), NAME, "/");

            var again = client.get(server.tlsPort(), NAME, "/");

            assertThat(first.resumed()).as(protocol).isFalse();
            assertThat(again.resumed()).as(protocol).isTrue();
            assertThat(again.answer()).as(protocol).startsWith("HTTP/1.1 200");
        }
    }

    // The JDK's client sends the name of the session it resumes, whatever name it was told; OpenSSL's does as told.
    @Test
    void aSessionIsResumedForTheSameNameAndNeverForAnother() {
        for (String protocol : new String[] {"-tls1_2", "-tls1_3"}) {
            String session = directory.resolve("session" + line + protocol).toString();
            var first = OpenSsl.get(server.tlsPort(), NAME, server.internalRoot(), protocol, "-sess_out", session);

            var again = OpenSsl.get(server.tlsPort(), NAME, server.internalRoot(), protocol, "-sess_in", session);
            var across = OpenSsl.get(
                    server.tlsPort(), "other.customer.example", server.internalRoot(), protocol, "-sess_in", session);

            assertThat(first.resumed()).as(protocol).isFalse();
            assertThat(again.resumed()).as(protocol).isTrue();
            assertThat(again.command().stdout()).as(protocol).contains("HTTP/1.1 200");
            assertThat(across.resumed()).as(protocol).isFalse();
            assertThat(across.verified()).as(protocol).isTrue();
        }
    }

    @Test
    void afterKillAndAfterStopTheSameCertificateIsServedWithoutPermissionBeingAsked() throws Exception {
        var before = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);
        server.kill9();

        server.start();
        var afterKill = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);
        // An idle one, as docs/ARCHITECTURE.md says.
        server.stopWithin(Duration.ofSeconds(10));
        server.start();
        var afterStop = TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);

        assertThat(afterKill.leaf()).isEqualTo(before.leaf());
        assertThat(afterStop.leaf()).isEqualTo(before.leaf());
        assertThat(ask.timesAsked(NAME)).isEqualTo(1);
    }

    @Test
    void whatIsStoredIsForItsOwnerOnly() throws Exception {
        TlsProbe.trusting(server.internalRoot()).handshake(server.tlsPort(), NAME);

        assertThat(ServerProcess.whileFilesMove(() -> permissions(server.store())))
                .hasSizeGreaterThan(2)
                .allSatisfy((file, permissions) ->
                        assertThat(permissions).as(file).isEqualTo(file.endsWith("/") ? "rwx------" : "rw-------"));
    }

    // By path; those of directories end with a slash.
    private static Map<String, String> permissions(Path store) throws IOException {
        Map<String, String> permissions = new TreeMap<>();
        try (var files = Files.walk(store)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                var attributes = Files.readAttributes(file, PosixFileAttributes.class);
                permissions.put(
                        file + (attributes.isDirectory() ? "/" : ""),
                        PosixFilePermissions.toString(attributes.permissions()));
            }
        }
        return permissions;
    }

    private static Answer answer(String name) {
        return name.endsWith(".customer.example") ? Answer.GRANTED : Answer.DENIED;
    }

    private static byte[] replace(byte[] bytes, String old, String replacement) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(old);
        assertThat(replacement).hasSameSizeAs(old);
        return text.replace(old, replacement).getBytes(StandardCharsets.ISO_8859_1);
    }
}
