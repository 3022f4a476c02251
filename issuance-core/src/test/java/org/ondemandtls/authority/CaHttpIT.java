package org.ondemandtls.authority;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLServerSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.testing.LoopbackCertificate;

/** {@link CaHttp} and {@link CaLine} with a real TLS server that answers whatever a test says. */
class CaHttpIT {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /** Says that the server closes the connection, after what it has answered or instead of an answer. */
    private static final String CLOSE = "close";

    /** Says that the server answers no more and keeps the connection. */
    private static final String HANG = "hang";

    @TempDir
    private Path directory;

    /** Says that the server waits until {@link #goOn} before it answers. */
    private static final String WAIT = "wait";

    private final CountDownLatch goOn = new CountDownLatch(1);
    private final AtomicInteger connections = new AtomicInteger();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final Queue<String> answers = new ConcurrentLinkedQueue<>();
    private final List<Socket> accepted = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private SSLServerSocket server;
    private LoopbackCertificate certificate;
    private CaHttp http;

    @BeforeEach
    void listen() throws Exception {
        certificate = LoopbackCertificate.create(directory);
        server = (SSLServerSocket) context().getServerSocketFactory().createServerSocket();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        threads.execute(this::accept);
        http = new CaHttp(
                uri("/dir"),
                List.of(),
                LoopbackCertificate.trusting(certificate.certificate()),
                Optional.empty(),
                System::nanoTime);
    }

    @AfterEach
    void end() throws IOException {
        http.close();
        server.close();
        for (Socket socket : accepted) {
            socket.close();
        }
        threads.shutdownNow();
    }

    private SSLContext context() throws Exception {
        var keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry(
                "server",
                Pem.readPrivateKey(Files.readString(certificate.key())),
                new char[0],
                Pem.readCertificates(Files.readString(certificate.certificate()))
                        .toArray(Certificate[]::new));
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, new char[0]);
        var context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                accepted.add(socket);
                connections.incrementAndGet();
                threads.execute(() -> answer(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void answer(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            while (true) {
                requests.add(request(in));
                String answer = answers.poll();
                if (answer == null || answer.equals(CLOSE)) {
                    return;
                }
                if (answer.equals(HANG)) {
                    new CountDownLatch(1).await();
                }
                if (answer.equals(WAIT)) {
                    goOn.await();
                    answer = OK;
                }
                socket.getOutputStream().write(answer.getBytes(ISO_8859_1));
                if (CLOSE.equals(answers.peek())) {
                    answers.remove();
                    return;
                }
            }
        } catch (IOException | InterruptedException ended) {
            // The test is over, or the client has had enough.
        }
    }

    private static String request(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int octet = in.read();
            if (octet < 0) {
                throw new IOException("closed");
            }
            head.append((char) octet);
        }
        var length = java.util.regex.Pattern.compile("Content-Length: (\\d+)").matcher(head);
        return head + (length.find() ? new String(in.readNBytes(Integer.parseInt(length.group(1))), ISO_8859_1) : "");
    }

    private URI uri(String path) {
        return URI.create("https://localhost:" + server.getLocalPort() + path);
    }

    private CaAnswer get(String... scripted) throws IOException {
        answers.addAll(List.of(scripted));
        return http.send(new CaRequest("GET", uri("/thing?a=b"), "application/json", ""), PATIENCE);
    }

    private static String body(CaAnswer answer) {
        return new String(answer.body(), ISO_8859_1);
    }

    @Test
    void aRequestIsWhatTheCaExpects() throws IOException {
        answers.add(OK);

        http.send(new CaRequest("POST", uri("/new"), "application/json", "{\"signed\":1}"), PATIENCE);

        assertThat(requests)
                .singleElement()
                .asString()
                .startsWith("POST /new HTTP/1.1\r\nHost: localhost:" + server.getLocalPort() + "\r\n")
                .contains("Content-Type: application/jose+json\r\n", "User-Agent: ondemand-tls ")
                .endsWith("Content-Length: 12\r\n\r\n{\"signed\":1}");
    }

    @Test
    void answersOfEveryKindAreReadToTheirEnd() throws IOException {
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(body(get("HTTP/1.1 200\r\ncontent-length:3\r\n\r\nabc"))).isEqualTo("abc");
        assertThat(body(get("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")))
                .isEqualTo("abc0123456789");
        assertThat(body(get("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)))
                .isEqualTo("ok");
        assertThat(body(get("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok")))
                .isEqualTo("ok");
        assertThat(body(get("HTTP/1.1 200 OK\r\nContent-Encoding: UTF-8\r\nContent-Length: 2\r\n\r\nok")))
                .isEqualTo("ok");
        assertThat(body(get("HTTP/1.1 200 Gut \u0085\r\nServer: \u00c3\u0085lesund\r\nContent-Length: 2\r\n\r\nok")))
                .isEqualTo("ok");
        assertThat(get("HTTP/1.1 204 No Content\r\n\r\n").status()).isEqualTo(204);
        assertThat(body(get("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))).isEmpty();

        assertThat(connections).hasValue(1);
        assertThat(requests).allMatch(request -> request.startsWith("GET /thing?a=b HTTP/1.1\r\n"));
    }

    @Test
    void aHeadIsAnsweredWithoutABody() throws IOException {
        answers.add("HTTP/1.1 200 OK\r\nContent-Length: 17\r\nReplay-Nonce: abc\r\n\r\n");

        CaAnswer answer = http.send(new CaRequest("HEAD", uri("/nonce"), "*/*", ""), PATIENCE);

        assertThat(answer.headers().firstValue("replay-nonce")).contains("abc");
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(1);
    }

    @Test
    void aRedirectIsAnAnswerLikeAnyOther() throws IOException {
        assertThat(get("HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n")
                        .status())
                .isEqualTo(302);
        assertThat(requests).hasSize(1);
    }

    @Test
    void chunksCountWhereThereIsALengthTooAndTheLineIsNotUsedAgain() throws IOException {
        assertThat(body(get("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "2\r\nok\r\n0\r\n\r\n")))
                .isEqualTo("ok");
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(2);
    }

    @Test
    void whatIsMisdirectedIsAskedForOnAnotherLine() throws IOException {
        assertThat(get("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")
                        .status())
                .isEqualTo(421);
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(2);
    }

    @Test
    void whereOneIdleLineHasEndedTheOthersAreNotTried() throws Exception {
        Future<CaAnswer> one = threads.submit(() -> get(WAIT));
        Future<CaAnswer> other = threads.submit(() -> get(WAIT));
        Awaitility.await().until(() -> requests.size() == 2);
        goOn.countDown();
        one.get();
        other.get();
        assertThat(connections).hasValue(2);

        assertThatThrownBy(() -> get(CLOSE)).isInstanceOf(IOException.class);

        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(3);
    }

    @Test
    void whatTheCaClosesIsNotUsedAgain() throws Exception {
        assertThat(body(get("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")))
                .isEqualTo("ok");
        assertThat(body(get("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"))).isEqualTo("ok");
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(3);
        for (Socket socket : accepted) {
            socket.close();
        }
        // The end of a connection is on its way to us.
        Awaitility.await()
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(body(get(OK))).isEqualTo("ok"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SSH-2.0-OpenSSH\r\n\r\n",
                "HTTP/2 200\r\n\r\n",
                "HTTP/1.1 600 No\r\n\r\n",
                "HTTP/1.1 200 OK\r\n Folded: yes\r\n\r\n",
                "HTTP/1.1 200 OK\r\nBad Name: yes\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\u001f\u008bk",
                "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\nContent-Length: 2\r\n\r\nok",
                "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n",
            })
    void whatIsNoClearAnswerIsAFailureAndTheNextOneGoesOn(String unclear) throws IOException {
        assertThatThrownBy(() -> get(unclear)).isInstanceOf(IOException.class).hasMessageStartingWith("the CA");

        answers.clear();
        assertThat(body(get(OK))).isEqualTo("ok");
        assertThat(connections).hasValue(2);
    }

    @Test
    void headersAreReadUpToTheirLimit() throws IOException {
        String head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
        int room = CaLine.HEAD - head.length() - 4;

        assertThat(get(head + "a".repeat(room) + "\r\n\r\n").status()).isEqualTo(200);
        assertThatThrownBy(() -> get(head + "a".repeat(room + 1) + "\r\n\r\n"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("longer headers");
    }

    @Test
    void aBodyWithoutALengthIsReadUpToItsLimit() throws IOException {
        assertThat(get("HTTP/1.1 200 OK\r\n\r\n" + "a".repeat(CaLimits.BODY), CLOSE)
                        .body())
                .hasSize(CaLimits.BODY);
        assertThatThrownBy(() -> get("HTTP/1.1 200 OK\r\n\r\n" + "a".repeat(CaLimits.BODY + 1), CLOSE))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("longer than it may be");
    }

    @Test
    void whatIsCutOffIsAFailure() {
        assertThatThrownBy(() -> get("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", CLOSE))
                .isInstanceOf(IOException.class)
                .hasMessage("the CA's answer is cut off");
        assertThatThrownBy(() -> get(CLOSE))
                .isInstanceOf(IOException.class)
                .hasMessage("the CA has closed the connection without an answer");
    }

    @Test
    void anExchangeEndsWithItsTimeItsThreadOrTheServer() throws Exception {
        // Connected already: what is measured is the wait for an answer.
        get(OK);
        answers.addAll(List.of(HANG, HANG, HANG));
        CaRequest request = new CaRequest("GET", uri("/"), "*/*", "");
        assertThatThrownBy(() -> http.send(request, Duration.ofMillis(300)))
                .isInstanceOf(HttpTimeoutException.class)
                .hasMessageContaining("no complete answer within");

        CountDownLatch interrupted = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                http.send(request, PATIENCE);
            } catch (InterruptedIOException e) {
                if (Thread.currentThread().isInterrupted()) {
                    interrupted.countDown();
                }
            } catch (IOException e) {
                // Not what was to come.
            }
        });
        thread.start();
        Awaitility.await().until(() -> requests.size() == 3);
        thread.interrupt();
        assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();

        Future<?> closed = threads.submit(() -> http.send(request, PATIENCE));
        Awaitility.await().until(() -> requests.size() == 4);
        http.close();
        assertThatThrownBy(() -> closed.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(InterruptedIOException.class);
        assertThatThrownBy(() -> http.send(request, PATIENCE)).isInstanceOf(InterruptedIOException.class);
    }

    @Test
    void aCaThatHangsBeforeItHasShakenHandsIsNotConnectedTo() throws Exception {
        // The system accepts the connection; nobody is there to answer.
        try (ServerSocket frozen = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                CaHttp hung = new CaHttp(
                        URI.create("https://localhost:" + frozen.getLocalPort() + "/dir"),
                        List.of(),
                        LoopbackCertificate.trusting(certificate.certificate()),
                        Optional.empty(),
                        System::nanoTime)) {
            CaRequest request =
                    new CaRequest("GET", URI.create("https://localhost:" + frozen.getLocalPort() + "/"), "*/*", "");

            assertThatThrownBy(() -> hung.send(request, CaLimits.REQUEST))
                    .isInstanceOf(HttpConnectTimeoutException.class);
        }
    }

    @Nested
    class SomebodyElse {

        @Test
        void withAnotherNameIsNotTrusted() throws Exception {
            int port = server.getLocalPort();
            try (CaHttp other = new CaHttp(
                    URI.create("https://127.0.0.2:" + port + "/dir"),
                    List.of(),
                    LoopbackCertificate.trusting(certificate.certificate()),
                    Optional.empty(),
                    System::nanoTime)) {
                server.close();
                server = (SSLServerSocket) context()
                        .getServerSocketFactory()
                        .createServerSocket(port, 10, InetAddress.getByName("127.0.0.2"));
                threads.execute(CaHttpIT.this::accept);

                assertThatThrownBy(() -> other.send(
                                new CaRequest("GET", URI.create("https://127.0.0.2:" + port + "/"), "*/*", ""),
                                PATIENCE))
                        .isInstanceOf(SSLException.class);
            }
        }

        @Test
        void ofAnotherOriginIsNotAsked() {
            assertThatThrownBy(() ->
                            http.send(new CaRequest("GET", URI.create("https://localhost:1/"), "*/*", ""), PATIENCE))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("outside its own origin");
            assertThat(connections).hasValue(0);
        }
    }

    @Test
    void theProxyOfTheJvmIsUsed() throws Exception {
        ProxySelector before = ProxySelector.getDefault();
        try (ServerSocket proxy = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            List<String> tunnels = new CopyOnWriteArrayList<>();
            threads.execute(() -> tunnel(proxy, tunnels));
            ProxySelector.setDefault(new Always(proxy.getLocalSocketAddress()));

            assertThat(body(get(OK))).isEqualTo("ok");
            assertThat(body(get(OK))).isEqualTo("ok");

            assertThat(tunnels).singleElement().asString().startsWith("CONNECT localhost:" + server.getLocalPort());
        } finally {
            ProxySelector.setDefault(before);
        }
    }

    private void tunnel(ServerSocket proxy, List<String> tunnels) {
        try (Socket client = proxy.accept();
                Socket target = new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort())) {
            tunnels.add(request(client.getInputStream()));
            client.getOutputStream().write("HTTP/1.1 200 Connected\r\n\r\n".getBytes(ISO_8859_1));
            Future<?> back = threads.submit(() -> target.getInputStream().transferTo(client.getOutputStream()));
            client.getInputStream().transferTo(target.getOutputStream());
            back.cancel(true);
        } catch (IOException ended) {
            // Either end has closed.
        }
    }

    private static final class Always extends ProxySelector {

        private final Proxy proxy;

        Always(SocketAddress address) {
            proxy = new Proxy(Proxy.Type.HTTP, address);
        }

        @Override
        public List<Proxy> select(URI uri) {
            return List.of(proxy);
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException failure) {
            // The test sees it by itself.
        }
    }
}
