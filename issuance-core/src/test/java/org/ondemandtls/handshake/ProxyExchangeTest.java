package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeCertificates;
import org.ondemandtls.name.ServerName;

/** {@link ProxyExchange}: a proof and nothing else, to the JDK's own TLS client. */
class ProxyExchangeTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String PATH = "/.well-known/acme-challenge/token";

    private final KeyedCertificate certificate = ChallengeCertificates.selfSigned(SHOP, Clock.systemUTC());
    private final Anybody anybody = new Anybody();
    private final List<String> asked = new ArrayList<>();
    private SSLContext trusting;
    private int segment = Integer.MAX_VALUE;

    @BeforeEach
    void trustAnybody() throws Exception {
        trusting = SSLContext.getInstance("TLS");
        trusting.init(null, new TrustManager[] {anybody}, new SecureRandom());
    }

    private ProxyExchange exchange() {
        return new ProxyExchange(new Admission.Show(SHOP, certificate, (method, path, query, host) -> {
            asked.add(method + " " + path + " " + query + " " + host);
            return path.equals(PATH) && query == null ? Optional.of("token.thumbprint") : Optional.empty();
        }));
    }

    private SSLEngine client(String... protocols) {
        // As one that resumes sessions where it can.
        SSLEngine engine = trusting.createSSLEngine(SHOP.value(), 443);
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(SHOP.value())));
        parameters.setApplicationProtocols(protocols);
        engine.setSSLParameters(parameters);
        return engine;
    }

    private String ask(String request) throws SSLException {
        return ask(client("h2", "http/1.1"), exchange(), request);
    }

    // Until neither has anything to say; returns what the client understood.
    private String ask(SSLEngine client, ProxyExchange exchange, String request) throws SSLException {
        ByteBuffer toSay = ByteBuffer.wrap(request.getBytes(StandardCharsets.ISO_8859_1));
        ByteBuffer heard = ByteBuffer.allocate(1 << 17).limit(0);
        ByteBuffer understood = ByteBuffer.allocate(1 << 17);
        client.beginHandshake();
        for (int step = 0; step < 1_000; step++) {
            boolean moved = false;
            switch (client.getHandshakeStatus()) {
                case NEED_TASK -> {
                    client.getDelegatedTask().run();
                    moved = true;
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> moved = hear(client, heard, understood);
                default -> {
                    ByteBuffer said = ByteBuffer.allocate(1 << 17);
                    moved = client.wrap(toSay, said).bytesProduced() > 0;
                    said.flip();
                    while (said.hasRemaining()) {
                        ByteBuffer part = said.slice(said.position(), Math.min(segment, said.remaining()));
                        said.position(said.position() + part.remaining());
                        heard.compact().put(exchange.feed(part)).flip();
                    }
                    moved |= hear(client, heard, understood);
                }
            }
            if (!moved) {
                break;
            }
        }
        return StandardCharsets.US_ASCII.decode(understood.flip()).toString();
    }

    private static boolean hear(SSLEngine client, ByteBuffer heard, ByteBuffer understood) throws SSLException {
        SSLEngineResult result = client.unwrap(heard, understood);
        return result.bytesConsumed() > 0;
    }

    private static String request(String line, String host) {
        return line + " HTTP/1.1\r\nUser-Agent: edge\r\nHost: " + host + "\r\nCF-Ray: 1\r\n\r\n";
    }

    @Test
    void aPendingProofIsShownAndTheConnectionEnds() throws Exception {
        ProxyExchange exchange = exchange();
        SSLEngine client = client("h2", "http/1.1");

        String answer = ask(client, exchange, request("GET " + PATH, "SHOP.example.com:443"));

        assertThat(answer)
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Length: 16\r\n")
                .contains("\r\nCache-Control: no-store\r\n")
                .contains("\r\nConnection: close\r\n")
                .endsWith("\r\n\r\ntoken.thumbprint");
        assertThat(exchange.isOver()).isTrue();
        assertThat(client.isInboundDone()).isTrue();
        assertThat(client.getApplicationProtocol()).isEqualTo("http/1.1");
        assertThat(client.getSession().getPeerCertificates()[0]).isEqualTo(certificate.leaf());
        assertThat(asked).containsExactly("GET " + PATH + " null SHOP.example.com");
    }

    @Test
    void aHeadRequestGetsTheSameWithoutTheBody() throws Exception {
        assertThat(ask(request("HEAD " + PATH, SHOP.value())))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Length: 16\r\n")
                .endsWith("\r\n\r\n");
    }

    @Test
    void itMayComeOctetByOctet() throws Exception {
        segment = 1;

        assertThat(ask(request("GET " + PATH, SHOP.value()))).endsWith("token.thumbprint");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /", "GET /index.html", "POST /login", "GET /.well-known/acme-challenge", "OPTIONS /x"})
    void aVisitorIsToldToComeAgain(String line) throws Exception {
        assertThat(ask(request(line, SHOP.value())))
                .startsWith("HTTP/1.1 503 Service Unavailable\r\n")
                .contains("\r\nRetry-After: 5\r\n")
                .endsWith("\r\nContent-Length: 0\r\n\r\n");
        assertThat(asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET " + PATH + "x", "GET " + PATH + "?x", "POST " + PATH, "GET " + PATH + "/../../.."})
    void whatIsNoPendingProofIsNotFound(String line) throws Exception {
        assertThat(ask(request(line, SHOP.value())))
                .startsWith("HTTP/1.1 404 Not Found\r\n")
                .endsWith("\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"www.example.com", "localhost", "127.0.0.1", ""})
    void anotherHostIsMisdirected(String host) throws Exception {
        assertThat(ask(request("GET " + PATH, host))).startsWith("HTTP/1.1 421 ");
        assertThat(asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET " + PATH + " HTTP/1.1\r\n\r\n",
                "GET " + PATH + " HTTP/1.1\r\nHost: shop.example.com\r\nhost: shop.example.com\r\n\r\n",
                "GET https://shop.example.com" + PATH + " HTTP/1.1\r\nHost: shop.example.com\r\n\r\n",
                "GET " + PATH + "\r\nHost: shop.example.com\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "\r\n\r\n"
            })
    void whatIsNoPlainRequestIsBad(String request) throws Exception {
        assertThat(ask(request)).startsWith("HTTP/1.1 400 ");
        assertThat(asked).isEmpty();
    }

    @Test
    void aHeadWithoutAnEndIsTooLarge() throws Exception {
        assertThat(ask("GET / HTTP/1.1\r\nX: " + "x".repeat(16 * 1024))).startsWith("HTTP/1.1 431 ");
    }

    @Test
    void aHeadMayHaveSoManyOctetsAndNoMore() throws Exception {
        String head = "GET / HTTP/1.1\r\nHost: shop.example.com\r\nX: ";
        String most = head + "x".repeat(16 * 1024 - head.length());

        assertThat(ask(most + "\r\n\r\n")).startsWith("HTTP/1.1 503 ");
        assertThat(ask(most + "x\r\n\r\n")).startsWith("HTTP/1.1 431 ");
        ProxyExchange waiting = exchange();
        assertThat(ask(client("http/1.1"), waiting, most)).isEmpty();
        assertThat(waiting.isOver()).isFalse();
        assertThat(ask(most + "x")).startsWith("HTTP/1.1 431 ");
    }

    @Test
    void aQueryIsHandedOnAsItWasSent() throws Exception {
        ask(request("GET " + PATH + "?a=b?c", SHOP.value()));

        assertThat(asked).containsExactly("GET " + PATH + " a=b?c shop.example.com");
    }

    @Test
    void aPeerThatEndsTheConnectionBeforeItAsksIsOver() throws Exception {
        ProxyExchange exchange = exchange();
        SSLEngine client = client("http/1.1");
        ask(client, exchange, "");
        assertThat(exchange.isOver()).isFalse();

        client.closeOutbound();
        ByteBuffer goodbye = ByteBuffer.allocate(1 << 17);
        client.wrap(ByteBuffer.allocate(0), goodbye);
        exchange.feed(goodbye.flip());

        assertThat(exchange.isOver()).isTrue();
        assertThat(asked).isEmpty();
    }

    @Test
    void nothingOfItIsEverResumed() throws Exception {
        for (String protocol : List.of("TLSv1.2", "TLSv1.3")) {
            byte[] before = null;
            for (int visit = 0; visit < 2; visit++) {
                SSLEngine client = client();
                client.setEnabledProtocols(new String[] {protocol});
                assertThat(ask(client, exchange(), request("GET " + PATH, SHOP.value())))
                        .endsWith("token.thumbprint");
                assertThat(client.getSession().getId()).isNotEqualTo(before);
                before = client.getSession().getId();
            }
        }
        // Each of them had to be shown the certificate.
        assertThat(anybody.checks.get()).isEqualTo(4);
    }

    @Nested
    class APeer {

        @Test
        void thatSpeaksHttp2OnlyGetsAnAlert() {
            ProxyExchange exchange = exchange();

            assertThatAlert(exchange, "h2");
        }

        @Test
        void thatSendsNoTlsIsOver() {
            ProxyExchange exchange = exchange();

            exchange.feed(ByteBuffer.wrap(request("GET " + PATH, SHOP.value()).getBytes(StandardCharsets.US_ASCII)));

            assertThat(exchange.isOver()).isTrue();
            assertThat(exchange.feed(ByteBuffer.allocate(1)).hasRemaining()).isFalse();
        }

        @Test
        void thatSendsWithoutEndIsOver() {
            ProxyExchange exchange = exchange();
            // The beginning of a record that is never whole, and one octet more than is taken.
            byte[] octets = new byte[ProxyExchange.MOST_OCTETS + 1];
            octets[0] = 22;
            octets[1] = 3;
            octets[2] = 3;
            octets[3] = 0x3f;

            exchange.feed(ByteBuffer.wrap(octets));

            assertThat(exchange.isOver()).isTrue();
        }

        @Test
        void thatSendsMoreThanIsTakenIsAnsweredNoMoreHoweverItIsCut() {
            assertThat(exchange().feed(noRecord(ProxyExchange.MOST_OCTETS)).hasRemaining())
                    .isTrue();
            assertThat(exchange().feed(noRecord(ProxyExchange.MOST_OCTETS + 1)).hasRemaining())
                    .isFalse();
            ProxyExchange exchange = exchange();
            exchange.feed(noRecord(ProxyExchange.MOST_OCTETS).limit(10));
            assertThat(exchange.isOver()).isFalse();
            ByteBuffer rest = noRecord(ProxyExchange.MOST_OCTETS).position(9);

            assertThat(exchange.feed(rest).hasRemaining()).isFalse();

            assertThat(exchange.isOver()).isTrue();
            assertThat(rest.hasRemaining()).isFalse();
        }

        // A record of a handshake in which there is no message.
        private static ByteBuffer noRecord(int octets) {
            return ByteBuffer.wrap(new byte[octets])
                    .put(0, (byte) 22)
                    .put(1, (byte) 3)
                    .put(2, (byte) 3)
                    .put(3, (byte) 0x3f);
        }

        private void assertThatAlert(ProxyExchange exchange, String protocol) {
            String answer;
            try {
                answer = ask(client(protocol), exchange, request("GET " + PATH, SHOP.value()));
            } catch (SSLException e) {
                answer = String.valueOf(e.getMessage());
            }
            assertThat(answer).contains("no_application_protocol");
            assertThat(exchange.isOver()).isTrue();
            assertThat(asked).isEmpty();
        }
    }

    /** Trusts anybody, and counts how often it had to. */
    private static final class Anybody extends X509ExtendedTrustManager {

        private final AtomicInteger checks = new AtomicInteger();

        private void count() {
            checks.incrementAndGet();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {
            count();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {
            count();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
            count();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
            count();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {
            count();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {
            count();
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
