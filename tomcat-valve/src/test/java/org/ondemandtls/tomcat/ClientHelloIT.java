package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.ClientHelloContract;

class ClientHelloIT extends ClientHelloContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    /** Tomcat's own answer says in words what is wrong. */
    @ParameterizedTest
    @ValueSource(ints = {0, 2_048, 6_000})
    void plainHttpGetsTomcatsAnswer(int more) throws Exception {
        fixture.start();
        try (Socket socket = fixture.tcp()) {
            String path = "/" + "x".repeat(more);
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: a.test\r\n\r\n").getBytes(StandardCharsets.US_ASCII));

            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);

            assertThat(answer).startsWith("HTTP/1.1 400 ").contains("requires TLS");
        }
        assertThat(fixture.engine().status().getRefusals()).containsEntry("notTls", 1L);
    }

    @Test
    void plainHttpGetsTomcatsAnswerAlsoWhereItComesInPiecesOrNothingFollows() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5m");
        fixture.start();
        try (Socket pieces = fixture.tcp();
                Socket over = fixture.tcp()) {
            pieces.setTcpNoDelay(true);
            pieces.getOutputStream().write(new byte[] {'G', 'E'});
            over.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            over.shutdownOutput();

            assertThat(new String(over.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 400 ");
            // Time enough for the first piece to be read.
            fixture.visit("shop.customer.test");
            pieces.getOutputStream().write("T / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(pieces.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 400 ");
        }
        assertThat(fixture.engine().status().getRefusals()).containsEntry("notTls", 2L);
    }

    @Test
    void aSilentClientGetsAnAlertAlsoWhereTomcatsOwnTimeoutIsShorter() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "30s");
        fixture.secure.setProperty("connectionTimeout", "500");
        fixture.start();
        try (Socket silent = fixture.tcp()) {

            assertThat(silent.getInputStream().readAllBytes()).isEqualTo(new byte[] {21, 3, 3, 0, 2, 2, 50});
        }
    }
}
