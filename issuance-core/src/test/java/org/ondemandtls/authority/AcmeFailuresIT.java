package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.LoopbackCertificate;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} when a CA limits, refuses, forgets or stalls: who is told to act, and for how long. */
@Tag("once")
class AcmeFailuresIT extends WithPebble {

    private static final String NAME = "shop.customer.example";
    private static final String NEW_ORDER = "/order-plz";

    /** Enough for a request that fails on purpose. */
    private static final Duration SHORT = Duration.ofSeconds(2);

    /** Enough for an order until it fails on purpose, on a busy machine as well. */
    private static final Duration VISIT = Duration.ofSeconds(30);

    private static String inSeconds(long seconds) {
        return DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(seconds));
    }

    /** Cut before the CA hears of it. */
    private static FaultyAcmeProxy.Fault cut() {
        return (request, ca) -> {
            throw new IOException("cut");
        };
    }

    /** Cut after the CA has done it. */
    private static FaultyAcmeProxy.Fault done() {
        return (request, ca) -> {
            ca.ask();
            throw new IOException("cut");
        };
    }

    @Nested
    class ALimit {

        static Stream<FaultyAcmeProxy.Fault> ofTwoHours() {
            return Stream.of(
                    FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders from this account", "7200"),
                    FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders", inSeconds(7200)),
                    FaultyAcmeProxy.problem(503, "rateLimited", "Service busy; retry later.", "7200"),
                    FaultyAcmeProxy.problem(503, "serverInternal", "maintenance", inSeconds(7200)),
                    FaultyAcmeProxy.problem(400, "rateLimited", "slow down", "7200"),
                    FaultyAcmeProxy.status(429, Map.of("Retry-After", "7200")),
                    FaultyAcmeProxy.status(429, Map.of("Retry-After", inSeconds(7200))),
                    FaultyAcmeProxy.status(503, Map.of("Retry-After", "7200")),
                    FaultyAcmeProxy.status(503, Map.of("Retry-After", inSeconds(7200))));
        }

        @ParameterizedTest
        @MethodSource("ofTwoHours")
        void isTheAccountsForAsLongAsTheCaSays(FaultyAcmeProxy.Fault fault) throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                proxy.when(FaultyAcmeProxy.path(NEW_ORDER), fault);

                assertThatThrownBy(() -> sign(open(proxy), order(NAME)))
                        .isInstanceOfSatisfying(IssuanceException.RateLimited.class, limited -> {
                            assertThat(limited.scope()).isInstanceOf(Scope.Account.class);
                            // A date was made when the tests were listed.
                            assertThat(limited.retryAfter())
                                    .isBetween(Duration.ofSeconds(6900), Duration.ofSeconds(7200));
                        });
            }
        }

        @ParameterizedTest
        @CsvSource({"86399, 86399", "86400, 86400", "86401, 86400", "999999999, 86400", "0, 1", "soon, 60"})
        void isASecondToADayLongAndAMinuteWhereTheCaDoesNotSay(String asked, long seconds) throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                proxy.when(
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders", asked));

                assertThatThrownBy(() -> sign(open(proxy), order(NAME)))
                        .isInstanceOfSatisfying(
                                IssuanceException.RateLimited.class,
                                limited -> assertThat(limited.retryAfter()).isEqualTo(Duration.ofSeconds(seconds)));
            }
        }

        @Test
        void endsWhenTheCasWordsSayWhereThereIsNoHeader() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                String until = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss")
                        .format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(7200));
                proxy.when(
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(
                                429, "rateLimited", "too many new orders, retry after " + until + " UTC: see", null));

                assertThatThrownBy(() -> sign(open(proxy), order(NAME)))
                        .isInstanceOfSatisfying(
                                IssuanceException.RateLimited.class,
                                limited -> assertThat(limited.retryAfter())
                                        .isBetween(Duration.ofSeconds(6900), Duration.ofSeconds(7200)));
            }
        }

        @Test
        void ofADomainOrANameSaysSoAndLeavesOthersAlone() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(
                                429,
                                "rateLimited",
                                "too many certificates (50) already issued for \\\"customer.example\\\" in the last 168h",
                                "3600"));
                assertThatThrownBy(() -> sign(authority, order(NAME)))
                        .isInstanceOfSatisfying(
                                IssuanceException.RateLimited.class,
                                limited -> assertThat(limited.scope())
                                        .isEqualTo(new Scope.Domain(authority.id(), "customer.example")));
                proxy.first(
                        1,
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(
                                429,
                                "rateLimited",
                                "too many failed authorizations (5) for \\\"shop.customer.example\\\" in the last 1h",
                                "3600"));
                assertThatThrownBy(() -> sign(authority, order(NAME)))
                        .isInstanceOfSatisfying(
                                IssuanceException.RateLimited.class,
                                limited -> assertThat(limited.scope()).isInstanceOf(Scope.NameAt.class));
                Authority.Order other = order("b.another.test");

                assertServable(sign(authority, other), other);
            }
        }

        @Test
        void whilePollingLeavesTheOrderToBeTakenUpAgain() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = order(NAME);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path("/authZ/"),
                        FaultyAcmeProxy.problem(429, "rateLimited", "Service busy; retry later.", "60"));
                assertThatThrownBy(() -> sign(open(proxy), order)).isInstanceOf(IssuanceException.RateLimited.class);

                assertServable(sign(open(proxy), resumed(order, journal.get(0))), order);

                assertThat(journal).hasSize(1);
            }
        }

        @Test
        void thatIsAPauseOfTheNameIsARefusalWithThePageToVisit() throws Exception {
            String link = "https://portal.ca.example/sfe/v1/unpause?jwt=" + "abc.".repeat(200) + "x";
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(
                                429,
                                "rateLimited",
                                "Your account is temporarily prevented from requesting certificates for " + NAME
                                        + " and possibly others. Please visit: " + link,
                                null));

                assertThatThrownBy(() -> sign(authority, order(NAME)))
                        .isInstanceOfSatisfying(IssuanceException.Rejected.class, paused -> {
                            assertThat(paused.link()).contains(URI.create(link));
                            assertThat(paused.permanent()).isTrue();
                            assertThat(paused.elsewhere()).isTrue();
                        })
                        .hasMessageContaining("visit " + link);
                Authority.Order other = order("b.customer.example");
                assertServable(sign(authority, other), other);
            }
        }
    }

    @Nested
    class ARefusal {

        @Test
        void ofTheNamesCaaRecordsSaysWhatTheCaSaid() throws Exception {
            String caa = "{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"Rechecking CAA\",\"subproblems\":"
                    + "[{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"CAA record for " + NAME
                    + " prevents issuance\"}]}";
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                proxy.when(FaultyAcmeProxy.path("/finalize-order/"), FaultyAcmeProxy.problem(403, caa, null));

                assertThatThrownBy(() -> sign(open(proxy), order(NAME)))
                        .isInstanceOfSatisfying(IssuanceException.Rejected.class, rejected -> {
                            assertThat(rejected.problemType()).isEqualTo("caa");
                            assertThat(rejected.permanent()).isTrue();
                            assertThat(rejected.elsewhere()).isTrue();
                        })
                        .hasMessage(NAME + ": rejected by the CA (caa): Rechecking CAA; caa: CAA record for " + NAME
                                + " prevents issuance");
            }
        }

        @Test
        void thatNamesOneNameIsNotTheAccounts() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(403, "unauthorized", "account may not have " + NAME, null));
                assertThatThrownBy(() -> sign(authority, order(NAME))).isInstanceOf(IssuanceException.Rejected.class);
                Authority.Order other = order("b.customer.example");

                assertServable(sign(authority, other), other);
            }
        }
    }

    @Nested
    class AnAccount {

        @Test
        void thatTheCaForgotIsMadeAnewOnceForAllWhoWait() throws Exception {
            try (Pebble pebble = reachable().start(directory)) {
                pebble.unlessItStandsStill(attempt -> isMadeAnewOnceForAllWhoWait(pebble, "n" + attempt + "-"));
            }
        }

        private void isMadeAnewOnceForAllWhoWait(Pebble pebble, String prefix) throws Exception {
            AcmeAuthority authority = open(pebble);
            sign(authority, order(NAME));
            pebble.stop();
            pebble.start();
            seen.clear();
            ExecutorService executor = Executors.newFixedThreadPool(8);
            try {
                List<Future<List<X509Certificate>>> chains = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    Authority.Order order = order(prefix + i + ".customer.example");
                    chains.add(executor.submit(() -> sign(authority, order)));
                }
                for (Future<List<X509Certificate>> chain : chains) {
                    assertThat(chain.get(3, TimeUnit.MINUTES)).isNotEmpty();
                }
            } finally {
                executor.shutdownNow();
            }
            assertThat(pebble.requests().stream().filter(request -> request.startsWith("POST /sign-me-up")))
                    .hasSize(1);
            assertThat(texts(EventKind.ACCOUNT))
                    .filteredOn(text -> text.contains("does not know the account"))
                    .hasSize(1);
        }

        @Test
        void thatTheCaGoesOnForgettingIsMadeAnewOnceOnly() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                sign(authority, order(NAME));
                proxy.when(
                        FaultyAcmeProxy.path(NEW_ORDER),
                        FaultyAcmeProxy.problem(400, "accountDoesNotExist", "no such account", null));

                assertThatThrownBy(() -> sign(authority, order("b.customer.example")))
                        .isInstanceOf(IssuanceException.AccountRefused.class);

                assertThat(asked(proxy, "/sign-me-up")).isEqualTo(2);
            }
        }

        @Test
        void thatWasDeactivatedIsForTheOperatorToReplace() throws Exception {
            try (Pebble pebble = reachable().start(directory)) {
                AcmeAuthority authority = open(pebble);
                sign(authority, order(NAME));
                deactivate(pebble);

                for (AcmeAuthority one : List.of(authority, open(pebble))) {
                    assertThatThrownBy(() -> sign(one, order(NAME)))
                            .isInstanceOfSatisfying(IssuanceException.AccountRefused.class, refused -> {
                                assertThat(refused.elsewhere()).isTrue();
                                assertThat(refused.retryAfter()).isEqualTo(Duration.ofMinutes(10));
                            })
                            .hasMessageContaining("deactivated")
                            .hasMessageContaining("account deactivate and then account register");
                }

                files.names().forEach(files::remove);
                Authority.Order order = order(NAME);
                assertServable(sign(open(pebble), order), order);
            }
        }

        @Test
        void withoutTheBindingTheCaWantsNamesTheKeyToSet() throws Exception {
            String hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
            try (Pebble pebble = reachable().externalAccount("kid-1", hmac).start(directory)) {
                assertThatThrownBy(() -> sign(open(pebble), order(NAME)))
                        .isInstanceOf(IssuanceException.AccountRefused.class)
                        .hasMessageContaining("set onDemandTls.acme.eab");
                ExternalAccountBinding unknown = new ExternalAccountBinding("kid-2", hmac);
                assertThatThrownBy(() -> sign(
                                open(pebble.directory(), pebble.trustedRoots(), Optional.of(unknown), BOTH),
                                order(NAME)))
                        .isInstanceOf(IssuanceException.AccountRefused.class)
                        .hasMessageContaining("onDemandTls.acme.eab");
            }
        }

        private void deactivate(Pebble pebble) throws Exception {
            KeyPair key = KeyPairs.pair(Pem.readPrivateKey(text(".pem")));
            try (CaHttp http = new CaHttp(
                    pebble.directory(),
                    List.of(),
                    LoopbackCertificate.trusting(pebble.trustedRoots()),
                    Optional.empty(),
                    System::nanoTime)) {
                CaSession session = new CaSession(new CaSession.Shared(
                        pebble.directory(),
                        http,
                        Clock.systemUTC(),
                        System::nanoTime,
                        new CaSession.Limits(CaLimits.REQUEST, new CountDownLatch(1))));
                session.session()
                        .login(URI.create(text(".url")).toURL(), key)
                        .getAccount()
                        .deactivate();
            }
        }

        private String text(String suffix) {
            String file = files.names().stream()
                    .filter(name -> name.endsWith(suffix))
                    .findFirst()
                    .orElseThrow();
            return new String(files.read(file).orElseThrow(), StandardCharsets.UTF_8);
        }
    }

    @Nested
    class AnOpenOrder {

        @ParameterizedTest
        @ValueSource(strings = {"pending", "ready", "processing", "valid"})
        void isTakenUpFromWhereItStandsWithTheSameKey(String status) throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = order(NAME);
                switch (status) {
                    case "pending" -> proxy.when(FaultyAcmeProxy.path("/authZ/"), cut());
                    case "ready" -> proxy.when(FaultyAcmeProxy.path("/finalize-order/"), cut());
                    case "processing" -> proxy.when(FaultyAcmeProxy.path("/finalize-order/"), done());
                    default -> proxy.when(FaultyAcmeProxy.path("/certZ/"), cut());
                }
                assertThatThrownBy(() -> sign(openBesideAnother(proxy), within(order, VISIT)))
                        .isInstanceOf(IssuanceException.Unavailable.class);
                proxy.heal();
                if (status.equals("processing")) {
                    // Pebble does not stay there long enough to be met.
                    proxy.first(
                            1,
                            FaultyAcmeProxy.path("/my-order/"),
                            FaultyAcmeProxy.replace("\"valid\"", "\"processing\""));
                }

                List<X509Certificate> chain = sign(open(proxy), resumed(order, journal.get(0)));

                assertServable(chain, order);
                assertThat(journal).hasSize(1);
                // Once more where no answer was heard.
                assertThat(asked(proxy, NEW_ORDER)).isBetween(1L, 2L);
                assertThat(texts(EventKind.RESUMED))
                        .containsExactly("continues the open order (status: " + status + ")");
            }
        }

        @Test
        void thatTheCaHasClosedIsGivenUpForAnother() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = leftOpen(proxy, "/authZ/", cut());
                proxy.first(
                        1, FaultyAcmeProxy.path("/my-order/"), FaultyAcmeProxy.replace("\"pending\"", "\"invalid\""));

                assertServable(sign(open(proxy), resumed(order, journal.get(0))), order);

                assertThat(journal).hasSize(2);
                assertThat(texts(EventKind.RESUMED)).containsExactly("dropped the open order: it is invalid");
            }
        }

        @Test
        void whoseAuthorizationIsSpentIsGivenUpForAnother() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = leftOpen(proxy, "/authZ/", cut());
                proxy.first(1, FaultyAcmeProxy.path("/authZ/"), FaultyAcmeProxy.replace("\"pending\"", "\"expired\""));

                assertServable(sign(open(proxy), resumed(order, journal.get(0))), order);

                assertThat(journal).hasSize(2);
                assertThat(texts(EventKind.RESUMED))
                        .last()
                        .asString()
                        .isEqualTo("dropped the open order: an authorization of the open order is expired");
            }
        }

        @Test
        void whoseCertificateTheCaHasLostIsGivenUpForAnother() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = leftOpen(proxy, "/certZ/", cut());
                proxy.first(1, FaultyAcmeProxy.path("/certZ/"), FaultyAcmeProxy.status(404, Map.of()));

                assertServable(sign(open(proxy), resumed(order, journal.get(0))), order);

                assertThat(journal).hasSize(2);
                assertThat(texts(EventKind.RESUMED))
                        .last()
                        .asString()
                        .isEqualTo("dropped the open order: the CA does not know it");
            }
        }

        @Test
        void thatTheCaCannotSpeakOfNowIsNotGivenUp() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = leftOpen(proxy, "/authZ/", cut());
                for (FaultyAcmeProxy.Fault fault : List.of(
                        FaultyAcmeProxy.status(500, Map.of()),
                        FaultyAcmeProxy.problem(500, "serverInternal", "oops", null),
                        FaultyAcmeProxy.problem(503, "serverInternal", "maintenance", null),
                        FaultyAcmeProxy.body("<html>".getBytes(StandardCharsets.UTF_8)),
                        FaultyAcmeProxy.truncate())) {
                    proxy.when(FaultyAcmeProxy.path("/my-order/"), fault);
                    assertThatThrownBy(() -> sign(open(proxy), within(resumed(order, journal.get(0)), SHORT)))
                            .isInstanceOf(IssuanceException.Unavailable.class);
                    proxy.heal();
                }

                assertServable(sign(open(proxy), resumed(order, journal.get(0))), order);

                assertThat(journal).hasSize(1);
            }
        }

        private Authority.Order leftOpen(FaultyAcmeProxy proxy, String where, FaultyAcmeProxy.Fault fault)
                throws Exception {
            Authority.Order order = order(NAME);
            proxy.when(FaultyAcmeProxy.path(where), fault);
            assertThatThrownBy(() -> sign(openBesideAnother(proxy), within(order, VISIT)))
                    .isInstanceOf(IssuanceException.Unavailable.class);
            proxy.heal();
            assertThat(journal).hasSize(1);
            return order;
        }
    }

    // Whoever has no patience of its own waits until then.
    @Nested
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    class Patience {

        static Stream<String> steps() {
            return Stream.of("/dir", NEW_ORDER, "/authZ/", "/chalZ/", "/finalize-order/", "/certZ/");
        }

        @ParameterizedTest
        @MethodSource("steps")
        void endsAnOrderWhoseAnswersHangOrTrickle(String step) throws Exception {
            Duration patience = Duration.ofSeconds(2);
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                for (FaultyAcmeProxy.Fault fault :
                        List.of(FaultyAcmeProxy.hang(), FaultyAcmeProxy.trickle(Duration.ofMillis(50)))) {
                    proxy.when(FaultyAcmeProxy.path(step), fault);

                    assertThatThrownBy(() -> sign(open(proxy), within(order(NAME), patience)))
                            .isInstanceOfSatisfying(
                                    IssuanceException.Unavailable.class,
                                    thrown -> assertThat(thrown.elsewhere()).isTrue());

                    proxy.heal();
                }
            }
        }

        @Test
        void endsAnOrderTheCaNeverFinishes() throws Exception {
            // Long enough to come as far as that on a busy machine.
            Duration patience = Duration.ofSeconds(25);
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                authority.prepare();
                // Pebble may be done when it answers to finalize already.
                for (String path : List.of("/my-order/", "/finalize-order/")) {
                    proxy.when(FaultyAcmeProxy.path(path), FaultyAcmeProxy.replace("\"valid\"", "\"processing\""));
                }

                assertThatThrownBy(() -> sign(authority, within(order(NAME), patience)))
                        .isInstanceOfSatisfying(
                                IssuanceException.Unavailable.class,
                                thrown -> assertThat(thrown.isUnfinished()).isTrue())
                        .hasMessageContaining("has not issued the certificate within 25 s");
            }
        }
    }

    @Test
    void everySecondNonceMayBeRefused() throws Exception {
        try (Pebble pebble = reachable().rejectNonces(50).start(directory)) {
            AcmeAuthority authority = open(pebble);
            for (int i = 0; i < 10; i++) {
                Authority.Order order = order("n" + i + ".customer.example");

                assertServable(sign(authority, order), order);
            }
        }
    }

    @Test
    void aCaThatRefusesEveryNonceIsNotAskedForEver() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy);
            authority.prepare();
            proxy.when(
                    FaultyAcmeProxy.path(NEW_ORDER),
                    FaultyAcmeProxy.problem(400, "badNonce", "JWS has a bad nonce", null));

            assertThatThrownBy(() -> sign(authority, order(NAME)))
                    .isInstanceOf(IssuanceException.Unavailable.class)
                    .hasMessageContaining("badNonce");

            assertThat(asked(proxy, NEW_ORDER)).isLessThanOrEqualTo(20);
        }
    }
}
