package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.ShelfContract;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcListing}: lists say what the certificates say, whichever server has written them. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
class JdbcListingIT {

    private static final Optional<Moved> ELSEWHERE =
            Optional.of(new Moved(ShelfContract.NOW, "192.0.2.7", "change A of it"));

    @Parameter
    private Database.Kind kind;

    private String url;
    private JdbcCertificateStore one;
    private JdbcCertificateStore other;

    @BeforeEach
    void openTwo() throws Exception {
        url = JdbcTables.emptied(kind);
        one = open();
        other = open();
        awaitFilled(one);
        awaitFilled(other);
    }

    @AfterEach
    void closeBoth() {
        one.close();
        other.close();
    }

    private JdbcCertificateStore open() throws StoreException {
        return JdbcCertificateStore.open(
                new DatabaseStore(url, Optional.empty(), Optional.empty(), true, 4),
                new RecordedEvents().events(),
                Time.ofMachine(),
                KeySealing.none());
    }

    private static void awaitFilled(JdbcCertificateStore store) {
        Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> !store.isFilling());
    }

    private List<String> moved() throws StoreException {
        return one.listed(new Listed.OfStanding(Listed.Standing.MOVED_AWAY), "", 9).orElseThrow().stream()
                .map(Listed::name)
                .toList();
    }

    private static Medium.Marks marks(StoredCertificate stored) {
        return new Medium.Marks(List.of(), stored.due(), "plain", "x", false, Optional.of(Listed.of(stored)));
    }

    private List<String> rows() {
        return Database.query(url, "SELECT name, standing FROM ondemand_tls_listed ORDER BY name");
    }

    @Test
    void twoServersThatChangeACertificateInTurnsLeaveWhatTheLastOneSaid() throws Exception {
        StoredCertificate stored = one.save(ShelfContract.stored("a.example.com"));

        for (int turn = 0; turn < 3; turn++) {
            stored = one.save(stored.withMoved(ELSEWHERE));
            assertThat(moved()).containsExactly("a.example.com");
            stored = other.save(stored.withMoved(Optional.empty()));
            assertThat(moved()).isEmpty();
        }

        stored = one.save(stored.withVisited(ShelfContract.NOW));
        one.forget(one.save(stored.withMoved(ELSEWHERE)));
        assertThat(rows()).isEmpty();
    }

    @Test
    void whatIsWrittenTooLateIsNotWritten() throws Exception {
        StoredCertificate stored = one.save(ShelfContract.stored("a.example.com"));
        JdbcPool pool = new JdbcPool(SqlSource.of(url), new Properties(), "here", 1, Time.ofMachine());
        try {
            JdbcListing listing = new JdbcListing(pool, pool.begin());
            StoredCertificate late = one.save(stored.withMoved(ELSEWHERE));
            StoredCertificate last = one.save(late.withMoved(Optional.empty()));

            listing.write(marks(late), late.revision());
            assertThat(moved()).isEmpty();

            one.forget(last);
            listing.write(marks(last), last.revision());
            assertThat(rows()).isEmpty();
        } finally {
            pool.close();
        }
    }

    @Test
    void whatAnOlderVersionHasChangedIsFoundByTheComparison() throws Exception {
        StoredCertificate stored = one.save(ShelfContract.stored("a.example.com"));
        one.save(stored.withWithdrawn(Optional.of(ShelfContract.NOW)));
        one.save(ShelfContract.stored("b.example.com"));
        Database.update(url, "UPDATE ondemand_tls_listed SET standing = 0 WHERE name = 'a.example.com'");
        Database.update(url, "DELETE FROM ondemand_tls_listed WHERE name = 'b.example.com'");
        for (String gone : List.of("A", "z.example.com")) {
            Database.update(
                    url,
                    "INSERT INTO ondemand_tls_listed (name, leaf, domain, issuer, expires, late, standing) VALUES ('"
                            + gone + "', 'x', 'example.com', 'ca', 1, 1, 0)");
        }

        one.fillAgain();
        awaitFilled(one);

        assertThat(rows()).containsExactly("a.example.com|2", "b.example.com|0");
    }
}
