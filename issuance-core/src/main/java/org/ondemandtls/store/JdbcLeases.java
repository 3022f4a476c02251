package org.ondemandtls.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlDialect;

/**
 * The leases of this process: a row per name, by the database's time. Safe for use by many threads.
 *
 * <p>A row is extended only while it is still this process's and has not run out, so that one that stood still takes
 * nothing back from whoever took over meanwhile.
 */
final class JdbcLeases {

    /** How long a lease lasts that is not extended. */
    static final Duration LENGTH = Duration.ofSeconds(20);

    private static final int PAGE = 100;

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String holder;
    private final Map<String, Lease> held = new ConcurrentHashMap<>();

    JdbcLeases(JdbcPool pool, SqlDialect dialect, String holder) {
        this.pool = pool;
        this.dialect = dialect;
        this.holder = holder;
    }

    Optional<Lease> take(ServerName name) throws StoreException {
        long fence = pool.each("a lease cannot be taken", connection -> {
            long number = SqlDialect.number(connection, "SELECT " + dialect.next("ondemand_tls_fence"));
            try (PreparedStatement take = pool.prepared(connection, takeStatement())) {
                take.setString(1, name.value());
                take.setString(2, holder);
                take.setLong(3, number);
                take.setLong(4, LENGTH.toMillis());
                take.executeUpdate();
            }
            try (PreparedStatement select = pool.prepared(
                    connection, "SELECT 1 FROM ondemand_tls_lease WHERE name = ? AND fence = ? AND holder = ?")) {
                select.setString(1, name.value());
                select.setLong(2, number);
                select.setString(3, holder);
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() ? number : 0;
                }
            }
        });
        if (fence == 0) {
            return Optional.empty();
        }
        Lease lease = new Lease(name, fence);
        held.put(name.value(), lease);
        return Optional.of(lease);
    }

    void giveBack(Lease lease) throws StoreException {
        // First: it must not be extended any more if this fails.
        held.remove(lease.name().value(), lease);
        pool.eachAtOnce("a lease cannot be given back", connection -> {
            try (PreparedStatement delete = pool.prepared(
                    connection, "DELETE FROM ondemand_tls_lease WHERE name = ? AND fence = ? AND holder = ?")) {
                delete.setString(1, lease.name().value());
                delete.setLong(2, lease.fence());
                delete.setString(3, holder);
                return delete.executeUpdate();
            }
        });
    }

    /** Lets all run out that are held: others find by that what this server has left open. */
    void endAll() throws StoreException {
        for (Lease lease : List.copyOf(held.values())) {
            held.remove(lease.name().value(), lease);
            pool.eachAtOnce("a lease cannot be ended", connection -> {
                try (PreparedStatement update = pool.prepared(
                        connection,
                        "UPDATE ondemand_tls_lease SET expires = " + dialect.now() + " WHERE name = ? AND fence = ?"
                                + " AND holder = ?")) {
                    update.setString(1, lease.name().value());
                    update.setLong(2, lease.fence());
                    update.setString(3, holder);
                    return update.executeUpdate();
                }
            });
        }
    }

    /** Extends all that are held. */
    void extend() throws StoreException {
        List<String> names = List.copyOf(held.keySet());
        for (int from = 0; from < names.size(); from += PAGE) {
            List<String> page = names.subList(from, Math.min(names.size(), from + PAGE));
            pool.eachAtOnce("leases cannot be extended", connection -> extend(connection, page));
        }
    }

    private int extend(Connection connection, List<String> page) throws SQLException {
        List<String> sorted = new ArrayList<>(page);
        sorted.sort(null);
        try (PreparedStatement update = pool.prepared(
                connection,
                "UPDATE ondemand_tls_lease SET expires = " + dialect.now() + " + ? WHERE name IN ("
                        + Sql.places(sorted.size()) + ") AND holder = ? AND expires > " + dialect.now())) {
            update.setLong(1, LENGTH.toMillis());
            for (int i = 0; i < sorted.size(); i++) {
                update.setString(i + 2, sorted.get(i));
            }
            update.setString(sorted.size() + 2, holder);
            return update.executeUpdate();
        }
    }

    /**
     * Makes sure that a lease is held until the transaction ends, and extends it: being written, the row is locked, on each
     * node of a cluster of databases too.
     *
     * @throws LeaseLostException if it is not
     */
    void check(Connection connection, Lease lease) throws SQLException, LeaseLostException {
        try (PreparedStatement update = pool.prepared(
                connection,
                "UPDATE ondemand_tls_lease SET expires = " + dialect.now()
                        + " + ? WHERE name = ? AND fence = ? AND holder = ? AND expires > " + dialect.now())) {
            update.setLong(1, LENGTH.toMillis());
            update.setString(2, lease.name().value());
            update.setLong(3, lease.fence());
            update.setString(4, holder);
            if (update.executeUpdate() != 1) {
                throw new LeaseLostException(lease);
            }
        }
    }

    private String takeStatement() {
        String insert = "INSERT INTO ondemand_tls_lease (name, holder, fence, expires) VALUES (?, ?, ?, "
                + dialect.now() + " + ?) ";
        if (dialect == SqlDialect.POSTGRESQL) {
            return insert + "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence,"
                    + " expires = excluded.expires WHERE ondemand_tls_lease.expires <= " + dialect.now();
        }
        // Assigned from left to right; the time that decides comes last.
        return insert + "ON DUPLICATE KEY UPDATE holder = IF(expires <= " + dialect.now() + ", VALUES(holder), holder),"
                + " fence = IF(expires <= " + dialect.now() + ", VALUES(fence), fence),"
                + " expires = IF(expires <= " + dialect.now() + ", VALUES(expires), expires)";
    }
}
