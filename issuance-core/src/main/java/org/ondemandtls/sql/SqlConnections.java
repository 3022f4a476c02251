package org.ondemandtls.sql;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.machine.Pool;
import org.ondemandtls.machine.Threads;

/**
 * Connections to a database: borrowed one by one from the server's pool, or kept here between uses where they are ours.
 *
 * <p>As many are open as are used at once, no more. One that lay idle for a minute is looked at before it is used again;
 * none is kept for longer than half an hour, so that after a failover nobody stays with the former primary. Whatever a
 * driver throws comes out as an {@link SQLException}. Safe for use by many threads.
 */
public final class SqlConnections implements AutoCloseable {

    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final Duration LONGEST_LIFE = Duration.ofMinutes(30);
    private static final Duration IDLE_THREAD = Duration.ofSeconds(10);

    private final SqlSource source;
    private final Properties credentials;
    private final LongSupplier nanoTime;
    private final Pool borrowers;
    private final Deque<SqlSession> idle = new ArrayDeque<>();

    // Counts up whenever what is open is found to be of no use.
    private int generation;
    private boolean closed;

    /**
     * Begins with nothing connected.
     *
     * @param source where connections come from
     * @param credentials user and password, empty where they are elsewhere
     * @param nanoTime a monotonic clock in nanoseconds
     * @param threads what the names of threads begin with that wait for the server's pool
     */
    public SqlConnections(SqlSource source, Properties credentials, LongSupplier nanoTime, String threads) {
        this.source = source;
        this.credentials = credentials;
        this.nanoTime = nanoTime;
        this.borrowers = Pool.atOnce(IDLE_THREAD, Threads.numbered(threads));
    }

    /** Whether connections are the server's and go back to it, rather than ours to keep. */
    public boolean isPool() {
        return source.isPool();
    }

    /** Takes a connection that lies idle, or opens one; blocks for that, at most so many milliseconds for each step. */
    public SqlSession take(int millis) throws SQLException {
        SqlSession found = idle(millis);
        return found == null ? open(millis) : found;
    }

    /** Takes a connection that lies idle and still works, null where there is none. */
    public @Nullable SqlSession idle(int millis) {
        for (SqlSession next = pollIdle(); next != null; next = pollIdle()) {
            long now = nanoTime.getAsLong();
            if (now - next.born >= LONGEST_LIFE.toNanos()) {
                next.end();
            } else if (now - next.since < FRESH.toNanos() || next.isAlive(millis)) {
                return next;
            } else {
                next.end();
                // What killed one that lay idle has killed its like.
                dropIdle();
            }
        }
        return null;
    }

    /** Opens or borrows a connection; blocks for that. */
    public SqlSession open(int millis) throws SQLException {
        int current;
        synchronized (idle) {
            current = generation;
        }
        SqlSession session = null;
        try {
            session = new SqlSession(connect(millis), isPool(), nanoTime.getAsLong(), current);
            session.begin();
            if (isPool()) {
                session.limitNetworkIfUnlimited(2 * millis);
            }
            return session;
        } catch (SQLException e) {
            endQuietly(session);
            throw e;
        } catch (RuntimeException | Error e) {
            endQuietly(session);
            throw new SqlFailure.DriverException(e);
        }
    }

    /** A connection that is the caller's own, who lets it go. */
    OwnConnection own(SqlSession session) {
        return new OwnConnection(session, () -> !isCurrent(session));
    }

    /**
     * Keeps a connection that works for later, and lets go of any other: one that could not be brought back to what it was is
     * not lent again by the server's pool either.
     */
    public void giveBack(SqlSession session, boolean good) {
        session.markUsed(nanoTime.getAsLong());
        synchronized (idle) {
            if (good && !isPool() && !closed && isCurrent(session)) {
                idle.push(session);
                return;
            }
        }
        if (good) {
            session.end();
        } else {
            session.discard();
        }
    }

    /**
     * Whether the server's pool may go on to lend a connection over which something failed: it was the fault of what was asked,
     * and the connection still answers. One of ours is closed instead. May block for a question.
     *
     * @param session the connection
     * @param failure what failed
     * @param millis how long the database may take to say that it is there; full seconds
     */
    public boolean isSound(SqlSession session, SQLException failure, int millis) {
        return isPool() && !SqlFailure.isBroken(failure) && !SqlFailure.isReadOnly(failure) && session.isAlive(millis);
    }

    // Whether nothing speaks against its being used on.
    private boolean isCurrent(SqlSession session) {
        synchronized (idle) {
            return session.generation == generation && nanoTime.getAsLong() - session.born < LONGEST_LIFE.toNanos();
        }
    }

    /** Lets go of a connection that nobody is to use again, and of all that were opened before it was found so. */
    public void discard(SqlSession session) {
        dropIdle();
        session.discard();
    }

    /** Lets go of all connections that lie idle, and of those in use once they come back: one was found broken. */
    public void dropIdle() {
        List<SqlSession> dropped;
        synchronized (idle) {
            generation++;
            dropped = new ArrayList<>(idle);
            idle.clear();
        }
        dropped.forEach(SqlSession::end);
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
        }
        borrowers.shutdown();
        dropIdle();
    }

    boolean isClosed() {
        synchronized (idle) {
            return closed;
        }
    }

    private @Nullable SqlSession pollIdle() {
        synchronized (idle) {
            return idle.poll();
        }
    }

    private static void endQuietly(@Nullable SqlSession session) {
        if (session != null) {
            session.end();
        }
    }

    private Connection connect(int millis) throws SQLException {
        if (!isPool()) {
            return source.connect(millis, credentials);
        }
        // The server's pool has limits of its own, or none.
        CompletableFuture<Connection> borrowed = new CompletableFuture<>();
        try {
            borrowers.execute(() -> borrow(millis, borrowed));
            return borrowed.get(millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            throw borrowers.isShutdown()
                    ? new SQLException("closed", "08003", e)
                    : new SQLException("no connection from the server's pool: " + e.getMessage(), "08001", e);
        } catch (TimeoutException e) {
            leave(borrowed);
            throw new SQLTimeoutException("no connection from the server's pool in time", "08001", e);
        } catch (InterruptedException e) {
            leave(borrowed);
            Thread.currentThread().interrupt();
            throw new SQLTimeoutException("interrupted", "08001", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException failure) {
                throw failure;
            }
            throw new SQLException("the server's pool failed", "08001", e);
        }
    }

    private void borrow(int millis, CompletableFuture<Connection> borrowed) {
        try {
            Connection connection = source.connect(millis, credentials);
            if (!borrowed.complete(connection)) {
                // Nobody waits any more.
                SqlSession.closeQuietly(connection);
            }
        } catch (SQLException | RuntimeException | Error e) {
            borrowed.completeExceptionally(e);
        }
    }

    // What comes later is given back by the thread it comes to.
    private static void leave(CompletableFuture<Connection> borrowed) {
        if (!borrowed.cancel(false) && !borrowed.isCompletedExceptionally()) {
            SqlSession.closeQuietly(borrowed.join());
        }
    }
}
