package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
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
        byte[] content = content(read);
        String from = " FROM " + table + " WHERE " + key + " = ?";
        String insert = "INSERT INTO ondemand_tls_quarantine (kind, name, since, reason, content) SELECT '" + kind
                + "', " + key + ", " + dialect.now() + ", ?, content" + from;
        String now = "SELECT " + Sql.content("content") + from + " FOR UPDATE";
        JdbcPool.Reader<Boolean> unchanged = row -> Arrays.equals(JdbcMedium.octets(read.shelf(), row, 1), content);
        boolean done = pool.together("a damaged " + kind + " cannot be set aside", connection -> {
            boolean same = pool.row(connection, now, unchanged, read.handle()).orElse(false);
            if (same && keep) {
                pool.update(connection, insert, reason, read.handle());
            }
            return same && pool.update(connection, "DELETE" + from, read.handle()) == 1;
        });
        return done ? Optional.of("in ondemand_tls_quarantine") : Optional.empty();
    }

    // Null where it is too large to be compared by more than that.
    private static byte @Nullable [] content(Found read) throws StoreException {
        try {
            return read.content().read();
        } catch (UnreadableException tooLarge) {
            return null;
        }
    }

    /** Removes what a content tells, a few records in memory at a time; one that is too large tells nothing. */
    static void remove(JdbcPool pool, Predicate<byte[]> which) throws StoreException {
        record Aside(long id, String content) {}
        String what = "what was set aside cannot be removed";
        String sql = "SELECT id, " + Sql.content("content")
                + " FROM ondemand_tls_quarantine WHERE id > ? ORDER BY id LIMIT " + PAGE;
        long last = 0;
        List<Aside> page;
        do {
            page = pool.atOnce()
                    .read(
                            what,
                            sql,
                            row -> new Aside(
                                    row.getLong(1),
                                    Optional.ofNullable(row.getString(2)).orElse("")),
                            last);
            for (Aside aside : page) {
                last = aside.id();
                if (which.test(aside.content().getBytes(ISO_8859_1))) {
                    pool.atOnce().change(what, "DELETE FROM ondemand_tls_quarantine WHERE id = ?", last);
                }
            }
        } while (!page.isEmpty());
    }
}
