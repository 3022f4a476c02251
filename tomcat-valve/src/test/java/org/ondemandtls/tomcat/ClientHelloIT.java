package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.RawTls;
import org.ondemandtls.testing.TlsProbe;

/** What arrives in place of an ordinary ClientHello, octet by octet. */
class ClientHelloIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final byte[] DECODE_ERROR = {21, 3, 3, 0, 2, 2, 50};
    private static final int NO_APPLICATION_PROTOCOL = 120;

    @TempDir
    Path directory;

    private TomcatFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new TomcatFixture(directory);
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "1s");
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void whatIsNotTlsGetsDecodeErrorAndAClose() throws Exception {
        fixture.start();

        var answer = RawTls.send(
                fixture.port(), PATIENCE, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".getBytes(StandardCharsets.US_ASCII));

        assertThat(answer.alert()).hasValue(50);
        assertThat(answer.closed()).isTrue();
    }

    @Test
    void aMessageLargerThanTheBoundGetsDecodeErrorAlthoughMoreIsStillComing() throws Exception {
        fixture.start();
        byte[] large = new byte[5 + 16_384 + 2_000];
        large[0] = 22;
        large[1] = 3;
        large[2] = 1;
        large[3] = 0x40;
        large[5] = 1;
        large[6] = 1;

        var answer = RawTls.send(fixture.port(), PATIENCE, large);

        assertThat(answer.alert()).hasValue(50);
        assertThat(answer.closed()).isTrue();
    }

    @Test
    void aClientHelloThatIsNotWholeInTimeGetsDecodeErrorHoweverBusyItIs() throws Exception {
        fixture.start();
        byte[] hello = TlsProbe.trustingAnything().clientHello("shop.customer.test");
        long started = System.nanoTime();
        try (Socket socket = fixture.tcp()) {
            OutputStream out = socket.getOutputStream();
            Thread trickle = new Thread(() -> {
                try {
                    for (byte octet : hello) {
                        out.write(octet);
                        LockSupport.parkNanos(50_000_000);
                    }
                } catch (Exception closed) {
                    // The server has had enough.
                }
            });
            trickle.start();

            byte[] answer = socket.getInputStream().readNBytes(DECODE_ERROR.length);

            assertThat(answer).isEqualTo(DECODE_ERROR);
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(5));
            trickle.interrupt();
            trickle.join();
        }
    }

    @Test
    void aSilentClientGetsAnAlertAlsoWhereTomcatsOwnTimeoutIsShorter() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "30s");
        fixture.secure.setProperty("connectionTimeout", "500");
        fixture.start();
        try (Socket silent = fixture.tcp()) {

            assertThat(silent.getInputStream().readAllBytes()).isEqualTo(DECODE_ERROR);
        }
    }

    @Test
    void aClientHelloInSegmentsOfOneByteAndInManyRecordsIsUnderstood() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "10s");
        fixture.start();
        byte[] hello = TlsProbe.trustingAnything().clientHello("shop.customer.test");

        var whole = TlsProbe.trustingAnything().oneByteAtATime().get(fixture.port(), "shop.customer.test", "/");
        var records = RawTls.send(fixture.port(), PATIENCE, RawTls.inRecordsOf(7, hello));
        var both = RawTls.send(fixture.port(), PATIENCE, RawTls.single(RawTls.inRecordsOf(50, hello)));

        assertThat(whole.answer()).startsWith("HTTP/1.1 200 ");
        assertThat(records.handshakes()).as("records of 7 bytes").isTrue();
        assertThat(both.handshakes()).as("records of 50 bytes, byte by byte").isTrue();
    }

    @Test
    void anAcmeClientHelloWithoutAPendingChallengeGetsNoHandshake() throws Exception {
        fixture.start();

        var answer = RawTls.send(
                fixture.port(),
                PATIENCE,
                TlsProbe.trustingAnything().alpn("acme-tls/1").clientHello("shop.customer.test"));

        assertThat(answer.alert()).hasValue(NO_APPLICATION_PROTOCOL);
        assertThat(answer.handshakes()).isFalse();
    }

    @Test
    void halfOpenOnesDisturbNobodyAndAreCutOff() throws Exception {
        fixture.start();
        byte[] half = Arrays.copyOf(TlsProbe.trustingAnything().clientHello("shop.customer.test"), 100);
        List<Socket> halfOpen = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                Socket socket = fixture.tcp();
                socket.getOutputStream().write(half);
                halfOpen.add(socket);
            }

            assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
            for (Socket socket : halfOpen) {
                assertThat(socket.getInputStream().readAllBytes()).isEqualTo(DECODE_ERROR);
            }
        } finally {
            for (Socket socket : halfOpen) {
                socket.close();
            }
        }
    }
}
