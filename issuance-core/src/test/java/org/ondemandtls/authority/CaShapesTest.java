package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.ondemandtls.authority.ScriptedCa.AUTHORIZATION;
import static org.ondemandtls.authority.ScriptedCa.CERTIFICATE;
import static org.ondemandtls.authority.ScriptedCa.CHALLENGE;
import static org.ondemandtls.authority.ScriptedCa.DIRECTORY;
import static org.ondemandtls.authority.ScriptedCa.FINALIZE;
import static org.ondemandtls.authority.ScriptedCa.NEW_ACCOUNT;
import static org.ondemandtls.authority.ScriptedCa.NEW_ORDER;
import static org.ondemandtls.authority.ScriptedCa.NONCE;
import static org.ondemandtls.authority.ScriptedCa.ORDER;
import static org.ondemandtls.authority.ScriptedCa.ORIGIN;
import static org.ondemandtls.authority.ScriptedCa.afterwards;
import static org.ondemandtls.authority.ScriptedCa.answer;
import static org.ondemandtls.authority.ScriptedCa.header;
import static org.ondemandtls.authority.ScriptedCa.instead;
import static org.ondemandtls.authority.ScriptedCa.problem;
import static org.ondemandtls.authority.ScriptedCa.replaced;
import static org.ondemandtls.authority.ScriptedCa.status;
import static org.ondemandtls.authority.ScriptedCa.text;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.authority.ScriptedCa.Fault;
import org.ondemandtls.certificate.ChainOrder;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.AccountRefused;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.testing.TestCertificates;

/** One order with CAs as they are, by {@link ScriptedCa}: what goes on, and whose fault it is where it does not. */
class CaShapesTest {

    /**
     * A shape.
     *
     * @param word what it is called in a failed test
     * @param script what the CA does
     */
    record Shape(String word, Consumer<ScriptedCa> script) {
        @Override
        public String toString() {
            return word;
        }
    }

    private static final String URN = "urn:ietf:params:acme:error:";
    private static final String HTML = "<html><body>Just a moment...</body></html>";

    private final ScriptedCa ca = new ScriptedCa();

    private void assertSigned(Shape shape, int orders) throws IssuanceException {
        shape.script().accept(ca);

        List<X509Certificate> chain = ChainOrder.of(
                        ca.sign(), ca.key.getPublic(), ca.time.clock().instant())
                .chain();

        assertThat(chain.get(0).getPublicKey()).isEqualTo(ca.key.getPublic());
        assertThat(ca.asked(NEW_ORDER)).isLessThanOrEqualTo(orders);
        assertThat(ca.failedValidations).isZero();
    }

    @ParameterizedTest
    @MethodSource("lasting")
    void whatACaDoesWithAllItsAnswersCostsOneOrder(Shape shape) throws IssuanceException {
        assertSigned(shape, 1);
    }

    private static Stream<Shape> lasting() {
        List<Shape> all = new ArrayList<>(List.of(
                new Shape("nothing at all", ca -> {}),
                new Shape(
                        "a directory of relative URLs",
                        ca -> ca.always(DIRECTORY, text(json -> json.replace(ORIGIN + "/acme/", "")))),
                new Shape(
                        "URLs relative to the origin",
                        ca -> ca.always("/", text(json -> json.replace(ORIGIN + "/", "/")))),
                new Shape(
                        "URLs relative to a parent",
                        ca -> ca.always(ORDER, text(json -> json.replace(ORIGIN + "/acme/", "../")))),
                new Shape(
                        "URLs without a scheme",
                        ca -> ca.always("/", text(json -> json.replace("https://ca.", "//ca.")))),
                new Shape("a relative URL of the order", ca -> ca.always(NEW_ORDER, header("Location", "order/1"))),
                new Shape(
                        "URLs with spaces around",
                        ca -> ca.always("/", text(json -> json.replace("\"https:", "\" https:")))),
                new Shape(
                        "a nonce by GET only",
                        ca -> ca.always(
                                NONCE,
                                (request, right) ->
                                        request.method().equals("HEAD") ? answer(request, 405, "") : right.answer())),
                new Shape(
                        "a nonce without a HEAD",
                        ca -> ca.always(
                                NONCE,
                                (request, right) ->
                                        request.method().equals("HEAD") ? answer(request, 501, "") : right.answer())),
                new Shape("a nonce with HTTP 200", ca -> ca.always(NONCE, status(200))),
                new Shape(
                        "a HEAD without a nonce",
                        ca -> ca.always(
                                NONCE,
                                (request, right) ->
                                        request.method().equals("HEAD") ? answer(request, 200, "") : right.answer())),
                new Shape("a nonce with another alphabet", ca -> ca.always("/", header("Replay-Nonce", "a+b/c=="))),
                new Shape("nonces that moved within their origin", ca -> {
                    ca.always("/", header("Replay-Nonce"));
                    ca.always(
                            NONCE,
                            (request, right) -> request.uri().getQuery() == null
                                    ? answer(request, 301, HTML, "Location", NONCE + "?v=2")
                                    : right.answer());
                }),
                new Shape("nonces where they are asked for only", ca -> {
                    ca.always("/", header("Replay-Nonce"));
                    ca.always(NONCE, (request, right) -> right.answer());
                }),
                new Shape(
                        "names of fields in another case",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.replace("\"status\"", "\"Status\"")
                                        .replace("\"finalize\"", "\"Finalize\"")
                                        .replace("\"challenges\"", "\"CHALLENGES\"")
                                        .replace("\"newOrder\"", "\"neworder\"")
                                        .replace("\"token\"", "\"Token\"")))),
                new Shape(
                        "a status in another case",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.replace("\"pending\"", "\"PENDING\"")
                                        .replace("\"valid\"", "\"Valid \"")
                                        .replace("\"processing\"", "\" Processing\"")))),
                new Shape(
                        "a kind of proof in another case",
                        ca -> ca.always(AUTHORIZATION, replaced("tls-alpn-01", "TLS-ALPN-01"))),
                new Shape(
                        "fields nobody knows",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.startsWith("{")
                                        ? json.replaceFirst(
                                                "\\{", "{\"x\": [null, {\"y\": 1.5e3}], \"wildcard\": false, ")
                                        : json))),
                new Shape("a byte order mark", ca -> ca.always("/acme/", text(json -> "\uFEFF" + json))),
                new Shape(
                        "a charset",
                        ca -> ca.always("/", header("Content-Type", "application/json;charset=ISO-8859-1"))),
                new Shape("no type of content", ca -> ca.always("/", header("Content-Type"))),
                new Shape(
                        "one authorization in place of a list",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.replaceFirst("\\[(\"https://ca.example/acme/authz/1\")]", "$1")))),
                new Shape(
                        "authorizations several times",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.replaceFirst(
                                        "\\[(\"https://ca.example/acme/authz/1\")]", "[$1, $1, null, $1, $1, $1]")))),
                new Shape(
                        "no expiry",
                        ca -> ca.always("/acme/", text(json -> json.replace("\"2026-12-01T00:00:00Z\"", "null")))),
                new Shape(
                        "an expiry that is a number",
                        ca -> ca.always(
                                "/acme/", text(json -> json.replace("\"2026-12-01T00:00:00Z\"", "1796083200")))),
                new Shape(
                        "an expiry in month 13",
                        ca -> ca.always("/acme/", text(json -> json.replace("2026-12-01", "2026-13-41")))),
                new Shape(
                        "an expiry in the past",
                        ca -> ca.always("/acme/", text(json -> json.replace("2026-12-01", "1970-01-01")))),
                new Shape(
                        "errors that are null",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.replaceFirst("\"status\"", "\"error\": null, \"status\"")))),
                new Shape(
                        "challenges that are none",
                        ca -> ca.always(
                                AUTHORIZATION,
                                replaced(
                                        "\"challenges\": [",
                                        "\"challenges\": [null, 7, \"dns\", {}, {\"type\": null}, {\"type\":"
                                                + " \"tls-alpn-01\", \"status\": \"pending\"}, {\"type\":"
                                                + " \"smoke-01\"},"))),
                new Shape(
                        "a challenge without a token first",
                        ca -> ca.always(
                                AUTHORIZATION,
                                replaced(
                                        "\"challenges\": [",
                                        "\"challenges\": [{\"type\": \"tls-alpn-01\", \"status\": \"pending\","
                                                + " \"url\": \"https://ca.example/acme/chall/2\"},"))),
                new Shape(
                        "a challenge that is over first",
                        ca -> ca.always(
                                AUTHORIZATION,
                                replaced(
                                        "\"challenges\": [",
                                        "\"challenges\": [{\"type\": \"tls-alpn-01\", \"status\": \"invalid\","
                                                + " \"token\": \"x\", \"url\": \"https://ca.example/acme/chall/2\"},"))),
                new Shape(
                        "a challenge without a status",
                        ca -> ca.first(
                                1,
                                AUTHORIZATION,
                                text(json -> json.replaceFirst(
                                        "\"tls-alpn-01\", \"status\": \"pending\",", "\"tls-alpn-01\",")))),
                new Shape("nothing said when told of a proof", ca -> ca.always(CHALLENGE, afterwards(204, ""))),
                new Shape("HTML when told of a proof", ca -> ca.always(CHALLENGE, afterwards(200, HTML))),
                new Shape(
                        "the authorization when told of a proof",
                        ca -> ca.always(CHALLENGE, afterwards(200, "{\"status\": \"pending\", \"challenges\": []}"))),
                new Shape(
                        "a proof minded in other words",
                        ca -> ca.always(CHALLENGE, afterwards(409, "{\"type\": \"" + URN + "conflict\"}"))),
                new Shape("nothing said to finalize", ca -> ca.always(FINALIZE, afterwards(204, ""))),
                new Shape("an empty object to finalize", ca -> ca.always(FINALIZE, afterwards(200, "{}"))),
                new Shape("HTML to finalize", ca -> ca.always(FINALIZE, afterwards(200, HTML))),
                new Shape(
                        "an order without a status",
                        ca -> ca.always(
                                "/acme/",
                                text(json -> json.contains("finalize")
                                        ? json.replaceFirst("\"status\": \"[a-z]*\",", "")
                                        : json))),
                new Shape(
                        "an empty URL of a certificate",
                        ca -> ca.first(
                                2,
                                ORDER,
                                (request, right) -> answer(
                                        request,
                                        200,
                                        "{\"status\": \"processing\", \"certificate\": \"\", \"finalize\":"
                                                + " \"/acme/finalize/1\"}"))),
                new Shape(
                        "an entry of the directory that is none",
                        ca -> ca.always(
                                DIRECTORY,
                                replaced(
                                        "\"revokeCert\": \"https:",
                                        "\"keyChange\": \"\", \"renewalInfo\": 7,"
                                                + " \"newAuthz\": null, \"revokeCert\": \"ht tp:[[//"))),
                new Shape(
                        "meta that is a list",
                        ca -> ca.always(DIRECTORY, text(json -> json.replaceFirst("\"meta\": .*", "\"meta\": []}")))),
                new Shape(
                        "profiles that are a list",
                        ca -> ca.always(DIRECTORY, replaced("{\"classic\": \"\"}", "[\"classic\", \"classic\"]"))),
                new Shape(
                        "terms with a space", ca -> ca.always(DIRECTORY, replaced("/terms", "/terms of service.pdf"))),
                new Shape(
                        "a link that is none",
                        ca -> ca.always(
                                "/", header("Link", "<http://[bad>;rel=\"alternate\"", "<>;rel=up", "garbage"))),
                new Shape(
                        "comments and bags in a chain",
                        ca -> ca.always(
                                CERTIFICATE,
                                text(pem -> "\uFEFF# Bag Attributes\r\n    friendlyName: a\r\n\r\n"
                                        + pem.replace("\n", "\u0000\r\n\r\n")
                                                .replace("-----BEGIN", "subject=CN = x\n-----BEGIN")
                                        + "\n-----BEGIN GARBAGE-----\nrest"))),
                new Shape(
                        "a block that is no certificate in a chain",
                        ca -> ca.always(
                                CERTIFICATE,
                                text(pem -> pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))),
                new Shape(
                        "chains by carriage returns",
                        ca -> ca.always(CERTIFICATE, text(pem -> pem.replace("\n", "\r"))))));
        all.add(new Shape(
                "a relative URL of the account", ca -> ca.always(NEW_ACCOUNT, header("Location", "../acme/acct/1"))));
        all.add(new Shape("an account that is empty", ca -> ca.always(NEW_ACCOUNT, text(json -> "{}"))));
        all.add(new Shape("an account without a body", ca -> ca.always(NEW_ACCOUNT, text(json -> ""))));
        for (String body : List.of("", HTML, "{}", "[]")) {
            all.add(new Shape("an order's answer of " + body, ca -> ca.always(NEW_ORDER, text(json -> body))));
        }
        for (int status : List.of(200, 202, 203)) {
            all.add(new Shape(
                    "HTTP " + status + " for everything",
                    ca -> List.of(NEW_ORDER, CHALLENGE, FINALIZE)
                            .forEach(step -> ca.always(step, ScriptedCa.status(status)))));
        }
        for (String wait : List.of("0", "1.5", "-1", "", "soon", "86400", "Sunday, 06-Nov-94 08:49:37 GMT", "31 Feb")) {
            all.add(new Shape(
                    "Retry-After: " + wait + " with everything",
                    ca -> ca.always("/acme/", header("Retry-After", wait, "9"))));
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("passing")
    void whatPassesCostsTwoOrdersAtMost(Shape shape) throws IssuanceException {
        assertSigned(shape, 2);
    }

    private static Stream<Shape> passing() {
        List<Shape> all = new ArrayList<>();
        List<String> steps = List.of(
                DIRECTORY, NONCE, NEW_ACCOUNT, NEW_ORDER, AUTHORIZATION, CHALLENGE, FINALIZE, ORDER, CERTIFICATE);
        for (String step : steps) {
            for (int status : List.of(
                    204, 206, 302, 303, 403, 404, 408, 421, 425, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 525,
                    526, 527, 529, 530, 599)) {
                // A HEAD has no body to be missed.
                if (!(step.equals(NONCE) && status < 400)) {
                    all.add(once("HTML " + status, step, instead(status, HTML)));
                }
            }
            all.add(once("429 without a wait", step, instead(429, HTML)));
            all.add(once("429 with 0", step, instead(429, HTML, "Retry-After", "0")));
            all.add(once("429 with two waits", step, instead(429, HTML, "Retry-After", "soon", "Retry-After", "2")));
            all.add(once("a limit by 403", step, problem(403, URN + "rateLimited", "slow down", "Retry-After", "1")));
            all.add(once("a failure by 400", step, problem(400, URN + "serverInternal", "oops")));
            all.add(once("cut off", step, (request, right) -> {
                right.answer();
                throw new EOFException("the CA's answer is cut off");
            }));
            all.add(new Shape(
                    "no answer for 8 s at " + step,
                    ca -> ca.first(1, step, (request, right) -> {
                        ca.time.advance(CaLimits.FIRST_TRY);
                        throw new HttpTimeoutException("no complete answer within 8 s");
                    })));
            all.add(once("the end in the handshake", step, (request, right) -> {
                throw (IOException) new SSLHandshakeException("Remote host terminated the handshake")
                        .initCause(new EOFException("SSL peer shut down incorrectly"));
            }));
        }
        for (String step : List.of(NEW_ORDER, CHALLENGE, FINALIZE)) {
            for (String type : List.of("urn:acme:error:badNonce", "badNonce", URN + "BADNONCE")) {
                all.add(once(type, step, problem(400, type, "JWS has invalid anti-replay nonce")));
            }
        }
        for (String step : List.of(AUTHORIZATION, ORDER)) {
            all.add(once("an empty object", step, instead(200, "{}")));
            all.add(once("a list", step, instead(200, "[]")));
        }
        all.add(new Shape(
                "a new order that moved within its origin",
                ca -> ca.always(
                        NEW_ORDER,
                        (request, right) -> request.uri().getQuery() == null
                                ? answer(request, 308, "", "Location", "/acme/new-order?v=2", "Replay-Nonce", "bm8")
                                : right.answer())));
        all.add(once("a directory that is none", DIRECTORY, instead(200, "{\"message\": \"maintenance\"}")));
        for (String step : steps) {
            all.add(new Shape(
                    "3 s without a connection at " + step,
                    ca -> ca.first(5, step, (request, right) -> {
                        // The CA has not heard of it.
                        ca.requests.remove(request);
                        throw new ConnectException("Connection refused");
                    })));
        }
        for (String step : List.of(NONCE, NEW_ORDER, AUTHORIZATION, CHALLENGE, FINALIZE, ORDER, CERTIFICATE)) {
            all.add(new Shape(
                    "five limits of 3 s at " + step,
                    ca -> ca.first(5, step, (request, right) -> {
                        // Refused: no order was placed.
                        ca.requests.remove(request);
                        return answer(request, 429, "{\"type\": \"" + URN + "rateLimited\"}", "Retry-After", "3");
                    })));
        }
        all.add(new Shape("6 s of HTTP 502", ca -> ca.first(7, ORDER, instead(502, HTML))));
        all.add(new Shape(
                "5 s without a connection in turns",
                ca -> ca.first(5, AUTHORIZATION, (request, right) -> {
                    throw new IOException("Connection reset");
                })));
        for (Fault late : List.of(
                instead(404, HTML),
                instead(404, "{\"type\": \"" + URN + "malformed\"}"),
                instead(202, ""),
                instead(204, ""),
                instead(200, "\r\n"))) {
            all.add(new Shape("a certificate that is late", ca -> ca.first(5, CERTIFICATE, late)));
        }
        all.add(new Shape(
                "a certificate whose order is not ready",
                ca -> ca.first(3, CERTIFICATE, problem(403, URN + "orderNotReady", "wait"))));
        all.add(new Shape(
                "authorizations that are late",
                ca -> ca.first(2, "/acme/", (request, right) -> right.answer())
                        .first(
                                1,
                                NEW_ORDER,
                                text(json -> json.replaceFirst("\\[\"https://ca.example/acme/authz/1\"]", "[]")))
                        .first(
                                1,
                                ORDER,
                                text(json -> json.replaceFirst("\\[\"https://ca.example/acme/authz/1\"]", "null")))));
        all.add(new Shape(
                "an old order that is valid",
                ca -> ca.first(
                                1,
                                NEW_ORDER,
                                text(json -> json.replace("pending", "valid")
                                        .replace("\"finalize\"", "\"certificate\": \"/acme/cert/0\", \"finalize\"")))
                        .always(
                                "/acme/cert/0",
                                (request, right) -> answer(
                                        request,
                                        200,
                                        Pem.certificates(ScriptedCa.chain(
                                                TestCertificates.key().getPublic()))))));
        all.add(new Shape(
                "an old order that is invalid", ca -> ca.first(1, NEW_ORDER, replaced("\"pending\"", "\"invalid\""))));
        for (String status : List.of("invalid", "expired", "deactivated")) {
            all.add(new Shape(
                    "an old order whose authorization is " + status,
                    ca -> ca.first(
                            1,
                            AUTHORIZATION,
                            replaced("{\"status\": \"pending\"", "{\"status\": \"" + status + "\""))));
        }
        all.add(new Shape(
                "an old order that is ready", ca -> ca.first(1, NEW_ORDER, replaced("\"pending\"", "\"ready\""))));
        return all.stream();
    }

    private static Shape once(String word, String step, Fault fault) {
        return new Shape(word + " at " + step, ca -> ca.first(1, step, fault));
    }

    private Throwable failure() {
        return catchThrowable(ca::sign);
    }

    @ParameterizedTest
    @ValueSource(longs = {25_000, 10_000, 7_142, 5_000})
    void aCaThatTakesConnectionsAndNeverAnswersIsUnwellHoweverLittleTimeItIsGiven(long millis) {
        ca.patience = Duration.ofMillis(millis);
        ca.measure = Endurance.Measure.SOME;
        ca.always("/", (request, right) -> {
            ca.time.advance(ca.allowed);
            throw new HttpTimeoutException("no complete answer in time");
        });

        assertThat(failure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        refusal -> assertThat(refusal.isUnwell()).isTrue());
    }

    @Test
    void aCaThatAnswersAndIsCutOffByTheEndOfTheWorkIsNotUnwell() {
        ca.patience = Duration.ofSeconds(5);
        ca.measure = Endurance.Measure.SOME;
        ca.always("/", (request, right) -> {
            Duration needed = Duration.ofSeconds(2);
            if (ca.allowed.compareTo(needed) < 0) {
                ca.time.advance(ca.allowed);
                throw new HttpTimeoutException("no complete answer in time");
            }
            ca.time.advance(needed);
            return right.answer();
        });

        assertThat(failure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        refusal -> assertThat(refusal.isUnwell()).isFalse());
    }

    @ParameterizedTest
    @ValueSource(longs = {20, 1_500, 5_000})
    void anOrderThatIsReadyLateIsFinalizedTwiceAndLookedAtSeldom(long millis) throws IssuanceException {
        AtomicLong readyAt = new AtomicLong();
        ca.always(CHALLENGE, (request, right) -> {
            readyAt.set(ca.time.nanoTime() + Duration.ofMillis(millis).toNanos());
            return right.answer();
        });
        ca.always(
                FINALIZE,
                (request, right) -> ca.time.nanoTime() < readyAt.get()
                        ? problem(403, URN + "orderNotReady", "wait").answer(request, right)
                        : right.answer());
        ca.always(
                ORDER,
                (request, right) -> ca.time.nanoTime() < readyAt.get()
                        ? replaced("\"ready\"", "\"pending\"").answer(request, right)
                        : right.answer());
        for (int order = 0; order < 20; order++) {
            ca.sign();
        }
        long finalized = ca.asked(FINALIZE);
        long looked = ca.asked(ORDER);

        ca.sign();

        assertThat(ca.asked(FINALIZE) - finalized).isLessThanOrEqualTo(2);
        // The last one finds the certificate.
        assertThat(ca.asked(ORDER) - looked).isLessThanOrEqualTo(3 + 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {URN + "malformed", URN + "unauthorized", "about:blank"})
    void anOrderThatIsNotReadyYetIsWaitedForWhateverTheCaCallsThat(String type) throws IssuanceException {
        ca.first(1, FINALIZE, problem(403, type, "the order is pending", "Content-Type", "application/problem+json"));
        ca.first(
                3,
                ORDER,
                (request, right) -> answer(
                        request,
                        200,
                        "{\"status\": \"pending\", \"authorizations\": [\"/acme/authz/1\"], \"finalize\":"
                                + " \"/acme/finalize/1\"}"));

        assertThat(ca.sign()).isNotEmpty();
        assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"malformed", "unauthorized"})
    void whatIsRefusedThoughTheOrderIsReadyIsNotAskedForAgain(String type) {
        ca.always(FINALIZE, problem(403, URN + type, "the request is not taken"));
        ca.always(ORDER, header("Retry-After", "86400"));

        assertThat(failure()).isInstanceOfSatisfying(Rejected.class, refusal -> {
            assertThat(refusal.detail()).isEqualTo("the request is not taken");
            assertThat(refusal.retryAfter()).isZero();
        });
        assertThat(ca.asked(FINALIZE)).isEqualTo(1);
    }

    @Test
    void whatIsRefusedAndMadeInvalidHasTheReasonOfTheRefusal() {
        ca.always(FINALIZE, problem(403, URN + "malformed", "the request is not taken"));
        ca.always(
                ORDER,
                (request, right) ->
                        answer(request, 200, "{\"status\": \"invalid\", \"finalize\": \"/acme/finalize/1\"}"));

        assertThat(failure()).isInstanceOf(Rejected.class).hasMessageContaining("the request is not taken");
    }

    @Test
    void aChainInDerOrPkcs7IsReadThoughTextWasAskedFor() throws Exception {
        List<X509Certificate> chain = ScriptedCa.chain(ca.key.getPublic());
        byte[] bundle =
                CertificateFactory.getInstance("X.509").generateCertPath(chain).getEncoded("PKCS7");
        String text =
                "-----BEGIN PKCS7-----\n" + Base64.getMimeEncoder().encodeToString(bundle) + "\n-----END PKCS7-----\n";
        for (Fault other : List.of(
                ScriptedCa.octets(chain.get(0).getEncoded(), "application/pkix-cert"),
                ScriptedCa.octets(bundle, "application/pkcs7-mime"),
                ScriptedCa.octets(text.getBytes(StandardCharsets.US_ASCII), "application/x-pkcs7-certificates"))) {
            ca.always(CERTIFICATE, other);

            assertThat(ca.sign()).contains(chain.get(0));
        }
    }

    @Test
    void anAccountWhoseBindingWasSpentByARequestWithoutAnAnswerIsFound() throws IssuanceException {
        ca.binding = Optional.of(new OnDemandTlsConfig.ExternalAccountBinding("kid", "A".repeat(43)));
        ca.first(1, NEW_ACCOUNT, problem(403, URN + "unauthorized", "the external account binding was used before"));
        ca.first(1, NEW_ACCOUNT, (request, right) -> {
            right.answer();
            throw new IOException("Connection reset");
        });

        assertThat(ca.sign()).isNotEmpty();
        assertThat(ca.asked(NEW_ACCOUNT)).isEqualTo(3);
    }

    @Test
    void aBindingThatIsSpentWithoutAnAnswerHavingBeenLostIsRefused() {
        ca.binding = Optional.of(new OnDemandTlsConfig.ExternalAccountBinding("kid", "A".repeat(43)));
        ca.always(NEW_ACCOUNT, problem(403, URN + "unauthorized", "the external account binding was used before"));

        assertThat(failure()).isInstanceOf(AccountRefused.class);
        assertThat(ca.asked(NEW_ACCOUNT)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "malformed,at least one contact is required,set onDemandTls.acme.email",
        "malformed,missing email address,set onDemandTls.acme.email",
        "malformed,the payload is not understood,check onDemandTls.acme.eab",
        "invalidContact,no such domain,correct onDemandTls.acme.email"
    })
    void anAccountThatIsRefusedForItsContactSaysWhichKeyToSet(String type, String words, String remedy) {
        ca.always(NEW_ACCOUNT, problem(400, URN + type, words));

        assertThat(failure()).isInstanceOf(AccountRefused.class).hasMessageContaining(remedy);
    }

    @Nested
    class AnInvalidOrder {

        private void invalid(String error) {
            ca.always(
                    ORDER,
                    (request, right) -> answer(
                            request,
                            200,
                            "{\"status\": \"invalid\", \"authorizations\": [\"/acme/authz/1\"]" + error + "}"));
        }

        private void invalidAuthorization(String error) {
            ca.always(
                    AUTHORIZATION,
                    (request, right) -> ca.asked(ORDER) == 0
                            ? right.answer()
                            : answer(
                                    request,
                                    200,
                                    "{\"status\": \"invalid\", \"challenges\": [{\"type\": \"dns-01\", \"status\":"
                                            + " \"pending\"}, {\"type\": \"tls-alpn-01\", \"status\": \"invalid\","
                                            + " \"token\": \"secret\""
                                            + error + "}]}"));
        }

        private void assertOfTheCa() {
            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Unavailable.class,
                            refusal -> assertThat(refusal.isUnwell()).isFalse());
            assertThat(ca.failedValidations).isZero();
        }

        @Test
        void thatSaysNothingIsTheCasFault() {
            invalid("");
            assertOfTheCa();
        }

        @Test
        void thatSaysNothingInManyWordsIsTheCasFault() {
            invalid(", \"error\": {\"status\": 400}");
            assertOfTheCa();
        }

        @Test
        void whoseAuthorizationsCannotBeReadIsTheCasFault() {
            invalid("");
            ca.always(
                    AUTHORIZATION,
                    (request, right) -> ca.asked(ORDER) == 0 ? right.answer() : answer(request, 404, HTML));
            assertOfTheCa();
        }

        @Test
        void hasItsReasonFromItsAuthorization() {
            invalid("");
            invalidAuthorization(
                    ", \"error\": {\"type\": \"" + URN + "caa\", \"detail\": \"CAA forbids secret things\"}");

            assertThat(failure()).isInstanceOfSatisfying(Rejected.class, refusal -> {
                assertThat(refusal.problemType()).isEqualTo("caa");
                assertThat(refusal.detail()).contains("CAA forbids (token) things");
            });
            assertThat(ca.failedValidations).isEqualTo(1);
        }

        @Test
        void hasAReasonThatPassesFromItsAuthorization() {
            invalid("");
            invalidAuthorization(", \"error\": {\"type\": \"dns\", \"detail\": \"SERVFAIL looking up CAA\"}");

            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isPassing()).isTrue());
        }

        @Test
        void thatIsLimitedIsALimit() {
            invalid(", \"error\": {\"type\": \"" + URN + "rateLimited\", \"detail\": \"too many orders\"}");

            assertThat(failure()).isInstanceOf(RateLimited.class);
        }

        @Test
        void thatFailedInsideIsTheCasFault() {
            invalid(", \"error\": {\"type\": \"urn:acme:error:serverInternal\", \"detail\": \"signer is down\"}");

            assertOfTheCa();
        }
    }

    @Nested
    class AProofThatIsNotAccepted {

        private void decided(String authorization) {
            ca.always(
                    AUTHORIZATION,
                    (request, right) ->
                            ca.asked(CHALLENGE) == 0 ? right.answer() : answer(request, 200, authorization));
        }

        @Test
        void becauseTheCaFailedIsTheCasFault() {
            decided("{\"status\": \"invalid\", \"challenges\": [{\"type\": \"tls-alpn-01\", \"status\": \"invalid\","
                    + " \"error\": {\"type\": \"" + URN + "serverInternal\", \"detail\": \"oops\"}}]}");

            assertThat(failure()).isInstanceOf(Unavailable.class);
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "dns | During secondary validation: DNS problem: SERVFAIL looking up A for a | true",
                    "dns | DNS problem: networking error looking up AAAA for a | true",
                    "dns | DNS problem: server failure at resolver looking up CAA for a | true",
                    "caa | CAA look-up: context deadline exceeded | true",
                    "caa | lookup a on 10.0.0.1:53: read udp: i/o timeout | true",
                    "caa | lookup a on 127.0.0.11:53: server misbehaving | true",
                    "caa | CAA lookup failed | true",
                    "caa | failed to retrieve CAA records for a | true",
                    "dns | DNS query failed: NXDOMAIN | false",
                    "dns | failed to look up a: no such host | false",
                    "connection | error doing http GET for url http://a/: dial tcp: lookup a: server misbehaving | true",
                    "connection | error doing http GET for url http://a/: dial tcp: lookup a: no such host | false",
                    "connection | Timeout after connect (your server may be slow or overloaded) | true",
                    "connection | Fetching http://a/: dial tcp: connect timed out | true",
                    "dns | NXDOMAIN looking up A for a - check that a DNS record exists | false",
                    "dns | No valid IP addresses found for a | false",
                    "caa | CAA record for a prevents issuance | false",
                    "connection | Connection refused | false",
                    "unauthorized | 404 while the DNS timed out | false"
                })
        void passesWhereItsWordsSpeakOfTheWay(String type, String words, boolean passes) {
            decided("{\"status\": \"invalid\", \"challenges\": [{\"type\": \"tls-alpn-01\", \"error\": {\"type\": \""
                    + URN + type + "\", \"detail\": \"" + words + "\"}}]}");

            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isPassing()).isEqualTo(passes));
        }

        @Test
        void becauseItsAddressCouldNotBeLookedUpIsTroubleInTheDns() {
            decided("{\"status\": \"invalid\", \"challenges\": [{\"type\": \"tls-alpn-01\", \"error\": {\"type\": \""
                    + URN + "connection\", \"detail\": \"lookup a on 10.0.0.1:53: i/o timeout\"}}]}");

            assertThat(failure()).isInstanceOfSatisfying(Rejected.class, refusal -> {
                assertThat(refusal.isPassing()).isTrue();
                assertThat(refusal.problemType()).isEqualTo("dns");
            });
        }

        @Test
        void isToldByTheProofThatWasShown() {
            decided("{\"status\": \"invalid\", \"challenges\": ["
                    + "{\"type\": \"dns-01\", \"error\": {\"type\": \"" + URN + "serverInternal\"}},"
                    + "{\"type\": \"http-01\", \"error\": null},"
                    + "{\"type\": \"tls-alpn-01\", \"error\": {\"type\": \"" + URN + "tls\", \"detail\": \"no\"}}]}");

            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("tls"));
            assertThat(ca.failedValidations).isEqualTo(1);
        }

        @Test
        void isToldByTheAuthorizationWhereNoChallengeSaysWhy() {
            decided("{\"status\": \"invalid\", \"error\": {\"type\": \"" + URN + "connection\", \"detail\":"
                    + " \"Connection refused\"}, \"challenges\": null}");

            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("connection"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"expired", "deactivated", "revoked", "dreaming"})
        void becauseItsAuthorizationEndedIsTheCasFault(String status) {
            decided("{\"status\": \"" + status + "\", \"challenges\": []}");

            assertThat(failure()).isInstanceOf(Unavailable.class);
            assertThat(ca.failedValidations).isZero();
        }
    }

    @Nested
    class ARefusal {

        private Throwable of(Fault fault) {
            ca.always(NEW_ORDER, fault);
            return failure();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    URN + "rejectedIdentifier",
                    "urn:acme:error:rejectedIdentifier",
                    "rejectedIdentifier",
                    "https://ca.example/docs/errors#RejectedIdentifier",
                    "URN:IETF:PARAMS:ACME:ERROR:rejectedidentifier"
                })
        void isUnderstoodWhateverStandsBeforeItsType(String type) {
            assertThat(of(problem(400, type, "not allowed"))).isInstanceOfSatisfying(Rejected.class, refusal -> {
                assertThat(refusal.problemType()).isEqualTo("rejectedIdentifier");
                assertThat(refusal.isGeneral()).isFalse();
            });
        }

        @Test
        void ofSeveralReasonsIsForTheNamesOwn() {
            assertThat(of(instead(
                            403,
                            "{\"type\": \"" + URN + "compound\", \"detail\": \"several\", \"subproblems\": ["
                                    + "{\"type\": \"" + URN + "serverInternal\"}, {\"type\": \"" + URN
                                    + "caa\", \"detail\": \"no\"}]}")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("caa"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"malformed", "unauthorized"})
        void whoseReasonStandsBelowIsTheNamesWhereThatSaysSo(String type) {
            assertThat(of(instead(
                            403,
                            "{\"type\": \"" + URN + type + "\", \"detail\": \"some identifiers were refused\","
                                    + " \"subproblems\": [{\"type\": \"" + URN + "rejectedIdentifier\", \"detail\":"
                                    + " \"not allowed by policy\", \"identifier\": {\"type\": \"dns\", \"value\": \""
                                    + ScriptedCa.NAME + "\"}}]}")))
                    .isInstanceOfSatisfying(Rejected.class, refusal -> {
                        assertThat(refusal.problemType()).isEqualTo("rejectedIdentifier");
                        assertThat(refusal.isGeneral()).isFalse();
                        assertThat(refusal.detail()).contains("not allowed by policy (" + ScriptedCa.NAME + ")");
                    });
        }

        @Test
        void thatNamesItsIdentifierIsTheNames() {
            assertThat(of(instead(
                            400,
                            "{\"type\": \"" + URN + "malformed\", \"detail\": \"not taken\", \"identifier\":"
                                    + " {\"type\": \"dns\", \"value\": \"" + ScriptedCa.NAME + "\"}}")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isGeneral()).isFalse());
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "Account is not valid, has status 'deactivated' | true",
                    "The account was suspended by an administrator | true",
                    "a revoked account places no orders | true",
                    "no such account | true",
                    "The account is not authorized to request certificates for this domain | false",
                    "The account may not order: its validation of the domain has expired | false",
                    "the organization of this account has no such domain | false"
                })
        void isOfTheAccountAtOnceOnlyWhereItsWordsSayThatItHasEnded(String words, boolean ofTheAccount) {
            Throwable refusal = of(problem(403, URN + "unauthorized", words));
            if (ofTheAccount) {
                assertThat(refusal).isInstanceOf(AccountRefused.class);
            } else {
                assertThat(refusal)
                        .isInstanceOfSatisfying(
                                Rejected.class,
                                rejected -> assertThat(rejected.isGeneral()).isTrue());
            }
        }

        @Test
        void whoseReasonsAreNoListIsStillOne() {
            assertThat(of(instead(
                            403, "{\"type\": \"" + URN + "caa\", \"detail\": \"no\", \"subproblems\": {\"a\": 1}}")))
                    .isInstanceOf(Rejected.class);
        }

        @Test
        void thatNeitherNamesTheNameNorIsKnownMayConcernEveryName() {
            assertThat(of(instead(400, "{\"title\": \"Bad Request\"}", "Content-Type", "application/problem+json")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isGeneral()).isTrue());
            assertThat(of(problem(400, URN + "malformed", "the field profile is not understood")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isGeneral()).isTrue());
            assertThat(of(problem(400, URN + "malformed", "shop.customer.example is not a public name")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isGeneral()).isFalse());
        }

        @Test
        void ofWhatIsTheSameForEveryNameHasTheTypeItsWordsMean() {
            assertThat(of(problem(400, URN + "malformed", "unknown profile")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("invalidProfile"));
            assertThat(of(problem(
                            400,
                            "about:blank",
                            "the CSR has a key that is too short",
                            "Content-Type",
                            "application/problem+json; charset=utf-8")))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("badCSR"));
        }

        @Test
        void toFindWhatTheCaHasMadeIsTheCasFault() {
            ca.always(CERTIFICATE, problem(404, URN + "malformed", "no such certificate"));

            assertThat(failure())
                    .isInstanceOfSatisfying(
                            Unavailable.class,
                            refusal -> assertThat(refusal.isUnwell()).isFalse());
        }

        @Test
        void byAPageOfSomethingElseIsNotTheNames() {
            assertThat(of(instead(403, HTML))).isInstanceOf(Unavailable.class);
            assertThat(of(instead(302, "", "Location", "https://login.example/")))
                    .isInstanceOf(Unavailable.class);
        }

        @Test
        void forNewTermsNamesThem() {
            assertThat(of(problem(
                            403,
                            URN + "userActionRequired",
                            "the terms are new",
                            "Link",
                            "<../terms/v7>;rel=terms-of-service")))
                    .isInstanceOf(AccountRefused.class)
                    .hasMessageContaining("https://ca.example/terms/v7");
        }
    }

    @Test
    void aUrlOfAnotherOriginIsNeverAskedHoweverItIsWritten() {
        for (String foreign : List.of("https://evil.example/x", "//evil.example/x", "https://ca.example:8443/x")) {
            ca.always(ORDER, text(json -> json.replace(ORIGIN + CERTIFICATE + "1", foreign)));

            assertThat(failure()).isInstanceOf(Unavailable.class).hasMessageContaining("onDemandTls.acme.origins");
        }
        assertThat(ca.asked(CERTIFICATE)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {DIRECTORY, NEW_ORDER, AUTHORIZATION, ORDER})
    void aCaThatTakesItselfForPlainHttpIsToldOfAsSuch(String step) {
        ca.always(step, text(json -> json.replace("https:", "http:")));

        assertThat(failure())
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("not https: http://ca.example, while its directory is at https://ca.example;")
                .hasMessageContaining("X-Forwarded-Proto")
                .hasMessageNotContaining("onDemandTls.acme.origins");
    }

    @ParameterizedTest
    @CsvSource({
        "https://other.example/directory,set onDemandTls.acme.directory to it",
        "http://ca.example/acme/directory/,which is not https",
        "/acme/directory,from one redirect to the next"
    })
    void aDirectoryThatIsRedirectedSaysWhatHelps(String target, String help) {
        ca.always(DIRECTORY, instead(301, "", "Location", target));

        assertThat(failure())
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining(URI.create(ORIGIN).resolve(target).toString())
                .hasMessageContaining(help);
    }

    @Test
    void aPendingOrderWithoutAuthorizationsIsTheCasFault() {
        ca.always("/acme/", text(json -> json.replaceFirst("\\[\"https://ca.example/acme/authz/1\"]", "[]")));

        assertThat(failure()).isInstanceOf(Unavailable.class);
        assertThat(ca.asked(FINALIZE)).isZero();
    }

    @Test
    void anOrderThatNobodyCanFindIsNotFollowedByOthersEveryFewSeconds() {
        ca.always(NEW_ORDER, header("Location"));

        assertThat(failure()).isInstanceOfSatisfying(Unavailable.class, refusal -> {
            assertThat(refusal.isUnwell()).isFalse();
            assertThat(refusal.retryAfter()).isGreaterThanOrEqualTo(Duration.ofMinutes(1));
        });
        assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
    }

    @Test
    void anotherChainThatCannotBeHadIsGoneWithout() throws IssuanceException {
        ca.preferredChain = "Another Root";
        ca.always(
                CERTIFICATE,
                header("Link", "</acme/cert/2>;rel=\"up Alternate\"", "<https://evil.example/c>;rel=alternate"));
        ca.always("/acme/cert/2", instead(500, HTML));

        assertThat(ca.sign().get(0).getPublicKey()).isEqualTo(ca.key.getPublic());
        assertThat(ca.asked("/acme/cert/2")).isPositive();
    }

    @Test
    void aCertificateForAnotherKeyIsNotTakenThoughItsChainIsPreferred() throws IssuanceException {
        ca.preferredChain = "Other Root";
        ca.always(CERTIFICATE, header("Link", "<2>;rel=alternate"));
        ca.always(
                "/acme/cert/2",
                (request, right) -> answer(
                        request,
                        200,
                        Pem.certificates(List.of(TestCertificates.leaf(
                                        TestCertificates.key(), ca.time.clock().instant(), ScriptedCa.NAME.value())
                                .signedBy("Other Root", TestCertificates.key())))));

        assertThat(ca.sign().get(0).getPublicKey()).isEqualTo(ca.key.getPublic());
    }

    /** A CA that sends a chain by a cross-sign of an old root, and one without as another. */
    private List<X509Certificate> crossSigned() {
        KeyPair issuer = TestCertificates.key();
        KeyPair root = TestCertificates.key();
        Instant now = ca.time.clock().instant();
        List<X509Certificate> chain = List.of(
                TestCertificates.leaf(ca.key, now, ScriptedCa.NAME.value()).signedBy("Issuer", issuer),
                TestCertificates.authority(issuer, now, "Issuer").signedBy("New Root", root),
                TestCertificates.authority(root, now, "New Root").signedBy("Old Root", TestCertificates.key()));
        ca.always(CERTIFICATE, instead(200, Pem.certificates(chain), "Link", "<2>;rel=alternate"));
        ca.always("/acme/cert/2", instead(200, Pem.certificates(chain.subList(0, 2))));
        return chain;
    }

    @Test
    void theChainIsPreferredThatEndsAtAnIssuerOverOneThatLeadsOnFromIt() throws IssuanceException {
        List<X509Certificate> chain = crossSigned();

        ca.preferredChain = "new root";
        assertThat(ca.sign()).isEqualTo(chain.subList(0, 2));
        ca.preferredChain = "Old Root";
        assertThat(ca.sign()).isEqualTo(chain);
        // Neither ends there, and both lead there.
        ca.preferredChain = "Issuer";
        assertThat(ca.sign()).isEqualTo(chain);
        assertThat(ca.told("preferredChain")).isEmpty();
    }

    @Test
    void aPreferredChainThatACaDoesNotOfferIsToldOnceWithThoseItOffers() throws IssuanceException {
        List<X509Certificate> chain = crossSigned();
        ca.preferredChain = "Other Root";

        assertThat(ca.sign()).isEqualTo(chain);
        assertThat(ca.sign()).isEqualTo(chain);

        assertThat(ca.told("onDemandTls.acme.preferredChain"))
                .singleElement()
                .asString()
                .contains("no chain of Other Root", "Old Root, New Root");
    }
}
