package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.StoreException;

/**
 * The tables in the database: made or brought up to date once, by one server, under a lock of the database. Each version of
 * them says which servers can work with it, so that servers of several versions can be beside each other.
 */
final class JdbcSchema {

    /** The version this code works with. */
    static final int VERSION = 1;

    private static final String VERSION_LINE = "-- version ";
    // What stands behind this line older servers need not know of, so that it is no version.
    private static final String LISTING_LINE = "-- listing";
    // Any number will do that nobody else takes.
    private static final long LOCK = 0x6f6e64656d616e64L;
    private static final int LOCK_SECONDS = 30;
    private static final int MARIADB_TABLE_ACCESS_DENIED = 1142;
    private static final Set<String> NO_COLUMN = Set.of("42703", "42S22");

    private JdbcSchema() {}

    /**
     * Makes sure that the tables are there.
     *
     * @param connection a connection of its own; its limits are lifted
     * @param dialect which database it is
     * @param create whether missing and older tables are to be made
     * @param location for messages
     * @return what the operator should know: that a later version has made them, and this one can work with them
     * @throws StoreException if they are not there, or those are that only later versions can work with
     */
    static Optional<String> prepare(Connection connection, SqlDialect dialect, boolean create, String location)
            throws SQLException, StoreException {
        int version = version(connection);
        if (version < VERSION && !create) {
            throw new StoreException("the store " + location + " has "
                    + (version == 0 ? "no tables yet" : "tables of version " + version)
                    + "; this server needs version " + VERSION
                    + ": run sql/" + dialect.file()
                    + ".sql from the archive on the database, or set onDemandTls.store.createSchema=true");
        }
        if (version < VERSION) {
            upgrade(connection, dialect);
            version = version(connection);
        }
        if (version == VERSION && create && !hasListing(connection)) {
            addListing(connection, dialect);
        }
        return version > VERSION ? Optional.of(later(connection, version, location)) : Optional.empty();
    }

    private static String later(Connection connection, int version, String location)
            throws SQLException, StoreException {
        String found = "the store " + location + " has tables of version " + version + "; this server knows version "
                + VERSION;
        int oldest = oldest(connection, version);
        if (oldest > VERSION) {
            throw new StoreException(found + ", and the tables need a server that knows version " + oldest
                    + " or later: install the version of On-Demand TLS that the other servers run, or restore the"
                    + " backup from before the upgrade");
        }
        return found + " and works with them, since they allow it from version " + oldest + " on";
    }

    // A version that says nothing can be used by servers that know it, and by no others.
    private static int oldest(Connection connection, int version) throws SQLException {
        try {
            return (int) SqlDialect.number(
                    connection, "SELECT coalesce(oldest, version) FROM ondemand_tls_schema WHERE version = " + version);
        } catch (SQLException e) {
            if (NO_COLUMN.contains(String.valueOf(e.getSQLState()))) {
                return version;
            }
            throw e;
        }
    }

    private static int version(Connection connection) throws SQLException {
        try {
            return (int) SqlDialect.number(connection, "SELECT max(version) FROM ondemand_tls_schema");
        } catch (SQLException e) {
            if (isMissing(e)) {
                return 0;
            }
            throw e;
        }
    }

    /** Makes tables under the lock. */
    private interface Making {
        void make(Connection connection, SqlDialect dialect) throws SQLException;
    }

    /** Whether there is the table of what certificates are listed by, and this user may read it. */
    static boolean hasListing(Connection connection) throws SQLException {
        try {
            SqlDialect.number(connection, "SELECT 1 FROM ondemand_tls_listed WHERE name = ''");
            return true;
        } catch (SQLException e) {
            if (isMissing(e) || isForbidden(e)) {
                return false;
            }
            throw e;
        }
    }

    // What is missed without it are lists: no reason not to start where tables may not be made.
    private static void addListing(Connection connection, SqlDialect dialect) throws SQLException {
        try {
            locked(connection, dialect, JdbcSchema::makeListing);
        } catch (SQLException e) {
            if (!connection.getAutoCommit()) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    private static boolean isMissing(SQLException e) {
        return "42P01".equals(e.getSQLState()) || "42S02".equals(e.getSQLState());
    }

    // MariaDB has no SQL state of its own for it.
    private static boolean isForbidden(SQLException e) {
        return "42501".equals(e.getSQLState()) || e.getErrorCode() == MARIADB_TABLE_ACCESS_DENIED;
    }

    private static void makeListing(Connection connection, SqlDialect dialect) throws SQLException {
        String script = script(dialect);
        for (String statement : statementsAfter(-1, script.substring(script.indexOf(LISTING_LINE)))) {
            execute(connection, statement);
        }
    }

    private static void upgrade(Connection connection, SqlDialect dialect) throws SQLException {
        locked(connection, dialect, JdbcSchema::sections);
    }

    private static void locked(Connection connection, SqlDialect dialect, Making making) throws SQLException {
        if (dialect == SqlDialect.POSTGRESQL) {
            connection.setAutoCommit(false);
            execute(connection, "SET LOCAL statement_timeout = " + LOCK_SECONDS * 1000);
            SqlDialect.number(connection, "SELECT 1 FROM pg_advisory_xact_lock(" + LOCK + ")");
            making.make(connection, dialect);
            connection.commit();
            connection.setAutoCommit(true);
            return;
        }
        // Its statements that make tables take effect each by itself, and may be run again.
        execute(connection, "SET SESSION max_statement_time = " + LOCK_SECONDS);
        if (SqlDialect.number(connection, "SELECT GET_LOCK('ondemand_tls_schema', " + LOCK_SECONDS / 2 + ")") != 1) {
            throw new SQLException("another server is making the tables and does not finish", "HYT00");
        }
        try {
            making.make(connection, dialect);
        } finally {
            SqlDialect.number(connection, "SELECT RELEASE_LOCK('ondemand_tls_schema')");
        }
    }

    // Looked at again under the lock: another server may have been faster.
    private static void sections(Connection connection, SqlDialect dialect) throws SQLException {
        int there = 0;
        if (dialect == SqlDialect.MARIADB
                || SqlDialect.number(connection, "SELECT 1 WHERE to_regclass('ondemand_tls_schema') IS NOT NULL")
                        == 1) {
            there = version(connection);
        }
        for (String statement : statementsAfter(there, script(dialect))) {
            execute(connection, statement);
        }
    }

    /** The script that makes the tables, as it is shipped. */
    static String script(SqlDialect dialect) {
        try (InputStream in = JdbcSchema.class.getResourceAsStream(dialect.file() + ".sql")) {
            if (in == null) {
                throw new IllegalStateException("the script of the tables is not in our jar");
            }
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The statements that lead from a version to the last one. */
    static List<String> statementsAfter(int version, String script) {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        int section = 0;
        for (String line : script.lines().toList()) {
            if (line.startsWith(VERSION_LINE)) {
                section = Integer.parseInt(line.substring(VERSION_LINE.length()).trim());
            } else if (!line.startsWith("--") && section > version) {
                statement.append(line).append('\n');
                if (line.endsWith(";")) {
                    statements.add(
                            statement.substring(0, statement.length() - 2).strip());
                    statement.setLength(0);
                }
            }
        }
        return statements;
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
