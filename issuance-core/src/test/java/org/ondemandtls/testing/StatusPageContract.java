package org.ondemandtls.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.Test;

/** A server that carries the management page: the same answers on every server, and nothing of it for others. */
public abstract class StatusPageContract<F extends HostFixture> extends HostContract<F> {

    private static final String NAME = "shop.customer.test";
    private static final String API = "/ondemand-tls/api/v1/";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private String ask(String method, String path, String user, String... headers) throws IOException {
        StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\nConnection: close\r\n");
        if (!user.isEmpty()) {
            String credentials = Base64.getEncoder().encodeToString((user + ":secret").getBytes(UTF_8));
            request.append("Authorization: Basic ").append(credentials).append("\r\n");
        }
        for (String header : headers.length == 0 ? new String[] {"Host: localhost"} : headers) {
            request.append(header).append("\r\n");
        }
        return fixture.plain(request + "\r\n");
    }

    private String look(String path) throws IOException {
        return ask("GET", path, "looker");
    }

    private String act(String command) throws IOException {
        return ask(
                "POST",
                API + "names/" + NAME + "/" + command,
                "actor",
                "Host: localhost",
                "X-OnDemand-TLS: test",
                "Content-Length: 0");
    }

    private void awaitState(String state) {
        await().atMost(PATIENCE).until(() -> look(API + "names/" + NAME).contains("\"state\":\"" + state + "\""));
    }

    @Test
    void withoutItTheApplicationAnswers() throws Exception {
        fixture.launch();

        assertThat(look("/ondemand-tls/")).contains("hello from localhost");
    }

    @Test
    void usersOfTheServerLookAndActByTheirRoles() throws Exception {
        fixture.carryThePage();
        fixture.launch();

        assertThat(ask("GET", "/ondemand-tls/", "")).startsWith("HTTP/1.1 401 ").contains("WWW-Authenticate: Basic ");
        assertThat(ask("GET", "/ondemand-tls/", "stranger")).startsWith("HTTP/1.1 401 ");
        assertThat(ask("GET", "/ondemand-tls/", "guest")).startsWith("HTTP/1.1 403 ");
        assertThat(look("/ondemand-tls/"))
                .startsWith("HTTP/1.1 200 ")
                .contains("Content-Security-Policy: default-src 'none';")
                .contains("<title>On-Demand TLS</title>");
        assertThat(ask("HEAD", "/ondemand-tls/", "looker"))
                .startsWith("HTTP/1.1 200 ")
                .doesNotContain("<title>");
        assertThat(look("/ondemand-tls/page.js")).contains("'use strict'");
        assertThat(look("/")).contains("hello from localhost");
        assertThat(ask("POST", API + "names/" + NAME + "/obtain", "looker", "Host: localhost", "X-OnDemand-TLS: test"))
                .startsWith("HTTP/1.1 403 ");
        assertThat(act("obtain")).startsWith("HTTP/1.1 202 ");
        awaitState("served");
        assertThat(fixture.visit(NAME)).contains("hello from " + NAME);
        assertThat(look("/ondemand-tls/metrics"))
                .contains("Content-Type: text/plain")
                .contains("ondemandtls_handshakes_served_total{visit=\"known\"} 1");
        assertThat(act("withdraw")).startsWith("HTTP/1.1 202 ");
        assertThat(fixture.visit(NAME)).isEmpty();
        awaitState("withdrawn");
    }

    @Test
    void anotherHostNameAndAProxyGetNothing() throws Exception {
        fixture.carryThePage();
        fixture.launch();

        assertThat(ask("GET", "/ondemand-tls/", "looker", "Host: evil.test")).startsWith("HTTP/1.1 403 ");
        assertThat(ask("GET", "/ondemand-tls/", "looker", "Host: localhost", "X-Forwarded-For: 192.0.2.7"))
                .contains("hello from localhost");
        assertThat(ask("POST", API + "names/" + NAME + "/withdraw", "actor", "Host: localhost", "Content-Length: 0"))
                .startsWith("HTTP/1.1 403 ");
    }

    @Test
    void severalNamesAreObtainedByOneRequest() throws Exception {
        fixture.carryThePage();
        fixture.launch();

        String body = "a.customer.test\nb.customer.test\n";
        String credentials = Base64.getEncoder().encodeToString("actor:secret".getBytes(UTF_8));
        String answer = fixture.plain("POST " + API + "obtain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Authorization: Basic " + credentials + "\r\nX-OnDemand-TLS: test\r\nContent-Length: " + body.length()
                + "\r\n\r\n" + body);

        assertThat(answer).startsWith("HTTP/1.1 202 ").contains("\"b.customer.test\":{\"done\":true");
    }
}
