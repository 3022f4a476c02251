package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.NameServer;

/** {@link DnsPreflight} against a real DNS server: what stands in an order's way, and what does not. */
@Tag("once")
class DnsPreflightIT {

    private static final CaIdentity CA = new CaIdentity(
            Set.of("ca.example"), Optional.of("https://ca.example/acct/7"), Set.of("tls-alpn-01", "http-01"));

    private static NameServer server;

    private final ExecutorService executor = Executors.newFixedThreadPool(4);
    private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
    private final Map<String, String> shown = new ConcurrentHashMap<>();
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
                        probedPort),
                () -> List.of(authority),
                new DnsPreflight.HttpProofs() {
                    @Override
                    public Runnable show(ServerName name, String token, String text) {
                        shown.put(token, text);
                        return () -> shown.remove(token);
                    }

                    @Override
                    public boolean isUsed() {
                        return true;
                    }
                },
                new DnsPreflight.Ports(executor, scheduler, System::nanoTime));
    }

    private static ServerName name(String label) {
        return ServerName.parse(label + ".zone.example");
    }

    private String look(String label, String... addresses) {
        return preflight(server.address(), CA, addresses)
                .look(name(label))
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
                "wrong   | customer: change A wrong.zone.example from 192.0.2.7 to 198.51.100.1",
                "half    | customer: remove AAAA half.zone.example 2001:db8:bad:0:0:0:0:7",
                "nowhere | customer: add A nowhere.zone.example 198.51.100.1; the name does not exist",
                "mail    | customer: add A mail.zone.example 198.51.100.1; the name has no address"
            })
    void pointsElsewhere(String label, String verdict) {
        assertThat(look(label, "198.51.100.1")).isEqualTo(verdict);
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
        assertThat(look(label)).isEqualTo("customer: add CAA " + verdict);
    }

    @Test
    void forbidsNothingWhereTheCaHasNotSaidWhoItIs() {
        CaIdentity unknown = new CaIdentity(Set.of(), Optional.empty(), Set.of());

        assertThat(preflight(server.address(), unknown).look(name("other-ca")).join())
                .isEmpty();
    }

    @Test
    void aResolverThatIsSilentIsNoObstacleAndSoonNotWaitedFor() throws IOException {
        try (DatagramSocket silent = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            DnsPreflight preflight = preflight((InetSocketAddress) silent.getLocalSocketAddress(), CA);
            for (int i = 0; i < 3; i++) {
                long begin = System.nanoTime();
                assertThat(preflight.look(name("wrong")).join()).isEmpty();
                assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofMillis(2500));
            }

            assertThat(preflight.look(name("wrong"))).isCompletedWithValue(Optional.empty());
        }
    }

    @Test
    void aResolverThatRefusesIsNoObstacle() {
        // The server knows no other zone.
        assertThat(preflight(server.address(), CA, "198.51.100.1")
                        .look(ServerName.parse("www.elsewhere.test"))
                        .join())
                .isEmpty();
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
            assertThat(preflight.probe(name("local")).join()).isEmpty();
            assertThat(shown).isEmpty();

            http.removeContext("/.well-known/acme-challenge/");

            assertThat(preflight.probe(name("local")).join().map(Verdict::toString))
                    .hasValueSatisfying(verdict -> assertThat(verdict)
                            .startsWith("operator: http://local.zone.example/.well-known/acme-challenge/ at 127.0.0.1")
                            .contains("answered by another server (404)"));
            // Addresses that are not public are left alone where they are not listed.
            assertThat(preflight(server.address(), CA).probe(name("local")).join())
                    .isEmpty();
        } finally {
            http.stop(0);
        }
        assertThat(preflight(server.address(), CA, "127.0.0.0/8")
                        .probe(name("local"))
                        .join())
                .as("nobody listens")
                .isEmpty();
    }
}
