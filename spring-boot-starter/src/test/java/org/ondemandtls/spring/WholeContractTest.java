package org.ondemandtls.spring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.testing.NoServer;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/** The actuator's endpoint and registry on an engine with the embedded CA. */
class WholeContractTest {

    private static final String NAME = "shop.example.com";

    @TempDir
    private Path base;

    private OnDemandTls engine;
    private OnDemandTlsEndpoint endpoint;

    @BeforeEach
    void open() throws Exception {
        engine = OnDemandTls.open(
                OnDemandTls.builder()
                        .issuer(Issuer.INTERNAL)
                        .permissionPolicy((name, purpose) -> CompletableFuture.completedFuture(
                                name.value().startsWith("no.")
                                        ? new Decision.Denied("not ours")
                                        : new Decision.Granted()))
                        .build(base),
                new NoServer());
        engine.serve();
        endpoint = new OnDemandTlsEndpoint(
                () -> Optional.of(engine.status()),
                () -> Optional.of(engine.statusSite().api()));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static String text(Object response) {
        return new String((byte[]) ((WebEndpointResponse<?>) response).getBody(), UTF_8);
    }

    private WebEndpointResponse<byte[]> look(String... path) {
        return endpoint.look(path);
    }

    private WebEndpointResponse<byte[]> act(String... path) {
        return endpoint.act(path, null, null);
    }

    private String oneWord(String word) {
        return text(endpoint.explain(word, null, null, null, null, null, null, null, null));
    }

    private void obtained(String name) {
        assertThat(act("names", name, "obtain").getStatus()).isEqualTo(202);
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> text(look("names", name)).contains("\"state\":\"served\""));
    }

    @Test
    void aNameIsObtainedLookedUpDiagnosedAndTakenAway() {
        obtained(NAME);

        assertThat(text(look("names", NAME))).contains("\"key\":\"EC P-256\"", "\"history\":[{\"at\":");
        assertThat(text(look("names", NAME, "diagnosis"))).startsWith("{\"name\":\"shop.example.com\",\"sentence\":");
        assertThat(text(act("names", NAME, "withdraw"))).contains("shop.example.com is withdrawn");
        assertThat(text(look("names", NAME))).contains("\"state\":\"withdrawn\"");
        assertThat(text(endpoint.act(new String[] {"names", NAME, "revoke"}, "whim", null)))
                .startsWith("{\"error\":\"the reason is one of ");
        assertThat(act("names", NAME, "forget").getStatus()).isEqualTo(202);
        assertThat(act("names", NAME, "praise").getStatus()).isEqualTo(404);
    }

    @Test
    void namesAreListedByEveryFilterPageByPage() {
        obtained("a.example.com");
        obtained("b.example.com");

        String first =
                text(endpoint.explain("names", "", "served,stored", "example.com", "internal", "400", null, null, "1"));
        assertThat(first).contains("\"name\":\"a.example.com\"").doesNotContain("b.example.com\"");
        String next = first.replaceAll("(?s).*\"next\":\"([^\"]+)\".*", "$1");
        assertThat(text(endpoint.explain(
                        "names", "", "served,stored", "example.com", "internal", "400", null, next, "9")))
                .contains("\"name\":\"b.example.com\"")
                .doesNotContain("a.example.com\"");
        assertThat(text(endpoint.explain("names", "b", null, null, null, null, null, null, null)))
                .contains("b.example.com\"")
                .doesNotContain("a.example.com\"");
        assertThat(text(endpoint.explain("names", null, "moved-away", null, null, null, null, null, null)))
                .startsWith("{\"names\":[]");
        assertThat(text(endpoint.explain("names", null, null, null, null, null, "any", null, null)))
                .startsWith("{\"names\":[]");
        assertThat(text(endpoint.explain("names", null, "well", null, null, null, null, null, null)))
                .startsWith("{\"error\":");
    }

    @Test
    void casServerAndExpiryAreShown() {
        assertThat(oneWord("cas")).startsWith("{\"cas\":[{\"id\":\"internal\"").contains("\"steps\":", "\"vantage\":");
        assertThat(oneWord("server")).contains("\"version\":", "\"store\":", "\"overflows\":");
        assertThat(oneWord("expiry")).startsWith("{\"days\":{");
        assertThat(look("nothing", "there").getStatus()).isEqualTo(404);
    }

    @Test
    void issuingIsPausedAndListsAreObtained() {
        assertThat(text(endpoint.command("pause", "domain example.com", null))).contains("issuing is paused");
        assertThat(oneWord("server")).contains("domain example.com");
        assertThat(text(endpoint.command("resume", "domain example.com", null))).contains("issuing goes on");
        assertThat(text(endpoint.command("obtain", null, "a.example.com,b.example.com")))
                .contains("\"a.example.com\":", "\"b.example.com\":");
        assertThat(text(endpoint.command("pause", null, null)))
                .as("what is to be paused is missing")
                .contains("nothing done");
        assertThat(endpoint.retry("pause").get("answer"))
                .as("no command but JSON")
                .doesNotContain("issuing");
        assertThat(text(endpoint.command("confirm-denials", null, null))).doesNotContain("no such");
    }

    @Test
    void theAccountsOfCasAreChanged() {
        assertThat(text(endpoint.act(new String[] {"account", "rollover"}, null, "internal")))
                .contains("internal has no accounts");
        assertThat(act("account", "deactivate").getStatus()).isEqualTo(409);
    }

    @Test
    void figuresAreBoundToTheRegistryByThemselves() {
        var beans = new DefaultListableBeanFactory();
        var registry = new SimpleMeterRegistry();
        beans.registerSingleton("registry", registry);
        var running = new RunningEngine();
        running.isIn(() -> engine);
        var binding = new MetricsConfiguration.Binding(running, beans.getBeanProvider(MeterRegistry.class));

        binding.start();

        assertThat(binding.isRunning()).isTrue();
        assertThat(registry.find("ondemandtls.parked.handshakes").gauge()).isNotNull();
        assertThat(registry.find("ondemandtls.events").functionCounters()).isNotEmpty();
        binding.stop();
        assertThat(binding.isRunning()).isFalse();
    }

    @Test
    void whereThereIsNoRegistryNothingIsBound() {
        var running = new RunningEngine();
        running.isIn(() -> engine);
        var binding = new MetricsConfiguration.Binding(
                running, new DefaultListableBeanFactory().getBeanProvider(MeterRegistry.class));

        binding.start();

        assertThat(binding.isRunning()).isFalse();
    }
}
