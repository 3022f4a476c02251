package org.ondemandtls.permission;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlConnections;
import org.ondemandtls.sql.SqlFailure;
import org.ondemandtls.sql.SqlSession;
import org.ondemandtls.sql.SqlSource;

/**
 * Asks a database: a row grants, no row denies, and whatever is no result is no answer.
 *
 * <p>The name is the query's one parameter, never a part of its text. Blocks, at most for the time of one ask; a connection
 * that has gone bad meanwhile is replaced within it.
 */
final class SqlPolicy implements PermissionPolicy, AutoCloseable {

    private static final Decision GRANTED = new Decision.Granted();
    private static final Decision DENIED = new Decision.Denied("onDemandTls.permission.sql found no row");

    /** How long the driver may take to have a query cancelled, in milliseconds. */
    private static final int CANCELLED_WITHIN = 500;

    private final SqlConnections connections;
    private final String query;
    private final Duration timeout;
    private final LongSupplier nanoTime;

    SqlPolicy(SqlConnections connections, String query, Duration timeout, LongSupplier nanoTime) {
        this.connections = connections;
        this.query = query;
        this.timeout = timeout;
        this.nanoTime = nanoTime;
    }

    /**
     * Finds the driver; nothing is connected yet.
     *
     * @param source a JNDI name or a {@code jdbc:} URL
     * @param nanoTime a monotonic clock in nanoseconds
     * @return the connections
     * @throws IllegalArgumentException if no driver for the URL is there; the message says where to put one
     */
    static SqlConnections connections(String source, LongSupplier nanoTime) {
        return new SqlConnections(SqlSource.of(source), new Properties(), nanoTime, "ondemand-tls-permission-connect-");
    }

    @Override
    public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
        long end = nanoTime.getAsLong() + timeout.toNanos();
        try {
            SqlSession session = connections.take(millisUntil(end));
            try {
                return CompletableFuture.completedFuture(ask(session, name, end));
            } catch (SQLException stale) {
                if (!session.used() || millisUntil(end) <= 1) {
                    throw stale;
                }
            }
            // It had lain idle: the database may have been started again, or a firewall may have forgotten it.
            connections.dropIdle();
            return CompletableFuture.completedFuture(ask(connections.take(millisUntil(end)), name, end));
        } catch (SQLException e) {
            return CompletableFuture.failedFuture(new NoAnswerException(describe(e)));
        }
    }

    @Override
    public void close() {
        connections.close();
    }

    private Decision ask(SqlSession session, ServerName name, long end) throws SQLException {
        boolean good = false;
        try {
            int millis = millisUntil(end);
            PreparedStatement statement = session.prepared(query, millis);
            // Behind the statement's own limit, which is in whole seconds: where the socket gave up first, nobody told
            // the database to end the query.
            session.limitNetwork(SqlSession.wholeSeconds(millis) + CANCELLED_WITHIN);
            statement.setString(1, name.value());
            boolean found;
            try (ResultSet rows = statement.executeQuery()) {
                found = rows.next();
            }
            good = true;
            return found ? GRANTED : DENIED;
        } catch (SQLException e) {
            int left = millisUntil(end);
            // Whether it is sound may have to be asked, for which there is no time left otherwise.
            good = left > 1 && connections.isSound(session, e, left);
            throw e;
        } catch (RuntimeException | Error e) {
            throw SqlFailure.of(e);
        } finally {
            connections.giveBack(session, good);
        }
    }

    private int millisUntil(long end) {
        return (int) Math.max(1, Duration.ofNanos(end - nanoTime.getAsLong()).toMillis());
    }

    // The driver's own words may carry the URL with its password, or text of the database: its codes say enough.
    private String describe(SQLException failure) {
        if (failure instanceof SQLTimeoutException) {
            return "onDemandTls.permission.sql did not answer within " + timeout.toMillis() + " ms";
        }
        if (failure instanceof SqlSource.Unusable) {
            return "onDemandTls.permission.dataSource: " + failure.getMessage();
        }
        String state = failure.getSQLState();
        return "onDemandTls.permission.sql failed (" + failure.getClass().getSimpleName()
                + (state == null ? "" : ", SQL state " + printable(state)) + ", code " + failure.getErrorCode() + ")";
    }

    private static String printable(String state) {
        return state.replaceAll("[^0-9A-Za-z]", "?");
    }
}
