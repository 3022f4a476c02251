package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.NotPermitted;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.IssuanceException.RefusesAll;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.IssuanceException.StoreFailed;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestLeaves;

/** {@link Placement}: a store that fails at one thing is told of, and what was reached without it is not given up. */
class StoreInTroubleTest {

    private static final ServerName SHOP = ServerName.parse("shop.one.example");
    private static final String FULL = "no space left";

    // How often each method works before it fails for good.
    private final Map<String, Integer> failing = new HashMap<>();

    private IssuanceFixture house;
    private FakeAuthority authority;
    private Issuance issuance;
    private Decision decision = new Decision.Granted();

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        authority = house.authority();
        house.ask((name, purpose) -> CompletableFuture.completedFuture(decision));
        Ledger ledger = house.store().ledger();
        for (String method : List.of("reserve", "giveBack", "count")) {
            ledger = failing(Ledger.class, ledger, method);
        }
        for (String method : List.of("find", "hold", "keepHold", "dropHold", "closeOrder")) {
            house.before(store -> failing(CertificateStore.class, store, method));
        }
        Budget budget = Budget.of(
                ledger,
                ConfigReader.read(
                        Map.of(
                                "onDemandTls.permission.names", "*.example.com",
                                "onDemandTls.acme.directory", authority.id(),
                                "onDemandTls.budget.orders", "20/7d",
                                "onDemandTls.budget.name", "5/7d"),
                        directory),
                house.time().clock());
        issuance = house.issuance(new DirectExecutor(), new DirectExecutor(), budget);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private <T> T failing(Class<T> type, T all, String method) {
        return Except.of(type, all, method, through -> {
            Integer works = failing.computeIfPresent(method, (m, left) -> left - 1);
            if (works != null && works < 0) {
                throw new StoreException(FULL);
            }
            return through.call();
        });
    }

    private void fails(String method) {
        failing.put(method, 0);
    }

    private CompletableFuture<KeyedCertificate> visit(ServerName name) {
        return issuance.obtain(name, ClientBlock.LOCAL);
    }

    private static IssuanceException failureOf(CompletableFuture<KeyedCertificate> flight) {
        assertThat(flight).isCompletedExceptionally();
        return (IssuanceException)
                flight.handle((certificate, failure) -> failure).join();
    }

    private void assertTold() {
        assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(FULL);
    }

    @Nested
    class ACertificateIsServedAllTheSame {

        private void assertServed() {
            assertThat(visit(SHOP)).isCompleted();

            assertThat(house.inventory().find(SHOP)).isPresent();
            assertTold();
        }

        @Test
        void whereItCannotBeCounted() {
            fails("count");

            assertServed();
        }

        @Test
        void whereTheRefusalsBeforeItCannotBeDropped() {
            fails("dropHold");

            assertServed();
        }

        @Test
        void whereItsOrderCannotBeClosed() {
            fails("closeOrder");

            assertServed();
        }
    }

    @Nested
    class WhatTheCaSaidIsToldAndKeptInMemory {

        @Test
        void whereARefusalCannotBeKept() {
            Rejected refusal = new Rejected(SHOP, "caa", "forbidden", Duration.ZERO);
            authority.fail(refusal);
            fails("keepHold");

            assertThat(failureOf(visit(SHOP))).isSameAs(refusal);

            assertTold();
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofMinutes(100));
        }

        @Test
        void whereALimitCannotBeKept() throws Exception {
            authority.fail(new RateLimited(SHOP, new Scope.Account(authority.id()), "slow down", Duration.ofHours(1)));
            fails("keepHold");

            assertThat(failureOf(visit(SHOP))).isInstanceOf(RateLimited.class);

            assertTold();
            assertThat(issuance.held(SHOP).orElseThrow().retryAfter()).isEqualTo(Duration.ofHours(1));
        }

        @Test
        void whereAFailedValidationCannotBeCounted() {
            authority.fail(new Rejected(SHOP, "connection", "refused", Duration.ZERO));
            fails("count");

            assertThat(failureOf(visit(SHOP))).isInstanceOf(Rejected.class);

            assertTold();
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void whereItIsNotKnownHowManyValidationsFailed() {
            authority.fail(Rejected.passing(SHOP, "dns", "SERVFAIL", Duration.ZERO));
            failing.put("reserve", 1);

            assertThat(failureOf(visit(SHOP))).isInstanceOf(Rejected.class);

            assertTold();
            assertThat(issuance.blockedFor(SHOP)).isEqualTo(Duration.ofMinutes(1));
        }

        @Test
        void whereTheNamesBeforeThatCannotBeFreed() {
            authority.fail(Rejected.general(SHOP, "badCSR", "no RSA here", Duration.ZERO));
            visit(SHOP);
            fails("dropHold");

            assertThat(failureOf(visit(ServerName.parse("shop.two.example")))).isInstanceOf(RefusesAll.class);

            assertTold();
        }

        @Test
        void whereWhatNoOrderWasPlacedForCannotBeGivenBack() {
            authority.placesBeforeFailing(false);
            Unavailable down = Unavailable.unwell(SHOP, "down", Duration.ofSeconds(2), null);
            authority.fail(down);
            fails("giveBack");

            assertThat(failureOf(visit(SHOP))).isSameAs(down);

            assertTold();
        }
    }

    @Test
    void anOrderThatTheStoreKeepsFromBeingPlacedIsTimedAsThat() {
        // The first look is whether an operator has withdrawn the name.
        failing.put("hold", 1);

        assertThat(failureOf(visit(SHOP))).isInstanceOf(StoreFailed.class);

        assertThat(authority.asked()).isEmpty();
        assertThat(house.recorded().events().figures().series())
                .filteredOn(series -> series.figure() == Figure.ORDER)
                .singleElement()
                .extracting(Figures.Series::values)
                .isEqualTo(List.of(authority.id(), "obtain", "store_failed"));
    }

    @Test
    void aStoreThatDoesNotSayWhatItHasLeavesANameToTheWildcardInMemory() throws Exception {
        Instant now = house.time().clock().instant();
        KeyedCertificate wildcard = TestLeaves.leaf(now, Duration.ofDays(90), "*.one.example");
        house.store().save(StoredCertificate.obtained(wildcard, "certbot", now, wildcard.notAfter()));
        fails("find");
        assertThat(failureOf(visit(SHOP))).as("not in memory").isInstanceOf(StoreFailed.class);

        house.inventory().publish(wildcard, ServerName.parse("other.one.example"));

        assertThat(visit(SHOP)).isCompletedWithValue(wildcard);
        assertThat(authority.asked()).isEmpty();
    }

    @Test
    void aDenialThatCannotBeNotedIsToldAndIsADenialAllTheSame() throws Exception {
        visit(SHOP);
        issuance.withdrawals().withdraw(SHOP);
        decision = new Decision.Denied("gone");
        house.time().advance(Duration.ofDays(1));
        fails("hold");

        assertThat(failureOf(visit(SHOP))).isInstanceOf(NotPermitted.class);

        assertTold();
    }
}
