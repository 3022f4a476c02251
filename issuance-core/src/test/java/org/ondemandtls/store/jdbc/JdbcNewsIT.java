package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.Jndi;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcNews} over real databases, by connections of a server's pool: it follows where the pool leads. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class JdbcNewsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Jndi jndi = new Jndi();
    private final RecordedEvents recorded = new RecordedEvents();
    private final AtomicReference<String> primary = new AtomicReference<>();
    private final List<Connection> lent = new CopyOnWriteArrayList<>();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final AtomicBoolean failing = new AtomicBoolean();
    private final AtomicLong ahead = new AtomicLong();

    @Parameter
    private Database.Kind kind;

    private final AtomicReference<@Nullable Error> erring = new AtomicReference<>();

    private String former;
    private JdbcPool pool;
    private JdbcNews news;

    @BeforeEach
    void follow() throws StoreException {
        former = database();
        primary.set(former);
        jndi.bind(
                "jdbc/tls",
                Proxy.newProxyInstance(
                        JdbcNewsIT.class.getClassLoader(),
                        new Class<?>[] {DataSource.class},
                        (self, method, arguments) -> lend()));
        pool = new JdbcPool(SqlSource.of("jdbc/tls"), new Properties(), "here", 2, time());
        news = new JdbcNews(pool, pool.begin(), "here", recorded.events(), time());
        news.start(new Peers.News() {
            @Override
            public void changed(List<String> names) {
                told.addAll(names);
            }

            @Override
            public void missed() {
                told.add("missed");
            }
        });
    }

    @AfterEach
    void end() throws SQLException {
        news.close();
        pool.close();
        jndi.close();
        for (Connection one : lent) {
            one.close();
        }
    }

    private String database() {
        String url = Database.shared(kind).fresh();
        Database.shared(kind).script(url);
        return url;
    }

    // The machine's, and further on by as much as a test says.
    private Time time() {
        Time machine = Time.ofMachine();
        return new Time() {
            @Override
            public Clock clock() {
                return machine.clock();
            }

            @Override
            public long nanoTime() {
                return machine.nanoTime() + ahead.get();
            }

            @Override
            public void rest(long nanos) {
                machine.rest(nanos);
            }
        };
    }

    // Stays open when it is closed, as with any pool.
    private Connection lend() throws SQLException {
        Connection real = DriverManager.getConnection(primary.get());
        lent.add(real);
        return (Connection) Proxy.newProxyInstance(
                JdbcNewsIT.class.getClassLoader(), new Class<?>[] {Connection.class}, (self, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        return null;
                    }
                    if (method.getName().equals("prepareStatement") && failing.compareAndSet(true, false)) {
                        throw new SQLException("refused", "42000");
                    }
                    Error error = method.getName().equals("prepareStatement") ? erring.getAndSet(null) : null;
                    if (error != null) {
                        throw error;
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private void write(String url, String origin, String name) {
        Database.update(
                url,
                "INSERT INTO ondemand_tls_news (since, origin, names) VALUES ("
                        + SqlDialect.valueOf(kind.name()).now() + ", '" + origin + "', '" + name + "')");
    }

    private void hear(String what) {
        Awaitility.await().atMost(PATIENCE).until(() -> told.contains(what));
    }

    private boolean isName(String what) {
        return !what.equals("missed");
    }

    private void halfAnHourPasses() {
        ahead.addAndGet(Duration.ofMinutes(30).toNanos());
    }

    @Test
    void goesOnBehindWhatIsTooLargeToBeNewsOfAnybody() {
        write(former, "other", "x".repeat(5 << 20));
        hear("missed");

        write(former, "other", "a.example.com");

        hear("a.example.com");
    }

    @Test
    void goesOnAfterAnErrorOfTheDriver() {
        erring.set(new NoClassDefFoundError("org/example/Driver"));
        Awaitility.await().atMost(PATIENCE).until(() -> erring.get() == null);

        write(former, "other", "a.example.com");

        hear("a.example.com");
    }

    // Nobody else borrows one by then.
    private Connection reading() {
        return lent.get(lent.size() - 1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void isReadFromTheDatabaseThatTookOver(boolean noticed) throws Exception {
        write(former, "former", "a.example.com");
        hear("a.example.com");
        Connection reading = reading();
        String later = database();
        primary.set(later);
        // Under the number that the other had.
        write(later, "later", "b.example.com");

        if (noticed) {
            assertThatThrownBy(() -> pool.each("it failed", connection -> {
                        throw new SQLException("read-only", "25006");
                    }))
                    .isInstanceOf(StoreException.class);
        } else {
            halfAnHourPasses();
        }

        hear("missed");
        hear("b.example.com");
        write(later, "later", "c.example.com");
        hear("c.example.com");
        assertThat(reading.isClosed()).isTrue();
    }

    @Test
    void goesOnWithoutANoticeWhereTheDatabaseIsTheSame() throws Exception {
        write(former, "former", "a.example.com");
        hear("a.example.com");
        Connection reading = reading();

        halfAnHourPasses();

        Awaitility.await().atMost(PATIENCE).until(reading::isClosed);
        write(former, "former", "b.example.com");
        hear("b.example.com");
        assertThat(told).filteredOn(this::isName).containsExactly("a.example.com", "b.example.com");
        if (recorded.lines(EventKind.STORE_FAILED).isEmpty()) {
            // Otherwise this machine has stood still for longer than a statement may take.
            assertThat(told).allMatch(this::isName);
        }
    }

    @Test
    void isReadOverAConnectionThatThePoolDoesNotLendAgainAfterItFailed() throws Exception {
        write(former, "former", "a.example.com");
        hear("a.example.com");
        Connection reading = reading();

        failing.set(true);

        Awaitility.await().atMost(PATIENCE).until(reading::isClosed);
        write(former, "former", "b.example.com");
        hear("b.example.com");
        assertThat(told).filteredOn(this::isName).containsExactly("a.example.com", "b.example.com");
    }
}
