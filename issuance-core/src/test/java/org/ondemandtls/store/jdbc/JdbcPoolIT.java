package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.ShelfContract;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.Jndi;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcPool} over real databases: the server's pool, and what is bounded. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class JdbcPoolIT {

    private final Jndi jndi = new Jndi();

    @Parameter
    private Database.Kind kind;

    private String url;
    private Connection lent;

    /** A pool of one connection, which is lent and never closed, or of none. */
    private static final class OneConnection implements DataSource {
        private final Lender lender;

        OneConnection(Lender lender) {
            this.lender = lender;
        }

        interface Lender {
            Connection lend() throws SQLException;
        }

        @Override
        public Connection getConnection() throws SQLException {
            return lender.lend();
        }

        @Override
        public Connection getConnection(String user, String password) throws SQLException {
            return lender.lend();
        }

        @Override
        public PrintWriter getLogWriter() {
            return new PrintWriter(System.err);
        }

        @Override
        public void setLogWriter(PrintWriter out) {}

        @Override
        public void setLoginTimeout(int seconds) {}

        @Override
        public int getLoginTimeout() {
            return 0;
        }

        @Override
        public Logger getParentLogger() throws SQLFeatureNotSupportedException {
            throw new SQLFeatureNotSupportedException();
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLException();
        }

        @Override
        public boolean isWrapperFor(Class<?> type) {
            return false;
        }
    }

    @BeforeEach
    void find() {
        url = Database.shared(kind).fresh();
    }

    @AfterEach
    void clear() throws SQLException {
        jndi.close();
        if (lent != null) {
            lent.close();
        }
    }

    private static DatabaseStore place(String source) {
        return new DatabaseStore(source, Optional.empty(), Optional.empty(), true, 2);
    }

    private JdbcPool pool(int size) throws StoreException {
        JdbcPool pool = new JdbcPool(SqlSource.of(url), new Properties(), "here", size, Time.ofMachine());
        pool.begin();
        return pool;
    }

    // Ten times as long as any test may take.
    private String sleep() {
        return kind == Database.Kind.POSTGRESQL ? "SELECT pg_sleep(3000)" : "SELECT SLEEP(3000)";
    }

    @Test
    void aStoreWorksOverThePoolOfTheServer() throws Exception {
        jndi.bind("jdbc/tls", new OneConnection(() -> DriverManager.getConnection(url)));

        try (JdbcCertificateStore store = JdbcCertificateStore.open(
                place("jndi:jdbc/tls"), new RecordedEvents().events(), Time.ofMachine(), KeySealing.none())) {
            Lease lease = store.peers().take(ShelfContract.SHOP).orElseThrow();
            StoredCertificate saved = store.save(ShelfContract.stored(ShelfContract.SHOP.value()), lease);
            store.forget(store.save(saved.withWithdrawn(Optional.of(ShelfContract.NOW))));

            assertThat(store.find(ShelfContract.SHOP)).isEmpty();
            assertThat(store.location()).isEqualTo("jndi:jdbc/tls");
        }
    }

    @Test
    void aConnectionOfTheServerGoesBackAsItWasLent() throws Exception {
        lent = DriverManager.getConnection(url);
        lent.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        String limits = kind == Database.Kind.POSTGRESQL
                ? "SELECT current_setting('idle_in_transaction_session_timeout') || current_setting('statement_timeout')"
                : "SELECT concat(@@idle_transaction_timeout, '/', @@innodb_lock_wait_timeout, '/', @@max_statement_time)";
        // By whoever made the server's pool, for all that use it.
        set(
                lent,
                kind == Database.Kind.POSTGRESQL
                        ? "SET statement_timeout = 70000"
                        : "SET SESSION innodb_lock_wait_timeout = 7, idle_transaction_timeout = 70");
        String before = read(lent, limits);
        jndi.bind("jdbc/tls", new OneConnection(() -> new Unclosed(lent).connection()));
        JdbcPool pool = new JdbcPool(SqlSource.of("jdbc/tls"), new Properties(), "here", 2, Time.ofMachine());
        pool.begin();

        assertThat(pool.<String>together("", connection -> {
                    assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_READ_COMMITTED);
                    assertThat(read(connection, limits)).isNotEqualTo(before);
                    return "done";
                }))
                .isEqualTo("done");
        assertThatThrownBy(() -> pool.together("", connection -> {
                    throw new StoreException("refused");
                }))
                .hasMessage("refused");

        assertThat(lent.getAutoCommit()).isTrue();
        assertThat(lent.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_REPEATABLE_READ);
        assertThat(read(lent, limits)).isEqualTo(before);
        pool.close();
    }

    @Test
    void aSessionThatCanOnlyReadIsNotUsedAgain() throws Exception {
        Database.update(url, "CREATE TABLE written (id integer)");
        JdbcPool pool = pool(1);
        pool.each("", connection -> {
            try (PreparedStatement readOnly = connection.prepareStatement(
                    kind == Database.Kind.POSTGRESQL
                            ? "SET default_transaction_read_only = on"
                            : "SET SESSION TRANSACTION READ ONLY")) {
                return readOnly.execute();
            }
        });

        assertThat(pool.<Integer>together("it failed", JdbcPoolIT::write)).isEqualTo(1);
        assertThat(pool.<Integer>each("it failed", JdbcPoolIT::write)).isEqualTo(1);

        assertThat(Database.query(url, "SELECT count(*) FROM written")).containsExactly("2");
        pool.close();
    }

    private static int write(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO written VALUES (1)")) {
            return insert.executeUpdate();
        }
    }

    @Test
    void aDriverThatThrowsWhatItNeverShouldStopsNothingForGood() throws Exception {
        AtomicBoolean throwing = new AtomicBoolean();
        jndi.bind("jdbc/tls", new OneConnection(() -> {
            if (throwing.get()) {
                throw new IllegalStateException("a driver's defect");
            }
            return DriverManager.getConnection(url);
        }));
        RecordedEvents events = new RecordedEvents();
        try (JdbcCertificateStore store = JdbcCertificateStore.open(
                place("jndi:jdbc/tls"), events.events(), Time.ofMachine(), KeySealing.none())) {
            Lease lease = store.peers().take(ShelfContract.SHOP).orElseThrow();
            throwing.set(true);

            assertThatThrownBy(() -> store.find(ShelfContract.SHOP)).isInstanceOf(StoreException.class);
            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> events.lines(EventKind.STORE_FAILED).stream()
                            .anyMatch(line -> line.contains("leases cannot be extended")));
            throwing.set(false);

            Database.update(url, "UPDATE ondemand_tls_lease SET expires = expires + 3600000");
            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> Database.query(
                                    url,
                                    "SELECT count(*) FROM ondemand_tls_lease WHERE expires > "
                                            + SqlDialect.valueOf(kind.name()).now() + " + 1800000")
                            .equals(List.of("0")));
            store.peers().giveBack(lease);
        }
    }

    @Test
    void aCertificateWhoseSavingWasNotAnsweredIsLookedUp() throws Exception {
        AtomicBoolean losing = new AtomicBoolean();
        jndi.bind(
                "jdbc/tls", new OneConnection(() -> new Losing(DriverManager.getConnection(url), losing).connection()));
        try (JdbcCertificateStore store = JdbcCertificateStore.open(
                place("jndi:jdbc/tls"), new RecordedEvents().events(), Time.ofMachine(), KeySealing.none())) {
            losing.set(true);

            StoredCertificate saved = store.save(ShelfContract.stored(ShelfContract.SHOP.value()));

            assertThat(losing).isFalse();
            assertThat(saved.revision()).isEqualTo(1);
            assertThat(store.find(ShelfContract.SHOP))
                    .hasValueSatisfying(found -> assertThat(found.revision()).isEqualTo(1));
        }
    }

    /** Breaks once after the database has carried out a commit. */
    private record Losing(Connection real, AtomicBoolean losing) {
        Connection connection() {
            return (Connection) Proxy.newProxyInstance(
                    JdbcPoolIT.class.getClassLoader(),
                    new Class<?>[] {Connection.class},
                    (proxy, method, arguments) -> {
                        try {
                            Object result = method.invoke(real, arguments);
                            if (method.getName().equals("commit") && losing.compareAndSet(true, false)) {
                                real.close();
                                throw new SQLException("gone", "08006");
                            }
                            return result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }

    @Test
    void aPoolOfTheServerThatGivesNothingIsNotWaitedFor() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        jndi.bind("jdbc/tls", new OneConnection(() -> {
            if (asked.getAndIncrement() == 0) {
                return DriverManager.getConnection(url);
            }
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw new SQLException("closed");
        }));
        JdbcPool pool = new JdbcPool(SqlSource.of("jdbc/tls"), new Properties(), "here", 2, Time.ofMachine());
        pool.begin();

        assertThatThrownBy(() -> pool.each("it failed", connection -> read(connection, "SELECT 1")))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("it failed in here: the database cannot be reached");

        // The pool gives nothing to this day.
        assertThat(never.getCount()).isEqualTo(1);
        never.countDown();
        pool.close();
    }

    @Test
    void aNameThatIsNotBoundIsNamed() {
        assertThatThrownBy(() -> JdbcCertificateStore.open(
                        place("jndi:jdbc/other"), new RecordedEvents().events(), Time.ofMachine(), KeySealing.none()))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("JNDI has nothing under jdbc/other");
    }

    @Test
    void aStatementThatTakesTooLongIsEndedAndItsConnectionIsNotLost() throws Exception {
        JdbcPool pool = pool(1);

        assertThatThrownBy(() -> pool.each("it failed", connection -> read(connection, sleep())))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("it failed in here: the database");

        assertThat(pool.<String>each("", connection -> read(connection, "SELECT 1")))
                .isEqualTo("1");
        pool.close();
    }

    @Test
    void whoFindsNoConnectionFreeIsToldTheKey() throws Exception {
        JdbcPool pool = pool(1);
        CountDownLatch inUse = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        ExecutorService other = Executors.newSingleThreadExecutor();
        try {
            Future<?> user = other.submit(() -> pool.each("", connection -> {
                inUse.countDown();
                try {
                    return done.await(5, TimeUnit.MINUTES);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return false;
                }
            }));
            inUse.await();

            assertThatThrownBy(() -> pool.each("it failed", connection -> read(connection, "SELECT 1")))
                    .hasMessageContaining("all 1 connections are in use; raise onDemandTls.store.connections");
            assertThat(pool.atOnce().<String>each("", connection -> read(connection, "SELECT 1")))
                    .isEqualTo("1");

            done.countDown();
            user.get();
        } finally {
            other.shutdownNow();
            pool.close();
        }
    }

    @Test
    void aTransactionThatLosesADeadlockIsDoneAgain() throws Exception {
        JdbcPool pool = pool(4);
        Database.update(url, "CREATE TABLE pairs (id integer PRIMARY KEY, n integer NOT NULL)");
        Database.update(url, "INSERT INTO pairs VALUES (1, 0), (2, 0)");
        ExecutorService crowd = Executors.newFixedThreadPool(2);
        try {
            List<Future<Object>> both =
                    List.of(crowd.submit(() -> addTo(pool, 1, 2)), crowd.submit(() -> addTo(pool, 2, 1)));
            for (Future<Object> one : both) {
                one.get();
            }
        } finally {
            crowd.shutdownNow();
        }

        assertThat(Database.query(url, "SELECT n FROM pairs ORDER BY id")).containsExactly("20", "20");
        pool.close();
    }

    private static Object addTo(JdbcPool pool, int first, int second) throws StoreException {
        for (int i = 0; i < 10; i++) {
            pool.together("", connection -> {
                for (int id : new int[] {first, second}) {
                    try (PreparedStatement update =
                            connection.prepareStatement("UPDATE pairs SET n = n + 1 WHERE id = ?")) {
                        update.setInt(1, id);
                        update.executeUpdate();
                    }
                }
                return null;
            });
        }
        return "done";
    }

    private static void set(Connection connection, String sql) throws SQLException {
        try (PreparedStatement set = connection.prepareStatement(sql)) {
            set.execute();
        }
    }

    private static String read(Connection connection, String sql) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql);
                var rows = select.executeQuery()) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** Passes everything on but the closing. */
    private record Unclosed(Connection real) {
        Connection connection() {
            return (Connection) Proxy.newProxyInstance(
                    JdbcPoolIT.class.getClassLoader(),
                    new Class<?>[] {Connection.class},
                    (proxy, method, arguments) -> {
                        if (method.getName().equals("close")) {
                            return null;
                        }
                        try {
                            return method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }
}
