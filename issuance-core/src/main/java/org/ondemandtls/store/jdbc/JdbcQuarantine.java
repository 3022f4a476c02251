package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.List;
import java.util.function.Predicate;
import org.ondemandtls.store.StoreException;

/** What was damaged and set aside in a database. */
final class JdbcQuarantine {

    private static final int PAGE = 50;

    private JdbcQuarantine() {}

    /** Removes what a content tells, a few records in memory at a time. */
    static void remove(JdbcPool pool, Predicate<byte[]> which) throws StoreException {
        record Aside(long id, String content) {}
        String what = "what was set aside cannot be removed";
        String sql = "SELECT id, content FROM ondemand_tls_quarantine WHERE id > ? ORDER BY id LIMIT " + PAGE;
        long last = 0;
        List<Aside> page;
        do {
            page = pool.readAtOnce(what, sql, row -> new Aside(row.getLong(1), row.getString(2)), last);
            for (Aside aside : page) {
                last = aside.id();
                if (which.test(aside.content().getBytes(ISO_8859_1))) {
                    pool.changeAtOnce(what, "DELETE FROM ondemand_tls_quarantine WHERE id = ?", last);
                }
            }
        } while (!page.isEmpty());
    }
}
