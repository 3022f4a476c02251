package org.ondemandtls.store.jdbc;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.ondemandtls.testing.Database;

/** Tables of ours in a database that tests share: empty at the beginning of each, which costs less than to make them. */
final class JdbcTables {

    private static final Map<Database.Kind, String> MADE = new EnumMap<>(Database.Kind.class);
    private static final Map<Database.Kind, String> MADE_LATER = new EnumMap<>(Database.Kind.class);
    private static final List<String> FILLED = List.of(
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
            "node");
    private static final String LATER = """
            -- version 2
            ALTER TABLE ondemand_tls_schema ADD COLUMN IF NOT EXISTS oldest integer;
            CREATE TABLE ondemand_tls_later (id integer PRIMARY KEY);
            """;

    private JdbcTables() {}

    /** Where they are; made by the first store that is opened there. */
    static synchronized String emptied(Database.Kind kind) {
        return emptied(kind, MADE);
    }

    /** The same for tables that a later version has added to. */
    static synchronized String emptiedOfLaterVersion(Database.Kind kind) {
        boolean made = MADE_LATER.containsKey(kind);
        String url = emptied(kind, MADE_LATER);
        if (!made) {
            Database.shared(kind).script(url);
            upgrade(url, "1");
        }
        return url;
    }

    private static String emptied(Database.Kind kind, Map<Database.Kind, String> made) {
        String url = made.get(kind);
        if (url == null) {
            url = Database.shared(kind).fresh();
            made.put(kind, url);
        } else {
            for (String table : FILLED) {
                Database.update(url, "DELETE FROM ondemand_tls_" + table);
            }
            Database.update(url, "UPDATE ondemand_tls_encryption SET content = ''");
        }
        return url;
    }

    /**
     * Does to tables what a version after ours may do: each gets a further column, and there is a further table.
     *
     * @param url where they are
     * @param oldest the oldest version that can work with them, or {@code NULL} where nothing says so
     */
    static void upgrade(String url, String oldest) {
        JdbcSchema.statementsAfter(JdbcSchema.VERSION, LATER).forEach(statement -> Database.update(url, statement));
        List<String> tables = new ArrayList<>(FILLED);
        tables.addAll(List.of("schema", "encryption", "ledger_lock"));
        for (String table : tables) {
            Database.update(
                    url, "ALTER TABLE ondemand_tls_" + table + " ADD COLUMN later varchar(20) DEFAULT 'new' NOT NULL");
        }
        Database.update(url, "INSERT INTO ondemand_tls_schema (version, oldest) VALUES (2, " + oldest + ")");
    }
}
