package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TestCertificates;

/** {@link AcmeAuthority} and what Pebble says about renewals (RFC 9773), alone and with faults in between. */
@Tag("once")
class AcmeRenewalIT extends WithPebble {

    private static final String RENEWAL_INFO = "/draft-ietf-acme-ari";

    private static String window(Instant start, Instant end) {
        return "{\"suggestedWindow\":{\"start\":\"" + start + "\",\"end\":\"" + end
                + "\"},\"explanationURL\":\"https://ca.example/why\"}";
    }

    /** What was signed in the requests for a new order. */
    private static List<String> newOrders(FaultyAcmeProxy proxy) {
        return proxy.requests().stream()
                .filter(request -> request.path().contains("/order-plz"))
                .map(FaultyAcmeProxy.Request::payload)
                .toList();
    }

    @Test
    void theCaSaysWhenToRenewAndWhenToAskAgain() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble);
            assertThat(authority.honoursReplaces()).isFalse();
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            Instant from = leaf.getNotBefore().toInstant();
            Instant until = leaf.getNotAfter().toInstant();

            Authority.RenewalAdvice advice = authority.renewalAdvice(leaf).orElseThrow();

            assertThat(authority.honoursReplaces()).isTrue();
            assertThat(advice.window().start())
                    .isAfter(from)
                    .isBefore(advice.window().end());
            assertThat(advice.window().end()).isBeforeOrEqualTo(until);
            assertThat(advice.retryAfter()).isBetween(Duration.ofMinutes(1), Duration.ofDays(1));
        }
    }

    @Test
    void aCertificateTheCaDoesNotKnowHasNoAdvice() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble);
            var key = TestCertificates.key();
            Instant now = Instant.now();

            assertThat(authority.renewalAdvice(TestCertificates.leaf(key, now, "a.customer.example")
                            .signedBy("another CA", key)))
                    .isEmpty();
            assertThat(authority.renewalAdvice(TestCertificates.leaf(key, now, "a.customer.example")
                            .issuerKeyId(new byte[] {1, 2, 3})
                            .signedBy("another CA", key)))
                    .isEmpty();
        }
    }

    @Test
    void aReplacementIsNamedOnTheOrderAndASecondOneIsOrderedWithout() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            String named = "\"replaces\":\"" + RenewalInfo.certId(leaf).orElseThrow() + "\"";
            Authority.Order first = replacing(order("a.customer.example"), leaf);
            Authority.Order second = replacing(order("a.customer.example"), leaf);

            assertServable(sign(authority, first), first);
            assertThat(newOrders(proxy)).hasSize(2);
            assertThat(newOrders(proxy).get(0)).doesNotContain("replaces");
            assertThat(newOrders(proxy).get(1)).contains(named);
            assertServable(sign(authority, second), second);

            assertThat(newOrders(proxy)).hasSize(4);
            assertThat(newOrders(proxy).get(2)).contains(named);
            assertThat(newOrders(proxy).get(3)).doesNotContain("replaces");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"malformed", "unauthorized", "alreadyReplaced", "serverInternal"})
    void aReplacementTheCaMindsIsOrderedWithout(String type) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            proxy.first(
                    1,
                    FaultyAcmeProxy.path("/order-plz"),
                    FaultyAcmeProxy.problem(403, type, "not the account of the certificate being replaced", null));
            Authority.Order order = replacing(order("a.customer.example"), leaf);
            AtomicInteger without = new AtomicInteger();

            assertServable(
                    authority.sign(order, new Authority.Journal() {
                        @Override
                        public void orderCreated(URI url) {}

                        @Override
                        public void notReplacing() {
                            without.incrementAndGet();
                        }
                    }),
                    order);

            assertThat(without).hasValue(1);
            // The proxy's nonce is none of the CA's, so that the last one is sent twice.
            assertThat(newOrders(proxy).stream().distinct())
                    .hasSize(2)
                    .last()
                    .asString()
                    .contains("replaces");
            assertThat(newOrders(proxy).get(2)).doesNotContain("replaces");
        }
    }

    @Test
    void aRefusalThatIsNotAboutTheReplacementIsNotAskedTwice() throws Exception {
        try (Pebble pebble = reachable().blocked("bad.example").start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);

            assertThatThrownBy(() -> sign(authority, replacing(order("www.bad.example"), leaf)))
                    .isInstanceOf(IssuanceException.Rejected.class);

            assertThat(newOrders(proxy)).hasSize(2);
        }
    }

    @Test
    void windowsInThePastAndInTheFutureAreToldAndBadOnesAreNot() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
            Instant past = now.minus(Duration.ofDays(30));
            Instant future = now.plus(Duration.ofDays(30));

            pebble.setRenewalInfo(leaf, window(past, past.plusSeconds(60)));
            assertThat(authority.renewalAdvice(leaf).orElseThrow().window().end())
                    .isEqualTo(past.plusSeconds(60));
            pebble.setRenewalInfo(leaf, window(future, future.plusSeconds(60)));
            Authority.RenewalAdvice advice = authority.renewalAdvice(leaf).orElseThrow();
            assertThat(advice.window().start()).isEqualTo(future);
            assertThat(advice.window().explanation()).contains(URI.create("https://ca.example/why"));

            for (String bad : List.of(
                    "tomorrow, perhaps",
                    "{}",
                    "[1, 2",
                    "{\"suggestedWindow\":{}}",
                    window(future, past),
                    window(future, future),
                    window(leaf.getNotAfter().toInstant(), Instant.parse("9999-01-01T00:00:00Z")))) {
                pebble.setRenewalInfo(leaf, bad);
                assertThatThrownBy(() -> authority.renewalAdvice(leaf))
                        .as(bad)
                        .isInstanceOfSatisfying(
                                IssuanceException.Unavailable.class,
                                thrown -> assertThat(thrown.retryAfter()).isGreaterThanOrEqualTo(Duration.ofHours(1)))
                        .hasMessageStartingWith("a.customer.example: no renewal information: ");
            }
            Authority.Order order = replacing(order("a.customer.example"), leaf);
            assertServable(sign(authority, order), order);
        }
    }

    @Test
    void aCaThatDoesNotAnswerWhenToRenewDisturbsNoOrder() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            proxy.first(1, FaultyAcmeProxy.path(RENEWAL_INFO), FaultyAcmeProxy.hang());
            proxy.first(1, FaultyAcmeProxy.path(RENEWAL_INFO), FaultyAcmeProxy.trickle(Duration.ofMillis(200)));
            ExecutorService executor = Executors.newFixedThreadPool(2);
            try {
                List<Future<Optional<Authority.RenewalAdvice>>> asked = new ArrayList<>();
                for (int i = 1; i <= 2; i++) {
                    int number = i;
                    asked.add(executor.submit(() -> authority.renewalAdvice(leaf)));
                    Awaitility.await().until(() -> asked(proxy, RENEWAL_INFO) >= number);
                }
                Authority.Order order = replacing(order("a.customer.example"), leaf);

                assertServable(sign(authority, order), order);

                assertThat(asked).noneMatch(Future::isDone);
                for (Future<?> one : asked) {
                    assertThatThrownBy(() -> one.get(3, TimeUnit.MINUTES))
                            .hasCauseInstanceOf(IssuanceException.Unavailable.class)
                            .hasMessageContaining("no complete answer");
                }
            } finally {
                executor.shutdownNow();
            }
        }
    }

    @Test
    void aCaThatRefusesToSayWhenToRenewIsAskedLaterAndOrdersGoOn() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            Map<FaultyAcmeProxy.Fault, Duration> waits = Map.of(
                    FaultyAcmeProxy.problem(429, "rateLimited", "too many requests", "7200"),
                    Duration.ofHours(2),
                    FaultyAcmeProxy.status(503, Map.of("Retry-After", "1")),
                    Duration.ofMinutes(1),
                    FaultyAcmeProxy.status(500, Map.of()),
                    Duration.ofMinutes(10),
                    FaultyAcmeProxy.status(301, Map.of("Location", "https://localhost:1/")),
                    Duration.ofHours(6),
                    FaultyAcmeProxy.body(new byte[3 * 1024 * 1024]),
                    Duration.ofMinutes(10),
                    FaultyAcmeProxy.truncate(),
                    Duration.ofMinutes(10));
            for (Map.Entry<FaultyAcmeProxy.Fault, Duration> entry : waits.entrySet()) {
                proxy.first(1, FaultyAcmeProxy.path(RENEWAL_INFO), entry.getKey());

                assertThatThrownBy(() -> authority.renewalAdvice(leaf))
                        .isInstanceOfSatisfying(
                                IssuanceException.Unavailable.class,
                                thrown -> assertThat(thrown.retryAfter())
                                        .as(thrown.getMessage())
                                        .isEqualTo(entry.getValue()));
                proxy.heal();
            }
            Authority.Order order = order("b.customer.example");
            assertServable(sign(authority, order), order);
            assertThat(authority.renewalAdvice(leaf)).isPresent();
        }
    }

    @Test
    void aCaWithoutRenewalInformationIsToldNothingAndAskedNothing() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(FaultyAcmeProxy.path("/dir"), FaultyAcmeProxy.replace("\"renewalInfo\"", "\"something\""));
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);
            Authority.Order order = replacing(order("a.customer.example"), leaf);

            assertServable(sign(authority, order), order);

            assertThat(authority.renewalAdvice(leaf)).isEmpty();
            assertThat(authority.honoursReplaces()).isFalse();
            assertThat(newOrders(proxy)).hasSize(2).noneMatch(payload -> payload.contains("replaces"));
            assertThat(asked(proxy, RENEWAL_INFO)).isZero();
        }
    }

    @Test
    void renewalInformationElsewhereIsNeverAskedFor() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble);
                FaultyAcmeProxy elsewhere =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("else"))) {
            String ours = proxy.directory().getAuthority();
            proxy.when(
                    FaultyAcmeProxy.path("/dir"),
                    FaultyAcmeProxy.replace(
                            ours + RENEWAL_INFO, elsewhere.directory().getAuthority() + RENEWAL_INFO));
            AcmeAuthority authority = open(proxy);
            X509Certificate leaf = sign(authority, order("a.customer.example")).get(0);

            assertThat(authority.renewalAdvice(leaf)).isEmpty();

            assertThat(authority.honoursReplaces()).isFalse();
            assertThat(elsewhere.requests()).isEmpty();
        }
    }
}
