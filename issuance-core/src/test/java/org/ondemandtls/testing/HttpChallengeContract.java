package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** HTTP-01: what of the requests to a host answers a CA, and what goes on to the application. */
public abstract class HttpChallengeContract<F extends HostFixture> extends HostContract<F> {

    private static final String NAME = "shop.customer.test";
    private static final String TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
    private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;
    private static final String KEY_AUTHORIZATION = TOKEN + ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

    private ChallengeBoard.Display display;

    @BeforeEach
    void display() throws Exception {
        fixture.redirectToHttps();
        fixture.launch();
        display = fixture.engine().challenges().displayHttp(ServerName.parse(NAME), TOKEN, KEY_AUTHORIZATION);
    }

    @Test
    void aPendingTokenIsAnswered() throws Exception {
        assertThat(request("GET", PATH, NAME + ":80"))
                .startsWith("HTTP/1.1 200 ")
                .contains("application/octet-stream")
                .endsWith("\r\n\r\n" + KEY_AUTHORIZATION);
        assertThat(display.fetched()).isCompleted();
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void aPendingTokenIsAnsweredOverHttpThoughItsNameIsRedirected() throws Exception {
        assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
        assertThat(request("GET", "/", NAME)).startsWith("HTTP/1.1 308 ");

        assertThat(request("GET", PATH, NAME)).startsWith("HTTP/1.1 200 ").endsWith(KEY_AUTHORIZATION);
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
        assertThat(request("GET", path, NAME)).startsWith("HTTP/1.1 ").doesNotContain(KEY_AUTHORIZATION);
        assertThat(display.fetched()).isNotDone();
    }

    @Test
    void anotherMethodGoesOn() throws Exception {
        assertThat(request("POST", PATH, NAME)).contains("hello from");
    }

    @ParameterizedTest
    @ValueSource(strings = {"other.customer.test", "127.0.0.1", "localhost", "[::1]"})
    void anotherHostGoesOn(String host) throws Exception {
        assertThat(request("GET", PATH, host)).contains("hello from");
    }

    @Test
    void whatIsNoLongerPendingGoesOn() throws Exception {
        display.close();

        assertThat(request("GET", PATH, NAME)).contains("hello from");
    }

    private String request(String method, String path, String host) throws Exception {
        return fixture.plain(method + " " + path + " HTTP/1.1\r\nHost: " + host
                + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}
