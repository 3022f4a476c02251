package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.apache.catalina.valves.ValveBase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;

/** HTTP-01 by the valve. */
class HttpChallengeIT {

    private static final String TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
    private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;
    private static final String KEY_AUTHORIZATION = TOKEN + ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

    @TempDir
    Path directory;

    private TomcatFixture fixture;
    private ChallengeBoard.Display display;

    @BeforeEach
    void start() throws Exception {
        fixture = new TomcatFixture(directory);
        ValveBase valve = new AcmeChallengeValve();
        fixture.tomcat.getEngine().getPipeline().addValve(valve);
        fixture.start();
        display = fixture.engine()
                .challenges()
                .displayHttp(ServerName.parse("shop.customer.test"), TOKEN, KEY_AUTHORIZATION);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aPendingTokenIsAnswered() throws Exception {
        assertThat(request("GET", PATH, "shop.customer.test:80"))
                .startsWith("HTTP/1.1 200 ")
                .contains("application/octet-stream")
                .endsWith("\r\n\r\n" + KEY_AUTHORIZATION);
        assertThat(display.fetched()).isCompleted();
        assertThat(fixture.requests).hasValue(0);
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
        assertThat(request("GET", path, "shop.customer.test"))
                .contains("hello from shop.customer.test by http")
                .doesNotContain(KEY_AUTHORIZATION);
        assertThat(display.fetched()).isNotDone();
    }

    @Test
    void anotherMethodGoesOn() throws Exception {
        assertThat(request("POST", PATH, "shop.customer.test")).contains("hello from");
    }

    @ParameterizedTest
    @ValueSource(strings = {"other.customer.test", "127.0.0.1", "localhost", "[::1]"})
    void anotherHostGoesOn(String host) throws Exception {
        assertThat(request("GET", PATH, host)).contains("hello from");
    }

    @Test
    void whatIsNoLongerPendingGoesOn() throws Exception {
        display.close();

        assertThat(request("GET", PATH, "shop.customer.test")).contains("hello from");
    }

    @Test
    void itSaysThatACaCanBeShownProofsOverPlainHttp() {
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) fixture.secure.getProtocolHandler();

        assertThat(AcmeChallengeValve.answersFor(protocol)).isTrue();
        fixture.tomcat.getService().removeConnector(fixture.plain);
        assertThat(AcmeChallengeValve.answersFor(protocol)).isFalse();
    }

    private String request(String method, String path, String host) throws Exception {
        return fixture.plain(method + " " + path + " HTTP/1.1\r\nHost: " + host
                + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}
