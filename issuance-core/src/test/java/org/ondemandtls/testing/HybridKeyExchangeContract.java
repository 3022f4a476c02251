package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.conscrypt.Conscrypt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The key exchange that a quantum computer does not break, X25519MLKEM768 (0x11ec): a client that has it gets it, by
 * whatever way; one that has not is served all the same. The client is Conscrypt's.
 */
public abstract class HybridKeyExchangeContract<F extends HostFixture> extends HostContract<F> {

    private static final int RECORD_HEADER = 5;
    private static final String NAME = "shop.customer.test";
    private static final String HYBRID = "X25519MLKEM768";

    // RFC 8446 section 4.1.3: the random of a HelloRetryRequest.
    private static final String RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

    // RFC 8446 section 4.2.8: the extension key_share of two octets, which name the group.
    private static final String SELECTED_HYBRID = "0033000211ec";

    private record Visit(String group, String answer) {}

    @Test
    void aClientThatOffersItGetsItWithoutAnybodyConfiguringAnything() throws Exception {
        fixture.launch();

        Visit visit = visit();

        assertThat(visit.group()).isEqualTo(HYBRID);
        assertThat(visit.answer()).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aClientThatHasItButSentNoShareIsAskedForOne() throws Exception {
        fixture.launch();

        String answer = HexFormat.of().formatHex(answerTo(helloWithoutShares()));

        assertThat(answer).contains(RETRY, SELECTED_HYBRID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"X25519", "P-256"})
    void aClientThatHasItNotIsServedByWhatItHas(String group) throws Exception {
        fixture.launch();

        Visit visit = visit(group);

        assertThat(visit.group()).isEqualTo(group);
        assertThat(visit.answer()).startsWith("HTTP/1.1 200 ");
    }

    private Visit visit(String... groups) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS", Conscrypt.newProvider());
        context.init(null, new TrustManager[] {TlsProbe.anyTrust()}, null);
        try (SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), fixture.port())) {
            Conscrypt.setHostname(socket, NAME);
            if (groups.length > 0) {
                Conscrypt.setNamedGroups(socket, groups);
            }
            socket.startHandshake();
            socket.getOutputStream()
                    .write(("GET / HTTP/1.1\r\nHost: " + NAME + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Visit(Conscrypt.getGroupName(socket), answer);
        }
    }

    private byte[] answerTo(byte[] hello) throws IOException {
        try (Socket socket = fixture.tcp()) {
            socket.getOutputStream().write(hello);
            InputStream in = socket.getInputStream();
            byte[] header = in.readNBytes(RECORD_HEADER);
            return in.readNBytes(((header[3] & 0xff) << 8) | (header[4] & 0xff));
        }
    }

    // TLS 1.3 with both groups and an empty list of shares.
    private static byte[] helloWithoutShares() {
        String name = HexFormat.of().formatHex(NAME.getBytes(StandardCharsets.US_ASCII));
        String extensions = extension("0000", sized(2, "00" + sized(2, name)))
                + extension("002b", sized(1, "0304"))
                + extension("000a", sized(2, "11ec001d"))
                + extension("000d", sized(2, "04030804"))
                + extension("0033", sized(2, ""));
        String hello = "0303" + "11".repeat(32) + "00" + sized(2, "1301") + sized(1, "00") + sized(2, extensions);
        return HexFormat.of().parseHex("160301" + sized(2, "01" + sized(3, hello)));
    }

    private static String extension(String type, String content) {
        return type + sized(2, content);
    }

    // With its length in so many octets before it.
    private static String sized(int octets, String hex) {
        return HexFormat.of().toHexDigits(hex.length() / 2L, 2 * octets) + hex;
    }
}
