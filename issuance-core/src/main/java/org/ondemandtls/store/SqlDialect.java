package org.ondemandtls.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;

/** Where the databases differ. */
enum SqlDialect {
    /** PostgreSQL. */
    POSTGRESQL(
            "postgresql",
            "(extract(epoch from statement_timestamp()) * 1000)::bigint",
            "nextval('ondemand_tls_fence')") {
        @Override
        List<String> sessionLimits(int millis, int idleSeconds) {
            return List.of(
                    "SET statement_timeout = " + millis,
                    "SET idle_in_transaction_session_timeout = " + idleSeconds * 1000);
        }

        @Override
        List<String> transactionLimits(int millis, int idleSeconds) {
            return List.of(
                    "SET LOCAL statement_timeout = " + millis,
                    "SET LOCAL idle_in_transaction_session_timeout = " + idleSeconds * 1000);
        }

        // They end with the transaction.
        @Override
        List<String> transactionLimitsLifted() {
            return List.of();
        }

        @Override
        String insertIfAbsent(String table, String columns, String values) {
            return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ") ON CONFLICT DO NOTHING";
        }

        @Override
        String upsert(String table, String columns, String values, String key, List<String> updated) {
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
    MARIADB(
            "mariadb",
            "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)",
            "NEXT VALUE FOR ondemand_tls_fence") {
        @Override
        List<String> sessionLimits(int millis, int idleSeconds) {
            return List.of("SET SESSION max_statement_time = " + millis / 1000.0 + ", innodb_lock_wait_timeout = "
                    + (millis + 999) / 1000 + ", idle_transaction_timeout = " + idleSeconds);
        }

        @Override
        List<String> transactionLimits(int millis, int idleSeconds) {
            return List.of("SET SESSION innodb_lock_wait_timeout = " + (millis + 999) / 1000
                    + ", idle_transaction_timeout = " + idleSeconds);
        }

        @Override
        List<String> transactionLimitsLifted() {
            return List.of("SET SESSION innodb_lock_wait_timeout = DEFAULT, idle_transaction_timeout = DEFAULT");
        }

        @Override
        String insertIfAbsent(String table, String columns, String values) {
            return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ")";
        }

        @Override
        String upsert(String table, String columns, String values, String key, List<String> updated) {
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
    private final String nextFence;

    SqlDialect(String file, String now, String nextFence) {
        this.file = file;
        this.now = now;
        this.nextFence = nextFence;
    }

    /** The dialect of the database a connection leads to. */
    static SqlDialect of(Connection connection) throws SQLException, StoreException {
        String product = connection.getMetaData().getDatabaseProductName();
        String version = connection.getMetaData().getDatabaseProductVersion();
        if (product.equalsIgnoreCase("PostgreSQL")) {
            return POSTGRESQL;
        }
        if ((product + ' ' + version).toLowerCase(Locale.ROOT).contains("mariadb")) {
            return MARIADB;
        }
        throw new StoreException(
                "the store cannot be in " + product.replaceAll("[^ -~]", "?") + "; use PostgreSQL or MariaDB");
    }

    /** The name of the script that makes the tables, without its suffix. */
    String file() {
        return file;
    }

    /** The database's time in milliseconds since 1970 when the statement began, as an expression. */
    String now() {
        return now;
    }

    /** The next number of a lease, as an expression. */
    String nextFence() {
        return nextFence;
    }

    /** Statements that bound each later one, and how long a transaction may lie idle, for the life of a connection. */
    abstract List<String> sessionLimits(int millis, int idleSeconds);

    /** Statements that do so for one transaction, on a connection that is somebody else's. */
    abstract List<String> transactionLimits(int millis, int idleSeconds);

    /** Statements that take that back. */
    abstract List<String> transactionLimitsLifted();

    abstract String insertIfAbsent(String table, String columns, String values);

    abstract String upsert(String table, String columns, String values, String key, List<String> updated);

    /** How many names are stored, about, as the database keeps in its statistics; may be far too low. */
    long estimatedNames(Connection connection) throws SQLException {
        return SqlDialect.number(
                connection,
                this == POSTGRESQL
                        ? "SELECT coalesce(sum(reltuples), 0)::bigint FROM pg_class WHERE oid IN"
                                + " (to_regclass('ondemand_tls_certificate'), to_regclass('ondemand_tls_name'))"
                        : "SELECT coalesce(sum(table_rows), 0) FROM information_schema.tables WHERE table_schema ="
                                + " database() AND table_name IN ('ondemand_tls_certificate', 'ondemand_tls_name')");
    }

    /**
     * Runs what {@link #insertIfAbsent} made.
     *
     * @return whether the row was not there before
     */
    boolean inserted(PreparedStatement insert) throws SQLException {
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
    static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getLong(1) : 0;
        }
    }
}
