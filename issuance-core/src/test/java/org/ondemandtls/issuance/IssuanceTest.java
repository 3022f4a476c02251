package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.NamePattern;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.store.FileCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link Issuance}: one order per name, kept before it is used, and every failure landing where it belongs. */
class IssuanceTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final URI ORDER_URL = URI.create("https://ca.example/order/7");

    private final ManualTime time = new ManualTime();
    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final ManualTime.Tasks orders = new ManualTime.Tasks();
    private final RecordedEvents recorded = new RecordedEvents();
    private final ExecutorService unused = Executors.newSingleThreadExecutor();
    private final Inventory inventory = new Inventory(100, time.clock());
    private final FakeAuthority authority = new FakeAuthority();

    @TempDir
    private Path directory;

    private FileCertificateStore store;
    private Issuance issuance;

    @BeforeEach
    void open() throws Exception {
        store = FileCertificateStore.open(directory, recorded.events(), time.clock(), Duration.ZERO);
        issuance = issuance(orders::execute);
    }

    @AfterEach
    void close() {
        store.close();
        unused.shutdownNow();
    }

    private Issuance issuance(java.util.concurrent.Executor orderExecutor) {
        Permission permission = new Permission(
                new OnDemandTlsConfig.Permission(
                        Optional.empty(),
                        Duration.ofSeconds(2),
                        List.of(NamePattern.parse("*.example.com")),
                        Optional.empty(),
                        Optional.empty(),
                        Duration.ofMinutes(5),
                        Duration.ofMinutes(1)),
                new OnDemandTlsConfig.Shield(16, 256, 16, 256, 1000),
                null,
                new Permission.Ports(unused, time.scheduler(), time::nanoTime),
                recorded.events());
        return new Issuance(
                store,
                permission,
                authority,
                inventory,
                TestCertificates::key,
                1000,
                recorded.events(),
                new Issuance.Ports(lookups, orderExecutor, time.clock(), time::nanoTime, () -> 0.0));
    }

    private CompletableFuture<KeyedCertificate> obtain(ServerName name) {
        CompletableFuture<KeyedCertificate> flight = issuance.obtain(name, ClientBlock.LOCAL);
        lookups.runAll();
        return flight;
    }

    private IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    /** Signs with a CA of the tests, or fails as it is told. */
    private final class FakeAuthority implements Authority {

        final List<Order> asked = new ArrayList<>();
        IssuanceException failure;
        Error crashAfterUrl;
        String[] names;
        PublicKey key;

        @Override
        public String id() {
            return "https://ca.example/directory";
        }

        @Override
        public void prepare() {}

        @Override
        public List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException {
            asked.add(order);
            journal.orderCreated(ORDER_URL);
            if (crashAfterUrl != null) {
                throw crashAfterUrl;
            }
            if (failure != null) {
                throw failure;
            }
            Instant now = time.clock().instant();
            return List.of(TestLeaves.leaf(
                    key != null ? key : order.key().getPublic(),
                    now,
                    names != null ? names : new String[] {order.name().value()}));
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
    class ANewName {

        @Test
        void isOrderedOncePublishedAndKept() throws Exception {
            CompletableFuture<KeyedCertificate> first = obtain(SHOP);
            CompletableFuture<KeyedCertificate> second = obtain(SHOP);
            orders.runAll();

            assertThat(authority.asked).hasSize(1);
            assertThat(first.join()).isSameAs(second.join());
            assertThat(inventory.find(SHOP)).containsSame(first.join());
            assertThat(store.find(SHOP).orElseThrow().certificate().id())
                    .isEqualTo(first.join().id());
            assertThat(store.openOrders()).isEmpty();
            assertThat(issuance.inFlight()).isZero();
            assertThat(recorded.lines(EventKind.OBTAINED))
                    .singleElement()
                    .asString()
                    .startsWith("name=shop.example.com obtained from https://ca.example/directory");
        }

        @Test
        void isInTheStoreBeforeAnybodySeesIt() {
            List<Boolean> storedWhenSeen = new ArrayList<>();
            obtain(SHOP).thenAccept(certificate -> {
                try {
                    storedWhenSeen.add(store.find(SHOP).isPresent());
                } catch (Exception e) {
                    storedWhenSeen.add(false);
                }
            });

            orders.runAll();

            assertThat(storedWhenSeen).containsExactly(true);
        }

        @Test
        void thatIsNotPermittedCostsNoOrder() {
            CompletableFuture<KeyedCertificate> flight = obtain(ServerName.parse("stranger.example.net"));
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.NotPermitted.class);
            assertThat(authority.asked).isEmpty();
            assertThat(issuance.remembered(ServerName.parse("stranger.example.net")))
                    .isPresent();
        }

        @Test
        void isRefusedAtOnceAndNotRememberedWhereTheQueueIsFull() {
            issuance = issuance(task -> {
                throw new RejectedExecutionException();
            });

            assertThat(failureOf(obtain(SHOP)))
                    .isInstanceOf(IssuanceException.Overloaded.class)
                    .hasMessageContaining("onDemandTls.shield.ordersQueued");
            assertThat(issuance.remembered(SHOP)).isEmpty();
        }

        @Test
        void isRefusedWhileStopping() {
            issuance.stop();

            assertThat(failureOf(obtain(SHOP))).isInstanceOf(IssuanceException.Stopping.class);
        }
    }

    @Nested
    class AStoredName {

        @Test
        void isServedWithoutPermissionAndWithoutAnOrder() throws Exception {
            obtain(SHOP);
            orders.runAll();
            inventory.withdraw(SHOP);

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);

            assertThat(again).isCompleted();
            assertThat(authority.asked).hasSize(1);
            assertThat(inventory.find(SHOP)).isPresent();
        }

        @Test
        void isServableUntilItExpiresAndAskingObtainsNothing() {
            CompletableFuture<Boolean> before = issuance.isServable(SHOP);
            lookups.runAll();
            assertThat(before).isCompletedWithValue(false);
            obtain(SHOP);
            orders.runAll();
            assertThat(issuance.isServable(SHOP)).isCompletedWithValue(true);
            inventory.withdraw(SHOP);

            CompletableFuture<Boolean> fromTheStore = issuance.isServable(SHOP);
            lookups.runAll();
            time.advance(Duration.ofDays(91));
            CompletableFuture<Boolean> expired = issuance.isServable(SHOP);
            lookups.runAll();

            assertThat(fromTheStore).isCompletedWithValue(true);
            assertThat(expired).isCompletedWithValue(false);
            assertThat(authority.asked).hasSize(1);
        }

        @Test
        void isObtainedAnewOnceItHasExpired() throws Exception {
            obtain(SHOP);
            orders.runAll();
            time.advance(Duration.ofDays(91));
            assertThat(inventory.find(SHOP)).isEmpty();

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();

            assertThat(again).isCompleted();
            assertThat(authority.asked).hasSize(2);
            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(2);
        }
    }

    @Nested
    class AFailure {

        @Test
        void ofTheCasIsRememberedAndItsOrderClosed() throws Exception {
            authority.failure = new IssuanceException.Rejected(SHOP, "caa", "CAA forbids", Duration.ZERO);
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isSameAs(authority.failure);
            assertThat(issuance.remembered(SHOP)).containsSame(authority.failure);
            assertThat(store.openOrders()).isEmpty();
            assertThat(recorded.lines(EventKind.REJECTED))
                    .containsExactly("name=shop.example.com not obtained: rejected by the CA (caa): CAA forbids");
        }

        @Test
        void toReachTheCaLeavesTheOrderOpenAndIsTriedAgainWithTheSameKey() throws Exception {
            authority.failure = new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null);
            obtain(SHOP);
            orders.runAll();
            time.advance(Duration.ofSeconds(2));
            assertThat(issuance.remembered(SHOP)).isEmpty();
            authority.failure = null;

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();

            assertThat(again).isCompleted();
            assertThat(authority.asked).hasSize(2);
            assertThat(authority.asked.get(1).url()).contains(ORDER_URL);
            assertThat(authority.asked.get(1).key().getPublic())
                    .isEqualTo(authority.asked.get(0).key().getPublic());
        }

        @Test
        void isSharedByAllWhoWait() {
            authority.failure = new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(2), null);
            List<CompletableFuture<KeyedCertificate>> waiting = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                waiting.add(obtain(SHOP));
            }
            orders.runAll();

            assertThat(waiting).allSatisfy(one -> assertThat(failureOf(one)).isSameAs(authority.failure));
            assertThat(authority.asked).hasSize(1);
        }

        @Test
        void ofOurOwnIsReportedAsADefectAndRefused() {
            authority.crashAfterUrl = new AssertionError("unforeseen");
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Unavailable.class);
            assertThat(recorded.lines(EventKind.DEFECT)).hasSize(1);
        }
    }

    @Nested
    class AStoreThatCannotBeWritten {

        private void breakStore() throws Exception {
            Files.move(directory.resolve("tmp"), directory.resolve("tmp-away"));
        }

        private void mendStore() throws Exception {
            Files.move(directory.resolve("tmp-away"), directory.resolve("tmp"));
        }

        @Test
        void refusesNewNamesBeforeTheCaIsAskedAndIsToldOfOnce() throws Exception {
            breakStore();
            for (int i = 0; i < 5; i++) {
                CompletableFuture<KeyedCertificate> flight = obtain(ServerName.parse("n" + i + ".example.com"));
                orders.runAll();
                assertThat(failureOf(flight)).isInstanceOf(IssuanceException.StoreFailed.class);
            }

            assertThat(authority.asked).isEmpty();
            assertThat(recorded.lines(EventKind.STORE_FAILED))
                    .singleElement()
                    .asString()
                    .contains("check disk space");
        }

        @Test
        void servesAgainByItselfOnceItIsMended() throws Exception {
            breakStore();
            obtain(SHOP);
            orders.runAll();
            mendStore();
            time.advance(Duration.ofSeconds(3));
            assertThat(issuance.remembered(SHOP)).isEmpty();

            CompletableFuture<KeyedCertificate> again = obtain(SHOP);
            orders.runAll();

            assertThat(again).isCompleted();
            assertThat(recorded.lines(EventKind.RECOVERED)).hasSize(1);
        }
    }

    @Nested
    class WhatTheCaReturns {

        @Test
        void forAnotherNameIsNeitherStoredNorServed() throws Exception {
            authority.names = new String[] {"other.example.com"};
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(store.find(SHOP)).isEmpty();
            assertThat(store.find(ServerName.parse("other.example.com"))).isEmpty();
        }

        @Test
        void forAnotherKeyIsNeitherStoredNorServed() throws Exception {
            authority.key = TestCertificates.key().getPublic();
            CompletableFuture<KeyedCertificate> flight = obtain(SHOP);
            orders.runAll();

            assertThat(failureOf(flight)).isInstanceOf(IssuanceException.Rejected.class);
            assertThat(inventory.find(SHOP)).isEmpty();
            assertThat(store.find(SHOP)).isEmpty();
        }

        @Test
        void leavesThePreviousCertificateWhereItIsBad() throws Exception {
            obtain(SHOP);
            orders.runAll();
            String before = store.find(SHOP).orElseThrow().certificate().id();
            time.advance(Duration.ofDays(91));
            authority.names = new String[] {"other.example.com"};

            obtain(SHOP);
            orders.runAll();

            assertThat(store.find(SHOP).orElseThrow().certificate().id()).isEqualTo(before);
        }
    }

    @Nested
    class AfterACrash {

        private void crashWithAnOpenOrder() {
            authority.crashAfterUrl = new AssertionError("killed");
            obtain(SHOP);
            orders.runAll();
            authority.crashAfterUrl = null;
            issuance = issuance(orders::execute);
        }

        @Test
        void theOpenOrderIsFinishedWithItsKeyAndUrl() throws Exception {
            crashWithAnOpenOrder();

            CompletableFuture<Void> resumed = issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(resumed).isCompleted();
            assertThat(authority.asked).hasSize(2);
            assertThat(authority.asked.get(1).url()).contains(ORDER_URL);
            assertThat(authority.asked.get(1).key().getPrivate())
                    .isEqualTo(authority.asked.get(0).key().getPrivate());
            assertThat(Arrays.equals(
                            authority.asked.get(1).csr(), authority.asked.get(0).csr()))
                    .isTrue();
            assertThat(inventory.find(SHOP)).isPresent();
            assertThat(store.openOrders()).isEmpty();
        }

        @Test
        void aVisitorJoinsTheFlightThatFinishesTheOrder() {
            crashWithAnOpenOrder();
            issuance.resumeOpenOrders();
            lookups.runAll();

            CompletableFuture<KeyedCertificate> visit = obtain(SHOP);
            orders.runAll();

            assertThat(visit).isCompleted();
            assertThat(authority.asked).hasSize(2);
        }

        @Test
        void anOrderWhoseCertificateIsStoredIsOnlyClosed() throws Exception {
            obtain(SHOP);
            orders.runAll();
            inventory.withdraw(SHOP);
            store.journal(new org.ondemandtls.store.OpenOrder(
                    SHOP,
                    authority.id(),
                    time.clock().instant(),
                    Optional.of(ORDER_URL),
                    TestCertificates.key(),
                    new byte[] {1}));

            issuance.resumeOpenOrders();
            lookups.runAll();
            orders.runAll();

            assertThat(authority.asked).hasSize(1);
            assertThat(store.openOrders()).isEmpty();
            assertThat(inventory.find(SHOP)).isPresent();
        }
    }
}
