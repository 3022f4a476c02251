package org.ondemandtls.store.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.Reckoning;
import org.ondemandtls.store.StoreException;

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
            Optional<Outcome.Spent> spent =
                    Reckoning.spent(counted, checked, now, (quota, at) -> inTheWay(connection, quota, at));
            if (spent.isPresent()) {
                return spent.get();
            }
            List<Long> entries = new ArrayList<>();
            for (Map.Entry<String, Duration> key : Reckoning.keys(counted).entrySet()) {
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
        String places = Sql.places(ticket.entries().size());
        String sql = "DELETE FROM ondemand_tls_ledger WHERE id IN (" + places + ")";
        pool.change(WHAT, sql, ticket.entries().toArray());
    }

    @Override
    public void count(String key, Duration keepFor) throws StoreException {
        Quota checkedBounds = new Quota(key, 0, keepFor);
        pool.each(WHAT, connection -> insert(connection, key, clock.millis(), checkedBounds.window()));
    }

    @Override
    public int used(String key, Duration window) throws StoreException {
        Quota checkedBounds = new Quota(key, 0, window);
        String sql = "SELECT count(*) FROM ondemand_tls_ledger WHERE counted = ? AND since > ? AND since < ?";
        long now = clock.millis();
        long millis = checkedBounds.window().toMillis();
        return pool.read(WHAT, sql, row -> row.getInt(1), key, now - millis, now + millis)
                .get(0);
    }

    private void lock(Connection connection, SortedSet<Integer> stripes) throws SQLException {
        if (stripes.isEmpty()) {
            return;
        }
        // Locked by being selected.
        pool.rows(
                connection,
                "SELECT stripe FROM ondemand_tls_ledger_lock WHERE stripe IN (" + Sql.places(stripes.size())
                        + ") ORDER BY stripe FOR UPDATE",
                row -> row.getInt(1),
                stripes.toArray());
    }

    // By the index, whose order tells the one to look for.
    private OptionalLong inTheWay(Connection connection, Quota quota, long now) throws SQLException {
        long millis = quota.window().toMillis();
        Optional<Long> since = pool.row(
                connection,
                "SELECT since FROM ondemand_tls_ledger WHERE counted = ? AND since > ? AND since < ?"
                        + " ORDER BY since DESC LIMIT 1 OFFSET ?",
                row -> row.getLong(1),
                quota.key(),
                now - millis,
                now + millis,
                quota.most() - 1);
        return since.isPresent() ? OptionalLong.of(since.get()) : OptionalLong.empty();
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
