package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.NotReady;
import org.ondemandtls.certificate.IssuanceException.OverBudget;
import org.ondemandtls.certificate.IssuanceException.Overloaded;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestCertificates;

/** {@link Landing} and {@link AskedPermission}: what operators read of a flight, and what is counted of it. */
class IssuanceReportsTest {

    private static final ServerName SHOP = ServerName.parse("shop.one.example");
    private static final ServerName OTHER = ServerName.parse("other.one.example");

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private Issuance issuance;
    private Decision decision = new Decision.Granted();

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        house.ask((name, purpose) -> {
            house.time().advance(Duration.ofSeconds(1));
            return CompletableFuture.completedFuture(decision);
        });
        issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CompletableFuture<KeyedCertificate> visit(ServerName name) {
        return issuance.obtain(name, ClientBlock.LOCAL);
    }

    private static IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    private List<String> lines(EventKind kind) {
        return house.recorded().lines(kind);
    }

    private Instant now() {
        return house.time().clock().instant();
    }

    @Nested
    class AFailure {

        @Test
        void ofANameThatIsNotReadySaysWhoHasToDoWhatAndIsRememberedForSeconds() throws Exception {
            house.preflight(new Looks(CompletableFuture.completedFuture(
                    Optional.of(new Verdict(Verdict.Who.CUSTOMER, "change its A record", Optional.of("192.0.2.7"))))));
            issuance = house.issuance(new DirectExecutor(), new DirectExecutor());

            assertThat(failureOf(visit(SHOP)))
                    .isInstanceOfSatisfying(
                            NotReady.class,
                            failure -> assertThat(failure.leadsTo()).contains("192.0.2.7"));

            assertThat(lines(EventKind.NOT_READY))
                    .containsExactly("name=shop.one.example not ordered: customer: change its A record");
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofSeconds(10));
            assertThat(house.authority().asked()).isEmpty();
        }

        @Test
        void ofABudgetIsToldOnceForManyNames() throws Exception {
            issuance = house.issuance(
                    new DirectExecutor(),
                    new DirectExecutor(),
                    Budget.of(
                            house.store().ledger(),
                            ConfigReader.read(
                                    Map.of(
                                            "onDemandTls.permission.names", "*.example.com",
                                            "onDemandTls.acme.directory",
                                                    house.authority().id(),
                                            "onDemandTls.budget.orders", "2/1h"),
                                    directory),
                            house.time().clock()));
            visit(SHOP);

            assertThat(failureOf(visit(OTHER))).isInstanceOf(OverBudget.class);
            assertThat(failureOf(visit(ServerName.parse("third.one.example")))).isInstanceOf(OverBudget.class);

            assertThat(lines(EventKind.OVER_BUDGET))
                    .singleElement()
                    .asString()
                    .startsWith("name=other.one.example refused: over budget: 1 in 1 h are used up");
        }

        @Test
        void ofAQueueThatIsFullIsCountedUnderItsBound() throws Exception {
            issuance = house.issuance(new DirectExecutor(), task -> {
                throw new RejectedExecutionException();
            });

            assertThat(failureOf(visit(SHOP))).isInstanceOf(Overloaded.class);

            assertThat(house.recorded().events().overflows())
                    .containsExactly(Map.entry("onDemandTls.shield.ordersQueued", 1L));
        }

        @Test
        void ofTheCasIsNoDefectAndNoMatterOfTheStore() {
            house.authority().fail(new IssuanceException.Unavailable(SHOP, "no answer", Duration.ofSeconds(5), null));

            visit(SHOP);

            assertThat(lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(1);
            for (EventKind other : List.of(
                    EventKind.DEFECT,
                    EventKind.REJECTED,
                    EventKind.STORE_FAILED,
                    EventKind.OVER_BUDGET,
                    EventKind.NOT_READY,
                    EventKind.OVERLOADED)) {
                assertThat(lines(other)).as(other.name()).isEmpty();
            }
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofSeconds(5));
        }
    }

    @Nested
    class ACertificateFromTheStore {

        private final KeyPair key = TestCertificates.key();
        private final KeyPair issuer = TestCertificates.key();
        private final KeyPair stranger = TestCertificates.key();

        private X509Certificate leaf() throws Exception {
            return TestCertificates.leaf(key, now(), SHOP.value()).signedBy("test issuer", issuer);
        }

        private X509Certificate authority(KeyPair of, String name) throws Exception {
            return TestCertificates.authority(of, now(), name).signedBy("test root", issuer);
        }

        private String loaded(List<X509Certificate> chain) throws Exception {
            KeyedCertificate certificate = new KeyedCertificate(key.getPrivate(), chain);
            house.store().save(StoredCertificate.obtained(certificate, "certbot", now(), certificate.notAfter()));
            assertThat(visit(SHOP)).isCompleted();
            return lines(EventKind.LOADED).get(0);
        }

        @Test
        void isToldWithItsEnd() throws Exception {
            X509Certificate leaf = leaf();

            assertThat(loaded(List.of(leaf)))
                    .isEqualTo("name=shop.one.example served from the store, valid until "
                            + leaf.getNotAfter().toInstant());
        }

        @Test
        void isToldWithWhatIsLeftOutOfItsChain() throws Exception {
            assertThat(loaded(List.of(
                            leaf(),
                            authority(issuer, "test issuer"),
                            authority(stranger, "a stranger"),
                            authority(stranger, "another stranger"))))
                    .endsWith("; left out of its chain: 2 nobody needs");
            assertThat(house.inventory().find(SHOP).orElseThrow().chain()).hasSize(2);
        }

        @Test
        void isToldWhereItIsGrantedAgainAfterItWasWithdrawn() throws Exception {
            visit(SHOP);
            house.store().update(SHOP, stored -> stored.withWithdrawn(Optional.of(now())));
            house.inventory().withdraw(SHOP);

            assertThat(visit(SHOP)).isCompleted();

            assertThat(lines(EventKind.LOADED))
                    .containsExactly("name=shop.one.example granted again after it was withdrawn");
        }
    }

    @Nested
    class AnAnswerOfPermission {

        private Figures.Series answered(String answer) {
            return house.recorded().events().figures().series().stream()
                    .filter(series -> series.figure() == Figure.PERMISSION
                            && series.values().equals(List.of(answer)))
                    .findFirst()
                    .orElseThrow();
        }

        @Test
        void isTimedAsWhatItWas() {
            visit(SHOP);
            decision = new Decision.Denied("unknown");
            visit(OTHER);

            assertThat(answered("granted").count()).isOne();
            assertThat(answered("granted").seconds()).isEqualTo(1.0);
            assertThat(answered("not_permitted").count()).isOne();
            assertThat(answered("not_permitted").seconds()).isEqualTo(1.0);
        }
    }

    @Nested
    class ALookThatIsRefusedForTooMany {

        @BeforeEach
        void refuse() throws Exception {
            visit(SHOP);
            house.preflight(new Looks(CompletableFuture.failedFuture(new Overloaded(SHOP, "onDemandTls.dns"))));
            issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
        }

        @Test
        void keepsNoRenewalFromItsOrder() {
            assertThat(issuance.renew(SHOP)).isCompleted();

            assertThat(house.authority().asked()).hasSize(2);
        }

        @Test
        void keepsAFirstOrderWaiting() {
            assertThat(failureOf(visit(OTHER))).isInstanceOf(Overloaded.class);

            assertThat(house.authority().asked()).hasSize(1);
        }
    }

    private record Looks(CompletableFuture<Optional<Verdict>> seen) implements Preflight {

        @Override
        public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
            return seen;
        }

        @Override
        public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
    }
}
