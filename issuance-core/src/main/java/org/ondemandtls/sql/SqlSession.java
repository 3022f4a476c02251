package org.ondemandtls.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import org.jspecify.annotations.Nullable;

/**
 * One connection while it is used: either ours to keep, or lent by the server's pool, which gets it back as it lent it.
 *
 * <p>Used by one thread at a time.
 */
public final class SqlSession {

    private static final int MILLIS = 1000;

    final long born;
    final int generation;
    long since;

    private final Connection connection;
    private final boolean lent;
    private boolean used;
    private int networkBefore = -1;
    private boolean manualBefore;
    private @Nullable String query;
    private @Nullable PreparedStatement statement;

    SqlSession(Connection connection, boolean lent, long born, int generation) {
        this.connection = connection;
        this.lent = lent;
        this.born = born;
        this.generation = generation;
    }

    /** Makes each statement take effect by itself, whatever the server's pool is set to. */
    void begin() throws SQLException {
        if (lent && !connection.getAutoCommit()) {
            manualBefore = true;
            connection.setAutoCommit(true);
        }
    }

    /** The connection. */
    public Connection connection() {
        return connection;
    }

    /** Whether it was open before it was taken, and may have gone bad since. */
    public boolean used() {
        return used || lent;
    }

    void markUsed(long now) {
        used = true;
        since = now;
    }

    /**
     * A statement that is prepared once in the life of a connection of ours.
     *
     * @param sql its text
     * @param millis how long it may take; the database is told full seconds
     */
    public PreparedStatement prepared(String sql, int millis) throws SQLException {
        PreparedStatement ready = statement;
        if (ready == null || !sql.equals(query)) {
            if (ready != null) {
                ready.close();
            }
            ready = connection.prepareStatement(sql);
            statement = ready;
            query = sql;
        }
        ready.setQueryTimeout(wholeSeconds(millis) / MILLIS);
        return ready;
    }

    /** A time in milliseconds as a statement's limit takes it: the next whole second. */
    public static int wholeSeconds(int millis) {
        return Math.max(1, (millis + MILLIS - 1) / MILLIS) * MILLIS;
    }

    /** Bounds how long the socket waits for the database, where the driver can do that. */
    public void limitNetwork(int millis) throws SQLException {
        try {
            int before = connection.getNetworkTimeout();
            if (networkBefore < 0) {
                networkBefore = before;
            }
            if (before != millis) {
                connection.setNetworkTimeout(Runnable::run, millis);
            }
        } catch (SQLFeatureNotSupportedException | AbstractMethodError notThere) {
            // The limit of each statement has to do.
            networkBefore = -1;
        }
    }

    /** As {@link #limitNetwork}, unless the server has set a limit: that one is its own. */
    void limitNetworkIfUnlimited(int millis) throws SQLException {
        try {
            if (connection.getNetworkTimeout() == 0) {
                limitNetwork(millis);
            }
        } catch (SQLFeatureNotSupportedException | AbstractMethodError notThere) {
            // Likewise.
            networkBefore = -1;
        }
    }

    boolean isAlive(int millis) {
        try {
            return connection.isValid(Math.max(1, millis / MILLIS));
        } catch (SQLException | RuntimeException | Error e) {
            return false;
        }
    }

    /** Closes it, or gives it back to the server's pool as it was. */
    void end() {
        try {
            if (statement != null) {
                statement.close();
            }
            if (lent) {
                restore();
            }
        } catch (SQLException | RuntimeException | Error alreadyBroken) {
            // It is being let go for that.
        }
        closeQuietly(connection);
    }

    /** Ends it so that the server's pool does not lend it again. */
    void discard() {
        if (lent) {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException | RuntimeException | Error cannot) {
                // Then it is only given back.
            }
        }
        end();
    }

    private void restore() throws SQLException {
        if (networkBefore >= 0) {
            connection.setNetworkTimeout(Runnable::run, networkBefore);
        }
        if (manualBefore) {
            connection.setAutoCommit(false);
        }
    }

    static void closeQuietly(Connection connection) {
        try {
            connection.close();
        } catch (SQLException | RuntimeException | Error alreadyBroken) {
            // It is being let go.
            return;
        }
    }
}
