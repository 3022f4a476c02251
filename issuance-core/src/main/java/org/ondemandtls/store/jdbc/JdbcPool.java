package org.ondemandtls.store.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.OwnConnection;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlFailure;
import org.ondemandtls.sql.SqlPool;
import org.ondemandtls.sql.SqlPool.Wait;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.StoreException;

/**
 * Runs work on connections to the store's database, each statement and each attempt to connect within two seconds, and says
 * in the store's words what failed. Safe for use by many threads.
 */
final class JdbcPool implements AutoCloseable {

    /** How long a statement, an attempt to connect, and the wait for a free connection may take, in milliseconds. */
    static final int LIMIT = 2000;

    /** How long the database lets a transaction of ours lie idle before it takes it back, in seconds. */
    static final int IDLE_TRANSACTION = 5;

    /** Something done on a connection. */
    @FunctionalInterface
    interface Work<T> extends SqlPool.Work<T, StoreException> {}

    /** Reads the row a result is at. */
    @FunctionalInterface
    interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** What the pool below is asked for. */
    private interface Call<T> {
        T make() throws SQLException, StoreException;
    }

    private final SqlPool pool;
    private final String location;
    private final int size;
    private final Wait wait;

    /**
     * Begins with nothing connected.
     *
     * @param source where connections come from
     * @param credentials user and password, empty where they are elsewhere
     * @param location what is shown of the source
     * @param size how many connections work may use at the same time
     * @param time what limits go by
     */
    JdbcPool(SqlSource source, Properties credentials, String location, int size, Time time) {
        this(
                new SqlPool(source, credentials, time, size, LIMIT, IDLE_TRANSACTION, "ondemand-tls-store-connect-"),
                location,
                size,
                Wait.IN_LINE);
    }

    private JdbcPool(SqlPool pool, String location, int size, Wait wait) {
        this.pool = pool;
        this.location = location;
        this.size = size;
        this.wait = wait;
    }

    /** Connects once and finds out what is there; a database that is slow to answer is given some time. */
    SqlDialect begin() throws StoreException {
        try {
            return pool.begin();
        } catch (SqlDialect.UnknownException e) {
            throw new StoreException("the store cannot be in " + e.product() + "; use PostgreSQL or MariaDB");
        } catch (SQLException e) {
            throw failed("it cannot be opened", e);
        }
    }

    String location() {
        return location;
    }

    /** Runs single statements, each of which takes effect by itself. May run them twice. */
    <T> T each(String what, Work<T> work) throws StoreException {
        return worded(what, () -> pool.each(wait, work));
    }

    /** Runs statements of which all take effect or none. */
    <T> T together(String what, Work<T> work) throws StoreException {
        return worded(what, () -> pool.together(wait, work));
    }

    /** As {@link #together}; where the answer gets lost, {@code landed} looks whether the work has taken effect. */
    <T> T together(String what, Work<T> work, Work<Optional<T>> landed) throws StoreException {
        return worded(what, () -> pool.together(wait, work, landed));
    }

    /** The same without waiting for a free connection: for what must not stand behind visitors. */
    JdbcPool atOnce() {
        return new JdbcPool(pool, location, size, Wait.NEVER);
    }

    /** Runs something once, on a connection of its own that is closed after it. */
    <T> T alone(String what, Work<T> work) throws StoreException {
        return worded(what, () -> {
            try (OwnConnection own = pool.connection()) {
                return work.on(own.connection());
            } catch (RuntimeException | Error e) {
                throw SqlFailure.of(e);
            }
        });
    }

    /** A connection that is the caller's own, who lets it go. */
    OwnConnection connection() throws SQLException {
        return pool.connection();
    }

    /** Bounds what the database does for a statement, where the connection is not ours to bound. */
    PreparedStatement prepared(Connection connection, String sql) throws SQLException {
        return pool.prepared(connection, sql);
    }

    /** A statement with its values, each of the type of its column. */
    PreparedStatement bound(Connection connection, String sql, Object... values) throws SQLException {
        PreparedStatement statement = pool.prepared(connection, sql);
        try {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement;
        } catch (SQLException | RuntimeException | Error e) {
            statement.close();
            throw e;
        }
    }

    /** Changes rows; how many. */
    int update(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement update = bound(connection, sql, values)) {
            return update.executeUpdate();
        }
    }

    /** Reads rows. */
    <T> List<T> rows(Connection connection, String sql, Reader<T> reader, Object... values) throws SQLException {
        List<T> found = new ArrayList<>();
        try (PreparedStatement select = bound(connection, sql, values);
                ResultSet rows = select.executeQuery()) {
            while (rows.next()) {
                found.add(reader.read(rows));
            }
        }
        return found;
    }

    /** Reads the first row, empty if there is none. */
    <T> Optional<T> row(Connection connection, String sql, Reader<T> reader, Object... values) throws SQLException {
        return rows(connection, sql, reader, values).stream().findFirst();
    }

    /** Changes rows by one statement; how many. May run it twice. */
    int change(String what, String sql, Object... values) throws StoreException {
        return each(what, connection -> update(connection, sql, values));
    }

    /** Reads rows by one statement. */
    <T> List<T> read(String what, String sql, Reader<T> reader, Object... values) throws StoreException {
        return each(what, connection -> rows(connection, sql, reader, values));
    }

    @Override
    public void close() {
        pool.close();
    }

    private <T> T worded(String what, Call<T> call) throws StoreException {
        try {
            return call.make();
        } catch (SqlPool.BusyException e) {
            throw new StoreException(what + " in " + location + ": all " + size
                    + " connections are in use; raise onDemandTls.store.connections, or see why the database is slow");
        } catch (SqlPool.StoppedException e) {
            throw new StoreException(what + " in " + location + ": the server stops");
        } catch (SQLException e) {
            throw failed(what, e);
        }
    }

    /** What went wrong, in words of ours: a driver's may carry the URL with its password. */
    StoreException failed(String what, SQLException e) {
        return new StoreException(what + " in " + location + ": " + describe(e), e);
    }

    private static String describe(SQLException e) {
        String state = SqlFailure.state(e);
        String codes = " (" + e.getClass().getSimpleName()
                + (state.isEmpty() ? "" : ", SQL state " + state.replaceAll("[^0-9A-Za-z]", "?"))
                + (e.getErrorCode() == 0 ? "" : ", code " + e.getErrorCode()) + ")";
        if (e instanceof SqlSource.Unusable) {
            return e.getMessage() + "; correct onDemandTls.store";
        }
        if (e instanceof SqlFailure.DriverException driver) {
            return "the database's driver failed (" + driver.kind()
                    + "); see whether another version of the driver helps";
        }
        if (state.startsWith("28")) {
            return "the database refuses the user or password" + codes
                    + "; correct onDemandTls.store.user and onDemandTls.store.password";
        }
        if (state.equals("3D000") || e.getErrorCode() == 1049) {
            return "there is no such database" + codes + "; make it, or correct onDemandTls.store";
        }
        if (state.equals("42501") || e.getErrorCode() == 1142 || e.getErrorCode() == 1044) {
            return "the database does not let this user do it" + codes + "; grant it what docs/OPERATIONS.md lists";
        }
        if (SqlFailure.isReadOnly(e)) {
            return "the database takes no changes" + codes
                    + "; check that onDemandTls.store leads to the server that can be written to";
        }
        if (SqlFailure.isTimeUp(e)) {
            return "the database did not answer within " + LIMIT + " ms" + codes;
        }
        if (SqlFailure.isBroken(e)) {
            return "the database cannot be reached" + codes + "; check that it runs and lets this server in";
        }
        return "the database refused" + codes;
    }
}
