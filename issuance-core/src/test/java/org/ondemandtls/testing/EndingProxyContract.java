package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** Names behind a CDN that ends TLS, with a real CA that looks there. */
public abstract class EndingProxyContract<F extends HostFixture> extends HostContract<F> {

    private static final String NAME = "shop.customer.test";
    private static final String DENIED = "denied.customer.test";
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final int httpPort = FreePorts.next();
    private EndingProxy proxy;
    // Whom the proxy trusts where it checks.
    private Supplier<Path> roots;

    @BeforeEach
    void standInFront() throws Exception {
        proxy = new EndingProxy(httpPort, fixture::port, fixture::plainPort, () -> roots.get());
        fixture.keys.put("onDemandTls.challenge.throughProxies", "true");
        fixture.keys.put(
                "onDemandTls.preflight.cdnRanges",
                Files.writeString(directory.resolve("cdns"), "Edge " + EndingProxy.ADDRESS + "/32\n")
                        .toString());
    }

    @AfterEach
    void stepAside() {
        proxy.close();
    }

    private static String get(String path, String host) {
        return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
    }

    private static void assertSelfSigned(X509Certificate leaf, String name) throws Exception {
        leaf.verify(leaf.getPublicKey());
        assertThat(leaf.getSubjectAlternativeNames()).containsExactly(List.of(2, name));
    }

    /** The proof of a name that permission would never be granted for: what is not shown is refused. */
    @Nested
    class AProofOnDisplay {

        private static final String TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
        private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;
        private static final String KEY_AUTHORIZATION = TOKEN + ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

        private ChallengeBoard.Display display;

        private void launch() throws Exception {
            fixture.launch();
            display = fixture.engine().challenges().displayHttp(ServerName.parse(DENIED), TOKEN, KEY_AUTHORIZATION);
        }

        private void assertRefused(String name) {
            assertThatThrownBy(() -> proxy.ask(name, get(PATH, name)))
                    .isInstanceOf(SSLException.class)
                    .hasMessageContaining("unrecognized_name");
        }

        @Test
        void isShownToTheProxyAndNothingElseIs() throws Exception {
            launch();

            assertThat(proxy.ask(DENIED, get(PATH, DENIED)))
                    .startsWith("HTTP/1.1 200 ")
                    .endsWith("\r\n\r\n" + KEY_AUTHORIZATION);
            assertSelfSigned(proxy.seen().get(0), DENIED);
            assertThat(display.fetched()).isCompleted();
            assertThat(fixture.engine().status().getEvents()).containsEntry("PROOF_PROXIED", 1L);
            assertThat(proxy.ask(DENIED, get("/", DENIED)))
                    .startsWith("HTTP/1.1 503 ")
                    .contains("\r\nRetry-After: ");
            assertThat(proxy.ask(DENIED, get(PATH + "x", DENIED))).startsWith("HTTP/1.1 404 ");
            assertThat(proxy.ask(DENIED, get(PATH, NAME))).startsWith("HTTP/1.1 421 ");
            assertThat(proxy.ask(DENIED, "POST / HTTP/1.1\r\nHost: " + DENIED + "\r\nContent-Length: 5\r\n\r\nhello"))
                    .startsWith("HTTP/1.1 503 ");

            assertThat(fixture.requests).hasValue(0);
            assertThat(fixture.engine().gate().completedHandshakes()).isZero();
            assertThat(fixture.engine().status().getParkedHandshakes()).isZero();
            await().atMost(PATIENCE).until(() -> fixture.connections() == 0);
        }

        @Test
        void isShownToNobodyElseAndForNoOtherName() throws Exception {
            launch();

            TlsProbe.Outcome stranger = TlsProbe.trustingAnything().handshake(fixture.port(), DENIED);

            assertThat(stranger.chain()).isEmpty();
            assertThat(stranger.alert()).contains("unrecognized_name");
            assertRefused("denied.other.test");
        }

        @Test
        void isShownNoLongerThanTheOrderIsOpen() throws Exception {
            launch();
            proxy.ask(DENIED, get(PATH, DENIED));

            display.close();

            assertRefused(DENIED);
        }

        @Test
        void isNoReasonToKeepACertificateFromAVisitor() throws Exception {
            launch();
            assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
            fixture.engine().challenges().displayHttp(ServerName.parse(NAME), TOKEN + "2", KEY_AUTHORIZATION);

            String answer = proxy.ask(NAME, get("/", NAME));

            assertThat(answer).startsWith("HTTP/1.1 200 ").contains("hello from " + NAME);
            assertThat(proxy.seen())
                    .singleElement()
                    .satisfies(leaf -> assertThatThrownBy(() -> leaf.verify(leaf.getPublicKey()))
                            .isInstanceOf(GeneralSecurityException.class));
        }

        @Test
        void isShownToNobodyWhereTheKeyIsFalse() throws Exception {
            fixture.keys.put("onDemandTls.challenge.throughProxies", "false");
            launch();

            assertRefused(DENIED);
        }
    }

    @Nested
    class ANameThatPointsThere {

        private Pebble pebble;

        @BeforeEach
        void certify() {
            pebble = Pebble.options().httpPort(httpPort).start(directory.resolve("pebble"));
            Path root = pebble.issuerRoot();
            roots = () -> root;
            pebble.dns("/set-default-ipv4", "{\"ip\":\"" + EndingProxy.ADDRESS + "\"}");
            fixture.keys.put("onDemandTls.issuer", "acme");
            fixture.keys.put("onDemandTls.acme.directory", pebble.directory().toString());
            fixture.keys.put(
                    "onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString());
            fixture.keys.put("onDemandTls.preflight", "true");
            fixture.keys.put("onDemandTls.preflight.resolver", pebble.dnsServer());
            fixture.keys.put("onDemandTls.preflight.httpPort", Integer.toString(httpPort));
        }

        // The first look at any name's DNS loads what all need, which takes a busy machine longer than a look may.
        private void launch() throws Exception {
            fixture.launch();
            fixture.engine().status().diagnose("warm.customer.test");
        }

        @AfterEach
        void end() throws Exception {
            fixture.halt();
            pebble.close();
        }

        private String throughTheProxy() {
            return TlsProbe.trustingAnything()
                    .patience(PATIENCE)
                    .get(proxy.port(), NAME, "/")
                    .answer();
        }

        // One, and another where a busy machine has no answer from DNS in time: the first one does not know of the
        // proxy then. Each may be placed once more, where a stalled machine does not hear the answer.
        private void assertFewOrders() {
            assertThat(pebble.issued()).isEqualTo(1);
            assertThat(pebble.orders()).isBetween(1L, 4L);
        }

        private TlsProbe.Outcome direct() {
            return TlsProbe.trusting(roots.get()).patience(PATIENCE).handshake(fixture.port(), NAME);
        }

        @Test
        void isServedFromItsFirstVisitOnByOneThatChecksNothing() throws Exception {
            launch();
            CompletableFuture<String> visitor = CompletableFuture.supplyAsync(this::throughTheProxy);
            // Who comes by the proxy while the proof is shown is taken for the CA, and told to come again.
            await().atMost(PATIENCE)
                    .until(() -> fixture.engine().status().getParkedHandshakes() > 0 || visitor.isDone());
            CompletableFuture<TlsProbe.Outcome> stranger = CompletableFuture.supplyAsync(this::direct);

            String first = visitor.join();

            assertThat(first)
                    .as(() -> fixture.engine().status().explain(NAME))
                    .startsWith("HTTP/1.1 200 ")
                    .contains("hello from " + NAME);
            assertFewOrders();
            // The CA's fetch saw ours, the visitor the CA's.
            assertThat(proxy.seen()).hasSizeGreaterThanOrEqualTo(2);
            assertSelfSigned(proxy.seen().get(0), NAME);
            assertThat(stranger.join().failure()).isEmpty();
            assertThat(direct().failure()).isEmpty();
            assertThat(fixture.requests).hasValue(1);
        }

        @Test
        void isServedByOneThatHasPlainHttpBehindAsEver() throws Exception {
            fixture.keys.put("onDemandTls.challenge.throughProxies", "false");
            fixture.redirectToHttps();
            launch();
            proxy.mode(EndingProxy.Mode.FLEXIBLE);

            assertThat(direct().failure()).isEmpty();

            assertThat(throughTheProxy()).startsWith("HTTP/1.1 200 ");
            assertFewOrders();
            assertThat(proxy.seen()).isEmpty();
        }

        @Test
        void isRenewedThroughOneThatChecksWhileItsCertificateIsValid() throws Exception {
            fixture.redirectToHttps();
            launch();
            assertThat(throughTheProxy()).startsWith("HTTP/1.1 200 ");
            X509Certificate before = direct().leaf();
            proxy.mode(EndingProxy.Mode.STRICT);

            String said = fixture.engine().status().renew(NAME);

            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(direct().leaf())
                            .as(() -> said + "\n" + fixture.engine().status().explain(NAME))
                            .isNotEqualTo(before));
            assertThat(proxy.seen()).contains(before);
            assertThat(throughTheProxy()).startsWith("HTTP/1.1 200 ");
        }

        @Test
        void getsNoFirstCertificateThroughOneThatChecksAndIsToldSo() throws Exception {
            launch();
            proxy.mode(EndingProxy.Mode.STRICT);

            String answer = throughTheProxy();

            assertThat(answer).startsWith("HTTP/1.1 525 ");
            assertThat(fixture.engine().status().explain(NAME))
                    .contains("Edge")
                    .contains("(\"Full (strict)\")")
                    .contains("only while the certificate before is valid");
            proxy.mode(EndingProxy.Mode.FULL);
            fixture.engine().status().retry(NAME);
            await().atMost(PATIENCE).until(() -> throughTheProxy().startsWith("HTTP/1.1 200 "));
        }

        @Test
        void isToldWhatTheKeyWouldDo() throws Exception {
            fixture.keys.put("onDemandTls.challenge.throughProxies", "false");
            launch();

            assertThat(throughTheProxy()).startsWith("HTTP/1.1 525 ");

            assertThat(fixture.engine().status().explain(NAME))
                    .contains("Edge")
                    .contains("onDemandTls.challenge.throughProxies is false");
        }
    }
}
