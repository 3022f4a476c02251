package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.Configurations;
import org.ondemandtls.testing.NameServer;
import org.ondemandtls.testing.RecordedEvents;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Section;

/** {@link DnsPreflight} against a real DNS server: what stands in an order's way, and what does not. */
@Tag("once")
class DnsPreflightIT {

    private static final CaIdentity CA = new CaIdentity(
            Set.of("ca.example"), Optional.of("https://ca.example/acct/7"), Set.of("tls-alpn-01", "http-01"));

    private static final ClientBlock CLIENT = new ClientBlock("4:c63364");

    private static NameServer server;

    private final ExecutorService executor = Executors.newFixedThreadPool(4);
    private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
    private final Map<String, String> shown = new ConcurrentHashMap<>();
    private final RecordedEvents recorded = new RecordedEvents();
    private DnsPreflight.Bounds bounds = client -> Optional.empty();
    private boolean served;
    private boolean used = true;
    private boolean possible = true;
    private int probedPort = 80;

    @BeforeAll
    static void startServer(@TempDir Path directory) {
        List<String> records = new ArrayList<>(List.of(
                "good A 198.51.100.1",
                "good6 A 198.51.100.1",
                "good6 AAAA 2001:db8::1",
                "wrong A 192.0.2.7",
                "half A 198.51.100.1",
                "half AAAA 2001:db8:bad::7",
                "alias CNAME good",
                "dangling CNAME nowhere",
                "mail MX 10 good",
                "other-ca A 198.51.100.1",
                "other-ca CAA 0 issue \"digicert.example\"",
                "below.other-ca A 198.51.100.1",
                "allowed.other-ca A 198.51.100.1",
                "allowed.other-ca CAA 0 issue \"CA.example\"",
                "nobody A 198.51.100.1",
                "nobody CAA 0 issue \";\"",
                "account A 198.51.100.1",
                "account CAA 0 issue \"ca.example; accounturi=https://ca.example/acct/7\"",
                "other-account A 198.51.100.1",
                "other-account CAA 0 issue \"ca.example; accounturi=https://ca.example/acct/8\"",
                "dns-only A 198.51.100.1",
                "dns-only CAA 0 issue \"ca.example; validationmethods=dns-01\"",
                "by-http A 198.51.100.1",
                "by-http CAA 0 issue \"ca.example; validationmethods=dns-01,http-01\"",
                "critical A 198.51.100.1",
                "critical CAA 128 future \"x\"",
                "wild-only A 198.51.100.1",
                "wild-only CAA 0 issuewild \"digicert.example\"",
                "to-other-ca CNAME other-ca",
                "local A 127.0.0.1",
                "two A 127.0.0.1",
                "two A 127.0.0.2",
                "both A 127.0.0.1",
                "both AAAA ::1",
                "proxied A 104.16.1.1",
                "long A 198.51.100.1",
                "long CAA 0 issue \"ca.example\""));
        // More than fits a datagram: the one that allows it may be in any place.
        for (int i = 0; i < 60; i++) {
            records.add("long CAA 0 issue \"a-certification-authority-with-a-long-name-" + i + ".example\"");
        }
        server = new NameServer(directory, "zone.example", records);
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @AfterEach
    void stop() {
        executor.shutdownNow();
        scheduler.shutdownNow();
    }

    private DnsPreflight preflight(InetSocketAddress resolver, CaIdentity authority, String... addresses) {
        return new DnsPreflight(
                new OnDemandTlsConfig.Preflight(
                        true,
                        Optional.of(resolver),
                        Stream.of(addresses).map(AddressBlock::parse).toList(),
                        probedPort,
                        new OnDemandTlsConfig.Questions(Configurations.often(), Configurations.often()),
                        Optional.empty()),
                CdnRanges.bundled(),
                () -> List.of(authority),
                PublicSuffixes.bundled()::registeredDomain,
                bounds,
                new DnsPreflight.HttpProofs() {
                    @Override
                    public Runnable show(ServerName name, String token, String text) {
                        shown.put(token, text);
                        return () -> shown.remove(token);
                    }

                    @Override
                    public boolean isUsed() {
                        return used;
                    }

                    @Override
                    public boolean isPossible() {
                        return possible;
                    }

                    @Override
                    public boolean isServed(ServerName name, InetAddress address) {
                        return served;
                    }
                },
                new DnsPreflight.Ports(executor, scheduler, System::nanoTime, recorded.events()));
    }

    private static ServerName name(String label) {
        return ServerName.parse(label + ".zone.example");
    }

    private String look(String label, String... addresses) {
        return preflight(server.address(), CA, addresses)
                .look(name(label), CLIENT)
                .join()
                .map(Verdict::toString)
                .orElse("ready");
    }

    @ParameterizedTest
    @ValueSource(strings = {"good", "good6", "alias", "allowed.other-ca", "account", "by-http", "wild-only", "long"})
    void isReady(String label) {
        assertThat(look(label)).isEqualTo("ready");
        assertThat(look(label, "198.51.100.1", "2001:db8::/48")).isEqualTo("ready");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "wrong   | customer: change A wrong.zone.example from 192.0.2.7 to 198.51.100.1; the resolver keeps this answer for 60 s, retry of the name orders without asking it",
                "half    | customer: remove AAAA half.zone.example 2001:db8:bad:0:0:0:0:7; the resolver keeps this answer for 60 s, retry of the name orders without asking it",
                "nowhere | customer: add A nowhere.zone.example 198.51.100.1; the name does not exist; the resolver keeps this answer for 60 s, retry of the name orders without asking it",
                "mail    | customer: add A mail.zone.example 198.51.100.1; the name has no address; the resolver keeps this answer for 60 s, retry of the name orders without asking it"
            })
    void pointsElsewhere(String label, String verdict) {
        assertThat(look(label, "198.51.100.1")).isEqualTo(verdict);
    }

    @Test
    void isInARecordingWithWhatCameOfIt(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("look.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("org.ondemandtls.Preflight").withoutThreshold();
            recording.start();
            look("good");
            look("wrong", "198.51.100.1");
            executor.shutdown();
            assertThat(executor.awaitTermination(2, TimeUnit.MINUTES)).isTrue();
            recording.stop();
            recording.dump(file);
        }

        assertThat(RecordingFile.readAllEvents(file).stream()
                        .filter(event -> event.getEventType().getName().equals("org.ondemandtls.Preflight")))
                .extracting(look ->
                        look.getString("serverName") + " " + look.getString("look") + " " + look.getString("result"))
                .containsExactlyInAnyOrder("good.zone.example dns nothing_found", "wrong.zone.example dns not_ready");
    }

    @Test
    void pointsAnywhereWhereNoAddressIsListed() {
        assertThat(look("wrong")).isEqualTo("ready");
        assertThat(look("dangling")).startsWith("customer: add A or AAAA dangling.zone.example; the name ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "other-ca       | other-ca.zone.example 0 issue \"ca.example\"; by the records there only digicert.example may issue",
                "below.other-ca | other-ca.zone.example 0 issue \"ca.example\"; by the records there only digicert.example may issue",
                "to-other-ca    | to-other-ca.zone.example 0 issue \"ca.example\"; by the records there only digicert.example may issue",
                "nobody         | nobody.zone.example 0 issue \"ca.example\"; by the records there only nobody may issue",
                "other-account  | other-account.zone.example 0 issue \"ca.example\"; by the records there only another account of the CA may issue (accounturi)",
                "dns-only       | dns-only.zone.example 0 issue \"ca.example\"; by the records there none of our validation methods is allowed (validationmethods)",
                "critical       | critical.zone.example 0 issue \"ca.example\"; by the records there a critical property no CA may pass over (future)"
            })
    void forbidsTheCa(String label, String verdict) {
        assertThat(look(label))
                .isEqualTo("customer: add CAA " + verdict
                        + "; the resolver keeps this answer for 60 s, retry of the name orders without asking it");
    }

    @Test
    void forbidsNothingWhereTheCaHasNotSaidWhoItIs() {
        CaIdentity unknown = new CaIdentity(Set.of(), Optional.empty(), Set.of());

        assertThat(preflight(server.address(), unknown)
                        .look(name("other-ca"), CLIENT)
                        .join())
                .isEmpty();
    }

    @Test
    void aResolverThatIsSilentIsNoObstacleAndSoonNotWaitedFor() throws IOException {
        try (DatagramSocket silent = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            DnsPreflight preflight = preflight((InetSocketAddress) silent.getLocalSocketAddress(), CA);
            assertThat(preflight.look(name("wrong"), CLIENT).join()).isEmpty();

            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> preflight.isResting()
                            && !recorded.lines(EventKind.RESOLVER).isEmpty());

            assertThat(preflight.look(name("wrong"), CLIENT)).isCompletedWithValue(Optional.empty());
            assertThat(preflight.state()).startsWith("resting: the DNS resolver 127.0.0.1 does not answer");
            assertThat(recorded.lines(EventKind.RESOLVER)).hasSize(1);
        }
    }

    @Test
    void aNameThatIsRefusedOrSilentDoesNotSwitchTheLooksAtOthersOff() throws Exception {
        // Knows nothing of any name but answers what every resolver knows.
        try (DatagramSocket resolver = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            AtomicInteger known = new AtomicInteger();
            executor.execute(() -> answerOnlyTheRoot(resolver, known));
            DnsPreflight preflight = preflight((InetSocketAddress) resolver.getLocalSocketAddress(), CA);

            assertThat(preflight.look(name("wrong"), CLIENT).join()).isEmpty();
            Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> known.get() > 0);

            assertThat(preflight.isResting()).isFalse();
            assertThat(recorded.lines(EventKind.RESOLVER)).isEmpty();
        }
    }

    private static void answerOnlyTheRoot(DatagramSocket resolver, AtomicInteger answered) {
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(new byte[512], 512);
                resolver.receive(packet);
                Message question = new Message(Arrays.copyOf(packet.getData(), packet.getLength()));
                if (question.getQuestion().getName().equals(Name.root)) {
                    Message answer = new Message(question.getHeader().getID());
                    answer.getHeader().setFlag(Flags.QR);
                    answer.addRecord(question.getQuestion(), Section.QUESTION);
                    byte[] octets = answer.toWire();
                    resolver.send(new DatagramPacket(octets, octets.length, packet.getSocketAddress()));
                    answered.incrementAndGet();
                }
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    @Test
    void aBoundOnQuestionsRefusesTheName() {
        bounds = client -> Optional.of("onDemandTls.shield.dnsQuestions");

        assertThat(preflight(server.address(), CA).look(name("good"), CLIENT))
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableThat()
                .withCauseInstanceOf(IssuanceException.Overloaded.class)
                .withMessageContaining("onDemandTls.shield.dnsQuestions");
    }

    @Test
    void aBoundOnQuestionsIsNoObstacleToARenewal() {
        bounds = client -> Optional.of("onDemandTls.shield.dnsQuestions");

        DnsPreflight preflight = preflight(server.address(), CA);

        assertThat(Preflight.forOrder(true, preflight.look(name("good"), ClientBlock.LOCAL)))
                .succeedsWithin(Duration.ofMinutes(1))
                .isEqualTo(Optional.empty());
        assertThat(Preflight.forOrder(false, preflight.look(name("good"), ClientBlock.LOCAL)))
                .failsWithin(Duration.ofMinutes(1))
                .withThrowableOfType(ExecutionException.class)
                .withCauseInstanceOf(IssuanceException.Overloaded.class);
    }

    @Test
    void aNameOfAHundredLabelsCostsAFewQuestions() {
        DnsPreflight preflight = preflight(server.address(), CA, "198.51.100.1");

        assertThat(preflight.look(name("a." + "a.".repeat(100) + "any"), CLIENT).join())
                .isPresent();

        assertThat(preflight.questions()).isLessThanOrEqualTo(6);
    }

    @Test
    void aNameBehindACdnIsReadyAndSaidToBeThere() {
        DnsPreflight preflight = preflight(server.address(), CA, "198.51.100.1");

        assertThat(preflight.look(name("proxied"), CLIENT).join()).isEmpty();
        assertThat(preflight.look(name("good"), CLIENT).join()).isEmpty();

        assertThat(preflight.cdn(name("proxied"))).contains("Cloudflare");
        assertThat(preflight.cdn(name("good"))).isEmpty();
        assertThat(preflight.isDirect(name("proxied"))).isFalse();
        assertThat(preflight.isDirect(name("good"))).isTrue();
        assertThat(preflight.isDirect(name("alias"))).as("not looked at yet").isFalse();
    }

    @Test
    void aNameThatIsToBeTriedAgainIsPassedOverOnce() {
        DnsPreflight preflight = preflight(server.address(), CA);
        assertThat(preflight.look(name("nowhere"), CLIENT).join()).isPresent();

        preflight.passOver(name("nowhere"));

        assertThat(preflight.look(name("nowhere"), CLIENT).join()).isEmpty();
        assertThat(preflight.probe(name("nowhere"), CLIENT).join()).isEmpty();
        assertThat(preflight.look(name("nowhere"), CLIENT).join()).isPresent();
    }

    @Test
    void whatALookHasFoundForbidsNothingInAnOrderWithoutALook() {
        DnsPreflight preflight = preflight(server.address(), CA);
        assertThat(preflight.look(name("other-ca"), CLIENT).join()).isPresent();
        assertThat(preflight.validationMethods(name("other-ca"), CA)).contains(Set.of());

        preflight.passOver(name("other-ca"));
        preflight.look(name("other-ca"), CLIENT).join();

        assertThat(preflight.validationMethods(name("other-ca"), CA)).isEmpty();
    }

    @Test
    void aResolverThatRefusesIsNoObstacle() {
        // The server knows no other zone.
        assertThat(preflight(server.address(), CA, "198.51.100.1")
                        .look(ServerName.parse("www.elsewhere.test"), CLIENT)
                        .join())
                .isEmpty();
    }

    private HttpServer answering(HttpHandler handler) throws IOException {
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/", handler);
        http.start();
        probedPort = http.getAddress().getPort();
        return http;
    }

    private void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.US_ASCII);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private String shownAt(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        return shown.getOrDefault(path.substring(path.lastIndexOf('/') + 1), "gone");
    }

    private String probed() {
        return preflight(server.address(), CA, "127.0.0.0/8")
                .probe(name("local"), CLIENT)
                .join()
                .map(Verdict::toString)
                .orElse("ready");
    }

    @Test
    void aProofOfOursThatComesBackIsReadyAndSomebodyElsesAnswerIsNot() throws IOException {
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/.well-known/acme-challenge/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            String text = shown.get(path.substring(path.lastIndexOf('/') + 1));
            byte[] body = (text == null ? "gone" : text).getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.start();
        try {
            probedPort = http.getAddress().getPort();
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");
            assertThat(preflight.probe(name("local"), CLIENT).join()).isEmpty();
            assertThat(shown).isEmpty();

            http.removeContext("/.well-known/acme-challenge/");

            assertThat(preflight.probe(name("local"), CLIENT).join().map(Verdict::toString))
                    .hasValueSatisfying(verdict -> assertThat(verdict)
                            .startsWith("operator: http://local.zone.example/.well-known/acme-challenge/ at 127.0.0.1")
                            .contains("answered by another server (404)"));
            // Addresses that are not public are left alone where they are not listed.
            assertThat(preflight(server.address(), CA)
                            .probe(name("local"), CLIENT)
                            .join())
                    .isEmpty();
        } finally {
            http.stop(0);
        }
        assertThat(preflight(server.address(), CA, "127.0.0.0/8")
                        .probe(name("local"), CLIENT)
                        .join())
                .as("nobody listens")
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 408, 410, 425, 429, 500, 502, 503})
    void anAnswerThatMayBeAnotherForACaIsNoObstacle(int status) throws IOException {
        HttpServer http = answering(exchange -> answer(exchange, status, ""));
        try {
            assertThat(probed()).isEqualTo("ready");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aProofInChunksWithWhiteSpaceBehindARedirectIsOurs() throws IOException {
        HttpServer http = answering(exchange -> {
            if (!exchange.getRequestURI().getPath().startsWith("/moved")) {
                exchange.getResponseHeaders().set("Location", "/moved" + exchange.getRequestURI());
                answer(exchange, 302, "");
                return;
            }
            // Chunked, since no length is known.
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write((shownAt(exchange) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            exchange.close();
        });
        try {
            assertThat(probed()).isEqualTo("ready");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aRedirectToHttpsOfTheNameItselfIsSeenWhereItHasNoCertificateYet() throws IOException {
        HttpServer http = answering(exchange -> {
            exchange.getResponseHeaders().set("Location", "https://local.zone.example" + exchange.getRequestURI());
            answer(exchange, 301, "");
        });
        try {
            assertThat(probed())
                    .startsWith("operator: http://local.zone.example/.well-known/acme-challenge/ at 127.0.0.1 is"
                            + " redirected to https, where the name has no certificate yet; leave this path out");
            served = true;
            assertThat(probed()).isEqualTo("ready");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aRedirectToHttpsOfACdnThatEndsTlsItselfIsNoObstacle() throws IOException {
        HttpServer http = answering(exchange -> {
            exchange.getResponseHeaders().set("Location", "https://local.zone.example" + exchange.getRequestURI());
            exchange.getResponseHeaders().set("CF-RAY", "8a1b2c3d4e5f6789-FRA");
            answer(exchange, 301, "");
        });
        try {
            assertThat(probed()).isEqualTo("ready");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void oneOfSeveralAddressesThatIsAnotherServersIsFoundInWhateverOrderTheyCome() throws IOException {
        HttpServer ours = answering(exchange -> answer(exchange, 200, shownAt(exchange)));
        HttpServer other = HttpServer.create(new InetSocketAddress("127.0.0.2", probedPort), 0);
        other.createContext("/", exchange -> answer(exchange, 404, ""));
        other.start();
        try {
            for (int i = 0; i < 5; i++) {
                assertThat(preflight(server.address(), CA, "127.0.0.0/8")
                                .probe(name("two"), CLIENT)
                                .join())
                        .hasValueSatisfying(verdict ->
                                assertThat(verdict.toString()).contains("at 127.0.0.2 is answered by another server"));
            }
        } finally {
            other.stop(0);
            ours.stop(0);
        }
    }

    @Test
    void aRedirectToAnotherHostIsNoObstacle() throws IOException {
        HttpServer http = answering(exchange -> {
            exchange.getResponseHeaders().set("Location", "http://elsewhere.example/x");
            answer(exchange, 301, "");
        });
        try {
            assertThat(probed()).isEqualTo("ready");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aNameIsBehindACdnWhoseMarkItsAnswerBears() throws IOException {
        AtomicBoolean behind = new AtomicBoolean(true);
        HttpServer http = answering(exchange -> {
            if (behind.get()) {
                exchange.getResponseHeaders().set("CF-RAY", "8a1b2c3d4e5f6789-FRA");
            }
            answer(exchange, 200, shownAt(exchange));
        });
        try {
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");
            assertThat(preflight.cdn(name("local"))).isEmpty();

            assertThat(preflight.probe(name("local"), CLIENT).join()).isEmpty();

            assertThat(preflight.cdn(name("local"))).contains("Cloudflare");
            // Its addresses, which are on no list, say nothing else.
            assertThat(preflight.look(name("local"), CLIENT).join()).isEmpty();
            assertThat(preflight.cdn(name("local"))).contains("Cloudflare");

            behind.set(false);
            assertThat(preflight.probe(name("local"), CLIENT).join()).isEmpty();
            assertThat(preflight.cdn(name("local"))).isEmpty();
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aCdnIsKnownBeforeTheOrderByWhatItAnswersAlsoWhereTheOrderWouldProveTheNameOtherwise() throws IOException {
        used = false;
        AtomicInteger requests = new AtomicInteger();
        HttpServer http = answering(exchange -> {
            requests.incrementAndGet();
            exchange.getResponseHeaders().set("Server", "cloudflare");
            answer(exchange, 404, "");
        });
        try {
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");

            assertThat(preflight.look(name("local"), CLIENT).join()).isEmpty();

            assertThat(preflight.cdn(name("local"))).contains("Cloudflare");
            assertThat(requests).hasValue(1);
            assertThat(shown).isEmpty();
            possible = false;
            preflight.look(name("local"), CLIENT).join();
            assertThat(requests).as("where nothing else could be used").hasValue(1);
        } finally {
            http.stop(0);
        }
    }

    @Test
    void anAddressThatDoesNotAnswerDelaysOneLookAndNoMore() throws IOException {
        used = false;
        try (ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            probedPort = mute.getLocalPort();
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");

            assertThat(preflight.look(name("local"), CLIENT).join()).isEmpty();
            assertThat(preflight.look(name("local"), CLIENT).join()).isEmpty();

            mute.setSoTimeout(60_000);
            mute.accept().close();
            mute.setSoTimeout(1);
            assertThatThrownBy(mute::accept).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void anOperatorLearnsOfACdnAlsoWhereNoOrderNeedsPort80() throws IOException {
        used = false;
        HttpServer http = answering(exchange -> {
            exchange.getResponseHeaders().set("Server", "AkamaiGHost");
            answer(exchange, 404, "");
        });
        try {
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");

            assertThat(preflight.examine(name("local")).join()).isEmpty();

            assertThat(preflight.cdn(name("local"))).contains("Akamai");
        } finally {
            http.stop(0);
        }
    }

    @Test
    void aCdnIsKnownByItsIpv4AddressWhereIpv6GivesNoConnection() throws IOException {
        used = false;
        HttpServer http = answering(exchange -> {
            exchange.getResponseHeaders().set("Server", "AkamaiGHost");
            answer(exchange, 404, "");
        });
        try {
            // Each with a memory of its own: an answer that comes late is not waited for again.
            Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> {
                DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8", "::1");
                preflight.look(name("both"), CLIENT).join();
                return preflight.cdn(name("both")).equals(Optional.of("Akamai"));
            });
            Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> {
                DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8", "::1");
                preflight.examine(name("both")).join();
                return preflight.cdn(name("both")).equals(Optional.of("Akamai"));
            });
        } finally {
            http.stop(0);
        }
    }

    @Test
    void anAnswerByIpv4IsNoVerdictWhereThereIsAnIpv6Address() throws IOException {
        HttpServer http = answering(exchange -> answer(exchange, 404, ""));
        try {
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8", "::1");

            assertThat(preflight.examine(name("both")).join()).isEmpty();
            assertThat(preflight.probe(name("both"), CLIENT).join()).isEmpty();
        } finally {
            http.stop(0);
        }
    }

    @Test
    void anAddressWhereACaSawSomethingElseIsNotBelievedAgain() throws IOException {
        HttpServer http = answering(exchange -> answer(exchange, 200, "the router's own page"));
        try {
            DnsPreflight preflight = preflight(server.address(), CA, "127.0.0.0/8");
            assertThat(preflight.probe(name("local"), CLIENT).join()).isPresent();

            preflight.accepted(name("local"));

            assertThat(preflight.probe(name("local"), CLIENT).join()).isEmpty();
        } finally {
            http.stop(0);
        }
    }
}
