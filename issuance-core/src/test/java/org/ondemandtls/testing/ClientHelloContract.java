package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;

/** What arrives in place of an ordinary ClientHello, octet by octet. */
public abstract class ClientHelloContract<F extends HostFixture> extends HostContract<F> {

    private static final String NAME = "shop.customer.test";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int RECORD_HEADER = 5;
    private static final byte[] DECODE_ERROR = {21, 3, 3, 0, 2, 2, 50};
    private static final int NO_APPLICATION_PROTOCOL = 120;

    @Test
    void refusalsAreCountedByReason() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5s");
        fixture.launch();
        TlsProbe client = TlsProbe.trustingAnything();

        send("SSH-2.0-client\r\n".getBytes(StandardCharsets.US_ASCII));
        send(new byte[] {22, 3, 1, 0, 1, 2});
        send(new byte[] {22, 3, 1, 0, 4, 1, 0, (byte) 0xff, 0});
        send(Arrays.copyOf(client.clientHello(NAME), 100));
        send(client.clientHello(null));
        send(client.clientHello("mail"));
        send(client.clientHello("denied.customer.test"));
        send(client.clientHello("broken.customer.test"));
        send(client.alpn("acme-tls/1").clientHello(NAME));

        assertThat(fixture.engine().status().getRefusals())
                .containsEntry("notTls", 1L)
                .containsEntry("malformed", 1L)
                .containsEntry("tooLarge", 1L)
                .containsEntry("tooSlow", 1L)
                .containsEntry("noName", 1L)
                .containsEntry("malformedName", 1L)
                .containsEntry("denied", 1L)
                .containsEntry("failed", 1L)
                .containsEntry("noChallenge", 1L)
                .containsEntry("tooMany", 0L);
    }

    @Test
    void whatIsNotTlsGetsDecodeErrorAndAClose() throws Exception {
        fixture.launch();

        var answer = send("SSH-2.0-client\r\n".getBytes(StandardCharsets.US_ASCII));

        assertThat(answer.alert()).hasValue(50);
        assertThat(answer.closed()).isTrue();
    }

    @Test
    void anExceptionOutOfTheGateEndsTheConnection() throws Exception {
        fixture.launch();
        fixture.engine().events().tap(event -> {
            if (event.kind() == EventKind.REFUSED) {
                throw new IllegalStateException("a defect of a listener");
            }
        });

        var answer = send(TlsProbe.trustingAnything().clientHello("mail"));

        assertThat(answer.silent()).isFalse();
        assertThat(answer.handshakes()).isFalse();
        await().atMost(PATIENCE).until(() -> fixture.connections() == 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1_000, 20_000})
    void whoIsRefusedReadsTheAlertAndACloseWhateverHeSentBehindHisHello(int octets) throws Exception {
        fixture.launch();
        byte[] hello = TlsProbe.trustingAnything().clientHello("denied.customer.test");
        byte[] more = Arrays.copyOf(hello, hello.length + octets);

        // Asked for, and remembered.
        for (int time = 0; time < 2; time++) {
            RawTls.Answer answer = send(more);

            assertThat(answer.alert()).hasValue(112);
            assertThat(answer.closed()).isTrue();
        }
    }

    /** Whether the engines take a ClientHello of more than 16 KiB, as the JDK's do. */
    protected boolean takesLargeHellos() {
        return true;
    }

    // A returning client with a certificate of its own sends as much.
    private TlsProbe sendingALargeHelloInRecordsOf(int size) {
        String[] protocols =
                IntStream.range(0, 120).mapToObj(i -> i + "-" + "x".repeat(215)).toArray(String[]::new);
        protocols[119] = "http/1.1";
        return TlsProbe.trustingAnything().alpn(protocols).clientHelloInRecordsOf(size);
    }

    @ParameterizedTest
    @ValueSource(ints = {16_384, 1_000})
    void oneOfSeveralRecordsIsUnderstoodAsJsseDoes(int size) throws Exception {
        // The least there can be.
        fixture.keys.put("onDemandTls.handshake.helloOctets", "65536");
        fixture.launch();

        var first = sendingALargeHelloInRecordsOf(size).get(fixture.port(), "shop.customer.test", "/");

        if (!takesLargeHellos()) {
            assertThat(first.alert()).isPresent();
            return;
        }
        assertThat(first.failure()).isEmpty();
        assertThat(first.answer()).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void oneOfSeveralRecordsForAnOwnNameGetsItsOwnCertificate() throws Exception {
        fixture.serveItself("own.operator.test");
        fixture.launch();

        var own = sendingALargeHelloInRecordsOf(16_384).handshake(fixture.port(), "own.operator.test");

        if (!takesLargeHellos()) {
            assertThat(own.alert()).isPresent();
            return;
        }
        assertThat(own.failure()).isEmpty();
        assertThat(own.leaf())
                .isEqualTo(TlsProbe.trustingAnything()
                        .handshake(fixture.port(), "own.operator.test")
                        .leaf());
    }

    @Test
    void aMessageLargerThanTheBoundGetsDecodeErrorAlthoughMoreIsStillComing() throws Exception {
        fixture.launch();
        byte[] large = new byte[RECORD_HEADER + 16_384 + 2_000];
        large[0] = 22;
        large[1] = 3;
        large[2] = 1;
        large[3] = 0x40;
        large[RECORD_HEADER] = 1;
        large[RECORD_HEADER + 1] = 1;

        var answer = send(large);

        assertThat(answer.alert()).hasValue(50);
        assertThat(answer.closed()).isTrue();
    }

    @Test
    void aClientHelloThatNeverEndsIsRefusedAtItsBoundInWhateverSegments() throws Exception {
        fixture.launch();
        byte[] record = new byte[RECORD_HEADER + 1_000];
        record[0] = 22;
        record[1] = 3;
        record[2] = 1;
        record[3] = 1_000 >> 8;
        record[4] = (byte) 1_000;
        byte[][] records = new byte[21][];
        Arrays.fill(records, record);
        records[0] = record.clone();
        records[0][RECORD_HEADER] = 1;
        // A message of one octet more than 16 KiB is announced, and more than that is sent.
        records[0][RECORD_HEADER + 2] = 0x40;
        records[0][RECORD_HEADER + 3] = 0x01;

        var answer = RawTls.send(fixture.port(), PATIENCE, records);

        assertThat(answer.alert()).hasValue(50);
    }

    @Test
    void aClientHelloThatIsNotWholeInTimeGetsDecodeErrorHoweverBusyItIs() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "1s");
        fixture.launch();
        byte[] hello = TlsProbe.trustingAnything().clientHello(NAME);
        AtomicInteger sent = new AtomicInteger();
        try (Socket socket = fixture.tcp()) {
            OutputStream out = socket.getOutputStream();
            Thread trickle = new Thread(() -> {
                try {
                    for (byte octet : hello) {
                        out.write(octet);
                        sent.incrementAndGet();
                        LockSupport.parkNanos(50_000_000);
                    }
                } catch (Exception closed) {
                    // The server has had enough.
                }
            });
            trickle.start();

            byte[] answer = socket.getInputStream().readNBytes(DECODE_ERROR.length);

            assertThat(answer).isEqualTo(DECODE_ERROR);
            assertThat(sent).as("octets sent before the answer").hasValueLessThan(hello.length);
            trickle.interrupt();
            trickle.join();
        }
    }

    @Test
    void oneOctetPerSegmentAndAFewPerRecordAreAClientHelloLikeAnyOther() throws Exception {
        fixture.launch();
        byte[] hello = TlsProbe.trustingAnything().clientHello(NAME);

        var whole = TlsProbe.trustingAnything().oneByteAtATime().get(fixture.port(), NAME, "/");
        var both = RawTls.send(fixture.port(), PATIENCE, RawTls.single(RawTls.inRecordsOf(1, hello)));

        assertThat(whole.answer()).startsWith("HTTP/1.1 200 ");
        assertThat(both.handshakes()).isTrue();
    }

    // As large as one with a post-quantum key share.
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 50, 517, 1_400, 1_799})
    void oneOfEighteenHundredOctetsIsUnderstoodInWhateverRecords(int size) throws Exception {
        fixture.launch();
        String[] protocols =
                IntStream.range(0, 14).mapToObj(i -> i + "-" + "x".repeat(98)).toArray(String[]::new);
        protocols[13] = "http/1.1";
        TlsProbe client = TlsProbe.trusting(fixture.root()).alpn(protocols);
        assertThat(client.clientHello(NAME)).hasSizeBetween(1_600, 2_900);

        var visit = client.clientHelloInRecordsOf(size).get(fixture.port(), NAME, "/");

        assertThat(visit.failure()).isEmpty();
        assertThat(visit.answer()).startsWith("HTTP/1.1 200 ").contains("hello from " + NAME);
    }

    @Test
    void anAcmeClientHelloWithoutAPendingChallengeGetsNoHandshake() throws Exception {
        fixture.launch();

        assertRefused(send(TlsProbe.trustingAnything().alpn("acme-tls/1").clientHello(NAME)));
    }

    @Test
    void anAcmeClientHelloWithFurtherProtocolsGetsNeitherCertificate() throws Exception {
        fixture.launch();
        assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
        ServerName name = ServerName.parse(NAME);
        try (ChallengeBoard.Display display = fixture.engine().challenges().displayTlsAlpn(name, new byte[32])) {

            assertRefused(
                    send(TlsProbe.trustingAnything().alpn("acme-tls/1", "h2").clientHello(NAME)));
            assertRefused(send(
                    TlsProbe.trustingAnything().alpn("http/1.1", "acme-tls/1").clientHello(NAME)));

            assertThat(display.fetched()).isNotDone();
        }
    }

    @Test
    void aPendingChallengeIsShownToAnAcmeClientHelloAndNothingElse() throws Exception {
        fixture.launch();
        assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
        ChallengeBoard challenges = fixture.engine().challenges();
        try (ChallengeBoard.Display display = challenges.displayTlsAlpn(ServerName.parse(NAME), new byte[32])) {
            var proof = challenges.challengeCertificate(ServerName.parse(NAME)).orElseThrow();
            var ordinary = TlsProbe.trustingAnything().alpn("http/1.1").handshake(fixture.port(), NAME);
            assertThat(display.fetched()).isNotDone();

            var acme = TlsProbe.trustingAnything().alpn("acme-tls/1").get(fixture.port(), NAME, "/");

            assertThat(ordinary.leaf()).isNotEqualTo(proof.leaf());
            assertThat(acme.leaf()).isEqualTo(proof.leaf());
            assertThat(acme.alpn()).isEqualTo("acme-tls/1");
            assertThat(acme.answer()).isEmpty();
            await().until(() -> display.fetched().isDone());
        }
    }

    @Test
    void halfOpenOnesDisturbNobody() throws Exception {
        // All of them have to be there before the first is cut off.
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5m");
        fixture.launch();
        byte[] half = Arrays.copyOf(TlsProbe.trustingAnything().clientHello(NAME), 100);
        List<Socket> halfOpen = new ArrayList<>();
        try {
            for (int i = 0; i < 1_000; i++) {
                Socket socket = fixture.tcp();
                halfOpen.add(socket);
                socket.getOutputStream().write(half, 0, i % half.length);
            }
            await().atMost(PATIENCE).until(() -> fixture.connections() >= halfOpen.size());

            assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
            assertThat(fixture.connections()).isGreaterThanOrEqualTo(halfOpen.size());
        } finally {
            for (Socket socket : halfOpen) {
                socket.close();
            }
        }
        await().atMost(PATIENCE).until(() -> fixture.connections() == 0);
    }

    @Test
    void halfOpenOnesAreCutOffWithAnAlert() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "500ms");
        fixture.launch();
        byte[] half = Arrays.copyOf(TlsProbe.trustingAnything().clientHello(NAME), 100);
        List<Socket> halfOpen = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                Socket socket = fixture.tcp();
                halfOpen.add(socket);
                socket.getOutputStream().write(half, 0, i % half.length);
            }

            for (Socket socket : halfOpen) {
                assertThat(socket.getInputStream().readAllBytes()).isEqualTo(DECODE_ERROR);
            }
            await().atMost(PATIENCE).until(() -> fixture.connections() == 0);
        } finally {
            for (Socket socket : halfOpen) {
                socket.close();
            }
        }
    }

    private RawTls.Answer send(byte[] octets) throws Exception {
        return RawTls.send(fixture.port(), PATIENCE, octets);
    }

    private static void assertRefused(RawTls.Answer answer) {
        assertThat(answer.alert()).hasValue(NO_APPLICATION_PROTOCOL);
        assertThat(answer.handshakes()).isFalse();
    }
}
