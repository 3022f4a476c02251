package org.ondemandtls.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.machine.Time;

/**
 * Runs work on connections to a database, each statement and each attempt to connect within a limit.
 *
 * <p>A connection that was found broken, or to lead where nothing can be written, is replaced and the work done again, once;
 * so is work that the database gave up for somebody else's sake, some times. While no connection can be had, all but two
 * attempts a second fail at once. Whatever else a driver throws is a failure like any other.
 *
 * <p>Safe for use by many threads.
 */
public final class SqlPool implements AutoCloseable {

    private static final int FIRST_ATTEMPTS = 4;
    private static final long DOWN = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long RETRY_UNTIL = TimeUnit.SECONDS.toNanos(4);
    private static final int MOST_ATTEMPTS = 8;
    private static final int LONGEST_PAUSE = 40;

    /**
     * Something done on a connection.
     *
     * @param <T> what comes of it
     * @param <X> what it may refuse with
     */
    @FunctionalInterface
    public interface Work<T, X extends Exception> {
        /** Does it; may be called again if it fails for a reason of the database. */
        T on(Connection connection) throws SQLException, X;
    }

    /** How work is run. */
    public enum Wait {
        /** Behind others where all connections are in use. */
        IN_LINE,
        /** At once, for what must not stand behind visitors. */
        NEVER
    }

    /** All connections are in use, and stayed so. */
    public static final class BusyException extends SQLException {
        BusyException() {
            super("all connections are in use", "08000");
        }
    }

    /** The thread was told to end while it waited. */
    public static final class StoppedException extends SQLException {
        StoppedException(InterruptedException cause) {
            super("interrupted", "08000", cause);
        }
    }

    /** How a piece of work ended that is to be done again. */
    private static final class AgainException extends Exception {
        private final SQLException why;
        private final boolean answerLost;

        AgainException(SQLException why, boolean answerLost) {
            this.why = why;
            this.answerLost = answerLost;
        }
    }

    /** What is run, and how. */
    private record Task<T, X extends Exception>(
            boolean together, Work<T, X> work, @Nullable Work<Optional<T>, X> landed) {}

    private final SqlConnections connections;
    private final Time time;
    private final int limit;
    private final int idleTransaction;
    private final Semaphore permits;

    private volatile @Nullable SQLException down;

    private volatile long downSince;

    private volatile SqlDialect dialect = SqlDialect.POSTGRESQL;

    private volatile boolean isolate;

    private volatile int isolationBefore;

    /**
     * Begins with nothing connected.
     *
     * @param source where connections come from
     * @param credentials user and password, empty where they are elsewhere
     * @param time what limits and pauses go by
     * @param size how many connections work that waits in line may use at the same time
     * @param limit how long a statement, an attempt to connect, and the wait in line may take, in milliseconds
     * @param idleTransaction how long the database lets a transaction lie idle before it takes it back, in seconds
     * @param threads what the names of threads begin with that wait for the server's pool
     */
    public SqlPool(
            SqlSource source,
            Properties credentials,
            Time time,
            int size,
            int limit,
            int idleTransaction,
            String threads) {
        this.connections = new SqlConnections(source, credentials, time::nanoTime, threads);
        this.time = time;
        this.limit = limit;
        this.idleTransaction = idleTransaction;
        this.permits = new Semaphore(size, true);
    }

    /** Connects once and finds out what is there; a database that is slow to answer is given some time. */
    public SqlDialect begin() throws SQLException {
        SqlSession session = firstSession();
        try {
            Connection connection = session.connection();
            dialect = SqlDialect.of(connection);
            isolationBefore = connection.getTransactionIsolation();
            isolate = isolationBefore != Connection.TRANSACTION_READ_COMMITTED;
            return dialect;
        } catch (RuntimeException | Error e) {
            throw new SqlFailure.DriverException(e);
        } finally {
            session.end();
        }
    }

    // One that refuses is down; one that lets us wait may be starting with this machine.
    private SqlSession firstSession() throws SQLException {
        for (int attempt = 1; ; attempt++) {
            long begun = time.nanoTime();
            try {
                return connections.open(limit);
            } catch (SQLException e) {
                boolean slow = time.nanoTime() - begun >= TimeUnit.MILLISECONDS.toNanos(limit / 2);
                if (!slow || attempt == FIRST_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** Runs single statements, each of which takes effect by itself. May run them twice. */
    public <T, X extends Exception> T each(Wait wait, Work<T, X> work) throws SQLException, X {
        return run(wait, new Task<>(false, work, null));
    }

    /** Runs statements of which all take effect or none. */
    public <T, X extends Exception> T together(Wait wait, Work<T, X> work) throws SQLException, X {
        return run(wait, new Task<>(true, work, null));
    }

    /**
     * Runs statements of which all take effect or none, and finds out which where the answer got lost.
     *
     * @param landed looks whether the work has taken effect, and if so gives what came of it; asked over another connection
     *     after one broke between the order to commit and the answer
     */
    public <T, X extends Exception> T together(Wait wait, Work<T, X> work, Work<Optional<T>, X> landed)
            throws SQLException, X {
        return run(wait, new Task<>(true, work, landed));
    }

    /** A connection that is the caller's own, opened anew, who lets it go. */
    public OwnConnection connection() throws SQLException {
        SqlSession session = connections.open(limit);
        prepare(session);
        return connections.own(session);
    }

    /** Bounds what the database does for a statement, where the connection is not ours to bound. */
    public PreparedStatement prepared(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            if (connections.isPool()) {
                statement.setQueryTimeout(limit / 1000);
            }
            return statement;
        } catch (SQLException | RuntimeException | Error e) {
            statement.close();
            throw e;
        }
    }

    @Override
    public void close() {
        connections.close();
    }

    private <T, X extends Exception> T run(Wait wait, Task<T, X> task) throws SQLException, X {
        boolean inLine = wait == Wait.IN_LINE;
        if (inLine) {
            queue();
        }
        try {
            long start = time.nanoTime();
            boolean answerLost = false;
            for (int attempt = 1; ; attempt++) {
                try {
                    return attempt(task, answerLost);
                } catch (AgainException e) {
                    if (attempt == MOST_ATTEMPTS || time.nanoTime() - start > RETRY_UNTIL || connections.isClosed()) {
                        throw e.why;
                    }
                    answerLost |= e.answerLost;
                    if (SqlFailure.isConflict(e.why)) {
                        time.rest(TimeUnit.MILLISECONDS.toNanos(
                                ThreadLocalRandom.current().nextInt(1, LONGEST_PAUSE)));
                    }
                }
            }
        } finally {
            if (inLine) {
                permits.release();
            }
        }
    }

    private void queue() throws SQLException {
        try {
            if (!permits.tryAcquire(limit, TimeUnit.MILLISECONDS)) {
                throw new BusyException();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(e);
        }
    }

    private <T, X extends Exception> T attempt(Task<T, X> task, boolean answerLost)
            throws SQLException, X, AgainException {
        SqlSession session = take();
        Attempt<T, X> attempt = new Attempt<>(session, task);
        try {
            return attempt.run(answerLost);
        } catch (SQLException e) {
            throw attempt.failed(e);
        } catch (RuntimeException | Error e) {
            throw attempt.failed(new SqlFailure.DriverException(e));
        } catch (Exception refused) {
            attempt.keep = attempt.undone();
            if (answerLost) {
                // It may stand in its own way: what it was refused for may be its own effect.
                Optional<T> landed = attempt.looked();
                if (landed.isPresent()) {
                    return landed.get();
                }
            }
            throw refused;
        } finally {
            attempt.end();
        }
    }

    /** One try on one connection. */
    private final class Attempt<T, X extends Exception> {
        private final SqlSession session;
        private final Connection connection;
        private final Task<T, X> task;
        private List<String> lifting = List.of();
        private boolean isolated;
        private boolean committing;
        private boolean keep;
        private boolean discard;

        Attempt(SqlSession session, Task<T, X> task) {
            this.session = session;
            this.connection = session.connection();
            this.task = task;
        }

        T run(boolean answerLost) throws SQLException, X {
            Work<Optional<T>, X> landed = task.landed();
            if (answerLost && landed != null) {
                Optional<T> already = landed.on(connection);
                if (already.isPresent()) {
                    keep = true;
                    return already.get();
                }
            }
            if (task.together()) {
                openTransaction();
            }
            T result = task.work().on(connection);
            if (task.together()) {
                committing = true;
                connection.commit();
                committing = false;
                keep = lifted();
            } else {
                keep = true;
            }
            return result;
        }

        private void openTransaction() throws SQLException {
            if (isolate && connections.isPool()) {
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
                isolated = true;
            }
            connection.setAutoCommit(false);
            if (connections.isPool()) {
                lifting = dialect.transactionLimitsLifted(connection);
                for (String statement : dialect.transactionLimits(limit, idleTransaction)) {
                    execute(connection, statement);
                }
            }
        }

        // What comes after the database's answer cannot undo it.
        private boolean lifted() {
            try {
                lift();
                return true;
            } catch (SQLException | RuntimeException | Error e) {
                return false;
            }
        }

        // As it was lent, it goes back.
        private void lift() throws SQLException {
            connection.setAutoCommit(true);
            if (isolated) {
                connection.setTransactionIsolation(isolationBefore);
            }
            for (String statement : lifting) {
                execute(connection, statement);
            }
        }

        boolean undone() {
            if (!task.together()) {
                return true;
            }
            try {
                connection.rollback();
                lift();
                return true;
            } catch (SQLException | RuntimeException | Error e) {
                return false;
            }
        }

        Optional<T> looked() throws X {
            Work<Optional<T>, X> landed = task.landed();
            if (landed == null || !keep) {
                return Optional.empty();
            }
            try {
                return landed.on(connection);
            } catch (SQLException | RuntimeException | Error e) {
                keep = false;
                return Optional.empty();
            }
        }

        SQLException failed(SQLException e) throws AgainException {
            boolean broken = SqlFailure.isBroken(e);
            discard = SqlFailure.isReadOnly(e);
            keep = !broken && !discard && undone();
            if (SqlFailure.isConflict(e)) {
                throw new AgainException(e, false);
            }
            if (broken) {
                // What broke one has broken its like.
                connections.dropIdle();
                if (committing && task.landed() != null) {
                    throw new AgainException(e, true);
                }
            }
            if ((discard || (broken && !committing)) && session.used()) {
                throw new AgainException(e, false);
            }
            return e;
        }

        void end() {
            if (discard) {
                connections.discard(session);
            } else {
                connections.giveBack(session, keep);
            }
        }
    }

    private SqlSession take() throws SQLException {
        SqlSession found = connections.idle(limit);
        if (found != null) {
            return found;
        }
        SQLException failure = down;
        if (failure != null && time.nanoTime() - downSince < DOWN) {
            throw failure;
        }
        SqlSession session;
        try {
            session = connections.open(limit);
            down = null;
        } catch (SQLException e) {
            downSince = time.nanoTime();
            down = e;
            throw e;
        }
        prepare(session);
        return session;
    }

    private void prepare(SqlSession session) throws SQLException {
        if (connections.isPool()) {
            return;
        }
        try {
            if (isolate) {
                session.connection().setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            }
            for (String statement : dialect.sessionLimits(limit, idleTransaction)) {
                execute(session.connection(), statement);
            }
        } catch (SQLException e) {
            session.end();
            throw e;
        } catch (RuntimeException | Error e) {
            session.end();
            throw new SqlFailure.DriverException(e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
