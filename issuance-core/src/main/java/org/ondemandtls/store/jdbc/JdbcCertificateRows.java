package org.ondemandtls.store.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Medium.Kept;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;

/** How certificates are written in a database: by their revision, with their other names and the news of it. */
final class JdbcCertificateRows {

    private static final String COLUMNS = "name, due, revision, fence, leaf, withdrawn, key_id, content";

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String node;
    private final JdbcListing listing;

    JdbcCertificateRows(JdbcPool pool, SqlDialect dialect, String node, JdbcListing listing) {
        this.listing = listing;
        this.pool = pool;
        this.dialect = dialect;
        this.node = node;
    }

    /** The common case: a visit, another due time. Same leaf, as much withdrawn as before: one statement, and no news. */
    boolean touch(String what, Kept record, String content, long before) throws StoreException {
        String sql = "UPDATE ondemand_tls_certificate SET due = ?, revision = ?, key_id = ?, content = ?"
                + " WHERE name = ? AND revision = ? AND leaf = ? AND withdrawn = ?";
        Medium.Marks marks = record.marks();
        long due = Sql.millis(marks.at());
        boolean touched = pool.change(
                        what,
                        sql,
                        due,
                        record.revision(),
                        marks.keyId(),
                        content,
                        record.key(),
                        before,
                        marks.leaf(),
                        marks.withdrawn())
                == 1;
        if (touched) {
            listing.writeAfterwards(marks, record.revision());
        }
        return touched;
    }

    /** Puts a record in place of a revision, within a transaction. */
    void replace(Connection connection, Kept record, String content, long before, long fence)
            throws SQLException, StoreException {
        record Stored(long revision, boolean same) {}
        String first = record.key();
        Medium.Marks marks = record.marks();
        Stored stored = pool.row(
                        connection,
                        "SELECT revision, leaf, withdrawn FROM ondemand_tls_certificate WHERE name = ? FOR UPDATE",
                        row -> new Stored(
                                row.getLong(1),
                                row.getString(2).equals(marks.leaf()) && row.getBoolean(3) == marks.withdrawn()),
                        first)
                .orElse(new Stored(0, false));
        if (stored.revision() != before) {
            throw new StaleRevisionException(first, stored.revision(), before);
        }
        write(connection, record, content, before, fence);
        // The transaction may come to nothing, so that this is not noted as written.
        listing.write(connection, marks);
        if (!stored.same()) {
            // Others have to know.
            point(connection, record, before > 0);
            tell(connection, first, marks.aliases());
        }
    }

    private void write(Connection connection, Kept record, String content, long before, long fence)
            throws SQLException, StoreException {
        Medium.Marks marks = record.marks();
        long due = Sql.millis(marks.at());
        if (before > 0) {
            String sql = "UPDATE ondemand_tls_certificate SET due = ?, revision = ?, fence = CASE WHEN fence > ? THEN"
                    + " fence ELSE ? END, leaf = ?, withdrawn = ?, key_id = ?, content = ? WHERE name = ?";
            pool.update(
                    connection,
                    sql,
                    due,
                    record.revision(),
                    fence,
                    fence,
                    marks.leaf(),
                    marks.withdrawn(),
                    marks.keyId(),
                    content,
                    record.key());
            return;
        }
        String sql = dialect.insertIfAbsent("ondemand_tls_certificate", COLUMNS, Sql.places(8));
        try (PreparedStatement insert = pool.bound(
                connection,
                sql,
                record.key(),
                due,
                record.revision(),
                fence,
                marks.leaf(),
                marks.withdrawn(),
                marks.keyId(),
                content)) {
            if (!dialect.inserted(insert)) {
                throw new StaleRevisionException(record.key(), revision(connection, record.key(), ""), 0);
            }
        }
    }

    /** Removes a certificate within a transaction, if it has a revision. */
    void remove(Connection connection, String first, List<String> aliases, long expected)
            throws SQLException, StoreException {
        long stored = revision(connection, first, " FOR UPDATE");
        if (stored == 0) {
            return;
        }
        if (stored != expected) {
            throw new StaleRevisionException(first, stored, expected);
        }
        pool.update(connection, "DELETE FROM ondemand_tls_certificate WHERE name = ?", first);
        unpoint(connection, first);
        listing.remove(connection, first);
        tell(connection, first, aliases);
    }

    // 0 where there is none.
    private long revision(Connection connection, String first, String lock) throws SQLException {
        String sql = "SELECT revision FROM ondemand_tls_certificate WHERE name = ?" + lock;
        return pool.row(connection, sql, row -> row.getLong(1), first).orElse(0L);
    }

    private void point(Connection connection, Kept record, boolean replaced) throws SQLException {
        if (replaced) {
            unpoint(connection, record.key());
        }
        if (record.marks().aliases().isEmpty()) {
            return;
        }
        String sql = dialect.upsert("ondemand_tls_name", "name, certificate", "?, ?", "name", List.of("certificate"));
        try (PreparedStatement upsert = pool.prepared(connection, sql)) {
            // In their order: two that have names in common do not wait for each other.
            for (String other : new TreeSet<>(record.marks().aliases())) {
                upsert.setString(1, other);
                upsert.setString(2, record.key());
                upsert.addBatch();
            }
            upsert.executeBatch();
        }
    }

    private void unpoint(Connection connection, String first) throws SQLException {
        pool.update(connection, "DELETE FROM ondemand_tls_name WHERE certificate = ?", first);
    }

    private void tell(Connection connection, String first, List<String> aliases) throws SQLException {
        List<String> all = Stream.concat(Stream.of(first), aliases.stream()).toList();
        JdbcNews.write(pool, dialect, connection, node, all);
    }
}
