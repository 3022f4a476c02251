package org.ondemandtls.store.jdbc;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.ondemandtls.testing.Database;

/** Tables of ours in a database that tests share: empty at the beginning of each, which costs less than to make them. */
final class JdbcTables {

    private static final Map<Database.Kind, String> MADE = new EnumMap<>(Database.Kind.class);

    private JdbcTables() {}

    /** Where they are; made by the first store that is opened there. */
    static synchronized String emptied(Database.Kind kind) {
        String url = MADE.get(kind);
        if (url == null) {
            url = Database.shared(kind).fresh();
            MADE.put(kind, url);
        } else {
            for (String table : List.of(
                    "certificate",
                    "listed",
                    "name",
                    "order",
                    "hold",
                    "secret",
                    "quarantine",
                    "lease",
                    "proof",
                    "news",
                    "ledger",
                    "node")) {
                Database.update(url, "DELETE FROM ondemand_tls_" + table);
            }
            Database.update(url, "UPDATE ondemand_tls_encryption SET content = ''");
        }
        return url;
    }
}
