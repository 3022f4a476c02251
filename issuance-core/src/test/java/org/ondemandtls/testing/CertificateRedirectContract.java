package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The redirect to HTTPS on a host that has a certificate for one name. */
public abstract class CertificateRedirectContract<F extends HostFixture> extends HostContract<F> {

    /** What there is a certificate for. */
    protected static final String NAME = "shop.customer.test";

    @BeforeEach
    void visit() throws Exception {
        fixture.redirectToHttps();
        fixture.launch();
        assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ");
        fixture.requests.set(0);
    }

    @Test
    void aRequestIsRedirectedAndTheAnswerIsNotToBeStored() throws Exception {
        assertThat(request("GET", "/", NAME))
                .startsWith("HTTP/1.1 308 ")
                .contains("\r\nLocation: https://" + NAME + "/\r\n")
                .contains("\r\nCache-Control: no-store\r\n")
                .contains("\r\nContent-Length: 0\r\n");
        assertThat(fixture.requests).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/a/b?c=d&e", "/a%20b/%C3%A9?q=%0d%0aX", "/?u=https://evil.example/", "/;x=y", "/@evil.example"})
    void pathAndQueryStayAsTheyWereSent(String target) throws Exception {
        assertThat(request("GET", target, NAME))
                .startsWith("HTTP/1.1 308 ")
                .contains("\r\nLocation: https://" + NAME + target + "\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {NAME + ":80", "SHOP.Customer.TEST", NAME + ".", NAME + ":8080"})
    void theHostIsWrittenInItsOneSpellingAndWithoutThePortOfPlainHttp(String host) throws Exception {
        assertThat(request("GET", "/x", host)).contains("\r\nLocation: https://" + NAME + "/x\r\n");
    }

    @Test
    void aRequestWithABodyIsRedirectedToo() throws Exception {
        assertThat(fixture.plain("POST /form HTTP/1.1\r\nHost: " + NAME
                        + "\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"))
                .startsWith("HTTP/1.1 308 ")
                .contains("\r\nLocation: https://" + NAME + "/form\r\n");
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void anAbsoluteTargetIsRedirectedToItsOwnHost() throws Exception {
        assertThat(request("GET", "http://" + NAME + "/x?y", NAME))
                .contains("\r\nLocation: https://" + NAME + "/x?y\r\n");
    }

    @Test
    void aSecureRequestIsNot() {
        assertThat(fixture.visit(NAME)).startsWith("HTTP/1.1 200 ").contains("hello from " + NAME);
    }

    @Test
    void aRequestThatWasSecureAtTheProxyIsNot() throws Exception {
        assertThat(fixture.plain("GET / HTTP/1.1\r\nHost: " + NAME
                        + "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aRequestForTheWholeServerIsNot() throws Exception {
        assertThat(request("OPTIONS", "*", NAME)).doesNotContain("308").doesNotContain("Location");
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
                "xn--a.test",
                NAME + ".evil.test"
            })
    void anyOtherHostStaysOnHttpAndNothingIsObtainedForIt(String host) throws Exception {
        int asked = fixture.ask.questions().size();

        assertThat(request("GET", "/", host)).startsWith("HTTP/1.1 200 ").contains("hello from ");
        assertThat(fixture.ask.questions()).hasSize(asked);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", NAME + "@evil.test", "evil.test/" + NAME, NAME + ":x", NAME + "\tevil"})
    void aMalformedHostIsNeverRedirected(String host) throws Exception {
        assertThat(request("GET", "/", host)).doesNotContain(" 308 ").doesNotContain("Location:");
    }

    @Test
    void aRequestWithoutAHostIsNeverRedirected() throws Exception {
        assertThat(fixture.plain("GET / HTTP/1.0\r\n\r\n")).doesNotContain(" 308 ");
    }

    @Test
    void afterARestartTheStoreIsLookedIntoAndNobodyIsAsked() throws Exception {
        fixture.halt();
        fixture.launch();
        int asked = fixture.ask.questions().size();

        // On Tomcat the first one may stay on HTTP.
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(request("GET", "/x", NAME)).startsWith("HTTP/1.1 308 "));
        assertThat(fixture.ask.questions()).hasSize(asked);
    }

    /** A request over plain HTTP, and its answer. */
    protected final String request(String method, String target, String host) throws Exception {
        return fixture.plain(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    }
}
