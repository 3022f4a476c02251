package org.ondemandtls;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.SiteRequest;
import org.ondemandtls.status.http.StatusSite;
import org.ondemandtls.testing.NoServer;

/** {@link StatusSite}: who may ask for what, and what the API answers. */
class StatusSiteTest {

    private static final String API = "/ondemand-tls/api/v1/";

    @TempDir
    private Path base;

    private OnDemandTls engine;

    @BeforeEach
    void open() throws Exception {
        open(Map.of());
    }

    private void open(Map<String, String> keys) throws Exception {
        var builder = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com");
        keys.forEach(builder::set);
        engine = OnDemandTls.open(builder.build(base), new NoServer());
        engine.serve();
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static Asked get(String path) {
        return new Asked("GET", path).as("looker");
    }

    private static Asked post(String path) {
        return new Asked("POST", path).as("actor").with("X-OnDemand-TLS", "test");
    }

    private SiteAnswer answer(Asked asked) {
        return engine.statusSite().answer(asked).orElseThrow();
    }

    private int status(Asked asked) {
        return answer(asked).status();
    }

    private String text(Asked asked) {
        return new String(answer(asked).content(), UTF_8);
    }

    @Test
    void toOthersThanThisMachineNothingIsThere() {
        assertThat(engine.statusSite().answer(get("/ondemand-tls/").from("192.0.2.7")))
                .isEmpty();
        assertThat(engine.statusSite().answer(get("/ondemand-tls/").with("X-Forwarded-For", "192.0.2.7")))
                .isEmpty();
        assertThat(engine.statusSite().answer(get("/ondemand-tls-shop/"))).isEmpty();
        assertThat(engine.statusSite().answer(get("/"))).isEmpty();
        assertThat(status(get("/ondemand-tls/").from("::1").with("Host", "[::1]:8080")))
                .isEqualTo(200);
    }

    @Test
    void whatTheFirstListWaitsForIsReadWhileSomebodyLogsIn() {
        String listed = "ondemandtls_store_seconds_count{operation=\"page\"";
        assertThat(engine.statusSite().answer(get("/shop"))).isEmpty();
        assertThat(engine.status().figuresText()).doesNotContain(listed);

        assertThat(status(new Asked("GET", "/ondemand-tls/"))).isEqualTo(401);

        Awaitility.await().until(() -> engine.status().figuresText().contains(listed));
    }

    @Test
    void otherMachinesThatAreListedAskByHttpsOnly() throws Exception {
        engine.close();
        open(Map.of("onDemandTls.status.addresses", "192.0.2.0/24", "onDemandTls.status.hosts", "ops.example.com"));

        assertThat(status(get("/ondemand-tls/").from("192.0.2.7").with("Host", "ops.example.com")))
                .isEqualTo(403);
        assertThat(status(get("/ondemand-tls/")
                        .from("192.0.2.7")
                        .with("Host", "ops.example.com")
                        .byHttps()))
                .isEqualTo(200);
        assertThat(engine.statusSite().answer(get("/ondemand-tls/").from("198.51.100.1")))
                .isEmpty();
    }

    @Test
    void aProxyOnThisMachineSpeaksForOthersAlsoWhereMachinesAreListed() throws Exception {
        engine.close();
        open(Map.of("onDemandTls.status.addresses", "192.0.2.0/24"));

        assertThat(engine.statusSite().answer(get("/ondemand-tls/").with("X-Forwarded-For", "198.51.100.1")))
                .isEmpty();
        assertThat(status(get("/ondemand-tls/"))).isEqualTo(200);
    }

    @Test
    void aDiagnosisOfNothingIsToldSo() {
        assertThat(status(get("/ondemand-tls/api/v1/names/diagnosis"))).isEqualTo(400);
    }

    @Test
    void anotherHostNameIsRefusedSoThatNoNameCanBeReboundToThisMachine() {
        assertThat(status(get("/ondemand-tls/").with("Host", "evil.example:8080")))
                .isEqualTo(403);
        assertThat(status(get("/ondemand-tls/").with("Host", "localhost.evil.example")))
                .isEqualTo(403);
        assertThat(status(get("/ondemand-tls/").with("Host", ""))).isEqualTo(403);
    }

    @Test
    void nobodyIsLetInWithoutALoginOrWithoutARole() {
        SiteAnswer asked = answer(new Asked("GET", "/ondemand-tls/"));
        assertThat(asked.status()).isEqualTo(401);
        assertThat(asked.headers().get("WWW-Authenticate")).startsWith("Basic realm=");
        assertThat(status(new Asked("GET", "/ondemand-tls/").as("nobody"))).isEqualTo(401);
        assertThat(status(new Asked("GET", "/ondemand-tls/").with("Authorization", "Basic !")))
                .isEqualTo(401);
        assertThat(status(new Asked("GET", "/ondemand-tls/").as("guest"))).isEqualTo(403);
        assertThat(status(new Asked("GET", "/ondemand-tls/").letInAs("ondemand-tls-look")))
                .isEqualTo(200);
    }

    @Test
    void aPasswordIsNotTriedForEver() {
        for (int at = 0; at < 10; at++) {
            assertThat(status(new Asked("GET", "/ondemand-tls/").as("nobody"))).isEqualTo(401);
        }

        assertThat(status(new Asked("GET", "/ondemand-tls/").as("nobody"))).isEqualTo(429);
        assertThat(status(get("/ondemand-tls/").from("127.0.0.2"))).isEqualTo(200);
    }

    @Test
    void whoMayOnlyLookMayNotAct() {
        String path = API + "names/shop.example.com/obtain";

        assertThat(status(post(path).as("looker"))).isEqualTo(403);
        assertThat(status(post(path))).isEqualTo(202);
        assertThat(status(get("/ondemand-tls/").as("actor"))).isEqualTo(200);
        assertThat(text(get(API + "role"))).isEqualTo("{\"mayAct\":false}\n");
        assertThat(text(get(API + "role").as("actor"))).isEqualTo("{\"mayAct\":true}\n");
    }

    @Test
    void aCommandThatAPageOfAnotherOriginCouldCauseIsRefused() {
        String path = API + "names/shop.example.com/withdraw";

        assertThat(status(new Asked("POST", path).as("actor"))).isEqualTo(403);
        assertThat(status(post(path).with("Origin", "https://evil.example"))).isEqualTo(403);
        assertThat(status(post(path).with("Origin", "null"))).isEqualTo(403);
        assertThat(status(post(path).with("Sec-Fetch-Site", "cross-site"))).isEqualTo(403);
        assertThat(status(post(path).with("Origin", "http://localhost:8080").with("Sec-Fetch-Site", "same-origin")))
                .isEqualTo(202);
        assertThat(status(new Asked("PUT", path).as("actor").with("X-OnDemand-TLS", "test")))
                .isEqualTo(405);
    }

    @Test
    void aPageOfAnotherOriginCausesNoLookThatAsksPermissionOrDns() {
        String path = API + "names/shop.example.com/diagnosis";

        assertThat(status(get(path).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Dest", "image")))
                .isEqualTo(403);
        assertThat(status(get(path).with("Sec-Fetch-Site", "same-site"))).isEqualTo(403);
        assertThat(status(get(path).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Dest", "document")))
                .isEqualTo(200);
        assertThat(status(get(path).with("Sec-Fetch-Site", "same-origin"))).isEqualTo(200);
        assertThat(status(get(path))).isEqualTo(200);
        assertThat(status(get("/ondemand-tls/").with("Sec-Fetch-Site", "cross-site")))
                .isEqualTo(200);
    }

    @Test
    void everyAnswerHasAStrictContentSecurityPolicyAndIsNotStored() {
        for (Asked asked : new Asked[] {
            get("/ondemand-tls/"), get("/ondemand-tls/nothing"), new Asked("GET", "/ondemand-tls/"), get(API + "server")
        }) {
            assertThat(answer(asked).headers())
                    .hasEntrySatisfying(
                            "Content-Security-Policy",
                            policy -> assertThat(policy)
                                    .startsWith("default-src 'none'; script-src 'self'")
                                    .doesNotContain("unsafe"))
                    .containsEntry("Cache-Control", "no-store")
                    .containsEntry("X-Content-Type-Options", "nosniff");
        }
    }

    @Test
    void thePageItsScriptAndItsStyleAreThere() {
        assertThat(text(get("/ondemand-tls/"))).startsWith("<!DOCTYPE html>").doesNotContain("style=");
        assertThat(answer(get("/ondemand-tls/page.js")).headers())
                .containsEntry("Content-Type", "text/javascript; charset=utf-8");
        assertThat(status(get("/ondemand-tls/page.css"))).isEqualTo(200);
        assertThat(status(get("/ondemand-tls/../secret"))).isEqualTo(404);
        assertThat(answer(get("/ondemand-tls")).headers()).containsEntry("Location", "/ondemand-tls/");
    }

    @Test
    void aNameIsObtainedLookedUpListedAndWithdrawn() {
        assertThat(text(get(API + "names/shop.example.com"))).contains("\"state\":\"unknown\"");
        assertThat(status(post(API + "names/shop.example.com/obtain"))).isEqualTo(202);
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(text(get(API + "names/shop.example.com")))
                        .contains("\"state\":\"served\"", "\"inFlight\":false"));

        assertThat(text(get(API + "names").query("prefix=shop&state=served,stored&limit=10&expiresWithinDays=4000")))
                .startsWith("{\"names\":[{\"name\":\"shop.example.com\"")
                .containsPattern("\"next\":(null|\"shop.example.com\")}\n$");
        assertThat(text(get(API + "cas"))).contains("\"id\":\"internal\"").contains("\"orders\":{\"obtained\":1}");
        assertThat(text(get(API + "expiry"))).startsWith("{\"days\":{");
        assertThat(text(get(API + "server"))).contains("\"inMemory\":1");
        assertThat(text(get("/ondemand-tls/metrics")))
                .contains("ondemandtls_order_seconds_count{ca=\"internal\",purpose=\"obtain\",result=\"obtained\"} 1\n")
                .contains(
                        "ondemandtls_order_seconds_bucket{ca=\"internal\",purpose=\"obtain\",result=\"obtained\",le=\"+Inf\"} 1")
                .contains("ondemandtls_permission_seconds_count{answer=\"granted\"} 1\n")
                .contains("ondemandtls_store_seconds_count{operation=\"save\",result=\"done\"}")
                .contains("ondemandtls_parked_handshakes 0\n")
                .contains("ondemandtls_events_total{kind=\"obtained\"} 1\n")
                .doesNotContain("example.com");

        assertThat(text(post(API + "names/shop.example.com/withdraw"))).startsWith("{\"done\":true");
        assertThat(text(get(API + "names/shop.example.com"))).contains("\"state\":\"withdrawn\"");
    }

    @Test
    void severalNamesAreObtainedAtOnceAndIssuingIsPaused() {
        assertThat(text(post(API + "obtain").content("a.example.com\nb.example.com\n")))
                .contains("\"a.example.com\":{\"done\":true")
                .contains("\"b.example.com\":{\"done\":true");
        assertThat(status(post(API + "obtain").content("\n"))).isEqualTo(400);
        assertThat(status(post(API + "obtain").content("no name"))).isEqualTo(400);
        assertThat(status(post(API + "pause").query("what=all"))).isEqualTo(202);
        assertThat(text(get(API + "server"))).contains("\"paused\":{\"all\":");
        assertThat(status(post(API + "resume").query("what=all"))).isEqualTo(202);
        assertThat(status(post(API + "pause"))).isEqualTo(409);
    }

    @Test
    void theServerTellsOfItsClusterQueuesResolverAndClock() {
        assertThat(text(get(API + "server")))
                .contains(
                        "\"members\":[]",
                        "\"parkedLimit\":",
                        "\"permissionQueue\":0",
                        "\"ordersQueued\":{",
                        "\"preflight\":\"",
                        "\"clockTrusted\":true",
                        "\"storeError\":null");
        assertThat(text(get(API + "cas"))).contains("\"failingSince\":null", "\"hasAccount\":false");
        assertThat(text(get("/ondemand-tls/metrics")))
                .contains(
                        "ondemandtls_orders_queued{side=\"visits\"} 0",
                        "ondemandtls_renewal_info_last_success_seconds{ca=\"internal\"} 0",
                        "ondemandtls_preflight_resting 0",
                        "ondemandtls_clock_trusted 1");
        assertThat(text(post(API + "confirm-denials"))).contains("nothing is held back");
    }

    @Test
    void aCaWithoutAccountsHasNoneToChange() {
        for (String word : List.of("rollover", "deactivate", "register")) {
            var answer = post(API + "account/" + word);
            assertThat(status(answer)).isEqualTo(409);
            assertThat(text(answer)).contains("nothing done: internal has no accounts");
        }
        assertThat(text(post(API + "account/rollover").query("ca=letsencrypt")))
                .contains("nothing done: name one of [internal]");
        assertThat(status(post(API + "account/burn"))).isEqualTo(404);
    }

    @Test
    void whatIsWrongIsAnsweredInWords() {
        assertThat(status(get(API + "names/-"))).isEqualTo(400);
        assertThat(status(get(API + "names").query("state=lost"))).isEqualTo(400);
        assertThat(text(get(API + "names").query("limit=many"))).contains("limit is a number of names");
        assertThat(status(get(API + "names").query("limit=many"))).isEqualTo(400);
        assertThat(text(get(API + "names").query("state=denied"))).contains("for any other state look the name up");
        assertThat(status(get(API + "nothing"))).isEqualTo(404);
        assertThat(status(post(API + "nothing"))).isEqualTo(404);
        assertThat(status(post(API + "names/shop.example.com/nothing"))).isEqualTo(404);
        assertThat(status(post(API + "names/shop.example.com/revoke").query("reason=boredom")))
                .isEqualTo(400);
        assertThat(status(post(API + "names/shop.example.com/revoke").query("reason=keyCompromise")))
                .isEqualTo(409);
        assertThat(status(post(API + "names/shop.example.com/renew"))).isEqualTo(409);
        assertThat(status(post(API + "names/shop.example.com/forget"))).isEqualTo(409);
        assertThat(status(post(API + "names/shop.example.com/retry"))).isEqualTo(202);
    }

    /** A request as a host would have it. */
    private static final class Asked implements SiteRequest {

        private final String method;
        private final String path;
        private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        private String peer = "127.0.0.1";
        private String query = "";
        private boolean secure;
        private byte[] content = {};
        private Optional<Predicate<String>> user = Optional.empty();

        Asked(String method, String path) {
            this.method = method;
            this.path = path;
            headers.put("Host", "localhost:8080");
        }

        Asked as(String name) {
            return with(
                    "Authorization", "Basic " + Base64.getEncoder().encodeToString((name + ":secret").getBytes(UTF_8)));
        }

        Asked letInAs(String role) {
            user = Optional.of(role::equals);
            return this;
        }

        Asked with(String header, String value) {
            headers.put(header, value);
            return this;
        }

        Asked from(String address) {
            peer = address;
            return this;
        }

        Asked query(String text) {
            query = text;
            return this;
        }

        Asked byHttps() {
            secure = true;
            return this;
        }

        Asked content(String text) {
            content = text.getBytes(UTF_8);
            return this;
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public String path() {
            return path;
        }

        @Override
        public String query() {
            return query;
        }

        @Override
        public Optional<String> header(String name) {
            return Optional.ofNullable(headers.get(name));
        }

        @Override
        public Optional<InetAddress> peer() {
            try {
                return Optional.of(InetAddress.getByName(peer));
            } catch (UnknownHostException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public boolean secure() {
            return secure;
        }

        @Override
        public byte[] content(int most) throws IOException {
            return content;
        }

        @Override
        public Optional<Predicate<String>> user() {
            return user;
        }

        @Override
        public Optional<Predicate<String>> login(String name, String password) {
            if (!password.equals("secret")) {
                return Optional.empty();
            }
            return switch (name.toLowerCase(Locale.ROOT)) {
                case "looker" -> Optional.of("ondemand-tls-look"::equals);
                case "actor" -> Optional.of("ondemand-tls-act"::equals);
                case "guest" -> Optional.of("guest"::equals);
                default -> Optional.empty();
            };
        }
    }
}
