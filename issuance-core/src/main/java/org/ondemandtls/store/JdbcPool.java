package org.ondemandtls.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.sql.SqlSource;

/**
 * Runs work on connections to the store's database, each statement and each attempt to connect within two seconds.
 *
 * <p>Connections are kept between uses where they are ours, and go back to the server's pool where they are its. One that
 * was found broken is replaced and the work done again, once; so is work that the database gave up for somebody else's
 * sake, some times. While no connection can be had, all but two attempts a second fail at once.
 *
 * <p>Safe for use by many threads.
 */
final class JdbcPool implements AutoCloseable {

    /** How long a statement, an attempt to connect, and the wait for a free connection may take, in milliseconds. */
    static final int LIMIT = 2000;

    private static final int FIRST_ATTEMPTS = 4;

    /** How long the database lets a transaction of ours lie idle before it takes it back, in seconds. */
    static final int IDLE_TRANSACTION = 5;

    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final long DOWN = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long RETRY_UNTIL = TimeUnit.SECONDS.toNanos(4);
    private static final int MOST_ATTEMPTS = 8;
    private static final int LONGEST_PAUSE = 40;
    private static final int MARIADB_DEADLOCK = 1213;
    private static final int MARIADB_LOCK_WAIT = 1205;
    private static final int MARIADB_CHANGED = 1020;
    private static final int MARIADB_TIME_IS_UP = 1969;

    /** Something done on a connection. */
    @FunctionalInterface
    interface Work<T> {
        T on(Connection connection) throws SQLException, StoreException;
    }

    private static final class Session {
        private final Connection connection;
        private boolean used;
        private long since;

        Session(Connection connection) {
            this.connection = connection;
        }

        private void end() {
            try {
                connection.close();
            } catch (SQLException alreadyBroken) {
                // It is being let go for that.
            }
        }
    }

    /** How a piece of work ended that is to be done again. */
    private static final class AgainException extends Exception {
        private final SQLException why;

        AgainException(SQLException why) {
            this.why = why;
        }
    }

    private final SqlSource source;
    private final Properties credentials;
    private final String location;
    private final Semaphore permits;
    private final int size;
    private final ThreadPoolExecutor borrowers;
    private final Deque<Session> idle = new ArrayDeque<>();

    private volatile boolean closed;

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
     * @param location what is shown of the source
     * @param size how many connections work may use at the same time
     */
    JdbcPool(SqlSource source, Properties credentials, String location, int size) {
        this.source = source;
        this.credentials = credentials;
        this.location = location;
        this.size = size;
        this.permits = new Semaphore(size, true);
        AtomicInteger number = new AtomicInteger();
        this.borrowers =
                new ThreadPoolExecutor(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), borrow -> {
                    Thread thread = new Thread(borrow, "ondemand-tls-store-connect-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
    }

    /** Connects once and finds out what is there; a database that is slow to answer is given some time. */
    SqlDialect begin() throws StoreException {
        Connection connection = null;
        try {
            connection = firstConnection();
            dialect = SqlDialect.of(connection);
            isolationBefore = connection.getTransactionIsolation();
            isolate = isolationBefore != Connection.TRANSACTION_READ_COMMITTED;
            connection.close();
            return dialect;
        } catch (SQLException e) {
            closeQuietly(connection);
            throw failed("it cannot be opened", e);
        } catch (StoreException e) {
            closeQuietly(connection);
            throw e;
        }
    }

    // One that refuses is down; one that lets us wait may be starting with this machine.
    private Connection firstConnection() throws SQLException {
        for (int attempt = 1; ; attempt++) {
            long begun = System.nanoTime();
            try {
                return connect();
            } catch (SQLException e) {
                boolean slow = System.nanoTime() - begun >= TimeUnit.MILLISECONDS.toNanos(LIMIT / 2);
                if (!slow || attempt == FIRST_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    String location() {
        return location;
    }

    /** Runs single statements, each of which takes effect by itself. May run them twice. */
    <T> T each(String what, Work<T> work) throws StoreException {
        return run(what, false, true, work);
    }

    /** Runs statements of which all take effect or none. */
    <T> T together(String what, Work<T> work) throws StoreException {
        return run(what, true, true, work);
    }

    /** As {@link #each}, without waiting for a free connection: for what must not stand behind visitors. */
    <T> T eachAtOnce(String what, Work<T> work) throws StoreException {
        return run(what, false, false, work);
    }

    /** As {@link #together}, without waiting for a free connection. */
    <T> T togetherAtOnce(String what, Work<T> work) throws StoreException {
        return run(what, true, false, work);
    }

    /** A connection of the caller's own, who closes it. */
    Connection connection() throws SQLException {
        Connection connection = connect();
        try {
            prepare(connection);
            return connection;
        } catch (SQLException e) {
            closeQuietly(connection);
            throw e;
        }
    }

    /** Bounds what the database does for a statement, where the connection is not ours to bound. */
    PreparedStatement prepared(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            if (source.isPool()) {
                statement.setQueryTimeout(LIMIT / 1000);
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }

    @Override
    public void close() {
        closed = true;
        borrowers.shutdown();
        dropIdle();
    }

    private <T> T run(String what, boolean together, boolean orderly, Work<T> work) throws StoreException {
        if (orderly) {
            queue(what);
        }
        try {
            long start = System.nanoTime();
            for (int attempt = 1; ; attempt++) {
                try {
                    return attempt(what, together, work);
                } catch (AgainException e) {
                    if (attempt == MOST_ATTEMPTS || System.nanoTime() - start > RETRY_UNTIL || closed) {
                        throw failed(what, e.why);
                    }
                    if (isConflict(e.why)) {
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(
                                ThreadLocalRandom.current().nextInt(1, LONGEST_PAUSE)));
                    }
                }
            }
        } finally {
            if (orderly) {
                permits.release();
            }
        }
    }

    private void queue(String what) throws StoreException {
        try {
            if (!permits.tryAcquire(LIMIT, TimeUnit.MILLISECONDS)) {
                throw new StoreException(
                        what + " in " + location + ": all " + size
                                + " connections are in use; raise onDemandTls.store.connections, or see why the database is slow");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(what + " in " + location + ": the server stops");
        }
    }

    private <T> T attempt(String what, boolean together, Work<T> work) throws StoreException, AgainException {
        Session session;
        try {
            session = take();
        } catch (SQLException e) {
            throw failed(what, e);
        }
        boolean committing = false;
        boolean keep = false;
        try {
            Connection connection = session.connection;
            boolean isolated = false;
            if (together) {
                if (isolate && source.isPool()) {
                    connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
                    isolated = true;
                }
                connection.setAutoCommit(false);
                if (source.isPool()) {
                    for (String limit : dialect.transactionLimits(LIMIT, IDLE_TRANSACTION)) {
                        execute(connection, limit);
                    }
                }
            }
            T result = work.on(connection);
            if (together) {
                committing = true;
                connection.commit();
                connection.setAutoCommit(true);
                lift(connection, isolated);
            }
            keep = true;
            return result;
        } catch (SQLException e) {
            keep = !isBroken(e) && undone(session, together);
            if (isConflict(e)) {
                throw new AgainException(e);
            }
            if (isBroken(e)) {
                // What broke one has broken its like.
                dropIdle();
                if (session.used && !committing) {
                    throw new AgainException(e);
                }
            }
            throw failed(what, e);
        } catch (StoreException e) {
            keep = undone(session, together);
            throw e;
        } finally {
            giveBack(session, keep);
        }
    }

    private boolean undone(Session session, boolean together) {
        if (!together) {
            return true;
        }
        try {
            session.connection.rollback();
            session.connection.setAutoCommit(true);
            lift(session.connection, isolate && source.isPool());
            return true;
        } catch (SQLException e) {
            return false;
        }
    }

    // As it was lent, it goes back.
    private void lift(Connection connection, boolean isolated) throws SQLException {
        if (isolated) {
            connection.setTransactionIsolation(isolationBefore);
        }
        if (source.isPool()) {
            for (String lifted : dialect.transactionLimitsLifted()) {
                execute(connection, lifted);
            }
        }
    }

    private Session take() throws SQLException {
        for (Session next = pollIdle(); next != null; next = pollIdle()) {
            if (System.nanoTime() - next.since < FRESH.toNanos() || isAlive(next)) {
                return next;
            }
            next.end();
            dropIdle();
        }
        SQLException failure = down;
        if (failure != null && System.nanoTime() - downSince < DOWN) {
            throw failure;
        }
        Connection connection;
        try {
            connection = connect();
            down = null;
        } catch (SQLException e) {
            downSince = System.nanoTime();
            down = e;
            throw e;
        }
        try {
            prepare(connection);
        } catch (SQLException e) {
            closeQuietly(connection);
            throw e;
        }
        Session session = new Session(connection);
        // One from a pool may have lain idle there for long.
        session.used = source.isPool();
        return session;
    }

    private void giveBack(Session session, boolean keep) {
        session.used = true;
        session.since = System.nanoTime();
        if (keep && !source.isPool()) {
            synchronized (idle) {
                if (!closed) {
                    idle.push(session);
                    return;
                }
            }
        }
        session.end();
    }

    private @Nullable Session pollIdle() {
        synchronized (idle) {
            return idle.poll();
        }
    }

    private void dropIdle() {
        List<Session> dropped;
        synchronized (idle) {
            dropped = new ArrayList<>(idle);
            idle.clear();
        }
        dropped.forEach(Session::end);
    }

    private static boolean isAlive(Session session) {
        try {
            return session.connection.isValid(1);
        } catch (SQLException e) {
            return false;
        }
    }

    private void prepare(Connection connection) throws SQLException {
        if (source.isPool()) {
            return;
        }
        if (isolate) {
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        }
        for (String limit : dialect.sessionLimits(LIMIT, IDLE_TRANSACTION)) {
            execute(connection, limit);
        }
    }

    private Connection connect() throws SQLException {
        if (!source.isPool()) {
            return source.connect(LIMIT, credentials);
        }
        // The server's pool has limits of its own, or none.
        FutureTask<Connection> borrow = new FutureTask<>(() -> source.connect(LIMIT, credentials));
        borrowers.execute(borrow);
        try {
            Connection connection = borrow.get(LIMIT, TimeUnit.MILLISECONDS);
            limit(connection);
            return connection;
        } catch (TimeoutException e) {
            borrowers.execute(() -> closeWhenThere(borrow));
            throw new SQLTimeoutException("no connection from the server's pool in time", "08001", e);
        } catch (InterruptedException e) {
            borrowers.execute(() -> closeWhenThere(borrow));
            Thread.currentThread().interrupt();
            throw new SQLTimeoutException("interrupted", "08001", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException failure) {
                throw failure;
            }
            throw new SQLException("the server's pool failed", "08001", e);
        }
    }

    private static void closeWhenThere(FutureTask<Connection> borrow) {
        try {
            closeQuietly(borrow.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | CancellationException e) {
            // It never came.
            return;
        }
    }

    // Only what is not limited yet: what the server has set is its own.
    private static void limit(Connection connection) throws SQLException {
        try {
            if (connection.getNetworkTimeout() == 0) {
                connection.setNetworkTimeout(Runnable::run, 2 * LIMIT);
            }
        } catch (SQLFeatureNotSupportedException | AbstractMethodError notThere) {
            // The limit of each statement has to do.
            return;
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static void closeQuietly(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException alreadyBroken) {
                // It is being let go.
                return;
            }
        }
    }

    // Given up by the database for the sake of another transaction, and undone.
    private static boolean isConflict(SQLException e) {
        String state = state(e);
        return state.equals("40001")
                || state.equals("40P01")
                || e.getErrorCode() == MARIADB_DEADLOCK
                || (state.equals("HY000")
                        && (e.getErrorCode() == MARIADB_LOCK_WAIT || e.getErrorCode() == MARIADB_CHANGED));
    }

    private static boolean isBroken(SQLException e) {
        String state = state(e);
        return !isConflict(e)
                && !isTimeUp(e)
                && (state.isEmpty()
                        || state.startsWith("08")
                        || state.startsWith("57P")
                        || state.startsWith("25P03")
                        || state.startsWith("HY")
                        || state.startsWith("70100")
                        || state.startsWith("58")
                        || state.startsWith("XX"));
    }

    private static boolean isTimeUp(SQLException e) {
        return state(e).equals("57014") || e.getErrorCode() == MARIADB_TIME_IS_UP;
    }

    private static String state(SQLException e) {
        String state = e.getSQLState();
        return state == null ? "" : state;
    }

    /** What went wrong, in words of ours: a driver's may carry the URL with its password. */
    StoreException failed(String what, SQLException e) {
        return new StoreException(what + " in " + location + ": " + describe(e), e);
    }

    private static String describe(SQLException e) {
        String state = state(e);
        String codes = " (" + e.getClass().getSimpleName()
                + (state.isEmpty() ? "" : ", SQL state " + state.replaceAll("[^0-9A-Za-z]", "?"))
                + (e.getErrorCode() == 0 ? "" : ", code " + e.getErrorCode()) + ")";
        if (e instanceof SqlSource.Unusable) {
            return e.getMessage() + "; correct onDemandTls.store";
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
        if (isTimeUp(e)) {
            return "the database did not answer within " + LIMIT + " ms" + codes;
        }
        if (isBroken(e)) {
            return "the database cannot be reached" + codes + "; check that it runs and lets this server in";
        }
        return "the database refused" + codes;
    }
}
