package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FaultyAcmeProxy.Answer;
import org.ondemandtls.testing.FaultyAcmeProxy.Fault;
import org.ondemandtls.testing.FaultyAcmeProxy.Request;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} before CAs as they are: shapes of answers from public trouble reports, one a line. */
@Tag("once")
class CaShapesIT extends WithPebble {

    private static final String NAME = "shop.customer.example";
    private static final String NEW_ORDER = "/order-plz";
    private static final Duration VISITOR = Duration.ofSeconds(25);
    private static final Map<String, String> HTML = Map.of("content-type", "text/html");

    private static final List<String> STEPS =
            List.of("/dir", "/nonce-plz", NEW_ORDER, "/authZ/", "/chalZ/", "/finalize-order/", "/my-order/", "/certZ/");

    /** A fault and what it is called in a failed test. */
    private record Passing(String word, Fault fault) {

        @Override
        public String toString() {
            return word;
        }
    }

    private static Stream<Arguments> passing() {
        List<Passing> faults = List.of(
                new Passing("reset", FaultyAcmeProxy.reset()),
                new Passing("lost answer", FaultyAcmeProxy.lostAnswer()),
                new Passing("cut off", FaultyAcmeProxy.truncate()),
                new Passing("HTML 500", FaultyAcmeProxy.status(500, HTML)),
                new Passing("HTML 502", FaultyAcmeProxy.status(502, HTML)),
                new Passing("problem 500", withoutNonce(FaultyAcmeProxy.problem(500, "serverInternal", "oops", null))),
                new Passing("429", withoutNonce(FaultyAcmeProxy.problem(429, "rateLimited", "slow down", "1"))),
                new Passing("unreadable", FaultyAcmeProxy.body("<html>".getBytes(StandardCharsets.UTF_8))));
        return faults.stream().flatMap(fault -> STEPS.stream().map(step -> Arguments.of(fault, step)));
    }

    @ParameterizedTest
    @MethodSource("passing")
    void oneFaultAtAnyStepIsBorneWithTwoOrdersAtMost(Passing passing, String step) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.first(1, at(step), passing.fault());
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);

            assertThat(asked(proxy, NEW_ORDER)).isLessThanOrEqualTo(2);
            if (!step.equals(NEW_ORDER)) {
                assertThat(journal).hasSize(1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aShapeIsNoObstacle(String word, String step, Fault fault) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at(step), fault);
            Authority.Order order = within(order(NAME), VISITOR);

            List<X509Certificate> chain = sign(open(proxy), order);

            assertServable(chain, order);
            assertThat(chain).as(word).hasSize(2);
            assertThat(asked(proxy, NEW_ORDER)).isEqualTo(1);
        }
    }

    private static Stream<Arguments> shapes() {
        return Stream.of(
                Arguments.of(
                        "a day of Retry-After, validating", "/authZ/", FaultyAcmeProxy.header("retry-after", "86400")),
                Arguments.of("a day of Retry-After, issuing", "order/", FaultyAcmeProxy.header("retry-after", "86400")),
                Arguments.of("202 for a new order", NEW_ORDER, answered(202)),
                Arguments.of("200 for a new order", NEW_ORDER, answered(200)),
                Arguments.of("202 for finalize", "/finalize-order/", answered(202)),
                Arguments.of("compressed answers", "/", gzip()),
                Arguments.of("words around the blocks", "/certZ/", text("subject=CN=shop\n", "issuer=CN=ca  \r\n")),
                Arguments.of("CRLF and spaces", "/certZ/", replaced("\n", " \r\n")),
                Arguments.of("glued blocks", "/certZ/", replaced("-----\n-----", "----------")),
                Arguments.of("a duplicate", "/certZ/", duplicated()),
                Arguments.of("wrong order", "/certZ/", reversed()),
                Arguments.of(
                        "another type for a chain", "/certZ/", FaultyAcmeProxy.header("content-type", "text/plain")),
                Arguments.of(
                        "renewalInfo elsewhere",
                        "/dir",
                        replaced("\"renewalInfo\": \"https://localhost", "\"renewalInfo\": \"https://ari.ca.example")));
    }

    @Test
    void aChallengeHandedOutAsProcessingIsPostedAllTheSame() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.first(1, at("/authZ/"), challengesAreProcessing());
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);

            assertThat(asked(proxy, "/chalZ/")).isEqualTo(1);
        }
    }

    @Test
    void anOrderThatIsValidAMomentBeforeItsCertificateIsWaitedFor() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.first(2, at("order/"), (request, ca) -> {
                Answer answer = ca.ask();
                return answer.text().contains("\"valid\"")
                        ? answer.withBody(answer.text()
                                .replace("\"certificate\"", "\"soon\"")
                                .getBytes(StandardCharsets.UTF_8))
                        : answer;
            });
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);
        }
    }

    @ParameterizedTest
    @MethodSource("badNonces")
    void aBadNonceIsRecognisedWhereverItStands(int status, String type, String body) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            for (String step : List.of(NEW_ORDER, "/chalZ/", "/finalize-order/")) {
                proxy.first(3, at(step), (request, ca) -> {
                    Map<String, List<String>> headers = new TreeMap<>();
                    headers.put("content-type", List.of(type));
                    return new Answer(status, headers, body.getBytes(StandardCharsets.UTF_8));
                });
            }
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);
        }
    }

    private static Stream<Arguments> badNonces() {
        String problem = "{\"type\":\"urn:ietf:params:acme:error:badNonce\",\"detail\":\"no\"}";
        return Stream.of(
                Arguments.of(400, "application/problem+json", problem),
                Arguments.of(400, "application/json", problem),
                Arguments.of(400, "text/plain", problem),
                Arguments.of(500, "text/html", "<pre>urn:ietf:params:acme:error:badNonce</pre>"));
    }

    @Test
    void aDirectoryThatMovedIsFollowedWithinItsOriginAndNamedOtherwise() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.first(1, at("/dir"), FaultyAcmeProxy.status(301, Map.of("Location", "/dir?moved")));
            Authority.Order order = within(order(NAME), VISITOR);
            assertServable(sign(open(proxy), order), order);

            proxy.when(at("/dir"), FaultyAcmeProxy.status(308, Map.of("Location", "https://new.ca.example/dir")));
            assertThatThrownBy(() -> sign(open(proxy), within(order(NAME), VISITOR)))
                    .isInstanceOf(IssuanceException.Unavailable.class)
                    .hasMessageContaining("https://new.ca.example/dir")
                    .hasMessageContaining("onDemandTls.acme.directory");
        }
    }

    @ParameterizedTest
    @MethodSource("senseless")
    void whatAnOrderCannotDoWithoutIsTheCasFault(String step, Fault fault) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at(step), fault);

            assertThatThrownBy(() -> sign(open(proxy), within(order(NAME), VISITOR)))
                    .isInstanceOfSatisfying(
                            IssuanceException.Unavailable.class,
                            thrown -> assertThat(thrown.elsewhere()).isTrue());
        }
    }

    private static Stream<Arguments> senseless() {
        return Stream.of(
                Arguments.of(NEW_ORDER, (Fault) (request, ca) -> {
                    Answer answer = ca.ask();
                    Map<String, List<String>> headers = new TreeMap<>(answer.headers());
                    headers.remove("location");
                    return new Answer(answer.status(), headers, answer.body());
                }),
                Arguments.of("/authZ/", replaced("\"pending\"", "\"dreaming\"")),
                Arguments.of("/finalize-order/", replaced("\"status\": \"", "\"status\": \"dreaming-")));
    }

    @Test
    void aChainInAWrongOrderIsToldOnce() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at("/certZ/"), reversed());
            AcmeAuthority authority = open(proxy);
            sign(authority, within(order(NAME), VISITOR));
            sign(authority, within(order("b.customer.example"), VISITOR));

            assertThat(texts(EventKind.ADVICE))
                    .filteredOn(text -> text.contains("put the certificates in order"))
                    .hasSize(1);
        }
    }

    // The proxy's own nonce is none of the CA's, and would cost a request more.
    private static Fault withoutNonce(Fault fault) {
        return (request, ca) -> {
            Answer answer = fault.answer(request, ca);
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.remove("replay-nonce");
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    private static Predicate<Request> at(String step) {
        return FaultyAcmeProxy.path(step);
    }

    private static Fault answered(int status) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return new Answer(status, answer.headers(), answer.body());
        };
    }

    private static Fault replaced(String what, String by) {
        return FaultyAcmeProxy.replace(what, by);
    }

    private static Fault text(String before, String after) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            String blocks = answer.text().replace("-----BEGIN", before + "-----BEGIN");
            return answer.withBody((blocks + after).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault challengesAreProcessing() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            String text = answer.text();
            int challenges = text.indexOf("\"challenges\"");
            int end = text.indexOf(']', challenges);
            String changed = text.substring(0, challenges)
                    + text.substring(challenges, end).replace("\"pending\"", "\"processing\"")
                    + text.substring(end);
            return answer.withBody(changed.getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault duplicated() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            String text = answer.text();
            return answer.withBody(
                    (text + text.substring(text.lastIndexOf("-----BEGIN"))).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault reversed() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            try {
                List<X509Certificate> chain = Pem.readCertificates(answer.text());
                return answer.withBody(
                        Pem.certificates(List.of(chain.get(1), chain.get(0))).getBytes(StandardCharsets.US_ASCII));
            } catch (InvalidPemException e) {
                throw new IOException(e);
            }
        };
    }

    private static Fault gzip() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            if (answer.body().length == 0) {
                return answer;
            }
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
                out.write(answer.body());
            }
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.put("content-encoding", List.of("gzip"));
            return new Answer(answer.status(), headers, packed.toByteArray());
        };
    }
}
