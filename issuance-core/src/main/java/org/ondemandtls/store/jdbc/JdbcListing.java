package org.ondemandtls.store.jdbc;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.StoreException;

/**
 * What certificates are listed by, in a table beside theirs: written with each of them where it has changed, and filled for
 * those that an older version wrote. What it says is only where to look: whoever lists reads the certificates themselves.
 */
final class JdbcListing {

    private static final String TABLE = "ondemand_tls_listed";
    private static final String FIELDS = "name, domain, issuer, expires, late, standing";
    private static final List<String> UPDATED = List.of("leaf", "domain", "issuer", "expires", "late", "standing");
    private static final String WHAT = "the certificates cannot be listed";
    private static final int REMEMBERED = 10_000;
    /** How many names are compared at a time. */
    static final int COMPARED = 1_000;

    /**
     * Some names in their order.
     *
     * @param last the last that was compared, empty at the end
     * @param unlisted those of which the table does not say, or says something else
     */
    record Compared(String last, List<String> unlisted) {}

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final boolean there;
    private final Cache<String, Listed> written = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();

    JdbcListing(JdbcPool pool, SqlDialect dialect) throws StoreException {
        this.pool = pool;
        this.dialect = dialect;
        this.there = pool.each(WHAT, JdbcSchema::hasListing);
    }

    /** Whether the database has the table. */
    boolean isThere() {
        return there;
    }

    /** Writes down what a certificate is listed by, unless this server has done so; within a transaction or not. */
    void write(Connection connection, Medium.Marks marks) throws SQLException {
        Listed entry = marks.listed().orElse(null);
        if (!there || entry == null || entry.equals(written.getIfPresent(entry.name()))) {
            return;
        }
        pool.update(
                connection,
                dialect.upsert(TABLE, "name, " + String.join(", ", UPDATED), Sql.places(7), "name", UPDATED),
                entry.name(),
                marks.leaf(),
                entry.domain(),
                entry.issuer(),
                Sql.millis(entry.expires()),
                Sql.millis(entry.late()),
                (long) entry.standing().number());
        written.put(entry.name(), entry);
    }

    /** The same by itself; blocks. */
    void write(Medium.Marks marks) throws StoreException {
        if (there
                && marks.listed()
                        .filter(entry -> !entry.equals(written.getIfPresent(entry.name())))
                        .isPresent()) {
            pool.each("what a certificate is listed by cannot be kept", connection -> {
                write(connection, marks);
                return true;
            });
        }
    }

    /** The same after a certificate is saved: what fails here is written with its next change, and loses nothing. */
    void writeAfterwards(Medium.Marks marks) {
        try {
            write(marks);
        } catch (StoreException e) {
            marks.listed().ifPresent(entry -> unsure(entry.name()));
        }
    }

    /** What was written may not have landed. */
    void unsure(String name) {
        written.invalidate(name);
    }

    /** A certificate is removed, within a transaction. */
    void remove(Connection connection, String name) throws SQLException {
        if (there) {
            pool.update(connection, "DELETE FROM " + TABLE + " WHERE name = ?", name);
        }
        written.invalidate(name);
    }

    /** A page, as {@link Medium#listed} says. */
    List<Listed> page(Listed.Slice slice, String after, int limit) throws StoreException {
        if (slice instanceof Listed.OfDomain of) {
            return equal("domain", of.domain(), after, limit);
        }
        if (slice instanceof Listed.OfIssuer of) {
            return equal("issuer", of.issuer(), after, limit);
        }
        if (slice instanceof Listed.OfStanding of) {
            return equal("standing", (long) of.standing().number(), after, limit);
        }
        return slice instanceof Listed.Expiring until
                ? before("expires", until.before(), after, limit)
                : before("late", ((Listed.Late) slice).at(), after, limit);
    }

    private List<Listed> equal(String column, Object value, String after, int limit) throws StoreException {
        String sql = "SELECT " + FIELDS + " FROM " + TABLE + " WHERE " + column + " = ? AND name > ? ORDER BY " + column
                + ", name LIMIT ?";
        return pool.read(WHAT, sql, JdbcListing::entry, value, after, limit);
    }

    private List<Listed> before(String column, Instant end, String after, int limit) throws StoreException {
        String sql = "SELECT " + FIELDS + " FROM " + TABLE + " WHERE " + column + " < ? AND " + column + " >= ? AND ("
                + column + " > ? OR name > ?) ORDER BY " + column + ", name LIMIT ?";
        long from = Listed.momentOf(after);
        return pool.read(WHAT, sql, JdbcListing::entry, Sql.millis(end), from, from, Listed.nameOf(after), limit);
    }

    private static Listed entry(ResultSet row) throws SQLException {
        return new Listed(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                Instant.ofEpochMilli(row.getLong(4)),
                Instant.ofEpochMilli(row.getLong(5)),
                Listed.Standing.of(row.getInt(6)));
    }

    /** Compares the names behind one with the table; by ranges of the primary keys of both. */
    Compared compare(String after) throws StoreException {
        record Row(String name, String leaf) {}
        JdbcPool.Reader<Row> reader =
                row -> new Row(row.getString(1), row.getString(2).strip());
        String stored =
                "SELECT name, leaf FROM ondemand_tls_certificate WHERE name > ? ORDER BY name LIMIT " + COMPARED;
        List<Row> rows = pool.readAtOnce(WHAT, stored, reader, after);
        if (rows.isEmpty()) {
            return new Compared("", List.of());
        }
        String last = rows.get(rows.size() - 1).name();
        String known =
                "SELECT name, leaf FROM " + TABLE + " WHERE name > ? AND name <= ? ORDER BY name LIMIT " + 2 * COMPARED;
        Set<Row> same = new HashSet<>(pool.readAtOnce(WHAT, known, reader, after, last));
        return new Compared(
                last,
                rows.stream().filter(row -> !same.contains(row)).map(Row::name).toList());
    }
}
