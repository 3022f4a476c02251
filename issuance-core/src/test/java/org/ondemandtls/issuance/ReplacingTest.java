package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException.Unavailable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestLeaves;

/** {@link Attempt} and {@link Placement}: which renewals count at the CA, by what it knows of the certificate there was. */
class ReplacingTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String CA = "https://ca.example/directory";
    private static final Duration WEEK = Duration.ofDays(7);

    private IssuanceFixture house;
    private FakeAuthority authority;
    private Issuance issuance;
    private Budget budget;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        authority = house.authority();
        budget = Budget.of(
                house.store().ledger(),
                ConfigReader.read(
                        Map.of(
                                "onDemandTls.permission.names", "*.example.com",
                                "onDemandTls.acme.directory", CA,
                                "onDemandTls.budget.name", "5/7d",
                                "onDemandTls.budget.domain", "5/7d",
                                "onDemandTls.budget.failures", "2/1h"),
                        directory),
                house.time().clock());
        issuance = house.issuance(new DirectExecutor(), new DirectExecutor(), budget);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private void obtain() {
        assertThat(issuance.obtain(SHOP, ClientBlock.LOCAL)).isCompleted();
    }

    private void assertRenewed() {
        assertThat(issuance.renew(SHOP)).isCompleted();
    }

    private void store(String issuer, String... names) throws Exception {
        Instant now = house.time().clock().instant();
        KeyedCertificate leaf = TestLeaves.leaf(now, Duration.ofDays(90), names);
        house.store().save(StoredCertificate.obtained(leaf, issuer, now, leaf.notAfter()));
    }

    private int ofTheName() throws Exception {
        return house.store().ledger().used("name|" + CA + "|shop.example.com", WEEK);
    }

    private int ofTheDomain() throws Exception {
        return house.store().ledger().used("domain|" + CA + "|example.com", WEEK);
    }

    @Nested
    class WhereTheCaIsNotToldWhatIsReplaced {

        @Test
        void exactlyTheSameNamesCountForTheNameOnly() throws Exception {
            obtain();

            assertRenewed();

            assertThat(ofTheName()).isEqualTo(2);
            assertThat(ofTheDomain()).isEqualTo(1);
        }

        @Test
        void oneOfSeveralNamesCountsForTheDomainToo() throws Exception {
            store(CA, SHOP.value(), "other.example.com");

            assertRenewed();

            assertThat(ofTheName()).isEqualTo(1);
            assertThat(ofTheDomain()).isEqualTo(1);
        }

        @Test
        void whatAnotherCaIssuedCountsAsAFirstOneAndIsNotToldOf() throws Exception {
            store("certbot", SHOP.value());

            assertRenewed();

            assertThat(ofTheName()).isEqualTo(1);
            assertThat(ofTheDomain()).isEqualTo(1);
            assertThat(authority.asked().get(0).replaces()).isEmpty();
        }
    }

    @Nested
    class WhereTheCaIsTold {

        @BeforeEach
        void offer() {
            authority.advise(Instant.EPOCH, Instant.EPOCH.plusSeconds(1), Duration.ofHours(6));
            obtain();
        }

        @Test
        void nothingCounts() throws Exception {
            assertRenewed();

            assertThat(ofTheName()).isEqualTo(1);
            assertThat(ofTheDomain()).isEqualTo(1);
        }

        @Test
        void aLeafOfWhichItMindedThatCountsFromThenOn() throws Exception {
            authority.mindsReplaces(true);
            authority.placesBeforeFailing(false);
            authority.failOnce(new Unavailable(SHOP, "down", Duration.ofSeconds(1), null));
            assertThat(issuance.renew(SHOP)).isCompletedExceptionally();
            authority.mindsReplaces(false);
            house.time().advance(Duration.ofSeconds(10));

            assertRenewed();

            assertThat(ofTheName()).isEqualTo(2);
        }

        @Test
        void whatAnOperatorPardonedStaysPardonedWhereItMindsThat() throws Exception {
            budget.authorizationFailed(CA, SHOP);
            budget.authorizationFailed(CA, SHOP);
            authority.mindsReplaces(true);

            issuance.retry(SHOP);

            assertRenewed();
        }
    }

    @Test
    void ordersAreTimedByWhatTheyAreFor() {
        obtain();
        assertRenewed();

        assertThat(house.recorded().events().figures().series())
                .filteredOn(series -> series.figure() == Figure.ORDER)
                .extracting(Figures.Series::values)
                .containsExactlyInAnyOrder(List.of(CA, "obtain", "obtained"), List.of(CA, "renew", "obtained"));
    }
}
