package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;

/** {@link HttpProbe}: of which addresses an answer is certain. All addresses here pass for public ones. */
class HttpProbeTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");
    private static final int MAX_ANSWER = 8192;

    private final Map<String, String> shown = new ConcurrentHashMap<>();
    private final Set<InetAddress> own = new HashSet<>();
    private final Set<InetAddress> direct = new HashSet<>();
    private final List<HttpServer> servers = new ArrayList<>();
    private final InetAddress first = loopback(1);
    private final InetAddress second = loopback(2);

    private int port;
    private boolean served;
    private HttpProbe probe;

    private static InetAddress loopback(int last) {
        return new InetSocketAddress("127.0.0." + last, 0).getAddress();
    }

    @BeforeEach
    void listen() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(first, 0), 0);
        port = server.getAddress().getPort();
        servers.add(server);
        servers.add(HttpServer.create(new InetSocketAddress(second, port), 0));
        servers.forEach(HttpServer::start);
        probe = probe(address -> true, port);
    }

    private HttpProbe probe(Predicate<InetAddress> isPublic, int port) {
        return new HttpProbe(
                new Proofs(),
                new HttpProbe.Addresses(address -> false, own::contains, isPublic, direct::contains),
                port,
                System::nanoTime);
    }

    private static long inAMinute() {
        return System.nanoTime() + Duration.ofMinutes(1).toNanos();
    }

    @AfterEach
    void close() {
        servers.forEach(server -> server.stop(0));
    }

    private final class Proofs implements DnsPreflight.HttpProofs {

        @Override
        public Runnable show(ServerName name, String token, String text) {
            shown.put(token, text);
            return () -> shown.remove(token);
        }

        @Override
        public boolean isUsed() {
            return true;
        }

        @Override
        public boolean isPossible() {
            return true;
        }

        @Override
        public boolean isServed(ServerName name, InetAddress address) {
            return served;
        }
    }

    private void on(InetAddress address, HttpHandler handler) {
        servers.get(address.equals(first) ? 0 : 1).createContext("/", handler);
    }

    private void showing(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        answer(exchange, 200, String.valueOf(shown.get(path.substring(path.lastIndexOf('/') + 1))));
    }

    private static void redirecting(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders()
                .set("Location", "https://" + SHOP + exchange.getRequestURI().getPath());
        answer(exchange, 301, "");
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.US_ASCII);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private Optional<String> ask(ServerName name, InetAddress address) {
        return probe.ask(name, address, inAMinute()).map(Verdict::toString);
    }

    @Test
    void aRedirectToHttpsIsCertainOnAnAddressOfThisMachineThoughNobodyListsIt() {
        on(first, HttpProbeTest::redirecting);
        direct.add(first);
        assertThat(ask(SHOP, first)).isEmpty();

        own.add(first);

        assertThat(ask(SHOP, first))
                .hasValueSatisfying(verdict -> assertThat(verdict)
                        .startsWith("operator: ")
                        .contains("is redirected to https", "leave this path out of the redirect"));
        served = true;
        assertThat(ask(SHOP, first)).isEmpty();
    }

    @Test
    void anAnswerFromBehindATranslatorIsCertainOnceAProofHasComeBackThroughIt() {
        on(first, this::showing);
        on(second, exchange -> answer(exchange, 404, ""));
        assertThat(ask(OTHER, second)).isEmpty();

        assertThat(ask(SHOP, first)).isEmpty();

        assertThat(ask(OTHER, second)).isPresent();
    }

    @Test
    void aProofThatComesBackFromThisMachineSaysNothingAboutATranslator() {
        on(first, this::showing);
        on(second, exchange -> answer(exchange, 404, ""));
        direct.add(first);

        assertThat(ask(SHOP, first)).isEmpty();

        assertThat(ask(OTHER, second)).isEmpty();
    }

    @Test
    void aProofThatComesBackThroughACdnSaysNothingAboutATranslator() {
        on(first, exchange -> {
            exchange.getResponseHeaders().set("CF-RAY", "8a1b2c3d4e5f6789-FRA");
            showing(exchange);
        });
        on(second, exchange -> answer(exchange, 404, ""));

        assertThat(ask(SHOP, first)).isEmpty();

        assertThat(ask(OTHER, second)).isEmpty();
    }

    @Test
    void anAddressThatMayNotBeAskedLeavesTheOtherKindToBeAsked() {
        // Made by a DNS64 resolver.
        InetAddress made = new InetSocketAddress("64:ff9b::7f00:1", 0).getAddress();
        on(first, exchange -> {
            exchange.getResponseHeaders().set("Server", "AkamaiGHost");
            answer(exchange, 404, "");
        });

        // Each with a memory of its own: an answer that comes late is not waited for again.
        Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> {
            HttpProbe young = probe(address -> !address.equals(made), port);
            young.learn(SHOP, List.of(first, made), inAMinute());
            return young.network(SHOP).equals(Optional.of("Akamai"));
        });
    }

    @Test
    void aProofThatALongHeadCutsOffIsNotCertainToBeAnothersAndALongBodyIs() throws Exception {
        direct.add(first);
        try (ServerSocket server = new ServerSocket()) {
            server.bind(new InetSocketAddress(first, 0));
            HttpProbe asking = probe(address -> true, server.getLocalPort());

            CompletableFuture<Void> cut = answering(server, (token, out) -> {
                String head = "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Filler: ";
                String part = shown.get(token).substring(0, 10);
                String end = "\r\n\r\n" + part;
                out.write((head + "x".repeat(MAX_ANSWER - head.length() - end.length()) + end)
                        .getBytes(StandardCharsets.US_ASCII));
            });
            assertThat(asking.ask(SHOP, first, inAMinute())).isEmpty();
            cut.get(2, TimeUnit.MINUTES);

            CompletableFuture<Void> endless = answering(
                    server,
                    (token, out) -> out.write(
                            ("HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(MAX_ANSWER)).getBytes(StandardCharsets.US_ASCII)));
            assertThat(asking.ask(SHOP, first, inAMinute()))
                    .hasValueSatisfying(
                            verdict -> assertThat(verdict.toString()).contains("is answered by another server (200)"));
            endless.get(2, TimeUnit.MINUTES);
        }
    }

    @FunctionalInterface
    private interface Answering {
        void answer(String token, OutputStream out) throws IOException;
    }

    // Answers one request, and leaves the connection open until the other side closes.
    private static CompletableFuture<Void> answering(ServerSocket server, Answering answering) {
        return CompletableFuture.runAsync(
                () -> {
                    try (Socket socket = server.accept()) {
                        BufferedReader in = new BufferedReader(
                                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
                        String path = in.readLine().split(" ")[1];
                        answering.answer(path.substring(path.lastIndexOf('/') + 1), socket.getOutputStream());
                        socket.getOutputStream().flush();
                        while (in.read() >= 0) {
                            // The rest of the request.
                        }
                    } catch (SocketException reset) {
                        // The other side has heard enough.
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                task -> new Thread(task, "answering").start());
    }
}
