package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;

/** What was damaged and is set aside in a database. */
final class JdbcQuarantine {

    private static final int PAGE = 50;

    private JdbcQuarantine() {}

    /**
     * Sets a record aside, or removes it; only what was read, since another server may have written it anew. That is compared
     * here: a damaged text may hold characters that are no octets.
     */
    static Optional<String> setAside(
            JdbcPool pool, SqlDialect dialect, Found read, String table, String key, String reason, boolean keep)
            throws StoreException {
        String kind = read.shelf().kind();
        byte[] content;
        try {
            content = read.content().read();
        } catch (UnreadableException e) {
            throw new StoreException(read.place() + " cannot be set aside: " + e.getMessage());
        }
        String from = " FROM " + table + " WHERE " + key + " = ?";
        String insert = "INSERT INTO ondemand_tls_quarantine (kind, name, since, reason, content) SELECT '" + kind
                + "', " + key + ", " + dialect.now() + ", ?, content" + from;
        JdbcPool.Reader<byte[]> octets = row -> JdbcMedium.octets(read.shelf(), row, 1);
        boolean done = pool.together("a damaged " + kind + " cannot be set aside", connection -> {
            boolean same = pool.row(connection, "SELECT content" + from + " FOR UPDATE", octets, read.handle())
                    .filter(now -> Arrays.equals(now, content))
                    .isPresent();
            if (same && keep) {
                pool.update(connection, insert, reason, read.handle());
            }
            return same && pool.update(connection, "DELETE" + from, read.handle()) == 1;
        });
        return done ? Optional.of("in ondemand_tls_quarantine") : Optional.empty();
    }

    /** Removes what a content tells, a few records in memory at a time. */
    static void remove(JdbcPool pool, Predicate<byte[]> which) throws StoreException {
        record Aside(long id, String content) {}
        String what = "what was set aside cannot be removed";
        String sql = "SELECT id, content FROM ondemand_tls_quarantine WHERE id > ? ORDER BY id LIMIT " + PAGE;
        long last = 0;
        List<Aside> page;
        do {
            page = pool.atOnce().read(what, sql, row -> new Aside(row.getLong(1), row.getString(2)), last);
            for (Aside aside : page) {
                last = aside.id();
                if (which.test(aside.content().getBytes(ISO_8859_1))) {
                    pool.atOnce().change(what, "DELETE FROM ondemand_tls_quarantine WHERE id = ?", last);
                }
            }
        } while (!page.isEmpty());
    }
}
