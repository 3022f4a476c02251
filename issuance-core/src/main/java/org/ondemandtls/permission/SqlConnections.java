package org.ondemandtls.permission;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.sql.SqlSource;

/**
 * Connections to the operator's database: borrowed one by one from the server's pool, which is found by its JNDI name, or
 * kept here where a {@code jdbc:} URL is given.
 *
 * <p>As many are open as questions run at once, no more; each has the query prepared once. One that lay idle for a minute
 * is looked at before it is used again. Safe for use by many threads.
 */
final class SqlConnections implements AutoCloseable {

    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final int MILLIS = 1000;

    /** One connection with the query prepared. */
    static final class Session {

        private final Connection connection;
        private final PreparedStatement statement;
        private final boolean ours;
        private boolean used;
        private long since;
        private int limitBefore = -1;

        private Session(Connection connection, PreparedStatement statement, boolean ours) {
            this.connection = connection;
            this.statement = statement;
            this.ours = ours;
        }

        PreparedStatement statement() {
            return statement;
        }

        /** Whether it answered before, and may have gone bad since. */
        boolean used() {
            return used || !ours;
        }

        /** Bounds what comes: by the database where it can be told, and by the socket where the driver can be. */
        void limit(int millis) throws SQLException {
            statement.setQueryTimeout(Math.max(1, (millis + MILLIS - 1) / MILLIS));
            try {
                if (limitBefore < 0) {
                    limitBefore = connection.getNetworkTimeout();
                }
                connection.setNetworkTimeout(Runnable::run, millis);
            } catch (SQLFeatureNotSupportedException | AbstractMethodError notThere) {
                limitBefore = -1;
            }
        }

        private void lift() throws SQLException {
            if (limitBefore >= 0 && !ours) {
                connection.setNetworkTimeout(Runnable::run, limitBefore);
            }
        }

        private void end() {
            try {
                statement.close();
                lift();
            } catch (SQLException alreadyBroken) {
                // It is being let go for that.
            }
            try {
                connection.close();
            } catch (SQLException alreadyBroken) {
                // Likewise.
            }
        }
    }

    private final SqlSource source;
    private final LongSupplier nanoTime;
    private final Deque<Session> idle = new ArrayDeque<>();

    private boolean closed;

    private SqlConnections(SqlSource source, LongSupplier nanoTime) {
        this.source = source;
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
    static SqlConnections of(String source, LongSupplier nanoTime) {
        return new SqlConnections(SqlSource.of(source), nanoTime);
    }

    /** Takes a connection that lies idle, or opens one; blocks for that. */
    Session take(String query, int millis) throws SQLException {
        for (Session next = pollIdle(); next != null; next = pollIdle()) {
            if (nanoTime.getAsLong() - next.since < FRESH.toNanos() || isAlive(next, millis)) {
                return next;
            }
            next.end();
            // What killed one that lay idle has killed its like.
            dropIdle();
        }
        Connection connection = source.connect(millis, new Properties());
        try {
            return new Session(connection, connection.prepareStatement(query), !source.isPool());
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /** Keeps a connection that works for the next question, and lets go of any other. */
    void giveBack(Session session, boolean good) {
        session.used = true;
        session.since = nanoTime.getAsLong();
        if (good && session.ours) {
            synchronized (idle) {
                if (!closed) {
                    idle.push(session);
                    return;
                }
            }
        }
        session.end();
    }

    /** Lets go of all connections that lie idle: one of them was found broken. */
    void dropIdle() {
        List<Session> dropped;
        synchronized (idle) {
            dropped = new ArrayList<>(idle);
            idle.clear();
        }
        dropped.forEach(Session::end);
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
        }
        dropIdle();
    }

    private @Nullable Session pollIdle() {
        synchronized (idle) {
            return idle.poll();
        }
    }

    private static boolean isAlive(Session session, int millis) {
        try {
            return session.connection.isValid(Math.max(1, millis / MILLIS));
        } catch (SQLException e) {
            return false;
        }
    }
}
