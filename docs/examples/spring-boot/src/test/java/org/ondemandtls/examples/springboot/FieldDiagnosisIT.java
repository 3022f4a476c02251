package org.ondemandtls.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Browser;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** "My domain does not work", asked of a Spring Boot application with a real CA and the DNS that the CA asks. */
@Tag("once")
class FieldDiagnosisIT {

    private static final String ASTRAY = "astray.customer.example";
    private static final String FORBIDDEN = "forbidden.customer.example";
    private static final String HERE = "127.0.0.1";
    private static final String ELSEWHERE = "192.0.2.7";
    private static final String MENDING = "change A " + ASTRAY + " from " + ELSEWHERE + " to " + HERE;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir
    Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final HttpClient client = HttpClient.newHttpClient();
    private Pebble pebble;
    private ConfigurableApplicationContext application;

    @BeforeEach
    void start() throws Exception {
        pebble = Pebble.options().httpPort(httpPort).start(directory.resolve("pebble"));
        application = SpringApplication.run(
                ShopApplication.class,
                "--server.address=" + HERE,
                "--server.port=" + httpPort,
                "--management.endpoints.web.exposure.include=ondemandtls",
                "--ondemand-tls.port=" + tlsPort,
                "--ondemand-tls.page=true",
                "--ondemand-tls.page-password=secret",
                "--ondemand-tls.store=" + directory.resolve("ondemand-tls"),
                "--ondemand-tls.issuer=acme",
                "--ondemand-tls.acme.directory=" + pebble.directory(),
                "--ondemand-tls.acme.trusted-roots=" + pebble.trustedRoots(),
                "--ondemand-tls.acme.challenges=http-01",
                "--ondemand-tls.preflight=true",
                "--ondemand-tls.preflight.resolver=" + pebble.dnsServer(),
                "--ondemand-tls.preflight.addresses=" + HERE,
                "--ondemand-tls.preflight.http-port=" + httpPort,
                "--shop.customers=" + ASTRAY + "," + FORBIDDEN);
        pointTo(ELSEWHERE);
    }

    @AfterEach
    void stop() {
        application.close();
        pebble.close();
    }

    private void pointTo(String address) {
        pebble.dns("/clear-a", "{\"host\":\"" + ASTRAY + ".\"}");
        pebble.dns("/add-a", "{\"host\":\"" + ASTRAY + ".\",\"addresses\":[\"" + address + "\"]}");
    }

    private int visited(String name) {
        return Curl.trusting(pebble.issuerRoot()).get(name, tlsPort, "/").status();
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + httpPort + "/actuator/ondemandtls/names/" + path));
    }

    private String sent(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
        return answer.body();
    }

    @Test
    void aWrongRecordIsDiagnosedOnThePageMendedAndTriedByTheButton() throws Exception {
        assertThat(visited(ASTRAY)).isNotEqualTo(200);
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "operator")) {
            browser.open("http://localhost:" + httpPort + "/ondemand-tls/#" + ASTRAY);
            browser.await("document.getElementById('report-name').textContent === '" + ASTRAY + "'");
            // On a busy machine DNS may not be looked at in time: it is asked for again then.
            Awaitility.await()
                    .atMost(PATIENCE)
                    .untilAsserted(() ->
                            assertThat(diagnosed(browser)).contains(MENDING).contains("To act: your customer"));

            pointTo(HERE);
            browser.click("[data-command=retry]");

            browser.await("document.getElementById('report-state').textContent === 'served'");
        }
        assertThat(visited(ASTRAY)).isEqualTo(200);
    }

    private static String diagnosed(Browser browser) throws Exception {
        String sentence = "document.getElementById('diagnosis-sentence').textContent";
        browser.evaluate(sentence + " = ''");
        browser.click("#diagnose");
        browser.await(sentence + " !== ''");
        return browser.evaluate(sentence);
    }

    @Test
    void aWrongRecordIsDiagnosedByTheActuatorMendedAndTriedByIt() throws Exception {
        assertThat(visited(ASTRAY)).isNotEqualTo(200);
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(sent(to(ASTRAY + "/diagnosis"))).contains(MENDING));

        pointTo(HERE);
        sent(to(ASTRAY + "/retry").header("Content-Type", "application/json").POST(BodyPublishers.noBody()));

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(sent(to(ASTRAY))).contains("\"state\":\"served\""));
        assertThat(visited(ASTRAY)).isEqualTo(200);
    }

    @Test
    void whatForbidsTheCaAndWhatPermissionDeniesAreToldApart() throws Exception {
        pebble.dns(
                "/add-caa",
                "{\"host\":\"" + FORBIDDEN + ".\",\"policies\":[{\"tag\":\"issue\",\"value\":\"other.example\"}]}");

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(sent(to(FORBIDDEN + "/diagnosis")))
                        .contains("add CAA " + FORBIDDEN + " 0 issue")
                        .contains("To act: your customer."));
        assertThat(sent(to("stranger.example/diagnosis")))
                .contains("Permission was asked now")
                .contains("onDemandTlsPermission said no")
                .contains("To act: you.");
    }
}
