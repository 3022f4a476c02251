package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FaultyAcmeProxy.Answer;
import org.ondemandtls.testing.FaultyAcmeProxy.Fault;
import org.ondemandtls.testing.FaultyAcmeProxy.Request;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} before a CA that fails: whose fault it is, of the name, of all names, of the CA, or nobody's. */
@Tag("once")
class CaBlameIT extends WithPebble {

    private static final String NAME = "shop.customer.example";
    private static final String NEW_ORDER = "/order-plz";
    private static final String FINALIZE = "/finalize-order/";
    private static final Duration VISITOR = Duration.ofSeconds(25);

    private final AtomicInteger failedValidations = new AtomicInteger();

    private static Predicate<Request> at(String step) {
        return FaultyAcmeProxy.path(step);
    }

    private Throwable failure(AcmeAuthority authority, Duration patience) {
        return failure(authority, NAME, patience);
    }

    private Throwable failure(AcmeAuthority authority, String name, Duration patience) {
        return catchThrowable(() -> authority.sign(within(order(name), patience), new Authority.Journal() {
            @Override
            public void orderCreated(URI url) {
                journal.add(url);
            }

            @Override
            public void validationFailed() {
                failedValidations.incrementAndGet();
            }
        }));
    }

    @ParameterizedTest
    @CsvSource({
        FINALIZE + ",badPublicKey,RSA keys are not taken,true",
        FINALIZE + ",badCSR,the CSR is not understood,true",
        NEW_ORDER + ",invalidProfile,there is no such profile,true",
        NEW_ORDER + ",unauthorized,no orders are taken from you,true",
        NEW_ORDER + ",unauthorized,shop.customer.example is none of yours,false",
        NEW_ORDER + ",rejectedIdentifier,not allowed by policy,false",
        NEW_ORDER + ",unsupportedIdentifier,not allowed by policy,false"
    })
    void whatMayConcernEveryNameIsToldFromWhatIsTheNames(String step, String type, String detail, boolean general)
            throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at(step), FaultyAcmeProxy.problem(400, type, detail, null));

            assertThat(failure(open(proxy), VISITOR))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.isGeneral()).isEqualTo(general));
            assertThat(failedValidations).hasValue(0);
        }
    }

    @Test
    void aProfileThatIsGoneIsNotAskedForInTheNextOrder() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.first(1, at(NEW_ORDER), FaultyAcmeProxy.problem(400, "invalidProfile", "it is gone", null));
            AcmeAuthority authority = open(proxy);
            assertThat(failure(authority, VISITOR)).isInstanceOf(Rejected.class);
            proxy.when(at("/dir"), FaultyAcmeProxy.replace("\"default\"", "\"another\""));

            Authority.Order order = within(order(NAME), VISITOR);
            assertServable(sign(authority, order), order);

            assertThat(texts(EventKind.ADVICE))
                    .anyMatch(text -> text.contains("does not offer the profile ")
                            && text.contains("(onDemandTls.acme.profile); certificates are ordered without a profile"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "caa,SERVFAIL looking up CAA for shop.customer.example,true",
        "dns,DNS problem: query timed out looking up A for shop.customer.example,true",
        "connection,Timeout during connect (likely firewall problem),true",
        "connection,Connection refused,false",
        "caa,CAA record for shop.customer.example prevents issuance,false",
        "dns,NXDOMAIN looking up A for shop.customer.example,false"
    })
    void troubleOnTheWayToANamePassesAndEachProofThatFailsIsTold(String type, String detail, boolean passes)
            throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            // Pebble never validates: one time in a hundred it reuses a valid authorization though it is told never to.
            proxy.when(at("/chalZ/"), underWay());
            proxy.when(at("/authZ/"), invalidOnceTold(proxy, type, detail));

            assertThat(failure(open(proxy), VISITOR)).isInstanceOfSatisfying(Rejected.class, refusal -> {
                assertThat(refusal.isPassing()).isEqualTo(passes);
                assertThat(refusal.what().contains("nothing has to be changed")).isEqualTo(passes);
            });
            assertThat(failedValidations).hasValue((int) asked(proxy, "/chalZ/"));
        }
    }

    @Test
    void aCaThatFailsByItselfOrIsNotReachedIsUnwell() throws Exception {
        FaultyAcmeProxy gone;
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at(NEW_ORDER), FaultyAcmeProxy.status(500, Map.of("content-type", "text/html")));
            assertUnwell(failure(open(proxy), VISITOR), true);
            gone = proxy;
        }
        assertUnwell(failure(open(gone), VISITOR), true);
    }

    @Test
    void oneOrderInTroubleMakesNoCaUnwell() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at("/authZ/"), FaultyAcmeProxy.replace("\"valid\"", "\"pending\""));
            assertUnwell(failure(open(proxy), Duration.ofSeconds(4)), false);

            proxy.when(at("/authZ/"), FaultyAcmeProxy.replace("-01\"", "-77\""));
            // Another name: one time in a hundred Pebble reuses an authorization though it is told never to.
            assertUnwell(failure(open(proxy, ChallengeType.HTTP_01), "other.customer.example", VISITOR), false);
        }
    }

    @Test
    void aSecondOriginIsNamedWithWhatToDoAndUsedWhereItIsListed() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            int port = proxy.directory().getPort();
            String other = "https://127.0.0.1:" + port;
            proxy.when(
                    at("/dir"),
                    FaultyAcmeProxy.replace("https://localhost:" + port + "/nonce-plz", other + "/nonce-plz"));

            AcmeAuthority strict = open(proxy);
            strict.prepare();
            assertThat(texts(EventKind.AUTHORITY_UNAVAILABLE))
                    .singleElement()
                    .asString()
                    .contains(other)
                    .contains("https://localhost:" + port)
                    .contains("onDemandTls.acme.origins");
            assertThat(failure(strict, VISITOR)).hasMessageContaining("onDemandTls.acme.origins");

            OnDemandTlsConfig.Directory ca =
                    new OnDemandTlsConfig.Directory(proxy.directory(), Optional.empty(), Optional.empty());
            AcmeAuthority listed = open(
                    new OnDemandTlsConfig.Acme(
                            List.of(ca),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.of(proxy.trustedRoots()),
                            BOTH,
                            List.of(URI.create(other)),
                            Optional.empty(),
                            false,
                            Optional.empty()),
                    ca);
            Authority.Order order = within(order(NAME), VISITOR);
            assertServable(sign(listed, order), order);
        }
    }

    @Test
    void whatCaaAllowsDecidesWhichProofIsShownBeforeAnythingIsOrdered() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            // Also before the directory has been read.
            AcmeAuthority authority = open(proxy);
            allowedMethods = Set.of("dns-01");

            assertThat(failure(authority, VISITOR))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            refusal -> assertThat(refusal.problemType()).isEqualTo("caa"));
            assertThat(asked(proxy, NEW_ORDER)).isZero();

            allowedMethods = Set.of("http-01");
            Authority.Order order = within(order(NAME), VISITOR);
            assertServable(sign(authority, order), order);
            assertThat(journal).hasSize(1);
        }
    }

    @Test
    void aNewOrderThatIsNotFoundHasTheDirectoryReadAgain() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            proxy.first(2, at(NEW_ORDER), FaultyAcmeProxy.status(404, Map.of("content-type", "text/html")));
            assertUnwell(failure(authority, VISITOR), false);

            Authority.Order order = within(order(NAME), VISITOR);
            assertServable(sign(authority, order), order);

            assertThat(asked(proxy, "/dir")).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @CsvSource({"'',false", "caa,true"})
    void anOrderThatIsInvalidWithoutAnErrorIsTheNamesOnlyWhereAnAuthorizationSaysSo(String type, boolean ofTheName)
            throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(at("/my-order/"), FaultyAcmeProxy.replace("\"valid\"", "\"invalid\""));
            if (ofTheName) {
                proxy.when(
                        request -> request.path().contains("/authZ/") && asked(proxy, "/my-order/") > 0,
                        (request, ca) -> ca.ask()
                                .withBody(("{\"status\":\"invalid\",\"challenges\":[{\"status\":\"invalid\",\"error\":"
                                                + "{\"type\":\"urn:ietf:params:acme:error:" + type
                                                + "\",\"detail\":\"CAA forbids\"}}]}")
                                        .getBytes(StandardCharsets.UTF_8)));
            }

            Throwable failure = failure(open(proxy), VISITOR);

            assertThat(failure).isInstanceOf(ofTheName ? Rejected.class : Unavailable.class);
            assertThat(failure).hasMessageContaining(ofTheName ? "CAA forbids" : "does not say why");
            assertThat(failedValidations).hasValue(ofTheName ? 1 : 0);
        }
    }

    private static void assertUnwell(Throwable failure, boolean unwell) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        trouble -> assertThat(trouble.isUnwell())
                                .as(trouble.getMessage())
                                .isEqualTo(unwell));
    }

    // As the CA would answer once it has looked.
    private static Fault underWay() {
        byte[] challenge =
                "{\"type\":\"http-01\",\"status\":\"processing\",\"url\":\"https://localhost/\",\"token\":\"x\"}"
                        .getBytes(StandardCharsets.UTF_8);
        return (request, ca) -> new Answer(200, Map.of("content-type", List.of("application/json")), challenge);
    }

    private static Fault invalidOnceTold(FaultyAcmeProxy proxy, String type, String detail) {
        return (Request request, FaultyAcmeProxy.Ca ca) -> {
            Answer answer = ca.ask();
            long orders = asked(proxy, NEW_ORDER);
            if (asked(proxy, "/chalZ/") < orders) {
                return answer;
            }
            String error = "{\"type\":\"urn:ietf:params:acme:error:" + type + "\",\"detail\":\"" + detail + "\"}";
            return answer.withBody(
                    ("{\"status\":\"invalid\",\"challenges\":[{\"type\":\"http-01\",\"status\":\"invalid\","
                                    + "\"url\":\"https://localhost/\",\"token\":\"x\",\"error\":" + error + "}]}")
                            .getBytes(StandardCharsets.UTF_8));
        };
    }
}
