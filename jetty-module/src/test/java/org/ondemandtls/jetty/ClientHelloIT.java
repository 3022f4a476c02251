package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What arrives in place of an ordinary ClientHello, octet by octet. */
class ClientHelloIT {

    private static final int HANDSHAKE = 22;
    private static final int RECORD_HEADER = 5;
    private static final int HALF_OPEN = 1_000;
    private static final byte[] DECODE_ERROR = {21, 3, 3, 0, 2, 2, 50};
    private static final byte[] NO_APPLICATION_PROTOCOL = {21, 3, 3, 0, 2, 2, 120};

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "1s");
        fixture.start();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void whatIsNotTlsGetsDecodeErrorAndAClose() throws Exception {
        assertThat(answer("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".getBytes(StandardCharsets.US_ASCII)))
                .isEqualTo(DECODE_ERROR);
    }

    @Test
    void aMessageLargerThanTheBoundGetsDecodeErrorAlthoughMoreIsStillComing() throws Exception {
        byte[] large = new byte[RECORD_HEADER + 16_384 + 2_000];
        large[0] = HANDSHAKE;
        large[1] = 3;
        large[2] = 1;
        large[3] = 0x40;
        large[5] = 1;
        large[6] = 1;

        assertThat(answer(large)).isEqualTo(DECODE_ERROR);
    }

    @Test
    void aClientHelloThatIsNotWholeInTimeGetsDecodeErrorHoweverBusyItIs() throws Exception {
        byte[] hello = Hellos.clientHello("shop.customer.test");
        long started = System.nanoTime();
        try (Socket socket = fixture.client().tcp()) {
            OutputStream out = socket.getOutputStream();
            Thread trickle = new Thread(() -> {
                try {
                    for (byte octet : hello) {
                        out.write(octet);
                        Thread.onSpinWait();
                        java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
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
    void oneOctetPerRecordAndPerSegmentIsAClientHelloLikeAnyOther() throws Exception {
        byte[] hello = Hellos.clientHello("shop.customer.test");
        try (Socket socket = fixture.client().tcp()) {
            socket.setTcpNoDelay(true);
            OutputStream out = socket.getOutputStream();
            for (int i = RECORD_HEADER; i < hello.length; i++) {
                out.write(new byte[] {HANDSHAKE, 3, 1, 0, 1, hello[i]});
            }

            assertThat(socket.getInputStream().read()).isEqualTo(HANDSHAKE);
        }
    }

    @Test
    void anAcmeClientHelloWithoutAPendingChallengeGetsNoHandshake() throws Exception {
        assertThat(answer(Hellos.clientHello("shop.customer.test", "acme-tls/1")))
                .isEqualTo(NO_APPLICATION_PROTOCOL);
    }

    @Test
    void aThousandHalfOpenOnesDisturbNobodyAndAreCutOffInTime() throws Exception {
        fixture.close();
        fixture = new ServerFixture(directory);
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5s");

        fixture.start();
        Client client = fixture.client();
        client.get("shop.customer.test");
        byte[] half = Arrays.copyOf(Hellos.clientHello("shop.customer.test"), 100);
        List<Socket> halfOpen = new ArrayList<>();
        try {
            for (int i = 0; i < HALF_OPEN; i++) {
                Socket socket = client.tcp();
                socket.getOutputStream().write(half, 0, i % half.length);
                halfOpen.add(socket);
            }
            await().until(() -> fixture.secure.getConnectedEndPoints().size() == HALF_OPEN);

            assertThat(client.get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
            // All of them are still there: the visit did not have to wait for the first to be cut off.
            assertThat(fixture.secure.getConnectedEndPoints()).hasSizeGreaterThanOrEqualTo(HALF_OPEN);
            for (Socket socket : halfOpen) {
                assertThat(socket.getInputStream().readAllBytes()).isEqualTo(DECODE_ERROR);
            }
        } finally {
            for (Socket socket : halfOpen) {
                socket.close();
            }
        }
        await().until(() -> fixture.secure.getConnectedEndPoints().isEmpty());
    }

    @Test
    void aClientHelloThatNeverEndsIsRefusedAtItsBoundInWhateverSegments() throws Exception {
        byte[] record = new byte[RECORD_HEADER + 1_000];
        record[0] = HANDSHAKE;
        record[1] = 3;
        record[2] = 1;
        record[3] = 1_000 >> 8;
        record[4] = (byte) 1_000;
        byte[] first = record.clone();
        first[RECORD_HEADER] = 1;
        // A message of 16 KiB is announced, and more than that is sent.
        first[RECORD_HEADER + 2] = 0x40;
        first[RECORD_HEADER + 3] = 0x01;
        try (Socket socket = fixture.client().tcp()) {
            socket.setTcpNoDelay(true);
            socket.getOutputStream().write(first);
            for (int i = 0; i < 20; i++) {
                socket.getOutputStream().write(record);
            }

            assertThat(socket.getInputStream().readNBytes(DECODE_ERROR.length)).isEqualTo(DECODE_ERROR);
        }
    }

    private byte[] answer(byte[] sent) throws Exception {
        try (Socket socket = fixture.client().tcp()) {
            socket.getOutputStream().write(sent);
            InputStream in = socket.getInputStream();
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            in.transferTo(answer);
            return answer.toByteArray();
        }
    }
}
