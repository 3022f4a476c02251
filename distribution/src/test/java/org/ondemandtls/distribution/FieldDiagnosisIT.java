package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
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
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** "My domain does not work": what the page and the API say of each cause, with a real CA and the DNS it asks. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class FieldDiagnosisIT {

    private static final String ASTRAY = "astray.customer.example";
    private static final String FORBIDDEN = "forbidden.customer.example";
    private static final String LIMITED = "limited.customer.example";
    private static final String KEPT_OUT = "kept-out.customer.example";
    private static final String LATE = "late.customer.example";
    private static final String HERE = "127.0.0.1";
    private static final String ELSEWHERE = "192.0.2.7";
    // By this name CAA records speak of Pebble.
    private static final String CA = "pebble.letsencrypt.org";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private ServerProcess server;
    private Pebble pebble;
    private FaultyAcmeProxy proxy;
    private TlsProbe visitor;

    @BeforeEach
    void start() throws Exception {
        ask = AskEndpoint.granting("*.customer.example");
        server = line.layOut(directory.resolve("base")).carryingThePage();
        pebble = Pebble.options().httpPort(server.httpPort()).start(directory.resolve("pebble"));
        proxy = new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"));
        visitor = TlsProbe.trusting(pebble.issuerRoot());
        server.property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s")
                .property("onDemandTls.acme.challenges", "http-01")
                .property("onDemandTls.acme.directory", proxy.directory().toString())
                .property("onDemandTls.acme.trustedRoots", proxy.trustedRoots().toString())
                .property("onDemandTls.preflight", "true")
                .property("onDemandTls.preflight.resolver", pebble.dnsServer())
                .property("onDemandTls.preflight.addresses", HERE)
                .property("onDemandTls.preflight.httpPort", Integer.toString(server.httpPort()))
                .start();
    }

    @AfterEach
    void stop() {
        server.close();
        proxy.close();
        pebble.close();
        ask.close();
    }

    private String site() {
        return "http://localhost:" + server.httpPort() + "/ondemand-tls/";
    }

    private String read(String path) throws IOException, InterruptedException {
        String credentials = Base64.getEncoder().encodeToString("looker:secret".getBytes(StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(URI.create(site() + path))
                .header("Authorization", "Basic " + credentials)
                .build();
        return CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    private String diagnosis(String name) throws IOException, InterruptedException {
        String body = read("api/v1/names/" + name + "/diagnosis");
        return body.replaceFirst("(?s).*?\"sentence\":\"((?:[^\"\\\\]|\\\\.)*)\".*", "$1");
    }

    private void pointTo(String name, String address) {
        pebble.dns("/clear-a", "{\"host\":\"" + name + ".\"}");
        pebble.dns("/add-a", "{\"host\":\"" + name + ".\",\"addresses\":[\"" + address + "\"]}");
    }

    @Test
    void aWrongRecordIsDiagnosedOnThePageMendedAndTriedByTheButton() throws Exception {
        pointTo(ASTRAY, ELSEWHERE);
        assertThat(visitor.handshake(server.tlsPort(), ASTRAY).failure()).isNotEmpty();
        Files.createDirectories(directory.resolve("browser"));
        try (Browser browser = Browser.start(directory.resolve("browser"), "actor")) {
            browser.size(1200, 900);
            browser.open(site() + "#" + ASTRAY);
            browser.await("document.getElementById('report-name').textContent === '" + ASTRAY + "'");
            // On a busy machine DNS may not be looked at in time: it is asked for again then.
            Awaitility.await()
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(diagnosed(browser))
                            .contains("change A " + ASTRAY + " from " + ELSEWHERE + " to " + HERE)
                            .contains("To act: your customer"));

            pointTo(ASTRAY, HERE);
            browser.click("[data-command=retry]");

            browser.await("document.getElementById('report-state').textContent === 'served'");
        }
        assertThat(visitor.handshake(server.tlsPort(), ASTRAY).failure()).isEmpty();
    }

    private static String diagnosed(Browser browser) throws Exception {
        String sentence = "document.getElementById('diagnosis-sentence').textContent";
        browser.evaluate(sentence + " = ''");
        browser.click("#diagnose");
        browser.await(sentence + " !== ''");
        return browser.evaluate(sentence);
    }

    @Test
    void causesAreToldApartInOneSentenceEach() throws Exception {
        assertThat(diagnosis("stranger.example"))
                .contains("Permission was asked now")
                .endsWith("To act: you.");

        pebble.dns(
                "/add-caa",
                "{\"host\":\"" + FORBIDDEN + ".\",\"policies\":[{\"tag\":\"issue\",\"value\":\"other.example\"}]}");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(diagnosis(FORBIDDEN))
                        .contains("add CAA " + FORBIDDEN + " 0 issue")
                        .contains(CA)
                        .endsWith("To act: your customer."));

        proxy.when(FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.status(503, Map.of()));
        assertThat(visitor.handshake(server.tlsPort(), LATE).failure()).isNotEmpty();
        assertThat(diagnosis(LATE)).contains("the CA");

        proxy.heal();
        proxy.when(
                FaultyAcmeProxy.path("/order-plz"),
                FaultyAcmeProxy.problem(429, "rateLimited", "too many certificates already issued", "3600"));
        // The CA is left alone for some seconds after its outage.
        Awaitility.await().atMost(PATIENCE).until(() -> {
            visitor.handshake(server.tlsPort(), LIMITED);
            return diagnosis(LIMITED).contains("too many certificates");
        });
        assertThat(diagnosis(LIMITED)).contains("it ends by").endsWith("To act: nobody: wait.");
    }

    @Test
    void aVantagePointThatIsKeptOutIsNamed() throws Exception {
        LookingFrom places = new LookingFrom(server.httpPort());
        proxy.when(FaultyAcmeProxy.path("/authZ/"), places::authorization)
                .when(FaultyAcmeProxy.path("/chalZ/"), places::challenge);
        places.come("127.1.0.1", "127.2.0.1");
        for (int i = 0; i < 3; i++) {
            // A visit ends early where the machine stands still; the order goes on.
            String name = "usual" + i + ".customer.example";
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() ->
                            visitor.handshake(server.tlsPort(), name).failure().isEmpty());
        }
        assertThat(read("metrics")).containsPattern("ondemandtls_vantage_networks\\{[^}]*} 3\n");

        places.come("127.1.0.1");
        places.refuse();
        assertThat(visitor.handshake(server.tlsPort(), KEPT_OUT).failure()).isNotEmpty();

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(diagnosis(KEPT_OUT))
                        .contains("from 2 networks: 127.0.0.0/16, 127.1.0.0/16")
                        .contains("It did not come from 127.2.0.0/16")
                        .contains("a firewall may keep that vantage point out")
                        .endsWith("To act: you."));
        assertThat(read("api/v1/names/" + KEPT_OUT)).contains("\"missing\":[\"127.2.0.0/16\"]");
        assertThat(read("metrics")).containsPattern("ondemandtls_vantage_networks_missing\\{[^}]*} 1\n");
    }

    /** The other places that a CA looks from before it makes up its mind, each in a network of its own on this machine. */
    private static final class LookingFrom {

        private static final Pattern NAME = Pattern.compile("\"value\":\\s*\"([^\"]+)\"");
        private static final Pattern TOKEN = Pattern.compile("\"token\":\\s*\"([^\"]+)\"");

        private final int port;
        private volatile List<String> places = List.of();
        private volatile boolean refuses;
        private volatile String name = "";
        private volatile List<String> tokens = List.of();

        LookingFrom(int port) {
            this.port = port;
        }

        void come(String... from) {
            places = List.of(from);
        }

        void refuse() {
            refuses = true;
        }

        FaultyAcmeProxy.Answer authorization(FaultyAcmeProxy.Request request, FaultyAcmeProxy.Ca ca)
                throws IOException {
            FaultyAcmeProxy.Answer answer = ca.ask();
            Matcher named = NAME.matcher(answer.text());
            if (named.find()) {
                name = named.group(1);
            }
            tokens = TOKEN.matcher(answer.text())
                    .results()
                    .map(found -> found.group(1))
                    .distinct()
                    .toList();
            return refuses
                    ? answer.withBody(
                            answer.text().replace("\"valid\"", "\"invalid\"").getBytes(StandardCharsets.UTF_8))
                    : answer;
        }

        FaultyAcmeProxy.Answer challenge(FaultyAcmeProxy.Request request, FaultyAcmeProxy.Ca ca) throws IOException {
            for (String place : places) {
                for (String token : tokens) {
                    fetch(place, token);
                }
            }
            return ca.ask();
        }

        private void fetch(String from, String token) throws IOException {
            try (Socket socket = new Socket()) {
                socket.bind(new InetSocketAddress(from, 0));
                socket.connect(new InetSocketAddress(HERE, port));
                socket.getOutputStream()
                        .write(("GET /.well-known/acme-challenge/" + token + " HTTP/1.1\r\nHost: " + name
                                        + "\r\nConnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().readAllBytes();
            }
        }
    }
}
