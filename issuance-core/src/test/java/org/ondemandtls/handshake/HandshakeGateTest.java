package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.LeavableFuture;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.ClientHellos;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.Configurations;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link HandshakeGate} with {@link ParkingLot}: one decision per ClientHello. */
class HandshakeGateTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final Guest GUEST = new Guest(ClientBlock.LOCAL, 0, () -> false);
    private static final ServerName STRANGER = ServerName.parse("stranger.example.net");
    private static final Duration DEADLINE = Duration.ofSeconds(25);

    private final ManualTime time = new ManualTime();
    private final ManualTime.Tasks orders = new ManualTime.Tasks();
    private final RecordedEvents recorded = new RecordedEvents();
    private final ExecutorService unused = Executors.newSingleThreadExecutor();
    private final Inventory inventory = new Inventory(100, time.clock());
    private final Visits visits = new Visits(100, time.clock());
    private final Neighbours neighbours = new Neighbours();
    private final ChallengeBoard challenges = new ChallengeBoard(neighbours, (name, host) -> {}, time.clock());
    private final ParkingLot lot = new ParkingLot(
            2,
            65_536,
            Configurations.clients(Configurations.often(), 2, 2),
            DEADLINE,
            time.scheduler(),
            recorded.events());
    private final List<ServerName> ordered = new ArrayList<>();

    private Optional<CdnRanges> proxies = Optional.empty();
    private IssuanceException failure;
    private FileCertificateStore store;
    private Issuance issuance;

    @TempDir
    private Path directory;

    @BeforeEach
    void open() throws Exception {
        store = FileCertificateStore.open(directory, recorded.events(), time.machine(), Duration.ZERO);
        Permission permission = new Permission(
                Configurations.permission(null, "*.example.com"),
                Configurations.shield(16, 256),
                null,
                new Permission.Ports(unused, time.scheduler(), time::nanoTime),
                recorded.events());
        issuance = new Issuance(
                new Issuance.Floors(
                        store,
                        permission,
                        Preflight.NONE,
                        List.of(new Signing()),
                        inventory,
                        issuer -> TestCertificates.key(),
                        IssuanceFixture.unlimited(store, time.clock()),
                        new ClockWatch(time.clock(), time::nanoTime, recorded.events()),
                        Configurations.shield(16, 256),
                        Duration.ofSeconds(25),
                        recorded.events()),
                new Issuance.Ports(Runnable::run, orders, time.clock(), time::nanoTime, () -> 0.0, time.scheduler()));
    }

    @AfterEach
    void close() {
        store.close();
        unused.shutdownNow();
    }

    private HandshakeGate gate(Optional<ServerName> defaultName, StaticCertificates statics) {
        return new HandshakeGate(
                defaultName,
                false,
                statics,
                challenges,
                inventory,
                visits,
                issuance,
                lot,
                new ProxiedProofs(
                        proxies,
                        new ProxiedProofs.Floors(challenges, inventory, issuance, lot),
                        time.clock(),
                        time::nanoTime),
                recorded.events());
    }

    private Admission admit(ClientHello hello) {
        return gate(Optional.empty(), StaticCertificates.NONE).admit(hello, ClientBlock.LOCAL);
    }

    private static ClientHello hello(ServerName name, String... protocols) {
        return new ClientHello(new RequestedName.Named(name), List.of(protocols), true, 0);
    }

    private static ClientHello nameless() {
        return new ClientHello(new RequestedName.Absent(), List.of(), true, 0);
    }

    private KeyedCertificate published(ServerName name) {
        KeyedCertificate certificate = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(1), name.value());
        inventory.publish(certificate);
        return certificate;
    }

    private static Admission.Settled outcome(Admission admission) {
        assertThat(admission).isInstanceOf(Admission.Park.class);
        return ((Admission.Park) admission).outcome().getNow(null);
    }

    private Map<String, Long> counted() {
        Map<String, Long> counted = new TreeMap<>(lot.refusals().all());
        counted.values().removeIf(count -> count == 0);
        return counted;
    }

    private static void assertRefused(Admission admission, Alert alert) {
        assertThat(admission).isEqualTo(new Admission.Refuse(alert));
    }

    private static StaticCertificates covering(ServerName name) {
        return new StaticCertificates() {
            @Override
            public boolean covers(String other) {
                return other.equals(name.value());
            }

            @Override
            public boolean any() {
                return true;
            }
        };
    }

    private final class Signing implements Authority {

        @Override
        public String id() {
            return "test";
        }

        @Override
        public void prepare() {}

        @Override
        public List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException {
            ordered.add(order.name());
            if (failure != null) {
                throw failure;
            }
            return List.of(TestLeaves.leaf(
                    order.key().getPublic(),
                    time.clock().instant(),
                    order.name().value()));
        }

        @Override
        public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) {
            return Optional.empty();
        }

        @Override
        public boolean honoursReplaces() {
            return false;
        }

        @Override
        public void close() {}
    }

    @Nested
    class AKnownName {

        @Test
        void isServedAtOnce() {
            KeyedCertificate certificate = published(SHOP);

            assertThat(admit(hello(SHOP, "h2"))).isEqualTo(new Admission.Serve(SHOP, certificate, false));
        }

        @Test
        void ofTheServersOwnGoesBeforeTheInventory() {
            published(SHOP);

            assertThat(gate(Optional.empty(), covering(SHOP)).admit(hello(SHOP), ClientBlock.LOCAL))
                    .isInstanceOf(Admission.Static.class);
        }
    }

    @Nested
    class ANewName {

        @Test
        void isParkedAndServedWithWhatWasObtained() {
            Admission parked = admit(hello(SHOP));
            assertThat(outcome(parked)).isNull();
            assertThat(lot.parked()).isEqualTo(1);

            orders.runAll();

            assertThat(outcome(parked))
                    .isInstanceOfSatisfying(
                            Admission.Serve.class,
                            serve -> assertThat(serve.certificate())
                                    .isSameAs(inventory.find(SHOP).orElseThrow()));
            assertThat(lot.parked()).isZero();
            assertThat(time.scheduled()).isZero();
        }

        @Test
        void isRefusedAtItsDeadlineWhileTheOrderGoesOn() {
            Admission parked = admit(hello(SHOP));

            time.advance(DEADLINE.minusNanos(1));
            assertThat(outcome(parked)).isNull();
            time.advance(Duration.ofNanos(1));

            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isZero();
            assertThat(recorded.lines(EventKind.DEADLINE))
                    .singleElement()
                    .asString()
                    .contains(SHOP.value(), "25000 ms", "onDemandTls.handshake.deadline");
            orders.runAll();
            assertThat(admit(hello(SHOP))).isInstanceOf(Admission.Serve.class);
        }

        @Test
        void givesItsPlaceBackWhenTheClientGoesAway() {
            Admission parked = admit(hello(SHOP));

            ((Admission.Park) parked).outcome().cancel(false);

            assertThat(lot.parked()).isZero();
            orders.runAll();
            assertThat(inventory.find(SHOP)).isPresent();
        }

        @Test
        void aClientThatHasLeftIsWaitedForByNobody() {
            CompletableFuture<KeyedCertificate> awaited = new CompletableFuture<>();
            Admission parked = lot.park(SHOP, GUEST, () -> awaited, lot.exit((name, outcome) -> {
                throw new AssertionError("nobody is left to settle with");
            }));

            ((Admission.Park) parked).outcome().cancel(false);

            assertThat(awaited).isCancelled();
        }

        @Test
        void keepsNoPlaceWhereItsFlightCannotEvenBegin() {
            Admission parked = lot.park(
                    SHOP,
                    GUEST,
                    () -> {
                        throw new OutOfMemoryError("unable to create native thread");
                    },
                    lot.exit(HandshakeGate::settle));

            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isZero();
            assertThat(time.scheduled()).isZero();
            assertThat(counted()).containsExactly(Map.entry("failed", 1L));
            assertThat(recorded.lines(EventKind.DEFECT)).hasSize(1);
        }

        @Test
        void keepsNoPlaceWhereItsDeadlineCannotBeSet() {
            ScheduledExecutorService ended = Executors.newSingleThreadScheduledExecutor();
            ended.shutdownNow();
            ParkingLot small = new ParkingLot(
                    1,
                    65_536,
                    Configurations.clients(Configurations.often(), 2, 2),
                    DEADLINE,
                    ended,
                    recorded.events());

            Admission parked = small.park(SHOP, GUEST, CompletableFuture::new, small.exit(HandshakeGate::settle));

            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
            assertThat(small.parked()).isZero();
        }

        @Test
        void findsAsManyPlacesAsTheLotAndTheConnectorsHave() {
            assertThat(lot.capacity()).isEqualTo(2);
            lot.boundBy(() -> 1);
            assertThat(lot.capacity()).isEqualTo(1);
            lot.boundBy(() -> 3);
            assertThat(lot.capacity()).isEqualTo(2);
        }

        @Test
        void isRefusedWhereTheLotIsFull() {
            admit(hello(SHOP));
            admit(hello(SHOP));

            assertRefused(admit(hello(SHOP)), Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isEqualTo(2);
            assertThat(recorded.lines(EventKind.OVERLOADED)).hasSize(1);
        }

        @Test
        void isRefusedWhereTheLotIsClosedAtTheSameMoment() {
            Admission parked = lot.park(
                    SHOP,
                    new Guest(ClientBlock.LOCAL, 0, () -> {
                        // Between the look whether it is closed and the place that is taken.
                        lot.close();
                        return false;
                    }),
                    CompletableFuture::new,
                    lot.exit(HandshakeGate::settle));

            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isZero();
            assertThat(time.scheduled()).isZero();
            assertThat(counted()).containsExactly(Map.entry("stopping", 1L));
        }

        @Test
        void isRefusedWhenTheLotIsClosedAndAfterwards() {
            Admission parked = admit(hello(SHOP));

            lot.close();

            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
            assertRefused(admit(hello(SHOP)), Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isZero();
        }
    }

    @Nested
    class ACompletedHandshake {

        private HandshakeGate gate;

        @BeforeEach
        void build() {
            gate = gate(Optional.empty(), StaticCertificates.NONE);
        }

        private Admission.Serve served(Admission admission) {
            return (Admission.Serve)
                    (admission instanceof Admission.Park park ? park.outcome().getNow(null) : admission);
        }

        @Test
        void ofAKnownNameHasNotWaited() {
            published(SHOP);
            Admission.Serve serve = served(gate.admit(hello(SHOP), ClientBlock.LOCAL));

            gate.completed(serve);

            assertThat(serve.waited()).isFalse();
            assertThat(gate.completedHandshakes()).isEqualTo(1);
            assertThat(gate.completedAfterWaiting()).isZero();
            assertThat(servedAs("known")).isEqualTo(1);
        }

        @Test
        void isAVisitOfAKnownNameAndNoneOfWhoWaitedForIt() {
            KeyedCertificate known = published(SHOP);
            gate.completed(new Admission.Serve(SHOP, known, true));
            assertThat(visits.waiting()).isZero();

            gate.completed(new Admission.Serve(SHOP, known, false));

            assertThat(visits.take(2))
                    .singleElement()
                    .satisfies(visit -> assertThat(visit.certificate()).isSameAs(known));
        }

        private long servedAs(String word) {
            return recorded.events().figures().series().stream()
                    .filter(series ->
                            series.figure() == Figure.SERVED && series.values().equals(List.of(word)))
                    .mapToLong(Figures.Series::count)
                    .sum();
        }

        @Test
        void ofANewNameHasWaited() {
            Admission parked = gate.admit(hello(SHOP), ClientBlock.LOCAL);
            orders.runAll();
            Admission.Serve serve = served(parked);

            gate.completed(serve);

            assertThat(serve.waited()).isTrue();
            assertThat(gate.completedHandshakes()).isEqualTo(1);
            assertThat(gate.completedAfterWaiting()).isEqualTo(1);
            assertThat(servedAs("first")).isEqualTo(1);
            assertThat(servedAs("known")).isZero();
        }

        @Test
        void isNoneBeforeTheHostSaysSo() {
            published(SHOP);

            gate.admit(hello(SHOP), ClientBlock.LOCAL);

            assertThat(gate.completedHandshakes()).isZero();
        }
    }

    @Nested
    class ARefusal {

        @Test
        void ofADeniedNameIsUnrecognizedNameAndThenRemembered() {
            assertRefused(outcome(admit(hello(STRANGER))), Alert.UNRECOGNIZED_NAME);

            assertRefused(admit(hello(STRANGER)), Alert.UNRECOGNIZED_NAME);
            assertThat(ordered).isEmpty();
        }

        @Test
        void byTheCaIsInternalErrorAndThenRemembered() {
            failure = new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO);
            Admission parked = admit(hello(SHOP));
            orders.runAll();
            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);

            assertRefused(admit(hello(SHOP)), Alert.INTERNAL_ERROR);
            assertThat(ordered).hasSize(1);
        }

        @Test
        void isCountedBeforeWhoWaitsReadsIt() {
            failure = new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO);
            List<Long> counted = new ArrayList<>();
            countWhenEnded(admit(hello(SHOP)), "failed", counted);

            orders.runAll();

            assertThat(counted).containsExactly(1L);
        }

        @Test
        void atTheDeadlineOrAtTheStopIsCountedBeforeWhoWaitsReadsIt() {
            List<Long> counted = new ArrayList<>();
            countWhenEnded(admit(hello(SHOP)), "deadline", counted);
            time.advance(DEADLINE);
            countWhenEnded(admit(hello(SHOP)), "stopping", counted);
            lot.close();

            assertThat(counted).containsExactly(1L, 1L);
        }

        @Test
        void whereItsConnectorStopsIsCountedOnceBeforeWhoWaitsReadsIt() {
            List<Long> counted = new ArrayList<>();
            Admission.Park parked = (Admission.Park) admit(hello(SHOP));
            Visit visit = new Visit(new Visit.Host() {
                @Override
                public @Nullable Runnable later(Runnable task, Duration delay) {
                    return null;
                }

                @Override
                public void look() {
                    counted.add(lot.refusals().all().get("stopping"));
                }

                @Override
                public void forget(Visit settled) {}
            });
            visit.move(Visit.State.READING, Visit.State.DECIDED);
            visit.park(parked, () -> {});

            Visit.refuse(List.of(visit), Duration.ZERO);
            Visit.refuse(List.of(visit), Duration.ZERO);
            parked.stop().run();
            lot.close();

            assertThat(counted).containsExactly(1L);
            assertThat(counted()).containsExactly(Map.entry("stopping", 1L));
            assertRefused(outcome(parked), Alert.INTERNAL_ERROR);
        }

        private void countWhenEnded(Admission parked, String reason, List<Long> counted) {
            ((Admission.Park) parked)
                    .outcome()
                    .thenRun(() -> counted.add(lot.refusals().all().get(reason)));
        }

        @Test
        void ofAMalformedNameIsUnrecognizedName() {
            assertRefused(
                    admit(new ClientHello(new RequestedName.Malformed(), List.of(), true, 0)), Alert.UNRECOGNIZED_NAME);
        }

        @Test
        void ofAMalformedNameStandsWhereAStaticCertificateAnswersTheNameless() {
            Admission admission = gate(Optional.of(SHOP), covering(SHOP))
                    .admit(new ClientHello(new RequestedName.Malformed(), List.of(), true, 0), ClientBlock.LOCAL);

            assertRefused(admission, Alert.UNRECOGNIZED_NAME);
        }

        @Test
        void ofOneLabelStandsUnlessACertificateOfTheServersOwnIsForIt() {
            ClientHello localhost = new ClientHello(new RequestedName.Other("localhost"), List.of(), true, 0);
            StaticCertificates own = new StaticCertificates() {
                @Override
                public boolean covers(String host) {
                    return host.equals("localhost");
                }

                @Override
                public boolean any() {
                    return true;
                }
            };

            assertRefused(admit(localhost), Alert.UNRECOGNIZED_NAME);
            assertThat(gate(Optional.empty(), own).admit(localhost, ClientBlock.LOCAL))
                    .isInstanceOf(Admission.Static.class);
            assertThat(lot.refusals().all()).containsEntry("malformedName", 1L);
        }

        @Test
        void ofATrailingDotIsCountedByItself() {
            assertRefused(
                    admit(new ClientHello(new RequestedName.Other("shop.example.com."), List.of(), true, 0)),
                    Alert.UNRECOGNIZED_NAME);

            assertThat(lot.refusals().all()).containsEntry("trailingDot", 1L).containsEntry("malformedName", 0L);
        }

        /** The JDK would end the handshake with another alert, and nobody would count it. */
        @Test
        void ofWhatTheJdkDoesNotTakeIsOursWhateverCertificatesThereAre() {
            StaticCertificates all = new StaticCertificates() {
                @Override
                public boolean covers(String host) {
                    return true;
                }

                @Override
                public boolean any() {
                    return true;
                }
            };

            for (String text : List.of("localhost.", "shop.example.com.", "2001:db8::7", "0:0:0:0:0:0:0:1")) {
                assertRefused(
                        gate(Optional.empty(), all)
                                .admit(
                                        new ClientHello(new RequestedName.Other(text), List.of(), true, 0),
                                        ClientBlock.LOCAL),
                        Alert.UNRECOGNIZED_NAME);
            }
            assertThat(lot.refusals().all()).containsEntry("trailingDot", 2L).containsEntry("malformedName", 2L);
        }

        @Test
        void standsWhereAsManyOfTheConnectorsHandshakesWaitAsMay() {
            Admission admission = gate(Optional.empty(), StaticCertificates.NONE)
                    .admit(hello(SHOP), ClientBlock.LOCAL, StaticCertificates.NONE, () -> true);

            assertRefused(admission, Alert.INTERNAL_ERROR);
            assertThat(lot.parked()).isZero();
            assertThat(lot.refusals().all()).containsEntry("tooMany", 1L);
            assertThat(recorded.events().overflows()).containsEntry(ParkingLot.CONNECTOR, 1L);
        }

        @Test
        void ofADeadlineADenialAndAFailureAreCountedApart() {
            failure = new IssuanceException.Rejected(SHOP, "caa", "no", Duration.ZERO);
            admit(hello(SHOP));
            orders.runAll();
            admit(hello(SHOP));
            admit(hello(ServerName.parse("late.example.com")));
            time.advance(DEADLINE);

            assertThat(lot.refusals().all())
                    .containsEntry("failed", 2L)
                    .containsEntry("deadline", 1L)
                    .containsEntry("denied", 0L);
        }

        @Test
        void ofBytesThatAreNoClientHelloIsDecodeError() {
            assertRefused(
                    gate(Optional.empty(), StaticCertificates.NONE)
                            .refuseUnreadable(
                                    new ClientHelloParser.Progress.Invalid(ClientHelloParser.Fault.NOT_TLS, "not TLS")),
                    Alert.DECODE_ERROR);
        }

        @Test
        void ofAHelloThatCannotBeReadIsCountedByWhatIsWrongWithIt() {
            HandshakeGate gate = gate(Optional.empty(), StaticCertificates.NONE);
            for (ClientHelloParser.Fault fault : ClientHelloParser.Fault.values()) {
                gate.refuseUnreadable(new ClientHelloParser.Progress.Invalid(fault, "cannot be read"));
            }
            assertRefused(gate.refuseSlow("not whole in time"), Alert.DECODE_ERROR);

            assertThat(counted())
                    .containsExactlyInAnyOrderEntriesOf(
                            Map.of("notTls", 1L, "tooLarge", 1L, "malformed", 1L, "tooSlow", 1L));
            assertThat(gate.refusals()).isEqualTo(lot.refusals().all());
            assertThat(recorded.lines(EventKind.REFUSED)).hasSize(4);
        }

        @Test
        void ofAHelloThatIsNotWholeWhereNoMoreMayBeHeldNamesTheBound() {
            HandshakeGate gate = gate(Optional.empty(), StaticCertificates.NONE);
            gate.hellos().take(ClientBlock.LOCAL, 100, 100);
            assertThat(gate.unfinishedHelloOctets()).isEqualTo(100);

            assertRefused(gate.refuseUnfinished(), Alert.INTERNAL_ERROR);

            assertThat(counted()).containsExactly(Map.entry("tooMany", 1L));
            assertThat(recorded.events().overflows()).containsEntry(HelloOctets.BOUND, 1L);
        }

        @Test
        void ofALargeHelloThatWouldWaitWhereNoMoreMayBeHeldNamesTheBoundAndLeavesRoomForSmallOnes() {
            ParkingLot roomy = lot(10, 10, 10);
            Admission first = park(roomy, 20_000);
            assertThat(park(roomy, 20_000)).isInstanceOf(Admission.Park.class);
            assertThat(roomy.hellos().held()).isEqualTo(2 * (20_000 - HelloOctets.SMALL));

            assertRefused(park(roomy, 20_000), Alert.INTERNAL_ERROR);

            assertThat(roomy.refusals().all()).containsEntry("tooMany", 1L);
            assertThat(recorded.events().overflows()).containsOnlyKeys(HelloOctets.BOUND);
            assertThat(roomy.parked()).isEqualTo(2);
            assertThat(park(roomy, HelloOctets.SMALL)).isInstanceOf(Admission.Park.class);

            ((Admission.Park) first).outcome().cancel(false);
            assertThat(roomy.hellos().held()).isEqualTo(20_000 - HelloOctets.SMALL);
            assertThat(park(roomy, 20_000)).isInstanceOf(Admission.Park.class);
        }

        private Admission park(ParkingLot into, int helloOctets) {
            return into.park(
                    SHOP,
                    new Guest(ClientBlock.LOCAL, helloOctets, () -> false),
                    CompletableFuture::new,
                    into.exit(HandshakeGate::settle));
        }

        @Test
        void ofARequestForAnotherHostNamesBothAndNothingThatIsNoName() {
            HandshakeGate gate = gate(Optional.empty(), StaticCertificates.NONE);

            gate.misdirected(SHOP.value(), STRANGER.value(), "192.0.2.1");
            gate.misdirected(null, "evil\nline", "192.0.2.1");

            List<String> lines = recorded.lines(EventKind.MISDIRECTED);
            assertThat(lines.get(0)).contains(SHOP.value(), STRANGER.value(), "192.0.2.1");
            assertThat(lines.get(1)).contains("no server name").doesNotContain("evil");
        }

        @Test
        void ofWhatWaitsForOneNameNamesThatBoundAndLeavesRoomForOthers() {
            ParkingLot narrow = lot(10, 2, 10);
            Runnable park = () -> narrow.park(SHOP, GUEST, CompletableFuture::new, narrow.exit(HandshakeGate::settle));
            park.run();
            park.run();
            assertThat(narrow.parked()).isEqualTo(2);

            park.run();

            assertThat(narrow.parked()).isEqualTo(2);
            assertThat(recorded.events().overflows()).containsOnlyKeys("onDemandTls.shield.parkedPerName");
            narrow.park(STRANGER, GUEST, CompletableFuture::new, narrow.exit(HandshakeGate::settle));
            assertThat(narrow.parked()).isEqualTo(3);
        }

        @Test
        void ofOneClientNamesThatBoundAndLeavesRoomForOthersUntilOneOfItsOwnLeaves() throws Exception {
            ParkingLot narrow = lot(10, 10, 2);
            ClientBlock greedy = ClientBlock.of(InetAddress.getByName("203.0.113.7"));
            ClientBlock other = ClientBlock.of(InetAddress.getByName("198.51.100.7"));
            List<Admission> parked = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                ServerName name = ServerName.parse("n" + i + ".example.com");
                parked.add(narrow.park(
                        name,
                        new Guest(greedy, 0, () -> false),
                        CompletableFuture::new,
                        narrow.exit(HandshakeGate::settle)));
            }

            assertRefused(parked.get(2), Alert.INTERNAL_ERROR);
            assertThat(narrow.parked()).isEqualTo(2);
            assertThat(recorded.events().overflows()).containsOnlyKeys("onDemandTls.shield.parkedPerClient");
            Exit exit = new Exit(narrow);
            assertThat(exit.park(other)).isInstanceOf(Admission.Park.class);
            ((Admission.Park) parked.get(0)).outcome().cancel(false);
            assertThat(exit.park(greedy)).isInstanceOf(Admission.Park.class);
            assertRefused(exit.park(greedy), Alert.INTERNAL_ERROR);
        }

        private ParkingLot lot(int capacity, int perName, int perClient) {
            return new ParkingLot(
                    capacity,
                    65_536,
                    Configurations.clients(Configurations.often(), perName, perClient),
                    DEADLINE,
                    time.scheduler(),
                    recorded.events());
        }

        private record Exit(ParkingLot lot) {
            Admission park(ClientBlock client) {
                return lot.park(
                        SHOP,
                        new Guest(client, 0, () -> false),
                        CompletableFuture::new,
                        lot.exit(HandshakeGate::settle));
            }
        }
    }

    @Nested
    class AHelloThatIsNotWhole {

        private static final int PART = 100;

        private final InetSocketAddress peer = new InetSocketAddress("203.0.113.7", 40_000);
        private final InetSocketAddress other = new InetSocketAddress("198.51.100.7", 40_000);

        private final HandshakeGate gate = gate(Optional.empty(), StaticCertificates.NONE);
        // The record of a ClientHello of 8,000 octets, of which there are only zeros.
        private final ByteBuffer octets = ByteBuffer.wrap(new byte[9_000])
                .put(new byte[] {22, 3, 1, 0x1f, 0x44, 1, 0, 0x1f, 0x40})
                .rewind();

        private void feed(HelloReading reading, int most) {
            assertThat(reading.feed(octets.slice(octets.position(), most)))
                    .isInstanceOf(ClientHelloParser.Progress.Incomplete.class);
            octets.position(octets.position() + most);
        }

        @Test
        void takesRoomOnceForWhatIsHeldAndGivesItBackOnce() {
            HelloReading reading = new HelloReading(gate);
            feed(reading, PART);
            assertThat(reading.mayWait(peer)).isTrue();
            long held = gate.unfinishedHelloOctets();
            assertThat(held).isBetween((long) PART, 2L * PART + 4096);

            assertThat(reading.mayWait(peer)).isTrue();
            assertThat(gate.unfinishedHelloOctets()).isEqualTo(held);
            feed(reading, 6_000);
            assertThat(reading.mayWait(peer)).isTrue();
            assertThat(gate.unfinishedHelloOctets()).isBetween(6_000L, 9_000L);

            reading.end();
            reading.end();

            assertThat(gate.unfinishedHelloOctets()).isZero();
            assertThat(reading.mayWait(peer)).isFalse();
            assertThat(gate.unfinishedHelloOctets()).isZero();
        }

        @Test
        void mayNotWaitWhereTooMuchIsHeldAndTakesNothingThen() {
            assertThat(gate.hellos().take(ClientBlock.LOCAL, 65_536, 1)).isTrue();
            HelloReading reading = new HelloReading(gate);
            feed(reading, PART);

            assertThat(reading.mayWait(peer)).isFalse();
            assertThat(gate.unfinishedHelloOctets()).isEqualTo(65_536);
            reading.end();

            assertThat(gate.unfinishedHelloOctets()).isEqualTo(65_536);
        }

        @Test
        void countsAgainstItsClientAndNoOther() {
            assertThat(gate.hellos().take(gate.clientOf(peer), HelloReading.MOST_HELD, 1))
                    .isTrue();
            HelloReading another = new HelloReading(gate);
            feed(another, PART);
            assertThat(another.mayWait(peer)).isFalse();

            assertThat(another.mayWait(other)).isTrue();

            another.end();
            assertThat(gate.unfinishedHelloOctets()).isEqualTo(HelloReading.MOST_HELD);
        }

        @Test
        void waitsWhereNothingIsCountedUntilItIsEnded() {
            HelloReading reading = new HelloReading(null);
            feed(reading, PART);
            assertThat(reading.mayWait(peer)).isTrue();

            reading.end();

            assertThat(reading.mayWait(peer)).isFalse();
        }

        @Test
        void isHandedOnAsItCameOnceItIsWhole() {
            byte[] whole = ClientHellos.of(SHOP.value()).record();
            HelloReading reading = new HelloReading(gate);

            assertThat(reading.feed(ByteBuffer.wrap(whole))).isInstanceOf(ClientHelloParser.Progress.Complete.class);

            ByteBuffer again = reading.records();
            byte[] records = new byte[again.remaining()];
            again.get(records);
            assertThat(records).isEqualTo(whole);
        }
    }

    @Nested
    class AClientWithoutAName {

        @Test
        void isRefused() {
            assertRefused(admit(nameless()), Alert.UNRECOGNIZED_NAME);
        }

        @Test
        void getsTheServersOwnCertificateWhereThereIsOne() {
            assertThat(gate(Optional.empty(), covering(STRANGER)).admit(nameless(), ClientBlock.LOCAL))
                    .isInstanceOf(Admission.Static.class);
        }

        @Test
        void isRefusedWhereANameIsRequiredWhateverCouldAnswer() {
            published(SHOP);
            HandshakeGate strict = new HandshakeGate(
                    Optional.of(SHOP),
                    true,
                    covering(SHOP),
                    challenges,
                    inventory,
                    visits,
                    issuance,
                    lot,
                    new ProxiedProofs(
                            proxies,
                            new ProxiedProofs.Floors(challenges, inventory, issuance, lot),
                            time.clock(),
                            time::nanoTime),
                    recorded.events());

            assertRefused(strict.admit(nameless(), ClientBlock.LOCAL), Alert.UNRECOGNIZED_NAME);
            assertThat(counted()).containsExactly(Map.entry("noName", 1L));
        }

        @Test
        void getsTheDefaultNameWhereThereIsOne() {
            KeyedCertificate certificate = published(SHOP);

            assertThat(gate(Optional.of(SHOP), StaticCertificates.NONE).admit(nameless(), ClientBlock.LOCAL))
                    .isEqualTo(new Admission.Serve(SHOP, certificate, false));
        }
    }

    @Nested
    class AcmeTls {

        private KeyedCertificate proof() throws Exception {
            challenges.displayTlsAlpn(SHOP, new byte[32]);
            return challenges.challengeCertificate(SHOP).orElseThrow();
        }

        @Test
        void aloneWithAPendingChallengeIsProved() throws Exception {
            KeyedCertificate proof = proof();

            assertThat(admit(hello(SHOP, "acme-tls/1"))).isEqualTo(new Admission.Prove(SHOP, proof));
        }

        @Test
        void withoutAPendingChallengeIsNoHandshakeEvenForAKnownName() throws Exception {
            published(SHOP);

            assertRefused(admit(hello(SHOP, "acme-tls/1")), Alert.NO_APPLICATION_PROTOCOL);
        }

        @Test
        void isProvedWithWhatAnotherServerShows() throws Exception {
            neighbours.proof = new CompletableFuture<>();
            Admission parked = admit(hello(SHOP, "acme-tls/1"));
            assertThat(outcome(parked)).isNull();

            neighbours.proof.complete(Optional.of("00".repeat(32)));

            assertThat(outcome(parked))
                    .isInstanceOfSatisfying(
                            Admission.Prove.class,
                            prove -> assertThat(prove.certificate().names()).containsExactly(SHOP.value()));
            assertThat(counted()).isEmpty();
        }

        @Test
        void isCountedOnceWhereNoOtherServerShowsAnything() {
            neighbours.proof = CompletableFuture.completedFuture(Optional.empty());

            assertRefused(outcome(admit(hello(SHOP, "acme-tls/1"))), Alert.NO_APPLICATION_PROTOCOL);

            assertThat(counted()).containsExactly(Map.entry("noChallenge", 1L));
            assertThat(recorded.lines(EventKind.REFUSED)).hasSize(1);
        }

        @Test
        void isCountedOnceAtItsDeadlineWhereTheLotIsFullAndAtTheStop() {
            neighbours.proof = new CompletableFuture<>();
            Admission late = admit(hello(SHOP, "acme-tls/1"));
            time.advance(DEADLINE);
            assertRefused(outcome(late), Alert.NO_APPLICATION_PROTOCOL);
            for (int i = 0; i < 2; i++) {
                // Each handshake has its own, which ends when it leaves.
                neighbours.proof = new CompletableFuture<>();
                admit(hello(SHOP, "acme-tls/1"));
            }

            assertRefused(admit(hello(SHOP, "acme-tls/1")), Alert.NO_APPLICATION_PROTOCOL);
            lot.close();
            assertRefused(admit(hello(SHOP, "acme-tls/1")), Alert.NO_APPLICATION_PROTOCOL);

            assertThat(counted())
                    .containsExactlyInAnyOrderEntriesOf(Map.of("deadline", 1L, "tooMany", 1L, "stopping", 3L));
            assertThat(recorded.lines(EventKind.REFUSED)).isEmpty();
        }

        @Test
        void thatIsAbandonedKeepsNothingOfTheLook() {
            neighbours.proof = new LeavableFuture<>();
            Admission parked = admit(hello(SHOP, "acme-tls/1"));

            ((Admission.Park) parked).outcome().cancel(false);

            assertThat(neighbours.proof).isCancelled();
            assertThat(neighbours.proof.getNumberOfDependents()).isZero();
            assertThat(counted()).isEmpty();
        }

        @Test
        void besideAnotherProtocolIsNoHandshake() throws Exception {
            proof();
            published(SHOP);

            assertRefused(admit(hello(SHOP, "acme-tls/1", "h2")), Alert.NO_APPLICATION_PROTOCOL);
        }

        @Test
        void belowTls12IsNoHandshake() throws Exception {
            proof();

            assertRefused(
                    admit(new ClientHello(new RequestedName.Named(SHOP), List.of("acme-tls/1"), false, 0)),
                    Alert.NO_APPLICATION_PROTOCOL);
        }

        @Test
        void neverReachesAnOrdinaryClient() throws Exception {
            proof();

            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(admit(hello(SHOP, "h2"))).isInstanceOf(Admission.Park.class);
        }

        @Test
        void tellsTheBoardThatTheProofWasSeen() throws Exception {
            ChallengeBoard.Display display = challenges.displayTlsAlpn(SHOP, new byte[32]);
            KeyedCertificate proof = challenges.challengeCertificate(SHOP).orElseThrow();

            gate(Optional.empty(), StaticCertificates.NONE).proved(new Admission.Prove(SHOP, proof));

            assertThat(display.fetched()).isCompleted();
        }
    }

    /** What other servers on the same store show, if there are any. */
    private static final class Neighbours implements ChallengeBoard.Elsewhere {

        private CompletableFuture<Map<String, String>> shown;
        private CompletableFuture<Optional<String>> proof;

        @Override
        public boolean any() {
            return shown != null || proof != null;
        }

        @Override
        public void show(Proof proof) {}

        @Override
        public void takeDown(Proof proof) {}

        @Override
        public CompletableFuture<Optional<String>> find(ServerName name, ChallengeType type, String token) {
            return proof == null ? CompletableFuture.completedFuture(Optional.empty()) : proof;
        }

        @Override
        public CompletableFuture<Map<String, String>> httpProofs(ServerName name) {
            return shown;
        }
    }

    @Nested
    class AProxyThatEndsTls {

        private static final String PATH = "/.well-known/acme-challenge/token";

        private final InetSocketAddress edge = new InetSocketAddress("198.51.100.7", 40_000);
        private final InetSocketAddress outside = new InetSocketAddress("198.51.101.7", 40_000);

        @BeforeEach
        void list() throws Exception {
            proxies = Optional.of(CdnRanges.read(
                    new ByteArrayInputStream("Edge 198.51.100.0/24".getBytes(StandardCharsets.US_ASCII))));
        }

        private Admission admit(ClientHello hello, SocketAddress peer) {
            return gate(Optional.of(SHOP), StaticCertificates.NONE)
                    .admit(hello, peer, StaticCertificates.NONE, () -> false);
        }

        private ChallengeBoard.Display shown() throws Exception {
            return challenges.displayHttp(SHOP, "token", "token.thumbprint");
        }

        private Optional<String> answer(Admission admission, String path) {
            assertThat(admission).isInstanceOf(Admission.Show.class);
            return ((Admission.Show) admission).proofs().answer("GET", path, null, SHOP.value());
        }

        @Test
        void isShownAPendingProofAtOnceUnderACertificateThatNobodyKeeps() throws Exception {
            ChallengeBoard.Display display = shown();

            HandshakeGate gate = gate(Optional.empty(), StaticCertificates.NONE);
            assertThat(gate.showsToProxies()).isTrue();
            Admission admission = gate.admit(hello(SHOP, "http/1.1"), edge, StaticCertificates.NONE, () -> false);

            assertThat(answer(admission, "/.well-known/acme-challenge/other")).isEmpty();
            assertThat(recorded.lines(EventKind.PROOF_PROXIED)).isEmpty();
            assertThat(answer(admission, PATH)).contains("token.thumbprint");
            assertThat(display.fetched()).isCompleted();
            assertThat(recorded.lines(EventKind.PROOF_PROXIED)).hasSize(1);
            KeyedCertificate certificate = ((Admission.Show) admission).certificate();
            assertThat(certificate.names()).containsExactly(SHOP.value());
            certificate.leaf().verify(certificate.leaf().getPublicKey());
            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(store.find(SHOP)).isEmpty();
            assertThat(gate.admit(hello(SHOP), edge, StaticCertificates.NONE, () -> false))
                    .isInstanceOfSatisfying(
                            Admission.Show.class,
                            show -> assertThat(show.certificate()).isSameAs(certificate));
            assertThat(lot.parked()).isZero();
            assertThat(ordered).isEmpty();
        }

        @Test
        void isLikeEverybodyBeforeAndAfter() throws Exception {
            assertThat(admit(hello(SHOP), edge)).isInstanceOf(Admission.Park.class);
            ChallengeBoard.Display display = shown();
            assertThat(admit(hello(SHOP), edge)).isInstanceOf(Admission.Show.class);

            display.close();

            assertThat(admit(hello(SHOP), edge)).isInstanceOf(Admission.Park.class);
        }

        @Test
        void isKnownByItsAddressOnly() throws Exception {
            shown();

            assertThat(admit(hello(SHOP), outside)).isInstanceOf(Admission.Park.class);
            assertThat(admit(hello(SHOP), (SocketAddress) null)).isInstanceOf(Admission.Park.class);
        }

        @Test
        void isLikeEverybodyForEveryOtherName() throws Exception {
            shown();

            assertRefused(outcome(admit(hello(STRANGER), edge)), Alert.UNRECOGNIZED_NAME);
            assertThat(admit(hello(ServerName.parse("www.example.com")), edge)).isInstanceOf(Admission.Park.class);
            // Nothing is shown under a name that the client did not say.
            assertThat(admit(nameless(), edge)).isInstanceOf(Admission.Park.class);
            assertRefused(admit(hello(SHOP, "acme-tls/1"), edge), Alert.NO_APPLICATION_PROTOCOL);
        }

        @Test
        void isServedWhatThereIs() throws Exception {
            shown();
            KeyedCertificate certificate = published(SHOP);

            assertThat(admit(hello(SHOP), edge)).isEqualTo(new Admission.Serve(SHOP, certificate, false));
            inventory.withdraw(SHOP);
            assertThat(gate(Optional.empty(), StaticCertificates.NONE)
                            .admit(hello(SHOP), edge, covering(SHOP), () -> false))
                    .isInstanceOf(Admission.Static.class);
        }

        @Test
        void isServedWhatIsInTheStoreOnly() throws Exception {
            admit(hello(SHOP), outside);
            orders.runAll();
            inventory.withdraw(SHOP);
            shown();

            Admission admission = admit(hello(SHOP), edge);

            Admission settled = admission instanceof Admission.Park ? outcome(admission) : admission;
            assertThat(settled).isInstanceOf(Admission.Serve.class);
            assertThat(ordered).hasSize(1);
        }

        @Test
        void isShownNothingUnlessItIsSwitchedOn() throws Exception {
            proxies = Optional.empty();
            shown();

            assertThat(gate(Optional.empty(), StaticCertificates.NONE).showsToProxies())
                    .isFalse();
            assertThat(admit(hello(SHOP), edge)).isInstanceOf(Admission.Park.class);
        }

        @Test
        void isShownWhatAnotherServerShows() {
            neighbours.shown = new CompletableFuture<>();
            Admission parked = admit(hello(SHOP), edge);
            assertThat(outcome(parked)).isNull();

            neighbours.shown.complete(Map.of("token", "token.thumbprint"));

            Admission.Settled settled = outcome(parked);
            assertThat(answer(settled, PATH)).contains("token.thumbprint");
            assertThat(answer(settled, "/.well-known/acme-challenge/other")).isEmpty();
            assertThat(lot.parked()).isZero();
            assertThat(ordered).isEmpty();
        }

        @Test
        void waitsForTheOrderWhereNoOtherServerShowsAnything() {
            neighbours.shown = CompletableFuture.completedFuture(Map.of());
            Admission parked = admit(hello(SHOP), edge);
            assertThat(outcome(parked)).isNull();

            orders.runAll();

            assertThat(outcome(parked)).isInstanceOf(Admission.Serve.class);
            assertRefused(outcome(admit(hello(STRANGER), edge)), Alert.UNRECOGNIZED_NAME);
            assertRefused(admit(hello(STRANGER), edge), Alert.UNRECOGNIZED_NAME);
        }

        @Test
        void thatLeavesKeepsNothingOfALook() {
            neighbours.shown = new LeavableFuture<>();
            Admission parked = admit(hello(SHOP), edge);

            ((Admission.Park) parked).outcome().cancel(false);

            assertThat(neighbours.shown).isCancelled();
            assertThat(neighbours.shown.getNumberOfDependents()).isZero();
            assertThat(lot.parked()).isZero();
        }

        @Test
        void thatFindsNoPlaceKeepsNothingOfALook() {
            neighbours.shown = new LeavableFuture<>();
            HandshakeGate gate = gate(Optional.of(SHOP), StaticCertificates.NONE);

            assertRefused(gate.admit(hello(SHOP), edge, StaticCertificates.NONE, () -> true), Alert.INTERNAL_ERROR);

            assertThat(neighbours.shown).isCancelled();
        }

        @Test
        void thatLeavesKeepsNothing() {
            neighbours.shown = CompletableFuture.completedFuture(Map.of());
            Admission parked = admit(hello(SHOP), edge);

            ((Admission.Park) parked).outcome().cancel(false);

            assertThat(lot.parked()).isZero();
            orders.runAll();
            assertThat(inventory.find(SHOP)).isPresent();
        }
    }
}
