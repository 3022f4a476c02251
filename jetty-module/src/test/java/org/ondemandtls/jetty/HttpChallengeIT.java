package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import org.eclipse.jetty.server.handler.SecuredRedirectHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** HTTP-01 on a server that redirects everything to HTTPS. */
class HttpChallengeIT {

    private static final String TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
    private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;
    private static final String KEY_AUTHORIZATION = TOKEN + ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

    @TempDir
    Path directory;

    private ServerFixture fixture;
    private ChallengeBoard.Display display;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.http.setSecurePort(8443);
        SecuredRedirectHandler redirect = new SecuredRedirectHandler();
        fixture.server.insertHandler(redirect);
        JettyOnDemandTls onDemand = fixture.start();
        display = onDemand.engine()
                .challenges()
                .displayHttp(ServerName.parse("shop.customer.test"), TOKEN, KEY_AUTHORIZATION);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aPendingTokenIsAnsweredBeforeTheRedirect() throws Exception {
        String answer = request("GET", PATH, "shop.customer.test:80");

        assertThat(answer)
                .startsWith("HTTP/1.1 200 ")
                .contains("application/octet-stream")
                .endsWith("\r\n\r\n" + KEY_AUTHORIZATION);
        assertThat(display.fetched()).isCompleted();
    }

    @Test
    void aHeadRequestGetsTheSameWithoutTheBody() throws Exception {
        assertThat(request("HEAD", PATH, "SHOP.customer.test"))
                .startsWith("HTTP/1.1 200 ")
                .contains("Content-Length: " + KEY_AUTHORIZATION.length())
                .endsWith("\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/.well-known/acme-challenge/",
                "/.well-known/acme-challenge/unknown",
                PATH + "/",
                PATH + "/x",
                PATH + ";x",
                PATH + "?x",
                "/.well-known/acme-challenge/%65vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
                "/x/../.well-known/acme-challenge/" + TOKEN,
                "/.well-known//acme-challenge/" + TOKEN
            })
    void anyOtherPathGoesOn(String path) throws Exception {
        assertThat(request("GET", path, "shop.customer.test")).doesNotContain(KEY_AUTHORIZATION);
        assertThat(display.fetched()).isNotDone();
    }

    @Test
    void anotherMethodGoesOn() throws Exception {
        assertThat(request("POST", PATH, "shop.customer.test")).startsWith("HTTP/1.1 30");
    }

    @ParameterizedTest
    @ValueSource(strings = {"other.customer.test", "127.0.0.1", "localhost", "[::1]"})
    void anotherHostGoesOn(String host) throws Exception {
        assertThat(request("GET", PATH, host)).startsWith("HTTP/1.1 30");
    }

    @Test
    void whatIsNoLongerPendingGoesOn() throws Exception {
        display.close();

        assertThat(request("GET", PATH, "shop.customer.test")).startsWith("HTTP/1.1 30");
    }

    private String request(String method, String path, String host) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), fixture.plain.getLocalPort())) {
            return Client.exchange(
                    socket, method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
        }
    }
}
