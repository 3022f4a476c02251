package org.ondemandtls.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.sql.SqlDialect;

/**
 * The ledger of a database: a row per entry. Reservations that have a key in common are put in a row by the lock on one of
 * {@value #STRIPES} rows, taken in their order.
 *
 * <p>Moments are those of this machine, as everywhere where waits are reckoned; servers whose clocks differ by seconds count
 * alike but for these seconds.
 */
final class JdbcLedger implements Ledger {

    static final int STRIPES = 64;

    private static final String WHAT = "what was asked of the CA cannot be counted";

    private final JdbcPool pool;
    private final Clock clock;

    JdbcLedger(JdbcPool pool, Clock clock) {
        this.pool = pool;
        this.clock = clock;
    }

    @Override
    public Outcome reserve(List<Quota> counted, List<Quota> checked) throws StoreException {
        return pool.together(WHAT, connection -> {
            SortedSet<Integer> stripes = new TreeSet<>();
            counted.forEach(quota -> stripes.add(stripe(quota.key())));
            checked.forEach(quota -> stripes.add(stripe(quota.key())));
            lock(connection, stripes);
            long now = clock.millis();
            Outcome.Spent spent = null;
            for (List<Quota> quotas : List.of(counted, checked)) {
                for (Quota quota : quotas) {
                    Instant fits = fits(connection, quota, now);
                    if (fits != null && (spent == null || fits.isAfter(spent.fits()))) {
                        spent = new Outcome.Spent(quota, fits);
                    }
                }
            }
            if (spent != null) {
                return spent;
            }
            Map<String, Duration> keys = new LinkedHashMap<>();
            for (Quota quota : counted) {
                keys.merge(quota.key(), quota.window(), (one, other) -> one.compareTo(other) >= 0 ? one : other);
            }
            List<Long> entries = new ArrayList<>();
            for (Map.Entry<String, Duration> key : keys.entrySet()) {
                entries.add(insert(connection, key.getKey(), now, key.getValue()));
            }
            return new Outcome.Reserved(new Ticket(entries));
        });
    }

    @Override
    public void giveBack(Ticket ticket) throws StoreException {
        if (ticket.entries().isEmpty()) {
            return;
        }
        pool.each(WHAT, connection -> {
            try (PreparedStatement delete = pool.prepared(
                    connection,
                    "DELETE FROM ondemand_tls_ledger WHERE id IN ("
                            + Sql.places(ticket.entries().size()) + ")")) {
                for (int i = 0; i < ticket.entries().size(); i++) {
                    delete.setLong(i + 1, ticket.entries().get(i));
                }
                return delete.executeUpdate();
            }
        });
    }

    @Override
    public void count(String key, Duration keepFor) throws StoreException {
        Quota checkedBounds = new Quota(key, 0, keepFor);
        pool.each(WHAT, connection -> insert(connection, key, clock.millis(), checkedBounds.window()));
    }

    @Override
    public int used(String key, Duration window) throws StoreException {
        Quota checkedBounds = new Quota(key, 0, window);
        return pool.each(WHAT, connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT count(*) FROM ondemand_tls_ledger WHERE counted = ? AND since > ? AND since < ?")) {
                bounds(select, checkedBounds, clock.millis());
                try (ResultSet rows = select.executeQuery()) {
                    rows.next();
                    return rows.getInt(1);
                }
            }
        });
    }

    /** Removes what can count nowhere any more; costs in proportion to that. By the database's time, and long after. */
    static int sweep(JdbcPool pool, SqlDialect dialect, Connection connection) throws SQLException {
        try (PreparedStatement delete = pool.prepared(
                connection, "DELETE FROM ondemand_tls_ledger WHERE expires < " + dialect.now() + " - ?")) {
            delete.setLong(1, LONGEST_WINDOW.toMillis());
            return delete.executeUpdate();
        }
    }

    private void lock(Connection connection, SortedSet<Integer> stripes) throws SQLException {
        if (stripes.isEmpty()) {
            return;
        }
        try (PreparedStatement select = pool.prepared(
                connection,
                "SELECT stripe FROM ondemand_tls_ledger_lock WHERE stripe IN (" + Sql.places(stripes.size())
                        + ") ORDER BY stripe FOR UPDATE")) {
            int at = 1;
            for (int stripe : stripes) {
                select.setInt(at++, stripe);
            }
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    // Locked by being selected.
                    rows.getInt(1);
                }
            }
        }
    }

    private @Nullable Instant fits(Connection connection, Quota quota, long now) throws SQLException {
        if (quota.most() == 0) {
            return Instant.ofEpochMilli(now).plus(quota.window());
        }
        try (PreparedStatement select = pool.prepared(
                connection,
                "SELECT since FROM ondemand_tls_ledger WHERE counted = ? AND since > ? AND since < ?"
                        + " ORDER BY since DESC LIMIT 1 OFFSET ?")) {
            bounds(select, quota, now);
            select.setInt(4, quota.most() - 1);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next()
                        ? Instant.ofEpochMilli(Math.min(rows.getLong(1), now)).plus(quota.window())
                        : null;
            }
        }
    }

    // An entry from farther in the future than its window is one from a clock that was wrong, then or now.
    private static void bounds(PreparedStatement select, Quota quota, long now) throws SQLException {
        long window = quota.window().toMillis();
        select.setString(1, quota.key());
        select.setLong(2, now - window);
        select.setLong(3, now + window);
    }

    private long insert(Connection connection, String key, long now, Duration window) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO ondemand_tls_ledger (counted, since, expires) VALUES (?, ?, ?)", new String[] {"id"})) {
            insert.setString(1, key);
            insert.setLong(2, now);
            insert.setLong(3, now + window.toMillis());
            insert.executeUpdate();
            try (ResultSet keys = insert.getGeneratedKeys()) {
                keys.next();
                return keys.getLong(1);
            }
        }
    }

    private static int stripe(String key) {
        return Math.floorMod(key.hashCode(), STRIPES);
    }
}
