package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Browser;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** The management page, its API and the figures on real servers with a real CA, asked as an operator would. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class StatusPageIT {

    private static final String NAME = "shop.customer.example";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private ServerProcess server;
    private Pebble pebble;

    @BeforeEach
    void start() throws Exception {
        ask = AskEndpoint.granting("*.customer.example");
        server = line.layOut(directory.resolve("base")).carryingThePage();
        pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"));
        server.property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s")
                .property("onDemandTls.acme.directory", pebble.directory().toString())
                .property("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString())
                .start();
    }

    @AfterEach
    void stop() {
        server.close();
        pebble.close();
        ask.close();
    }

    private String site() {
        return "http://localhost:" + server.httpPort() + "/ondemand-tls/";
    }

    private static HttpRequest.Builder as(String user, String url) {
        String credentials = Base64.getEncoder().encodeToString((user + ":secret").getBytes(StandardCharsets.UTF_8));
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Basic " + credentials);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> look(String path) throws IOException, InterruptedException {
        return send(as("looker", site() + path));
    }

    private HttpResponse<String> act(String path) throws IOException, InterruptedException {
        return send(as("actor", site() + "api/v1/" + path)
                .header("X-OnDemand-TLS", "test")
                .POST(HttpRequest.BodyPublishers.noBody()));
    }

    private void awaitState(String name, String state) {
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> look("api/v1/names/" + name).body().contains("\"state\":\"" + state + "\""));
    }

    private TlsProbe.Outcome visit(String name) throws Exception {
        return TlsProbe.trusting(pebble.issuerRoot()).handshake(server.tlsPort(), name);
    }

    @Test
    void anOperatorObtainsLooksUpWithdrawsAndRevokes() throws Exception {
        assertThat(send(HttpRequest.newBuilder(URI.create(site()))).statusCode())
                .isEqualTo(401);
        assertThat(send(as("guest", site())).statusCode()).isEqualTo(403);
        assertThat(look("").body()).contains("<title>On-Demand TLS</title>");
        assertThat(look("api/v1/server").body()).containsPattern("\"version\":\"\\d+\\.\\d+");
        assertThat(send(as("looker", site() + "api/v1/names/" + NAME + "/obtain")
                                .header("X-OnDemand-TLS", "test")
                                .POST(HttpRequest.BodyPublishers.noBody()))
                        .statusCode())
                .isEqualTo(403);

        assertThat(act("names/" + NAME + "/obtain").statusCode()).isEqualTo(202);
        awaitState(NAME, "served");
        assertThat(visit(NAME).failure()).isEmpty();
        // Ahead of the first visit.
        pebble.assertIssued(1);
        assertThat(look("api/v1/names?prefix=shop").body()).contains("\"name\":\"" + NAME + "\"");
        assertThat(look("api/v1/cas").body()).contains("\"orders\":{\"obtained\":1}");
        assertThat(look("metrics").body())
                .contains("result=\"obtained\"} 1\n")
                .contains("ondemandtls_handshakes_served_total{visit=\"known\"}")
                .doesNotContain(NAME);

        assertThat(act("names/" + NAME + "/withdraw").statusCode()).isEqualTo(202);
        assertThat(visit(NAME).failure()).isNotEmpty();
        awaitState(NAME, "withdrawn");

        assertThat(act("names/" + NAME + "/obtain").statusCode()).isEqualTo(202);
        awaitState(NAME, "served");
        Matcher serial = Pattern.compile("\"serial\":\"([0-9a-f]+)\"")
                .matcher(look("api/v1/names/" + NAME).body());
        assertThat(serial.find()).isTrue();
        HttpResponse<String> revoked = act("names/" + NAME + "/revoke?reason=keyCompromise");
        assertThat(revoked.statusCode()).as(revoked.body()).isEqualTo(202);
        assertThat(pebble.get("/cert-status-by-serial/" + serial.group(1)))
                .contains("Revoked")
                .contains("1");
        assertThat(visit(NAME).failure()).isEmpty();
        assertThat(look("api/v1/names/" + NAME).body()).doesNotContain("\"serial\":\"" + serial.group(1) + "\"");
        assertThat(visit("stranger.example").failure()).isNotEmpty();
        awaitState("stranger.example", "denied");
        assertThat(server.log()).doesNotContain("secret");
    }

    @Test
    void thePageIsClickedThroughInARealBrowser() throws Exception {
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "actor")) {
            browser.size(1200, 900);
            browser.open(site());
            browser.await("document.getElementById('server').textContent.startsWith('Version')");

            // By keyboard alone.
            browser.evaluate("document.getElementById('name').focus()");
            browser.type(NAME);
            browser.press("Enter", 13, "\\r");
            browser.await("document.getElementById('report-state').textContent === 'unknown'");
            browser.click("[data-command=obtain]");
            browser.await("document.getElementById('report-state').textContent === 'served'");
            browser.await("document.getElementById('report-history').textContent.includes('obtained from')");
            assertThat(visit(NAME).failure()).isEmpty();

            browser.click("#names-form button");
            browser.await("document.getElementById('names').textContent.includes('" + NAME + "')");
            browser.await("document.getElementById('cas').textContent.includes('1 obtained')");

            browser.click("[data-command=withdraw]");
            browser.await("document.getElementById('report-state').textContent === 'withdrawn'");
            assertThat(visit(NAME).failure()).isNotEmpty();

            browser.click("[data-account=rollover]");
            browser.await("document.getElementById('message').textContent.includes('another key')");
            browser.click("[data-account=deactivate]");
            browser.await("document.getElementById('cas').textContent.includes('The account was deactivated')");
            browser.click("[data-account=register]");
            browser.await("!document.getElementById('cas').textContent.includes('The account was deactivated')");
            browser.click("[data-pause=pause]");
            browser.await("document.getElementById('paused').textContent === 'Paused: all.'");
            browser.click("[data-pause=resume]");
            browser.await("document.getElementById('paused').textContent === 'Nothing is paused.'");
            browser.evaluate(
                    "document.getElementById('obtain-names').value = 'www.customer.example\\nother.customer.example'");
            browser.click("#obtain-form button");
            browser.await("document.getElementById('obtained').children.length === 2");
            browser.await("document.getElementById('obtain-progress').textContent === '2 of 2 names are done.'");
            browser.await("document.getElementById('server-details').textContent.includes('Look at DNS')");
            browser.evaluate("document.getElementById('name').value = 'www.customer.example'");
            browser.click("#lookup-form button");
            browser.await("document.getElementById('report-name').textContent === 'www.customer.example'");
            browser.click("#diagnose");
            browser.await("document.getElementById('diagnosis-findings').children.length > 5");
            browser.click("#names-form button");
            browser.await("document.getElementById('names').textContent.includes('www.customer.example')");

            browser.colours("light");
            assertNoFindings(browser);
            keep(browser, "page-light.png");
            browser.colours("dark");
            assertNoFindings(browser);
            keep(browser, "page-dark.png");
            browser.size(390, 844);
            assertNoFindings(browser);
            assertThat(browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
                    .as("fits a phone without scrolling sideways")
                    .isEqualTo("true");
            assertThat(browser.evaluate("document.getElementById('name').offsetHeight < 100"))
                    .as("the field for a name is one line high")
                    .isEqualTo("true");
            keep(browser, "page-phone.png");
        }
    }

    @Test
    void aPageThatStaysOpenShowsWhatTheCaHasDoneWhateverItsAddressIs() throws Exception {
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "looker")) {
            browser.open(site() + "#%");
            browser.await("document.getElementById('server').textContent.startsWith('Version')");
            browser.await("document.getElementById('cas').children.length === 1");

            assertThat(visit(NAME).failure()).isEmpty();
            browser.await("document.getElementById('cas').textContent.includes('1 obtained')");

            assertThat(act("pause?what=" + URLEncoder.encode("ca " + pebble.directory(), StandardCharsets.UTF_8))
                            .statusCode())
                    .isEqualTo(202);
            browser.await("document.querySelector('#cas td').className === 'bad'");
        }
    }

    @Test
    void aDiagnosisThatComesLateIsNotShownUnderTheNextName() throws Exception {
        ask.answer(name -> AskEndpoint.Answer.GRANTED.after(Duration.ofSeconds(3)));
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "actor")) {
            browser.open(site() + "#" + NAME);
            browser.await("document.getElementById('report-name').textContent === '" + NAME + "'");
            browser.evaluate("(() => { const asked = window.fetch; window.fetch = async (...all) => {"
                    + " const answer = await asked(...all);"
                    + " if (String(all[0]).endsWith('/diagnosis')) { window.diagnosed = true; }"
                    + " return answer; }; })()");
            browser.click("#diagnose");
            browser.evaluate("document.getElementById('name').value = 'other.customer.example'");
            browser.click("#lookup-form button");
            browser.await("document.getElementById('report-name').textContent === 'other.customer.example'");

            browser.await("window.diagnosed === true");
            browser.evaluate("new Promise(later => setTimeout(later, 500))");

            assertThat(browser.evaluate("document.getElementById('diagnosis').hidden"))
                    .isEqualTo("true");
            browser.click("#diagnose");
            browser.await("document.getElementById('diagnosis').hidden === false");
        }
    }

    @Test
    void whoMayOnlyLookSeesNoButtonThatActs() throws Exception {
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "looker")) {
            browser.size(1200, 900);
            browser.open(site());
            browser.await("document.getElementById('server').textContent.startsWith('Version')");
            browser.await("document.getElementById('cas').children.length === 1");
            browser.evaluate("document.getElementById('name').focus()");
            browser.type(NAME);
            browser.press("Enter", 13, "\\r");
            browser.await("document.getElementById('report-state').textContent === 'unknown'");

            assertThat(browser.evaluate("[...document.querySelectorAll('button')].filter(one => one.offsetParent)"
                            + ".map(one => one.textContent).join(', ')"))
                    .isEqualTo("Look up, Diagnose, List");
            assertNoFindings(browser);
        }
    }

    private static void assertNoFindings(Browser browser) throws Exception {
        if (browser.evaluate("typeof axe").equals("undefined")) {
            try (InputStream axe = StatusPageIT.class.getResourceAsStream("/axe.min.js")) {
                browser.evaluate("(" + "() => {" + new String(axe.readAllBytes(), StandardCharsets.UTF_8) + "})()");
            }
        }
        assertThat(browser.evaluate("axe.run().then(found => JSON.stringify(found.violations.map("
                        + "one => [one.id, one.help, one.nodes.map(node => node.html + node.failureSummary)])))"))
                .isEqualTo("[]");
    }

    private void keep(Browser browser, String name) throws Exception {
        browser.screenshot(Path.of("target", "screenshots", line.name().toLowerCase(Locale.ROOT) + "-" + name));
    }
}
