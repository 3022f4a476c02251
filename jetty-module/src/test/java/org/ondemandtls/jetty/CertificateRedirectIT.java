package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.ForwardedRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** {@link CertificateRedirectHandler} in a server that has a certificate for one name. */
class CertificateRedirectIT {

    private static final String NAME = "shop.customer.test";

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void layOut() throws IOException {
        fixture = new ServerFixture(directory);
        fixture.server.insertHandler(new CertificateRedirectHandler());
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Nested
    class ForANameThatHasACertificate {

        private JettyOnDemandTls onDemand;

        @BeforeEach
        void visit() throws Exception {
            fixture.http.setSecurePort(443);
            fixture.http.addCustomizer(new ForwardedRequestCustomizer());
            onDemand = fixture.start();
            assertThat(fixture.client().get(NAME)).startsWith("HTTP/1.1 200 ");
            fixture.requests.set(0);
        }

        @Test
        void aRequestIsRedirectedAndTheAnswerIsNotToBeStored() throws Exception {
            assertThat(plain("GET", "/", NAME))
                    .startsWith("HTTP/1.1 308 ")
                    .contains("\r\nLocation: https://" + NAME + "/\r\n")
                    .contains("\r\nCache-Control: no-store\r\n")
                    .contains("\r\nContent-Length: 0\r\n");
            assertThat(fixture.requests).hasValue(0);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "/a/b?c=d&e",
                    "/a%2Fb/%2e%2e/%C3%A9?q=%0d%0aX",
                    "//evil.example/",
                    "/?u=https://evil.example/",
                    "/;x=y",
                    "/@evil.example"
                })
        void pathAndQueryStayAsTheyWereSent(String target) throws Exception {
            // By itself Jetty refuses what is ambiguous.
            fixture.http.setUriCompliance(UriCompliance.UNSAFE);

            assertThat(plain("GET", target, NAME))
                    .startsWith("HTTP/1.1 308 ")
                    .contains("\r\nLocation: https://" + NAME + target + "\r\n");
        }

        @ParameterizedTest
        @ValueSource(strings = {NAME + ":80", "SHOP.Customer.TEST", NAME + ".", NAME + ":8080"})
        void theHostIsWrittenInItsOneSpellingAndWithoutThePortOfPlainHttp(String host) throws Exception {
            assertThat(plain("GET", "/x", host)).contains("\r\nLocation: https://" + NAME + "/x\r\n");
        }

        @Test
        void anotherPortIsNamed() throws Exception {
            fixture.http.setSecurePort(8443);

            assertThat(plain("GET", "/x", NAME)).contains("\r\nLocation: https://" + NAME + ":8443/x\r\n");
        }

        @Test
        void withoutASecurePortItIsTheOneOfTheTlsConnector() throws Exception {
            fixture.http.setSecurePort(0);

            assertThat(plain("GET", "/x", NAME))
                    .contains("\r\nLocation: https://" + NAME + ":" + fixture.secure.getLocalPort() + "/x\r\n");
        }

        @Test
        void aRequestWithABodyIsRedirectedToo() throws Exception {
            assertThat(exchange("POST /form HTTP/1.1\r\nHost: " + NAME
                            + "\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"))
                    .startsWith("HTTP/1.1 308 ")
                    .contains("\r\nLocation: https://" + NAME + "/form\r\n");
            assertThat(fixture.requests).hasValue(0);
        }

        @Test
        void anAbsoluteTargetIsRedirectedToItsOwnHost() throws Exception {
            assertThat(plain("GET", "http://" + NAME + "/x?y", NAME))
                    .contains("\r\nLocation: https://" + NAME + "/x?y\r\n");
        }

        @Test
        void aSecureRequestIsNot() throws Exception {
            assertThat(fixture.client().get(NAME)).startsWith("HTTP/1.1 200 ").contains("hello from " + NAME);
        }

        @Test
        void aRequestThatWasSecureAtTheProxyIsNot() throws Exception {
            assertThat(exchange("GET / HTTP/1.1\r\nHost: " + NAME
                            + "\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200 ");
        }

        @Test
        void aRequestForTheWholeServerIsNot() throws Exception {
            assertThat(plain("OPTIONS", "*", NAME)).doesNotContain("308").doesNotContain("Location");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "other.customer.test",
                    "denied.customer.test",
                    "127.0.0.1",
                    "[::1]",
                    "localhost",
                    "a." + NAME,
                    "-.test",
                    "xn--a.test",
                    NAME + ".evil.test"
                })
        void anyOtherHostStaysOnHttpAndNothingIsObtainedForIt(String host) throws Exception {
            int asked = fixture.ask.questions().size();

            assertThat(plain("GET", "/", host)).startsWith("HTTP/1.1 200 ").contains("hello from ");
            assertThat(fixture.ask.questions()).hasSize(asked);
        }

        @ParameterizedTest
        @ValueSource(strings = {"", NAME + "@evil.test", "evil.test/" + NAME, NAME + ":x", NAME + "\tevil"})
        void aMalformedHostIsNeverRedirected(String host) throws Exception {
            assertThat(plain("GET", "/", host)).doesNotContain(" 308 ").doesNotContain("Location:");
        }

        @Test
        void aRequestWithoutAHostIsNeverRedirected() throws Exception {
            assertThat(exchange("GET / HTTP/1.0\r\n\r\n")).doesNotContain(" 308 ");
        }

        @Test
        void aPendingTokenIsAnsweredOverHttp() throws Exception {
            String path = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ";
            try (ChallengeBoard.Display display = onDemand.engine()
                    .challenges()
                    .displayHttp(ServerName.parse(NAME), "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ", "the key authorization")) {

                assertThat(plain("GET", path, NAME)).startsWith("HTTP/1.1 200 ").endsWith("the key authorization");
                assertThat(display.fetched()).isCompleted();
            }
        }

        @Test
        void afterARestartTheStoreIsAsked() throws Exception {
            fixture.server.stop();
            fixture.server.start();
            int asked = fixture.ask.questions().size();

            assertThat(plain("GET", "/x", NAME)).startsWith("HTTP/1.1 308 ");
            assertThat(plain("GET", "/x", "other.customer.test")).startsWith("HTTP/1.1 200 ");
            assertThat(fixture.ask.questions()).hasSize(asked);
        }
    }

    @Nested
    class WithoutOnDemandTls {

        @Test
        void theServerDoesNotStart() {
            Server server = new Server();
            server.addConnector(new ServerConnector(server));
            server.insertHandler(new CertificateRedirectHandler());

            assertThatThrownBy(server::start).hasMessageContaining("JettyOnDemandTls.addTo");
        }
    }

    private String plain(String method, String target, String host) throws IOException {
        return exchange(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    }

    private String exchange(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), fixture.plain.getLocalPort())) {
            socket.setSoTimeout(20_000);
            return Client.exchange(socket, request);
        }
    }
}
