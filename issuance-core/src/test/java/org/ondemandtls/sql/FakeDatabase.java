package org.ondemandtls.sql;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** A database that answers nothing and fails as told: behind a driver for {@link #URL}, and as a pool of the server. */
public final class FakeDatabase implements Driver, AutoCloseable {

    public static final String URL = "jdbc:fake:database";

    /** Is told of each step of a connection before it is done, and may throw. */
    @FunctionalInterface
    public interface Trouble {
        /** Before a step of a connection, which are counted from 1. */
        void at(int connection, String step) throws SQLException;
    }

    /** One connection, with what has become of it. */
    public static final class Opened {
        public boolean autoCommit = true;
        public boolean closed;
        public boolean aborted;
        public int networkTimeout;
    }

    public final List<Opened> opened = new ArrayList<>();
    public final List<String> steps = new ArrayList<>();
    final List<String> closed = new ArrayList<>();
    public Trouble trouble = (connection, step) -> {};
    public boolean lendsWithoutAutoCommit;
    public int lendsWithNetworkTimeout;

    /** Registers its driver. */
    public FakeDatabase() {
        try {
            DriverManager.registerDriver(this);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** It as a pool of the server. */
    public DataSource pool() {
        return proxy(DataSource.class, (self, method, arguments) -> open());
    }

    private Connection open() throws SQLException {
        int number = opened.size() + 1;
        trouble.at(number, "open");
        Opened one = new Opened();
        one.autoCommit = !lendsWithoutAutoCommit;
        one.networkTimeout = lendsWithNetworkTimeout;
        opened.add(one);
        return proxy(Connection.class, (self, method, arguments) -> {
            switch (method.getName()) {
                case "getMetaData":
                    return proxy(DatabaseMetaData.class, (meta, asked, none) -> "PostgreSQL");
                case "getTransactionIsolation":
                    return Connection.TRANSACTION_READ_COMMITTED;
                case "getAutoCommit":
                    return one.autoCommit;
                case "setAutoCommit":
                    one.autoCommit = (Boolean) arguments[0];
                    return null;
                case "getNetworkTimeout":
                    return one.networkTimeout;
                case "setNetworkTimeout":
                    one.networkTimeout = (Integer) arguments[1];
                    return null;
                case "isValid":
                    step(number, "isValid");
                    return true;
                case "createStatement":
                    return statement(Statement.class, number, "");
                case "prepareStatement":
                    return statement(PreparedStatement.class, number, (String) arguments[0]);
                case "close":
                    one.closed = true;
                    step(number, "close");
                    return null;
                case "abort":
                    one.aborted = true;
                    return null;
                case "commit", "rollback":
                    step(number, method.getName());
                    return null;
                default:
                    throw new UnsupportedOperationException(method.getName());
            }
        });
    }

    private <S extends Statement> S statement(Class<S> type, int connection, String sql) {
        return proxy(type, (self, method, arguments) -> switch (method.getName()) {
            case "execute" -> {
                step(connection, (String) arguments[0]);
                yield true;
            }
            case "executeUpdate" -> {
                step(connection, sql);
                yield 1;
            }
            case "executeQuery" -> {
                step(connection, sql);
                yield proxy(
                        ResultSet.class, (rows, asked, none) -> asked.getName().equals("next") ? false : null);
            }
            case "setQueryTimeout" -> {
                trouble.at(connection, "setQueryTimeout");
                yield null;
            }
            case "close" -> {
                closed.add(connection + " " + sql);
                yield null;
            }
            default -> null;
        });
    }

    private void step(int connection, String what) throws SQLException {
        if (!what.startsWith("SET ")) {
            steps.add(connection + " " + what);
        }
        trouble.at(connection, what);
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(FakeDatabase.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Override
    public Connection connect(String url, Properties info) throws SQLException {
        return open();
    }

    @Override
    public boolean acceptsURL(String url) {
        return url.equals(URL);
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) {
        return new DriverPropertyInfo[0];
    }

    @Override
    public int getMajorVersion() {
        return 1;
    }

    @Override
    public int getMinorVersion() {
        return 0;
    }

    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public void close() {
        try {
            DriverManager.deregisterDriver(this);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
