package org.ondemandtls.store.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.LeaseLostException;
import org.ondemandtls.store.StoreException;

/**
 * The leases of this process: a row per name, by the database's time. Safe for use by many threads.
 *
 * <p>A row is extended only while it is still this process's and has not run out, so that one that stood still takes
 * nothing back from whoever took over meanwhile.
 */
final class JdbcLeases {

    /** How long a lease lasts that is not extended. */
    static final Duration LENGTH = Duration.ofSeconds(20);

    // What is farther away was reckoned before the database's clock was set back; who holds it still extends it anew.
    private static final Duration LONGEST = Duration.ofMinutes(1);

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

    /** Whether a lease has not run out, as a condition on when it does. */
    static String running(SqlDialect dialect, String expires) {
        return "(" + expires + " > " + dialect.now() + " AND " + expires + " <= " + dialect.now() + " + "
                + LONGEST.toMillis() + ")";
    }

    Optional<Lease> take(ServerName name) throws StoreException {
        long fence = pool.each("a lease cannot be taken", connection -> {
            long number = SqlDialect.number(connection, "SELECT " + dialect.next("ondemand_tls_fence"));
            pool.update(connection, takeStatement(), name.value(), holder, number, LENGTH.toMillis());
            return pool.row(
                            connection,
                            "SELECT 1 FROM ondemand_tls_lease WHERE name = ? AND fence = ? AND holder = ?",
                            row -> number,
                            name.value(),
                            number,
                            holder)
                    .orElse(0L);
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
        pool.atOnce()
                .change(
                        "a lease cannot be given back",
                        "DELETE FROM ondemand_tls_lease WHERE name = ? AND fence = ? AND holder = ?",
                        lease.name().value(),
                        lease.fence(),
                        holder);
    }

    /** Lets all run out that are held: others find by that what this server has left open. */
    void endAll() throws StoreException {
        for (Lease lease : List.copyOf(held.values())) {
            held.remove(lease.name().value(), lease);
            pool.atOnce()
                    .change(
                            "a lease cannot be ended",
                            "UPDATE ondemand_tls_lease SET expires = " + dialect.now()
                                    + " WHERE name = ? AND fence = ? AND holder = ?",
                            lease.name().value(),
                            lease.fence(),
                            holder);
        }
    }

    /** Extends all that are held. */
    void extend() throws StoreException {
        List<String> names = List.copyOf(held.keySet());
        for (int from = 0; from < names.size(); from += PAGE) {
            List<String> page = names.subList(from, Math.min(names.size(), from + PAGE));
            pool.atOnce().each("leases cannot be extended", connection -> extend(connection, page));
        }
    }

    private int extend(Connection connection, List<String> page) throws SQLException {
        List<Object> values = new ArrayList<>(page);
        values.sort(null);
        values.add(0, LENGTH.toMillis());
        values.add(holder);
        return pool.update(
                connection,
                "UPDATE ondemand_tls_lease SET expires = " + dialect.now() + " + ? WHERE name IN ("
                        + Sql.places(page.size()) + ") AND holder = ? AND expires > " + dialect.now(),
                values.toArray());
    }

    /**
     * Makes sure that a lease is held until the transaction ends, and extends it: being written, the row is locked, on each
     * node of a cluster of databases too.
     *
     * @throws LeaseLostException if it is not
     */
    void check(Connection connection, Lease lease) throws SQLException, LeaseLostException {
        int rows = pool.update(
                connection,
                "UPDATE ondemand_tls_lease SET expires = " + dialect.now()
                        + " + ? WHERE name = ? AND fence = ? AND holder = ? AND expires > " + dialect.now(),
                LENGTH.toMillis(),
                lease.name().value(),
                lease.fence(),
                holder);
        if (rows != 1) {
            throw new LeaseLostException(lease);
        }
    }

    private String takeStatement() {
        String insert = "INSERT INTO ondemand_tls_lease (name, holder, fence, expires) VALUES (?, ?, ?, "
                + dialect.now() + " + ?) ";
        if (dialect == SqlDialect.POSTGRESQL) {
            return insert + "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence,"
                    + " expires = excluded.expires WHERE NOT " + running(dialect, "ondemand_tls_lease.expires");
        }
        // Assigned from left to right; the time that decides comes last.
        String held = running(dialect, "expires");
        return insert + "ON DUPLICATE KEY UPDATE holder = IF(" + held + ", holder, VALUES(holder)),"
                + " fence = IF(" + held + ", fence, VALUES(fence)),"
                + " expires = IF(" + held + ", expires, VALUES(expires))";
    }
}
