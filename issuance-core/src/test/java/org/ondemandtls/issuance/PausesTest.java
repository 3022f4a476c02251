package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestCertificates;

/** {@link Pauses}: what an operator pauses is not ordered, everything else is. */
class PausesTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName DEEPER = ServerName.parse("www.shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private FakeAuthority authority;
    private FakeAuthority next;
    private Issuance issuance;
    private Pauses pauses;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        authority = house.authority();
        next = house.addAuthority("https://next.example/directory");
        house.ask((name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()));
        issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
        pauses = issuance.pauses();
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CompletableFuture<KeyedCertificate> visit(ServerName name) {
        return issuance.obtain(name, ClientBlock.LOCAL);
    }

    private void assertPaused(ServerName name, String what) {
        CompletableFuture<KeyedCertificate> visit = visit(name);
        assertThat(visit).isCompletedExceptionally();
        assertThat(visit.handle((certificate, failure) -> (IssuanceException) failure)
                        .join())
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("paused issuing since")
                .hasMessageEndingWith(": " + what);
        house.time().advance(Duration.ofMinutes(10));
    }

    private List<String> ids() {
        return List.of(authority.id(), next.id());
    }

    @Test
    void whereAllIsPausedNothingIsOrderedUntilItIsResumed() throws Exception {
        Instant since = house.time().clock().instant();
        pauses.pause(Pauses.ALL);
        house.time().advance(Duration.ofHours(1));
        pauses.pause(Pauses.ALL);

        assertThat(pauses.all()).containsOnlyKeys(Pauses.ALL).containsValue(since);
        assertThat(pauses.concerning(SHOP, ids())).containsExactly(Pauses.ALL);
        assertPaused(SHOP, Pauses.ALL);
        assertThat(authority.asked()).isEmpty();

        pauses.resume(Pauses.ALL);
        pauses.resume(Pauses.ALL);

        assertThat(pauses.all()).isEmpty();
        assertThat(pauses.concerning(SHOP, ids())).isEmpty();
        assertThat(visit(SHOP)).isCompletedWithValueMatching(certificate -> certificate != null);
        assertThat(house.recorded().lines(EventKind.ADVICE))
                .hasSize(2)
                .anySatisfy(line -> assertThat(line).contains("paused by an operator: all"))
                .anySatisfy(line -> assertThat(line).contains("resumed by an operator: all"));
    }

    @Test
    void whereADomainIsPausedTheNamesAtAndBelowItWait() throws Exception {
        String domain = Pauses.domain(SHOP.value());
        pauses.pause(domain);

        assertPaused(SHOP, domain);
        assertPaused(DEEPER, domain);
        assertThat(pauses.concerning(DEEPER, ids())).containsExactly(domain);
        assertThat(pauses.concerning(OTHER, ids())).isEmpty();
        assertThat(visit(OTHER)).isCompletedWithValueMatching(certificate -> certificate != null);
    }

    @Test
    void whereATopLevelDomainIsPausedAllOfItWaits() throws Exception {
        pauses.pause(Pauses.domain("example.com"));

        assertPaused(SHOP, Pauses.domain("example.com"));
        assertThat(visit(ServerName.parse("shop.example.net")))
                .isCompletedWithValueMatching(certificate -> certificate != null);
    }

    @Test
    void whereACaIsPausedTheOthersAreAskedAndWhereAllAreNobodyIs() throws Exception {
        pauses.pause(Pauses.ca(authority.id()));
        assertThat(pauses.concerning(SHOP, ids())).isEmpty();
        assertThat(visit(SHOP)).isCompletedWithValueMatching(certificate -> certificate != null);
        assertThat(authority.asked()).isEmpty();
        assertThat(next.asked()).hasSize(1);

        pauses.pause(Pauses.ca(next.id()));

        assertThat(pauses.concerning(SHOP, ids())).containsExactly(Pauses.ca(authority.id()), Pauses.ca(next.id()));
        assertPaused(OTHER, Pauses.ca(authority.id()));
        assertThat(next.asked()).hasSize(1);
    }

    @Test
    void anOrderThatWasLeftOpenIsFinishedWhileSomethingElseIsPaused() throws Exception {
        house.store()
                .journal(new OpenOrder(
                        SHOP,
                        authority.id(),
                        house.time().clock().instant(),
                        Optional.of(URI.create("https://ca.example/order/1")),
                        TestCertificates.key(),
                        new byte[] {1}));
        pauses.pause(Pauses.domain("somewhere.example.net"));

        issuance.resumeOpenOrders();

        assertThat(authority.asked()).hasSize(1);
        assertThat(house.inventory().find(SHOP)).isPresent();
        assertThat(house.store().openOrders()).isEmpty();
        assertThat(house.recorded().lines(EventKind.DEFECT)).isEmpty();
    }

    @Test
    void aLineWithoutAMomentPausesAllTheSameAndOneWithoutAnythingDoesNot() throws Exception {
        house.store()
                .writePublic(
                        Pauses.PLACE,
                        ("yesterday " + Pauses.domain("example.com") + "\n\nnonsense\n 2026-11-29T00:00:00Z\n")
                                .getBytes(StandardCharsets.UTF_8));

        assertThat(pauses.all()).containsOnlyKeys(Pauses.domain("example.com")).containsValue(Instant.EPOCH);
        assertPaused(SHOP, Pauses.domain("example.com"));
    }

    @Nested
    class AListThatCannotBeRead {

        private boolean unreadable;

        @BeforeEach
        void mayFail() throws Exception {
            house.before(store -> Except.of(CertificateStore.class, store, "readSecret", through -> {
                if (unreadable) {
                    throw new StoreException("bad sector");
                }
                return through.call();
            }));
            issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
            pauses = issuance.pauses();
        }

        @Test
        void leavesInForceWhatWasReadLastAndNothingElse() throws Exception {
            pauses.pause(Pauses.domain(SHOP.value()));
            visit(OTHER);
            unreadable = true;

            assertPaused(SHOP, Pauses.domain(SHOP.value()));
            assertThat(visit(ServerName.parse("third.example.com"))).isCompleted();
        }

        @Test
        void isToldOnceEachTimeItHappens() throws Exception {
            unreadable = true;
            visit(SHOP);
            visit(OTHER);
            assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                    .containsExactly("cannot read the list of pauses from the store; the last known pauses stay in"
                            + " force: bad sector");
            unreadable = false;
            visit(ServerName.parse("third.example.com"));
            unreadable = true;

            visit(ServerName.parse("fourth.example.com"));

            assertThat(house.recorded().lines(EventKind.STORE_FAILED)).hasSize(2);
        }
    }
}
