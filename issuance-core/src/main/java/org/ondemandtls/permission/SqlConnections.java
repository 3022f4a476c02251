package org.ondemandtls.permission;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.function.LongSupplier;
import javax.naming.InitialContext;
import javax.naming.NamingException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Connections to the operator's database: borrowed one by one from the server's pool, which is found by its JNDI name, or
 * kept here where a {@code jdbc:} URL is given.
 *
 * <p>As many are open as questions run at once, no more; each has the query prepared once. One that lay idle for a minute
 * is looked at before it is used again. Safe for use by many threads.
 */
final class SqlConnections implements AutoCloseable {

    /** What begins a data source that is no JNDI name. */
    static final String JDBC = "jdbc:";

    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final int MILLIS = 1000;
    // By itself on Jetty; Tomcat has its global resources below the second one for its own threads.
    private static final List<String> PREFIXES = List.of("", "java:", "java:comp/env/");

    /** A data source that cannot give a connection, for a reason that is ours to word. */
    static final class Unusable extends SQLException {
        Unusable(String what, @Nullable Throwable cause) {
            super(what, cause);
        }
    }

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

    private final String source;
    private final @Nullable Driver driver;
    private final LongSupplier nanoTime;
    private final Deque<Session> idle = new ArrayDeque<>();

    private boolean closed;

    private SqlConnections(String source, @Nullable Driver driver, LongSupplier nanoTime) {
        this.source = source;
        this.driver = driver;
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
        return new SqlConnections(source, source.startsWith(JDBC) ? driver(source) : null, nanoTime);
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
        Connection connection = connect(millis);
        try {
            return new Session(connection, connection.prepareStatement(query), driver != null);
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

    private Connection connect(int millis) throws SQLException {
        Driver own = driver;
        if (own == null) {
            return lookUp().getConnection();
        }
        Connection connection = own.connect(source, limits(source, millis));
        if (connection == null) {
            throw new Unusable("the driver does not take the URL", null);
        }
        return connection;
    }

    // Looked up for each question: the server may bind it after we started, and an operator may bind another one.
    private DataSource lookUp() throws Unusable {
        try {
            Object found = lookUp(source);
            if (found instanceof DataSource pool) {
                return pool;
            }
            throw new Unusable("what JNDI has under " + source + " is no javax.sql.DataSource", null);
        } catch (NamingException e) {
            throw new Unusable("JNDI has nothing under " + source + " for the server itself", e);
        }
    }

    // The name is the operator's, and what is bound under it the server's.
    @SuppressWarnings("BanJNDI")
    private static Object lookUp(String name) throws NamingException {
        InitialContext context = new InitialContext();
        try {
            NamingException first = null;
            for (String prefix : name.startsWith("java:") ? List.of("") : PREFIXES) {
                try {
                    return context.lookup(prefix + name);
                } catch (NamingException e) {
                    first = first == null ? e : first;
                }
            }
            throw first == null ? new NamingException() : first;
        } finally {
            context.close();
        }
    }

    // Only drivers known to take these; an unknown property makes some drivers refuse to connect.
    private static Properties limits(String url, int millis) {
        Properties limits = new Properties();
        String seconds = Integer.toString(Math.max(1, (millis + MILLIS - 1) / MILLIS));
        if (url.startsWith("jdbc:postgresql:")) {
            limits.setProperty("connectTimeout", seconds);
            limits.setProperty("loginTimeout", seconds);
            limits.setProperty("socketTimeout", seconds);
            // Ten seconds otherwise, for which a question holds its thread when the server does not even take that.
            limits.setProperty("cancelSignalTimeout", "1");
        } else if (url.startsWith("jdbc:mariadb:") || url.startsWith("jdbc:mysql:")) {
            limits.setProperty("connectTimeout", Integer.toString(millis));
            limits.setProperty("socketTimeout", Integer.toString(millis));
        }
        return limits;
    }

    // DriverManager sees only what the JVM found when it was first used, which on Tomcat was before our class loader
    // was there.
    private static Driver driver(String url) {
        ServiceLoader<Driver> drivers = ServiceLoader.load(Driver.class, SqlConnections.class.getClassLoader());
        Optional<Driver> found = drivers.stream()
                .map(ServiceLoader.Provider::get)
                .filter(driver -> takes(driver, url))
                .findFirst();
        if (found.isPresent()) {
            return found.get();
        }
        try {
            return DriverManager.getDriver(url);
        } catch (SQLException none) {
            throw new IllegalArgumentException(
                    "no JDBC driver for " + kind(url) + " is there; put its jar into $JETTY_BASE/lib/ondemand-tls/ on"
                            + " Jetty, into $CATALINA_BASE/lib/ on Tomcat",
                    none);
        }
    }

    private static boolean takes(Driver driver, String url) {
        try {
            return driver.acceptsURL(url);
        } catch (SQLException e) {
            return false;
        }
    }

    /** As much of the URL as may be shown. */
    private static String kind(String url) {
        int colon = url.indexOf(':', JDBC.length());
        return colon < 0 ? JDBC : url.substring(0, colon + 1);
    }
}
