package org.ondemandtls.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Where the databases differ. */
public enum SqlDialect {
    /** PostgreSQL. */
    POSTGRESQL("postgresql", "(extract(epoch from statement_timestamp()) * 1000)::bigint") {
        @Override
        public String next(String sequence) {
            return "nextval('" + sequence + "')";
        }

        @Override
        public List<String> sessionLimits(int millis, int idleSeconds) {
            return List.of(
                    "SET statement_timeout = " + millis,
                    "SET idle_in_transaction_session_timeout = " + idleSeconds * 1000);
        }

        @Override
        public List<String> transactionLimits(int millis, int idleSeconds) {
            return List.of(
                    "SET LOCAL statement_timeout = " + millis,
                    "SET LOCAL idle_in_transaction_session_timeout = " + idleSeconds * 1000);
        }

        // They end with the transaction.
        @Override
        public List<String> transactionLimitsLifted(Connection connection) {
            return List.of();
        }

        @Override
        public String insertIfAbsent(String table, String columns, String values) {
            return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ") ON CONFLICT DO NOTHING";
        }

        @Override
        public String upsert(String table, String columns, String values, String key, List<String> updated) {
            StringBuilder sql = new StringBuilder("INSERT INTO " + table + " (" + columns + ") VALUES (" + values
                    + ") ON CONFLICT (" + key + ") DO UPDATE SET ");
            for (String column : updated) {
                sql.append(sql.toString().endsWith("SET ") ? "" : ", ")
                        .append(column)
                        .append(" = excluded.")
                        .append(column);
            }
            return sql.toString();
        }
    },
    /** MariaDB. */
    MARIADB("mariadb", "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)") {
        @Override
        public String next(String sequence) {
            return "NEXT VALUE FOR " + sequence;
        }

        @Override
        public List<String> sessionLimits(int millis, int idleSeconds) {
            return List.of("SET SESSION max_statement_time = " + millis / 1000.0 + ", innodb_lock_wait_timeout = "
                    + (millis + 999) / 1000 + ", idle_transaction_timeout = " + idleSeconds);
        }

        @Override
        public List<String> transactionLimits(int millis, int idleSeconds) {
            return List.of("SET SESSION innodb_lock_wait_timeout = " + (millis + 999) / 1000
                    + ", idle_transaction_timeout = " + idleSeconds);
        }

        // DEFAULT would be the database's value, whatever the server's pool has set.
        @Override
        public List<String> transactionLimitsLifted(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(
                            "SELECT @@SESSION.innodb_lock_wait_timeout, @@SESSION.idle_transaction_timeout")) {
                rows.next();
                return List.of("SET SESSION innodb_lock_wait_timeout = " + rows.getLong(1)
                        + ", idle_transaction_timeout = " + rows.getLong(2));
            }
        }

        @Override
        public String insertIfAbsent(String table, String columns, String values) {
            return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ")";
        }

        @Override
        public String upsert(String table, String columns, String values, String key, List<String> updated) {
            StringBuilder sql = new StringBuilder(
                    "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ") ON DUPLICATE KEY UPDATE ");
            for (String column : updated) {
                sql.append(sql.toString().endsWith("UPDATE ") ? "" : ", ")
                        .append(column)
                        .append(" = VALUES(")
                        .append(column)
                        .append(')');
            }
            return sql.toString();
        }
    };

    private static final int DUPLICATE_KEY = 1062;

    private final String file;
    private final String now;

    SqlDialect(String file, String now) {
        this.file = file;
        this.now = now;
    }

    /** A database that is none of these. */
    public static final class UnknownException extends SQLException {
        private final String product;

        UnknownException(String product) {
            super("unknown database");
            this.product = product;
        }

        /** What the database calls itself, in ASCII. */
        public String product() {
            return product;
        }
    }

    /**
     * The dialect of the database a connection leads to.
     *
     * @param connection the connection, which is asked
     * @return the dialect
     * @throws UnknownException if it is none of these
     * @throws SQLException if the database does not answer
     */
    public static SqlDialect of(Connection connection) throws SQLException {
        String product = connection.getMetaData().getDatabaseProductName();
        String version = connection.getMetaData().getDatabaseProductVersion();
        if (product.equalsIgnoreCase("PostgreSQL")) {
            return POSTGRESQL;
        }
        if ((product + ' ' + version).toLowerCase(Locale.ROOT).contains("mariadb")) {
            return MARIADB;
        }
        throw new UnknownException(product.replaceAll("[^ -~]", "?"));
    }

    /** What scripts for this database are called, without their suffix. */
    public String file() {
        return file;
    }

    /** The database's time in milliseconds since 1970 when the statement began, as an expression. */
    public String now() {
        return now;
    }

    /** The next number of a sequence, as an expression. */
    public abstract String next(String sequence);

    /** Statements that bound each later one, and how long a transaction may lie idle, for the life of a connection. */
    public abstract List<String> sessionLimits(int millis, int idleSeconds);

    /** Statements that do so for one transaction, on a connection that is somebody else's. */
    public abstract List<String> transactionLimits(int millis, int idleSeconds);

    /**
     * Statements that bring back what a connection is set to now.
     *
     * @param connection the connection before its limits are set, which is asked
     */
    public abstract List<String> transactionLimitsLifted(Connection connection) throws SQLException;

    /** A statement that writes a row unless one with its key is there; {@link #inserted} runs it. */
    public abstract String insertIfAbsent(String table, String columns, String values);

    /** A statement that writes a row, or changes some columns of the one with its key. */
    public abstract String upsert(String table, String columns, String values, String key, List<String> updated);

    /**
     * How many rows some tables have, about, as the database keeps in its statistics; may be far too low.
     *
     * @param connection where to ask
     * @param tables their names, ours and not a stranger's
     */
    public long estimatedRows(Connection connection, List<String> tables) throws SQLException {
        return number(
                connection,
                this == POSTGRESQL
                        ? "SELECT coalesce(sum(reltuples), 0)::bigint FROM pg_class WHERE oid IN"
                                + tables.stream()
                                        .map(table -> "to_regclass('" + table + "')")
                                        .collect(Collectors.joining(", ", " (", ")"))
                        : "SELECT coalesce(sum(table_rows), 0) FROM information_schema.tables WHERE table_schema ="
                                + " database() AND table_name IN"
                                + tables.stream()
                                        .map(table -> "'" + table + "'")
                                        .collect(Collectors.joining(", ", " (", ")")));
    }

    /**
     * Runs what {@link #insertIfAbsent} made.
     *
     * @return whether the row was not there before
     */
    public boolean inserted(PreparedStatement insert) throws SQLException {
        try {
            return insert.executeUpdate() == 1;
        } catch (SQLException e) {
            if (e.getErrorCode() == DUPLICATE_KEY && this == MARIADB) {
                return false;
            }
            throw e;
        }
    }

    /** A number that one row and column gives, 0 where there is none. */
    public static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getLong(1) : 0;
        }
    }
}
