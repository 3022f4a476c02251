package org.ondemandtls.examples.springboot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** The actuator's endpoint, the figures and the management page of an application. */
class ManagementIT {

    private static final String NAME = "shop.customer.example";

    @TempDir
    Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private final HttpClient client = HttpClient.newHttpClient();
    private ConfigurableApplicationContext application;

    @BeforeEach
    void start() {
        application = SpringApplication.run(
                ShopApplication.class,
                "--server.address=127.0.0.1",
                "--server.port=" + httpPort,
                "--management.endpoints.web.exposure.include=ondemandtls,metrics",
                "--ondemand-tls.port=" + tlsPort,
                "--ondemand-tls.page=true",
                "--ondemand-tls.page-password=correct horse",
                "--ondemand-tls.store=" + directory.resolve("ondemand-tls"),
                "--shop.customers=" + NAME + ",www.customer.example");
        var visit = Curl.trusting(directory.resolve("ondemand-tls/internal-ca/root.pem"))
                .get(NAME, tlsPort, "/");
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
    }

    @AfterEach
    void stop() {
        application.close();
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + path));
    }

    private HttpResponse<String> sent(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> shown(String path) throws IOException, InterruptedException {
        return sent(to("/actuator/" + path));
    }

    private static HttpRequest.Builder asOperator(HttpRequest.Builder request) {
        return request.header(
                "Authorization",
                "Basic " + Base64.getEncoder().encodeToString("operator:correct horse".getBytes(UTF_8)));
    }

    @Test
    void theActuatorOffersTheWholeContract() throws Exception {
        assertThat(shown("ondemandtls").body()).contains("\"inventorySize\":1");
        assertThat(shown("ondemandtls/" + NAME).body()).contains("\"answer\":");
        assertThat(shown("ondemandtls/names/" + NAME).body())
                .startsWith("{\"name\":\"" + NAME + "\",\"state\":\"served\",");
        assertThat(shown("ondemandtls/names/" + NAME + "/diagnosis").body()).contains("\"findings\":[");
        var listed = shown("ondemandtls/names?prefix=shop&state=served&domain=customer.example&ca=internal&limit=5");
        assertThat(listed.body()).startsWith("{\"names\":[{\"name\":\"" + NAME + "\"");
        assertThat(listed.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("application/json"));
        assertThat(shown("ondemandtls/names?state=nonsense").statusCode()).isEqualTo(400);
        assertThat(shown("ondemandtls/cas").body()).contains("\"vantage\":");
        assertThat(shown("ondemandtls/server").body()).contains("\"version\":");
        assertThat(shown("ondemandtls/expiry").body()).startsWith("{\"days\":");
    }

    @Test
    void theActuatorActs() throws Exception {
        for (String path : List.of(NAME, "names/" + NAME + "/withdraw", "pause")) {
            var forged = sent(to("/actuator/ondemandtls/" + path).POST(BodyPublishers.noBody()));
            assertThat(forged.statusCode())
                    .as("%s as a form of another origin sends it", path)
                    .isEqualTo(415);
        }
        var retried = sent(to("/actuator/ondemandtls/" + NAME)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.noBody()));
        assertThat(retried.body()).contains("is forgotten");
        assertThat(shown("ondemandtls/names/" + NAME).body()).contains("\"state\":\"served\"");

        var withdrawn = sent(to("/actuator/ondemandtls/names/" + NAME + "/withdraw")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.noBody()));
        assertThat(withdrawn.statusCode()).as(withdrawn.body()).isEqualTo(202);
        assertThat(shown("ondemandtls/names/" + NAME).body()).contains("\"state\":\"withdrawn\"");

        var paused = sent(to("/actuator/ondemandtls/pause")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"what\": \"all\"}")));
        assertThat(paused.body()).contains("issuing is paused: all");
        var resumed = sent(to("/actuator/ondemandtls/resume?what=all")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.noBody()));
        assertThat(resumed.body()).contains("issuing goes on: all");

        var revoked = sent(to("/actuator/ondemandtls/names/" + NAME + "/revoke")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"reason\": \"whim\"}")));
        assertThat(revoked.statusCode()).isEqualTo(400);
        assertThat(sent(to("/actuator/ondemandtls/account/rollover")
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.noBody()))
                        .body())
                .contains("internal has no accounts");
    }

    @Test
    void figuresAreInTheRegistryByThemselves() throws Exception {
        assertThat(shown("metrics").body()).contains("ondemandtls.parked.handshakes", "ondemandtls.events");
        assertThat(shown("metrics/ondemandtls.order").body()).contains("\"COUNT\"");
    }

    @Test
    void thePageIsThereForItsUserOnly() throws Exception {
        assertThat(sent(to("/ondemand-tls/")).statusCode()).isEqualTo(401);

        var page = sent(asOperator(to("/ondemand-tls/")));
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.body()).contains("<title>On-Demand TLS</title>");
        assertThat(page.headers().firstValue("Content-Security-Policy")).isPresent();
        assertThat(sent(asOperator(to("/ondemand-tls/api/v1/names/" + NAME))).body())
                .contains("\"state\":\"served\"");
        assertThat(sent(asOperator(to("/ondemand-tls/metrics"))).body()).contains("ondemandtls_parked_handshakes");
        var forged = sent(asOperator(to("/ondemand-tls/api/v1/names/" + NAME + "/withdraw"))
                .POST(BodyPublishers.noBody()));
        assertThat(forged.statusCode()).as("a page of another origin").isEqualTo(403);
        var told = sent(asOperator(to("/ondemand-tls/api/v1/names/" + NAME + "/withdraw"))
                .header("X-OnDemand-TLS", "1")
                .POST(BodyPublishers.noBody()));
        assertThat(told.statusCode()).isEqualTo(202);
        assertThat(sent(asOperator(to("/ondemand-tls/")).header("X-Forwarded-For", "203.0.113.9"))
                        .body())
                .as("it came through a proxy")
                .doesNotContain("<title>On-Demand TLS</title>");
    }
}
