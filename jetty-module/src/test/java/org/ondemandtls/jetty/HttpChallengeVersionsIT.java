package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.SecuredRedirectHandler;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Tools;

/**
 * HTTP-01 by every version of HTTP, and what is no challenge: a server with the component answers it as one without,
 * with and without a redirect to HTTPS.
 */
class HttpChallengeVersionsIT {

    private static final String NAME = "shop.customer.test";
    private static final String TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
    private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;
    private static final String KEY_AUTHORIZATION = TOKEN + ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

    @TempDir
    Path directory;

    private ServerFixture stock;
    private ServerFixture onDemand;
    private ChallengeBoard.Display display;

    @BeforeEach
    void prepare() throws Exception {
        stock = fixture("stock");
        onDemand = fixture("on-demand");
    }

    @AfterEach
    void stop() throws Exception {
        stock.close();
        onDemand.close();
    }

    @ParameterizedTest
    @CsvSource({
        "--http1.1, HTTP/1.1 200 OK",
        "--http1.0, HTTP/1.1 200 OK",
        "--http2, HTTP/2 200",
        "--http2-prior-knowledge, HTTP/2 200"
    })
    void aPendingTokenIsAnsweredBeforeTheRedirectToGetAndHead(String version, String status) throws Exception {
        redirect();
        start();

        String get = curl(onDemand, NAME, PATH, version);
        assertThat(display.fetched()).isCompleted();
        String head = curl(onDemand, NAME, PATH, version, "--head");

        assertThat(get).contains(status).endsWith("\n\n" + KEY_AUTHORIZATION);
        assertThat(head).contains(status).contains("ontent-").endsWith("\n\n").doesNotContain(KEY_AUTHORIZATION);
        assertThat(onDemand.requests).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2-prior-knowledge"})
    void everythingElseIsAnsweredAsWithoutTheComponent(String version) throws Exception {
        start();

        assertAnsweredAlike(version);
        // Not all of it is refused by Jetty itself.
        assertThat(onDemand.requests).hasValueGreaterThan(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2-prior-knowledge"})
    void everythingElseIsRedirectedAsWithoutTheComponent(String version) throws Exception {
        redirect();
        start();

        assertAnsweredAlike(version);
        assertThat(onDemand.requests).hasValue(0);
    }

    @Test
    void aPathThatIsTheTokensOnlyOnceDecodedIsNoneEvenWhereJettyIsToldToLetItThrough() throws Exception {
        stock.http.setUriCompliance(UriCompliance.UNSAFE);
        onDemand.http.setUriCompliance(UriCompliance.UNSAFE);
        start();

        assertAnsweredAlike("--http1.1");
        assertThat(onDemand.requests).hasValue(stock.requests.get()).hasValueGreaterThan(15);
    }

    private void assertAnsweredAlike(String version) {
        for (String path : List.of(
                "/.well-known/acme-challenge/" + TOKEN.replace('-', 'x'),
                "/.well-known/acme-challenge/%65vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
                "/.well-known/acme-challenge/%2e/" + TOKEN,
                "/.well-known/x/%2e%2e/acme-challenge/" + TOKEN,
                "/.well-known/acme-challenge/../acme-challenge/" + TOKEN,
                "/%2ewell-known/acme-challenge/" + TOKEN,
                "/.well-known/acme-challenge%2f" + TOKEN,
                "//.well-known/acme-challenge/" + TOKEN,
                "/.well-known//acme-challenge/" + TOKEN,
                "/.well-known/acme-challenge//" + TOKEN,
                "/.WELL-KNOWN/acme-challenge/" + TOKEN,
                PATH + "/",
                PATH + "?",
                PATH + "?query",
                PATH + ";parameter",
                PATH + "%00",
                PATH + "%20")) {
            assertAlike(NAME, path, version);
        }
        assertAlike("other.customer.test", PATH, version);
        assertAlike("xn--a.customer.test", PATH, version);
        // Without content: what is answered before it has come, HTTP/2 resets, and curl takes that for a failure.
        assertAlike(NAME, PATH, version, "--request", "POST");
        assertAlike(NAME, PATH, version, "--request", "DELETE");
        assertThat(display.fetched()).isNotDone();
    }

    private void assertAlike(String host, String path, String... options) {
        String expected = curl(stock, host, path, options);
        String actual = curl(onDemand, host, path, options);

        assertThat(actual).as(host + path).isEqualTo(expected).contains("HTTP/").doesNotContain(KEY_AUTHORIZATION);
    }

    private ServerFixture fixture(String name) throws Exception {
        ServerFixture fixture = new ServerFixture(directory.resolve(name));
        fixture.http.setSecurePort(8443);
        fixture.http.setSendDateHeader(false);
        fixture.server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                fixture.requests.incrementAndGet();
                String seen = request.getMethod() + " " + Request.getServerName(request) + " "
                        + request.getHttpURI().getPathQuery() + " "
                        + request.getHttpURI().getCanonicalPath() + " " + Request.getPathInContext(request);
                Content.Sink.write(response, true, seen, callback);
                return true;
            }
        });
        return fixture;
    }

    private void redirect() {
        stock.server.insertHandler(new SecuredRedirectHandler());
        onDemand.server.insertHandler(new SecuredRedirectHandler());
    }

    private void start() throws Exception {
        stock.tls.setKeyStorePath(
                KeyStores.create(directory, "own.operator.test").toString());
        stock.tls.setKeyStorePassword(KeyStores.PASSWORD);
        stock.server.start();
        display = onDemand.start().engine().challenges().displayHttp(ServerName.parse(NAME), TOKEN, KEY_AUTHORIZATION);
    }

    // Head and body of the answer, with the ports of the two servers made equal.
    private static String curl(ServerFixture fixture, String host, String path, String... options) {
        List<String> command = new ArrayList<>(List.of(
                Tools.onPath("curl", "apt-get install curl").toString(),
                "-q",
                "--silent",
                "--include",
                "--path-as-is",
                "--noproxy",
                "*",
                "--max-time",
                "60",
                "--connect-to",
                "::127.0.0.1:" + fixture.plain.getLocalPort()));
        command.addAll(List.of(options));
        command.add("http://" + host + path);
        Command answer = Command.run(command, Duration.ofSeconds(90));
        assertThat(answer.exitCode()).as(command + answer.stderr()).isZero();
        return answer.stdout()
                        .replace("\r\n", "\n")
                        .lines()
                        .filter(line -> !line.startsWith("Server:") && !line.startsWith("server:"))
                        .collect(Collectors.joining("\n"))
                + (answer.stdout().endsWith("\r\n\r\n") ? "\n\n" : "");
    }
}
