package org.ondemandtls.sql;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import javax.naming.InitialContext;
import javax.naming.NamingException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Gives connections to the operator's database: from the server's pool, which is found by its JNDI name, or new ones by a
 * driver where a {@code jdbc:} URL is given. Safe for use by many threads; never shows the URL.
 */
public final class SqlSource {

    /** What begins a data source that is no JNDI name. */
    public static final String JDBC = "jdbc:";

    private static final int MILLIS = 1000;
    // By itself on Jetty; Tomcat has its global resources below the second one for its own threads.
    private static final Map<String, DataSource> LENT = new ConcurrentHashMap<>();
    private static final AtomicLong LOANS = new AtomicLong();
    private static final List<String> PREFIXES = List.of("", "java:", "java:comp/env/");

    /** A source that cannot give a connection, for a reason that is ours to word. */
    public static final class Unusable extends SQLException {
        Unusable(String what, @Nullable Throwable cause) {
            super(what, cause);
        }
    }

    private final String source;
    private final @Nullable Driver driver;

    private SqlSource(String source, @Nullable Driver driver) {
        this.source = source;
        this.driver = driver;
    }

    /**
     * Finds the driver; nothing is connected yet.
     *
     * @param source a JNDI name or a {@code jdbc:} URL
     * @return the source
     * @throws IllegalArgumentException if no driver for the URL is there; the message says where to put one
     */
    public static SqlSource of(String source) {
        return new SqlSource(source, source.startsWith(JDBC) ? driver(source) : null);
    }

    /**
     * Has a name stand for a pool of an application in this JVM, where there is no JNDI.
     *
     * @param word what the name begins with
     * @param pool the pool
     * @return the name, which nobody else has or will have: other applications in this JVM lend pools of their own
     */
    public static String lend(String word, DataSource pool) {
        String name = word + '#' + LOANS.incrementAndGet();
        LENT.put(name, pool);
        return name;
    }

    /**
     * Ends what {@link #lend} has begun, once nobody asks for connections any more.
     *
     * @param name the name that was returned
     */
    public static void takeBack(String name) {
        LENT.remove(name);
    }

    /** Whether connections are the server's and go back to it, rather than ours to keep. */
    public boolean isPool() {
        return driver == null;
    }

    /**
     * Gives a connection; blocks for that.
     *
     * @param millis how long connecting, and waiting for an answer of the database, may take; a pool has its own limit
     * @param credentials user and password for the driver, which may be in its URL as well; not looked at by a pool
     * @return the connection
     * @throws Unusable if there is none, for a reason that is ours to word
     * @throws SQLException if there is none
     */
    public Connection connect(int millis, Properties credentials) throws SQLException {
        Driver own = driver;
        if (own == null) {
            return lookUp().getConnection();
        }
        Properties properties = limits(source, millis);
        for (String name : credentials.stringPropertyNames()) {
            properties.setProperty(name, credentials.getProperty(name));
        }
        Connection connection = own.connect(source, properties);
        if (connection == null) {
            throw new Unusable("the driver does not take the URL", null);
        }
        return connection;
    }

    @Override
    public String toString() {
        return driver == null ? source : kind(source);
    }

    // Looked up for each connection: the server may bind it after we started, and an operator may bind another one.
    private DataSource lookUp() throws Unusable {
        DataSource lent = LENT.get(source);
        if (lent != null) {
            return lent;
        }
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
        ServiceLoader<Driver> drivers = ServiceLoader.load(Driver.class, SqlSource.class.getClassLoader());
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
