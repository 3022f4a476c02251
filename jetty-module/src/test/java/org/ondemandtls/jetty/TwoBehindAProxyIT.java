package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.EndingProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** Two servers on one database behind a CDN that ends TLS, with a real CA that looks there. */
@Tag("once")
class TwoBehindAProxyIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final int httpPort = FreePorts.next();
    private final AtomicInteger turn = new AtomicInteger();

    @TempDir
    private Path directory;

    private Pebble pebble;
    private EndingProxy proxy;
    private ServerFixture first;
    private ServerFixture second;
    private ServerFixture origin;

    @BeforeEach
    void start() throws Exception {
        pebble = Pebble.options().httpPort(httpPort).start(directory.resolve("pebble"));
        pebble.dns("/set-default-ipv4", "{\"ip\":\"" + EndingProxy.ADDRESS + "\"}");
        first = new ServerFixture(Files.createDirectories(directory.resolve("first")));
        second = new ServerFixture(Files.createDirectories(directory.resolve("second")));
        first.keys.put(
                "onDemandTls.store", Database.shared(Database.Kind.POSTGRESQL).fresh());
        first.keys.put("onDemandTls.challenge.throughProxies", "true");
        first.keys.put(
                "onDemandTls.preflight.cdnRanges",
                Files.writeString(directory.resolve("cdns"), "Edge " + EndingProxy.ADDRESS + "/32\n")
                        .toString());
        first.keys.put("onDemandTls.issuer", "acme");
        first.keys.put("onDemandTls.acme.directory", pebble.directory().toString());
        first.keys.put("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString());
        // Whatever a look at DNS says, or does not say in time.
        first.keys.put("onDemandTls.acme.challenges", "http-01");
        first.keys.put("onDemandTls.preflight", "true");
        first.keys.put("onDemandTls.preflight.resolver", pebble.dnsServer());
        first.keys.put("onDemandTls.preflight.httpPort", Integer.toString(httpPort));
        second.keys.putAll(first.keys);
        first.launch();
        second.launch();
        proxy = new EndingProxy(
                httpPort, () -> next().port(), () -> next().plainPort(), () -> directory.resolve("nobody"));
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        first.close();
        second.close();
        pebble.close();
    }

    // Whom the proxy asks next: one that was named, or each in turn.
    private ServerFixture next() {
        // The proxy asks for the port of each connection twice.
        return origin != null ? origin : turn.getAndIncrement() / 2 % 2 == 0 ? first : second;
    }

    private static long proofsShown(ServerFixture server) {
        return server.engine().status().getEvents().getOrDefault("PROOF_PROXIED", 0L);
    }

    @Test
    void theProofOfAnOrderOfTheOneIsShownByTheOther() {
        origin = second;

        TlsProbe.Outcome visit =
                TlsProbe.trustingAnything().patience(PATIENCE).handshake(first.port(), "shop.customer.test");

        assertThat(visit.failure())
                .as(() -> first.engine().status().explain("shop.customer.test"))
                .isEmpty();
        assertThat(proofsShown(first)).isZero();
        assertThat(proofsShown(second)).isPositive();
        pebble.assertIssued(1);
    }

    @Test
    void newNamesAreServedThroughAProxyThatBalancesBetweenThem() {
        for (int number = 0; number < 4; number++) {
            String name = "shop" + number + ".customer.test";

            String answer = TlsProbe.trustingAnything()
                    .patience(PATIENCE)
                    .get(proxy.port(), name, "/")
                    .answer();

            assertThat(answer).startsWith("HTTP/1.1 200 ").contains("hello from " + name);
        }

        pebble.assertIssued(4);
        // Which of them has the visitor and which the CA's fetch is as the turns fall.
        assertThat(first.requests.get() + proofsShown(first)).isPositive();
        assertThat(second.requests.get() + proofsShown(second)).isPositive();
    }
}
