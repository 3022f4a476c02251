package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.LoopbackCertificate;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} against a real Pebble, alone and with faults in between. */
class AcmeAuthorityIT extends WithPebble {

    @Test
    void eachChallengeAloneIsEnough() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            for (ChallengeType type : ChallengeType.values()) {
                Authority.Order order = order("shop.customer.example");

                List<X509Certificate> chain = sign(open(pebble, type), order);

                assertServable(chain, order);
            }
            assertThat(journal).hasSize(2);
            pebble.assertIssued(2);
        }
    }

    @Test
    void aVantagePointThatIsKeptOutIsNamedBesideTheLastOrders() throws Exception {
        ServerName last = ServerName.parse("last.customer.example");
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble, ChallengeType.HTTP_01);
            proofs.alsoFrom("127.1.0.1", "127.2.0.1");
            for (int good = 0; good < 3; good++) {
                Authority.Order order = order("n" + good + ".customer.example");
                sign(authority, order);
                assertThat(board.vantages().of(order.name()).orElseThrow().networks())
                        .containsExactly("127.0.0.0/16", "127.1.0.0/16", "127.2.0.0/16");
            }

            // As if a firewall had dropped one of them.
            proofs.alsoFrom("127.1.0.1");
            sign(authority, order(last.value()));

            assertThat(board.vantages().of(last).orElseThrow().missing()).containsExactly("127.2.0.0/16");
            assertThat(board.vantages().ofCa(authority.id()).usual()).isEqualTo(3);
            assertThat(texts(EventKind.CHALLENGE))
                    .last()
                    .asString()
                    .isEqualTo("The CA fetched the proof (http-01) from 2 networks: 127.0.0.0/16, 127.1.0.0/16. It did"
                            + " not come from 127.2.0.0/16 as in its last orders: a firewall may keep that vantage"
                            + " point out.");
            assertThat(events.figures().series())
                    .filteredOn(series -> series.figure() == Figure.STEP)
                    .extracting(series -> series.values().get(1))
                    .contains("place", "validate", "finalize", "download");
            assertThat(board.vantages().of(ServerName.parse("other.customer.example")))
                    .isEmpty();

            AcmeAuthority other = open(pebble, ChallengeType.TLS_ALPN_01);
            Authority.Order order = order("tls.customer.example");
            sign(other, order);
            assertThat(board.vantages().of(order.name()).orElseThrow().networks())
                    .containsExactly("127.0.0.0/16");
        }
    }

    @Test
    void aRecordingHasTheStepsOfAnOrderAndWhatFailed() throws Exception {
        ServerName shop = ServerName.parse("shop.customer.example");
        ServerName bad = ServerName.parse("bad.customer.example");
        Path file = directory.resolve("visit.jfr");
        try (Pebble pebble = reachable().blocked(bad.value()).start(directory);
                Recording recording = new Recording()) {
            recording.enable("org.ondemandtls.OrderStep").withoutThreshold();
            recording.start();
            AcmeAuthority authority = open(pebble, ChallengeType.HTTP_01);
            sign(authority, order(shop.value()));
            assertThatThrownBy(() -> sign(authority, order(bad.value()))).isInstanceOf(IssuanceException.class);
            recording.stop();
            recording.dump(file);

            List<RecordedEvent> recorded = RecordingFile.readAllEvents(file).stream()
                    .filter(event -> event.getEventType().getName().equals("org.ondemandtls.OrderStep"))
                    .toList();

            assertThat(steps(recorded, shop))
                    .containsExactly("login done", "place done", "validate done", "finalize done", "download done");
            assertThat(recorded).allSatisfy(step -> {
                assertThat(step.getString("ca")).isEqualTo(authority.id());
                assertThat(step.getDuration()).isPositive();
            });
            assertThat(steps(recorded, bad)).last().asString().endsWith(" failed");
        }
    }

    private static List<String> steps(List<RecordedEvent> recorded, ServerName name) {
        return recorded.stream()
                .filter(step -> step.getString("serverName").equals(name.value()))
                .sorted(Comparator.comparing(RecordedEvent::getStartTime))
                .map(step -> step.getString("step") + " " + step.getString("result"))
                .toList();
    }

    @Test
    void theAccountIsMadeOnceAndItsTermsOfServiceAreNamed() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            sign(open(pebble), order("a.customer.example"));
            sign(open(pebble), order("b.customer.example"));

            assertThat(pebble.requests().stream().filter(r -> r.startsWith("POST /sign-me-up")))
                    .hasSize(1);
            assertThat(files.names())
                    .hasSize(4)
                    .allMatch(name -> name.matches("accounts/[0-9a-f]{16}\\.(contact|pem|terms|url)"));
            assertThat(files.secrets()).hasSize(1);
            assertThat(texts(EventKind.ACCOUNT).get(0)).contains("made the account", "terms of service");
        }
    }

    @Test
    void theCaSaysWhatTimeItIsWithEachAnswerAndWhenAsked() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble);
            Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);

            authority.askForTime();
            assertThat(datesSaid).isNotEmpty();
            datesSaid.clear();
            authority.askForTime();

            assertThat(datesSaid)
                    .hasSize(1)
                    .allSatisfy(date -> assertThat(date.orElseThrow()).isBetween(before, Instant.now()));
        }
    }

    @Test
    void ofSeveralCasEachHasAnAccountOfItsOwn() throws Exception {
        try (Pebble one = reachable().start(directory.resolve("one"));
                Pebble other = reachable().start(directory.resolve("other"))) {
            Path roots = Files.writeString(
                    directory.resolve("roots.pem"),
                    Files.readString(one.trustedRoots()) + Files.readString(other.trustedRoots()));
            var cas = Stream.of(one, other)
                    .map(pebble ->
                            new OnDemandTlsConfig.Directory(pebble.directory(), Optional.empty(), Optional.empty()))
                    .toList();
            var config = new OnDemandTlsConfig.Acme(cas, Optional.empty(), Optional.empty(), Optional.of(roots), BOTH);
            for (int round = 0; round < 2; round++) {
                for (OnDemandTlsConfig.Directory ca : cas) {
                    Authority.Order order = order("a.customer.example");

                    assertServable(sign(open(config, ca), order), order);
                }
            }

            for (Pebble pebble : List.of(one, other)) {
                assertThat(pebble.requests().stream().filter(r -> r.startsWith("POST /sign-me-up")))
                        .hasSize(1);
                pebble.assertIssued(2);
            }
            assertThat(files.names()).hasSize(8);
        }
    }

    @Test
    void ofSeveralCasOneMayBePrivateAndAnotherPublic() throws Exception {
        Path root = LoopbackCertificate.create(directory).certificate();

        assertThat(TrustedRoots.load(root, false).size()).isEqualTo(1);
        assertThat(TrustedRoots.load(root, true).size()).isGreaterThan(20);
    }

    @Test
    void anAccountTheCaForgotIsMadeAnew() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            AcmeAuthority authority = open(pebble);
            sign(authority, order("a.customer.example"));
            pebble.stop();
            pebble.start();
            Authority.Order order = order("b.customer.example");

            assertServable(sign(authority, order), order);

            assertThat(texts(EventKind.ACCOUNT)).anyMatch(text -> text.contains("does not know the account"));
        }
    }

    @Test
    void anExternalAccountIsBound() throws Exception {
        String hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
        try (Pebble pebble = reachable().externalAccount("kid-1", hmac).start(directory)) {
            Authority.Order order = order("a.customer.example");
            assertThatThrownBy(() -> sign(open(pebble), order))
                    .isInstanceOf(IssuanceException.AccountRefused.class)
                    .hasMessageContaining("onDemandTls.acme.eab");

            List<X509Certificate> chain = sign(
                    open(
                            pebble.directory(),
                            pebble.trustedRoots(),
                            Optional.of(new ExternalAccountBinding("kid-1", hmac)),
                            BOTH),
                    order);

            assertServable(chain, order);
        }
    }

    @Test
    void whenOneChallengeFailsTheOtherIsTriedOnceAndRemembered() throws Exception {
        try (Pebble pebble = Pebble.options()
                .httpPort(proofs.httpPort())
                .tlsPort(FreePorts.next())
                .start(directory)) {
            AcmeAuthority authority = open(pebble);
            Authority.Order first = order("a.customer.example");
            Authority.Order second = order("b.customer.example");

            assertServable(sign(authority, first), first);
            // Each order is in it once, also where it was placed twice since no answer to the first try was heard.
            assertThat(journal).hasSize(2);
            assertServable(sign(authority, second), second);

            assertThat(journal).hasSize(3);
            assertThat(pebble.issued()).isEqualTo(2);
        }
    }

    @Test
    void whenNoChallengeWorksTheNameIsRejectedAfterTwoOrders() throws Exception {
        try (Pebble pebble = Pebble.options().start(directory)) {
            assertThatThrownBy(() -> sign(open(pebble), order("a.customer.example")))
                    .isInstanceOfSatisfying(IssuanceException.Rejected.class, rejected -> {
                        assertThat(rejected.problemType()).isEqualTo("connection");
                        assertThat(rejected.getMessage())
                                .contains("tls-alpn-01", "http-01")
                                .doesNotContain("\n");
                    });
            assertThat(journal).hasSize(2);
            assertThat(pebble.issued()).isZero();
        }
    }

    @Test
    void aNameTheCaDoesNotWantIsRejectedWithoutATry() throws Exception {
        try (Pebble pebble = reachable().blocked("bad.example").start(directory)) {
            assertThatThrownBy(() -> sign(open(pebble), order("www.bad.example")))
                    .isInstanceOfSatisfying(
                            IssuanceException.Rejected.class,
                            rejected -> assertThat(rejected.problemType()).isEqualTo("rejectedIdentifier"));
            assertThat(journal).isEmpty();
        }
    }

    @Test
    void refusedNoncesAreNoObstacle() throws Exception {
        try (Pebble pebble = reachable().rejectNonces(40).start(directory)) {
            Authority.Order order = order("a.customer.example");

            assertServable(sign(open(pebble), order), order);
        }
    }

    @Test
    void manyNamesAreSignedSideBySide() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            pebble.unlessItStandsStill(attempt -> manyNamesAreSigned(pebble, "n" + attempt + "-"));
        }
    }

    private void manyNamesAreSigned(Pebble pebble, String prefix) throws Exception {
        AcmeAuthority authority = open(pebble);
        authority.prepare();
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            List<Future<List<X509Certificate>>> chains = new ArrayList<>();
            List<Authority.Order> orders = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                Authority.Order order = order(prefix + i + ".customer.example");
                orders.add(order);
                chains.add(executor.submit(() -> sign(authority, order)));
            }
            for (int i = 0; i < orders.size(); i++) {
                assertServable(chains.get(i).get(3, TimeUnit.MINUTES), orders.get(i));
            }
        } finally {
            executor.shutdownNow();
        }
        pebble.assertIssued(24);
    }

    @Test
    void aRetryAfterWithAnAnswerThatIsNoRefusalKeepsNobodyWaiting() throws Exception {
        try (Pebble pebble = reachable().retryAfter(Duration.ofDays(1)).start(directory)) {
            Authority.Order order = order("a.customer.example");

            assertServable(sign(open(pebble), order), order);
        }
    }

    @Nested
    class AnOpenOrder {

        // The CA still hears the first such request, and from then on nobody hears anything of it.
        private static void goneFrom(String step, FaultyAcmeProxy proxy) {
            AtomicBoolean gone = new AtomicBoolean();
            proxy.when(request -> gone.get() || FaultyAcmeProxy.path(step).test(request), (request, ca) -> {
                if (gone.compareAndSet(false, true)) {
                    ca.ask();
                }
                throw new java.io.IOException("cut");
            });
        }

        @Test
        void isFinishedWhereItStands() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                for (String lost : List.of("/chalZ/", "/finalize-order/", "/certZ/")) {
                    Authority.Order order = order("a.customer.example");
                    goneFrom(lost, proxy);
                    assertThatThrownBy(() -> sign(open(proxy), order))
                            .isInstanceOf(IssuanceException.Unavailable.class);
                    proxy.heal();
                    long ordersBefore = pebble.orders();
                    int knownBefore = journal.size();

                    List<X509Certificate> chain = sign(open(proxy), resumed(order, journal.get(journal.size() - 1)));

                    assertServable(chain, order);
                    assertThat(journal.size() - knownBefore).as(lost).isLessThanOrEqualTo(1);
                    if (!lost.equals("/chalZ/")) {
                        assertThat(pebble.orders()).as(lost).isEqualTo(ordersBefore);
                    }
                }
                assertThat(texts(EventKind.RESUMED)).anyMatch(text -> text.contains("continues the open order"));
            }
        }

        @Test
        void whoseProofWasAskedForWhileNobodyShowedItCostsOneNewOrder() throws Exception {
            // Takes the CA's connection and says nothing, until it is closed.
            ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            try (silent;
                    Pebble pebble =
                            Pebble.options().tlsPort(silent.getLocalPort()).start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                Authority.Order order = order("a.customer.example");
                goneFrom("/chalZ/", proxy);
                // Little is borne where another CA can be asked next.
                Authority.Order first = within(order, Duration.ofSeconds(15));
                assertThatThrownBy(() -> sign(openBesideAnother(proxy, ChallengeType.TLS_ALPN_01), first))
                        .isInstanceOf(IssuanceException.Unavailable.class);
                proxy.heal();
                proxy.first(1, FaultyAcmeProxy.path("/authZ/"), (request, ca) -> {
                    FaultyAcmeProxy.Answer pending = ca.ask();
                    silent.close();
                    return pending;
                });

                assertThatThrownBy(() -> sign(
                                open(proxy, ChallengeType.TLS_ALPN_01),
                                resumed(order, journal.get(journal.size() - 1))))
                        .as("the new order's own proof was looked for")
                        .isInstanceOf(IssuanceException.Rejected.class);

                assertThat(journal).hasSize(2);
                assertThat(texts(EventKind.RESUMED)).anyMatch(text -> text.contains("while nobody showed it"));
            }
        }

        @Test
        void thatTheCaForgotCostsOneNewOrder() throws Exception {
            try (Pebble pebble = reachable().start(directory)) {
                AcmeAuthority authority = open(pebble);
                authority.prepare();
                Authority.Order order = order("a.customer.example");

                List<X509Certificate> chain =
                        sign(authority, resumed(order, pebble.directory().resolve("/my-order/nobody-knows")));

                assertServable(chain, order);
                pebble.assertIssued(1);
                assertThat(texts(EventKind.RESUMED)).singleElement().asString().contains("dropped the open order");
            }
        }
    }

    @Test
    void anOpenOrderOfAnotherCaCostsOneNewOrder() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            Authority.Order order = order("a.customer.example");

            List<X509Certificate> chain =
                    sign(open(pebble), resumed(order, URI.create("https://other-ca.example/order/1")));

            assertServable(chain, order);
            pebble.assertIssued(1);
        }
    }

    @Test
    void aProfileIsAskedForWhereTheCaOffersIt() throws Exception {
        try (Pebble pebble = reachable()
                .profile("long", Duration.ofDays(90))
                .profile("default", Duration.ofDays(2))
                .start(directory)) {
            X509Certificate leaf =
                    sign(open(pebble), order("a.customer.example")).get(0);

            assertThat(Duration.between(
                            leaf.getNotBefore().toInstant(), leaf.getNotAfter().toInstant()))
                    .isBetween(Duration.ofHours(47), Duration.ofHours(49));
            assertThat(texts(EventKind.ADVICE)).isEmpty();
        }
    }

    @Test
    void aProfileTheCaDoesNotOfferIsLeftOutAndSaidOnce() throws Exception {
        try (Pebble pebble = reachable().profile("other", Duration.ofDays(90)).start(directory)) {
            AcmeAuthority authority = open(pebble);
            Authority.Order order = order("a.customer.example");

            assertServable(sign(authority, order), order);
            sign(authority, order("b.customer.example"));

            assertThat(texts(EventKind.ADVICE)).singleElement().asString().contains("onDemandTls.acme.profile");
        }
    }

    @Nested
    class WithFaultsInBetween {

        @Test
        void aRefusedAccountIsNotTriedForEveryName() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path("/sign-me-up"),
                        FaultyAcmeProxy.problem(403, "unauthorized", "the binding is no good", "2"));
                assertThatThrownBy(() -> sign(authority, order("a.customer.example")))
                        .isInstanceOfSatisfying(
                                IssuanceException.AccountRefused.class,
                                refused -> assertThat(refused.retryAfter()).isEqualTo(Duration.ofSeconds(2)));
                int requests = proxy.requests().size();

                assertThatThrownBy(() -> sign(authority, order("b.customer.example")))
                        .isInstanceOf(IssuanceException.AccountRefused.class)
                        .hasMessageContaining("the binding is no good");

                assertThat(proxy.requests()).hasSize(requests);
                Authority.Order order = order("c.customer.example");
                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .ignoreExceptionsInstanceOf(IssuanceException.class)
                        .untilAsserted(() -> assertServable(sign(authority, order), order));
            }
        }

        @Test
        void aRateLimitIsToldAndLeftToWhoeverAsks() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                proxy.first(
                        1,
                        FaultyAcmeProxy.path("/order-plz"),
                        FaultyAcmeProxy.problem(429, "rateLimited", "too many new orders from this account", "3600"));
                assertThatThrownBy(() -> sign(authority, order("a.customer.example")))
                        .isInstanceOf(IssuanceException.RateLimited.class)
                        .hasMessageContaining("too many new orders");
                Authority.Order other = order("b.customer.example");

                assertServable(sign(authority, other), other);
            }
        }

        @Test
        void whatIsNoAcmeIsBorneOrUnavailableAndCostsTwoOrdersAtMost() throws Exception {
            byte[] huge = new byte[3 * 1024 * 1024];
            Arrays.fill(huge, (byte) ' ');
            String deep = "{\"a\":".repeat(20_000) + "1" + "}".repeat(20_000);
            List<FaultyAcmeProxy.Fault> faults = List.of(
                    FaultyAcmeProxy.body("{".getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                    FaultyAcmeProxy.body("[]".getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                    FaultyAcmeProxy.body("{}".getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                    FaultyAcmeProxy.body(deep.getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                    FaultyAcmeProxy.body(huge),
                    FaultyAcmeProxy.truncate(),
                    FaultyAcmeProxy.status(302, java.util.Map.of("Location", "https://localhost:1/")),
                    FaultyAcmeProxy.status(500, java.util.Map.of()),
                    FaultyAcmeProxy.status(404, java.util.Map.of("Retry-After", "soon")),
                    FaultyAcmeProxy.problem(500, "serverInternal", "two\\r\\nlines", null));
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                for (String step : List.of("/order-plz", "/authZ/", "/chalZ/", "/finalize-order/", "/certZ/")) {
                    for (FaultyAcmeProxy.Fault fault : faults) {
                        proxy.first(1, FaultyAcmeProxy.path(step), fault);
                        long before = pebble.orders();
                        try {
                            Authority.Order borne = order("a.customer.example");
                            assertServable(sign(authority, borne), borne);
                        } catch (IssuanceException.Unavailable expected) {
                            assertThat(expected.getMessage()).as(step).doesNotContain("\n", "\r");
                        }
                        assertThat(pebble.orders() - before)
                                .as("%s, fault %d", step, faults.indexOf(fault))
                                .isLessThanOrEqualTo(2);
                        proxy.heal();
                    }
                }
                Authority.Order order = order("a.customer.example");
                assertServable(sign(authority, order), order);
            }
        }

        @Test
        void urlsElsewhereAreNeverAsked() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble);
                    FaultyAcmeProxy elsewhere =
                            new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("else"))) {
                AcmeAuthority authority = open(proxy);
                String ours = proxy.directory().getAuthority();
                proxy.when(
                        FaultyAcmeProxy.path("/order-plz"),
                        FaultyAcmeProxy.replace(ours, elsewhere.directory().getAuthority()));

                assertThatThrownBy(() -> sign(authority, order("a.customer.example")))
                        .isInstanceOf(IssuanceException.Unavailable.class)
                        .hasMessageContaining("outside its own origin");

                assertThat(elsewhere.requests()).isEmpty();
            }
        }

        @Test
        void anInterruptedOrClosedOrderStopsAtOnce() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                authority.prepare();
                proxy.when(FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.hang());
                ExecutorService executor = Executors.newFixedThreadPool(2);
                try {
                    Future<?> interrupted = executor.submit(() -> sign(authority, order("a.customer.example")));
                    Awaitility.await().until(() -> asked(proxy, "/order-plz") >= 1);
                    Future<?> closed = executor.submit(() -> sign(authority, order("b.customer.example")));
                    Awaitility.await().until(() -> asked(proxy, "/order-plz") >= 2);

                    authority.close();

                    for (Future<?> future : List.of(interrupted, closed)) {
                        assertThatThrownBy(() -> future.get(60, TimeUnit.SECONDS))
                                .isInstanceOf(ExecutionException.class)
                                .hasCauseInstanceOf(IssuanceException.Stopping.class);
                    }
                } finally {
                    executor.shutdownNow();
                }
            }
        }

        @Test
        void anInterruptedThreadStaysInterrupted() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                authority.prepare();
                proxy.when(FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.hang());
                List<Object> outcome = new CopyOnWriteArrayList<>();
                Thread thread = new Thread(() -> {
                    try {
                        sign(authority, order("a.customer.example"));
                    } catch (IssuanceException e) {
                        outcome.add(e);
                        outcome.add(Thread.currentThread().isInterrupted());
                    }
                });
                thread.start();
                Awaitility.await().until(() -> asked(proxy, "/order-plz") >= 1);

                thread.interrupt();
                thread.join(60_000);

                assertThat(outcome).hasSize(2);
                assertThat(outcome.get(0)).isInstanceOf(IssuanceException.Stopping.class);
                assertThat(outcome.get(1)).isEqualTo(true);
            }
        }

        @Test
        void hungAndTricklingAnswersAreBorneWhileOtherNamesGoOn() throws Exception {
            try (Pebble pebble = reachable().start(directory);
                    FaultyAcmeProxy proxy = proxy(pebble)) {
                AcmeAuthority authority = open(proxy);
                authority.prepare();
                proxy.first(1, FaultyAcmeProxy.path("/order-plz"), FaultyAcmeProxy.hang());
                proxy.first(1, FaultyAcmeProxy.path("/authZ/"), FaultyAcmeProxy.trickle(Duration.ofMillis(100)));
                ExecutorService executor = Executors.newFixedThreadPool(2);
                try {
                    Authority.Order one = order("a.customer.example");
                    Authority.Order two = order("b.customer.example");
                    Future<List<X509Certificate>> hung = executor.submit(() -> sign(authority, one));
                    Awaitility.await().until(() -> asked(proxy, "/order-plz") >= 1);
                    Future<List<X509Certificate>> trickling = executor.submit(() -> sign(authority, two));
                    Awaitility.await().until(() -> asked(proxy, "/authZ/") >= 1);
                    Authority.Order other = order("c.customer.example");

                    assertServable(sign(authority, other), other);

                    assertThat(hung).isNotDone();
                    assertThat(trickling).isNotDone();
                    assertServable(hung.get(60, TimeUnit.SECONDS), one);
                    assertServable(trickling.get(60, TimeUnit.SECONDS), two);
                } finally {
                    executor.shutdownNow();
                }
            }
        }

        @Test
        void aClosedAuthorityLeavesNoThreads() throws Exception {
            try (Pebble pebble = reachable().start(directory)) {
                AcmeAuthority authority = open(pebble);
                sign(authority, order("a.customer.example"));
                assertThat(ourThreads()).isNotEmpty();

                authority.close();

                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> ourThreads().isEmpty());
            }
        }

        private List<Thread> ourThreads() {
            return Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().startsWith("ondemand-tls-ca-"))
                    .toList();
        }
    }

    @Test
    void aCaThatIsNotThereIsUnavailableUntilItIs() throws Exception {
        try (Pebble pebble = reachable().start(directory)) {
            pebble.stop();
            AcmeAuthority authority = open(pebble);

            authority.prepare();

            assertThat(texts(EventKind.AUTHORITY_UNAVAILABLE))
                    .singleElement()
                    .asString()
                    .contains("no connection", pebble.directory().toString());
            assertThatThrownBy(() -> sign(authority, order("a.customer.example")))
                    .isInstanceOf(IssuanceException.Unavailable.class)
                    .hasMessageContaining("no connection");
            pebble.start();
            Authority.Order order = order("a.customer.example");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .ignoreExceptionsInstanceOf(IssuanceException.class)
                    .untilAsserted(() -> assertServable(sign(authority, order), order));
        }
    }
}
