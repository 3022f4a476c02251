package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.CaShapes;
import org.ondemandtls.testing.CaShapes.Shape;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FaultyAcmeProxy.Answer;
import org.ondemandtls.testing.FaultyAcmeProxy.Fault;
import org.ondemandtls.testing.FaultyAcmeProxy.Request;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} before CAs as they are: shapes of answers from public trouble reports, one a line. */
@Tag("once")
class CaShapesIT extends WithPebble {

    private static final String NAME = "shop.customer.example";
    private static final String NEW_ORDER = CaShapes.NEW_ORDER;
    private static final Duration VISITOR = Duration.ofSeconds(25);

    private static Stream<Shape> passing() {
        return CaShapes.passing().stream();
    }

    @ParameterizedTest
    @MethodSource("passing")
    void oneFaultAtAnyStepIsBorneWithTwoOrdersAtMost(Shape shape) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            shape.in(proxy);
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);

            assertThat(asked(proxy, NEW_ORDER)).isLessThanOrEqualTo(2);
            if (!shape.step().equals(NEW_ORDER)) {
                assertThat(journal).hasSize(1);
            }
        }
    }

    private static Stream<Shape> lasting() {
        return CaShapes.lasting().stream();
    }

    @ParameterizedTest
    @MethodSource("lasting")
    void aShapeIsNoObstacle(Shape shape) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            shape.in(proxy);
            Authority.Order order = within(order(NAME), VISITOR);

            List<X509Certificate> chain = sign(open(proxy), order);

            assertServable(chain, order);
            assertThat(chain).as(shape.word()).hasSize(2);
            assertThat(journal).hasSize(1);
        }
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
    void aProofThatFailsWhileItsAuthorizationStaysOpenIsFollowedByAnotherInTheSameOrder() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AtomicBoolean refused = new AtomicBoolean();
            proxy.when(at("/authZ/"), (request, ca) -> {
                Answer answer = ca.ask();
                return refused.get() ? answer.withBody(tlsAlpnFailed(answer.text())) : answer;
            });
            proxy.first(1, at("/chalZ/"), (request, ca) -> {
                refused.set(true);
                return new Answer(200, Map.of(), "{\"status\": \"invalid\"}".getBytes(StandardCharsets.UTF_8));
            });
            Authority.Order order = within(order(NAME), VISITOR);

            assertServable(sign(open(proxy), order), order);

            assertThat(asked(proxy, NEW_ORDER)).isEqualTo(1);
            assertThat(texts(EventKind.CHALLENGE))
                    .anyMatch(text -> text.contains("tls-alpn-01 failed (rejectedIdentifier: no acme-tls/1)"));
        }
    }

    private static byte[] tlsAlpnFailed(String authorization) {
        int type = authorization.indexOf("\"tls-alpn-01\"");
        if (type < 0) {
            return authorization.getBytes(StandardCharsets.UTF_8);
        }
        int begin = authorization.lastIndexOf('{', type);
        int end = authorization.indexOf('}', type);
        String failed = authorization
                .substring(begin, end)
                .replace(
                        "\"pending\"",
                        "\"invalid\", \"error\": {\"type\": \"urn:ietf:params:acme:error:rejectedIdentifier\","
                                + " \"detail\": \"no acme-tls/1\"}");
        return (authorization.substring(0, begin) + failed + authorization.substring(end))
                .getBytes(StandardCharsets.UTF_8);
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
                Arguments.of("/authZ/", replaced("\"pending\"", "\"revoked\"")),
                Arguments.of("/authZ/", replaced("\"pending\"", "\"expired\"")),
                Arguments.of("/authZ/", replaced("\"pending\"", "\"deactivated\"")),
                Arguments.of("/finalize-order/", replaced("\"status\": \"", "\"status\": \"dreaming-")));
    }

    @Test
    void aChainInAWrongOrderIsToldOnce() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at("/certZ/"), CaShapes.reversed());
            AcmeAuthority authority = open(proxy);
            sign(authority, within(order(NAME), VISITOR));
            sign(authority, within(order("b.customer.example"), VISITOR));

            assertThat(texts(EventKind.ADVICE))
                    .filteredOn(text -> text.contains("put the certificates in order"))
                    .hasSize(1);
        }
    }

    @Test
    void aBlockThatIsNoCertificateIsLeftOutAndToldOnce() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at("/certZ/"), (request, ca) -> {
                Answer answer = ca.ask();
                return answer.withBody(
                        (answer.text() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                                .getBytes(StandardCharsets.US_ASCII));
            });
            AcmeAuthority authority = open(proxy);
            for (String name : List.of(NAME, "b.customer.example")) {
                Authority.Order order = within(order(name), VISITOR);
                assertServable(sign(authority, order), order);
            }

            assertThat(texts(EventKind.ADVICE))
                    .filteredOn(text -> text.contains("left out a block that cannot be read"))
                    .hasSize(1);
        }
    }

    private static Predicate<Request> at(String step) {
        return FaultyAcmeProxy.path(step);
    }

    private static Fault replaced(String what, String by) {
        return FaultyAcmeProxy.replace(what, by);
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
}
