package org.ondemandtls.store.jdbc;

import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Threads;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.OwnConnection;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;

/**
 * Reads what other servers have changed, on a thread and a connection of its own: each second, and on PostgreSQL as soon as
 * the database says so.
 *
 * <p>Rows get their number before their transaction ends, so a row may become visible after ones with higher numbers. What
 * is younger than {@link #UNSETTLED} is read again each time, and passed over where it was seen. A transaction cannot take
 * longer: the database ends one that lies idle.
 *
 * <p>The connection is replaced every half hour, and whenever another one was found to be of no use: after a failover the
 * former primary may go on to answer, without ever telling anything new. What is read next is compared with what was read
 * last, since the database that took over may lack it, and give its numbers again.
 */
final class JdbcNews implements AutoCloseable {

    /** How long news is kept; who was away for longer is told that it missed some. */
    static final Duration KEPT = Duration.ofDays(1);

    /** From which age on all rows with lower numbers are there. */
    static final Duration UNSETTLED = Duration.ofSeconds(20);

    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofMillis(500);
    // What a failed database took with it by falling over to a copy of it is not told.
    private static final Duration OUTAGE = Duration.ofSeconds(5);
    // News older than this may be removed at any moment, so that its absence says nothing.
    private static final Duration COMPARED = KEPT.dividedBy(2);
    private static final int PAGE = 2000;
    private static final String CHANNEL = "ondemand_tls";

    /** A row, without its names. */
    private record Row(long id, long since, String origin) {
        static final Row NONE = new Row(0, 0, "");
    }

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String origin;
    private final Events events;
    private final Time time;
    private final Thread thread;
    // Those younger than UNSETTLED, with their time.
    private final Map<Long, Long> seen = new LinkedHashMap<>();

    private volatile Peers.News feed;

    private volatile boolean closed;

    private volatile @Nullable OwnConnection held;

    // What was read and not told yet: reading may break off in between.
    private final List<List<String>> untold = new ArrayList<>();
    private boolean untoldMissed;

    private @Nullable Object listener;
    private @Nullable Method notifications;
    private long settled;
    private Row highest;
    private long pageFrom;
    private long lastRead;
    private long failingSince;
    private boolean failing;

    /** Will read after what is settled now. */
    JdbcNews(JdbcPool pool, SqlDialect dialect, String origin, Events events, Time time) throws StoreException {
        this.pool = pool;
        this.dialect = dialect;
        this.origin = origin;
        this.events = events;
        this.time = time;
        this.feed = Peers.News.NONE;
        this.lastRead = pool.each("news cannot be read", this::now);
        this.highest = pool.each("news cannot be read", connection -> settled(connection, lastRead));
        this.settled = highest.id();
        this.thread = Threads.daemon("ondemand-tls-store-news", this::run);
    }

    /**
     * Begins to read.
     *
     * @param told told of each change, on the thread of this
     */
    void start(Peers.News told) {
        feed = told;
        thread.start();
    }

    /** Writes what has changed into a transaction. */
    static void write(JdbcPool pool, SqlDialect dialect, Connection connection, String origin, List<String> names)
            throws SQLException {
        if (dialect == SqlDialect.POSTGRESQL) {
            try (PreparedStatement notify = pool.prepared(connection, "SELECT pg_notify('" + CHANNEL + "', '')")) {
                notify.execute();
            }
        }
        pool.update(
                connection,
                "INSERT INTO ondemand_tls_news (since, origin, names) VALUES (" + dialect.now() + ", ?, ?)",
                origin,
                String.join(" ", names));
    }

    @Override
    public void close() {
        closed = true;
        stopWaiting();
        Threads.end(thread);
    }

    // To close it would wait for the wait to end.
    private void stopWaiting() {
        OwnConnection open = held;
        if (dialect == SqlDialect.POSTGRESQL && open != null) {
            try {
                open.connection().abort(Runnable::run);
            } catch (SQLException | RuntimeException | Error e) {
                // It ends by itself within a second.
                return;
            }
        }
    }

    private void run() {
        while (!closed) {
            try {
                OwnConnection open = held;
                if (open != null && open.isOutlived()) {
                    letGo();
                    open = null;
                }
                if (open == null) {
                    open = open();
                }
                boolean more = true;
                while (more && !closed) {
                    more = read(open.connection());
                }
                works();
                await();
            } catch (SQLException | RuntimeException | Error e) {
                letGo();
                if (!closed) {
                    fails(e);
                    time.rest(RETRY.toNanos());
                }
            }
        }
        letGo();
    }

    // Never for somebody else to use on: it listens, and may lead to a former primary.
    private void letGo() {
        OwnConnection last = held;
        held = null;
        listener = null;
        if (last != null) {
            last.discard();
        }
    }

    private OwnConnection open() throws SQLException {
        OwnConnection fresh = pool.connection();
        held = fresh;
        if (dialect == SqlDialect.POSTGRESQL) {
            listen(fresh.connection());
        }
        goOn(fresh.connection());
        return fresh;
    }

    private void goOn(Connection fresh) throws SQLException {
        long now = now(fresh);
        Row last = highest;
        if (last.since() < now - COMPARED.toMillis() || isThere(fresh, last)) {
            return;
        }
        untoldMissed = true;
        highest = settled(fresh, now);
        settled = highest.id();
        pageFrom = 0;
        seen.clear();
    }

    private boolean isThere(Connection fresh, Row row) throws SQLException {
        return pool.row(fresh, "SELECT id, since, origin FROM ondemand_tls_news WHERE id = ?", JdbcNews::row, row.id())
                .filter(row::equals)
                .isPresent();
    }

    private Row settled(Connection from, long now) throws SQLException {
        return pool.row(
                        from,
                        "SELECT id, since, origin FROM ondemand_tls_news WHERE since < ? ORDER BY since DESC, id DESC"
                                + " LIMIT 1",
                        JdbcNews::row,
                        now - UNSETTLED.toMillis())
                .orElse(Row.NONE);
    }

    private static Row row(ResultSet rows) throws SQLException {
        return new Row(rows.getLong(1), rows.getLong(2), rows.getString(3));
    }

    private long now(Connection from) throws SQLException {
        return SqlDialect.number(from, "SELECT " + dialect.now());
    }

    // Without the driver at hand while compiling; where it cannot be reached, a second passes before each look.
    private void listen(Connection fresh) throws SQLException {
        Optional<Class<?>> driver = driversConnection();
        if (driver.isPresent() && fresh.isWrapperFor(driver.get())) {
            try {
                notifications = driver.get().getMethod("getNotifications", int.class);
            } catch (NoSuchMethodException e) {
                return;
            }
            try (Statement listen = fresh.createStatement()) {
                listen.execute("LISTEN " + CHANNEL);
            }
            listener = fresh.unwrap(driver.get());
        }
    }

    private static Optional<Class<?>> driversConnection() {
        List<@Nullable ClassLoader> loaders = new ArrayList<>();
        loaders.add(JdbcNews.class.getClassLoader());
        loaders.add(Thread.currentThread().getContextClassLoader());
        DriverManager.drivers()
                .map(driver -> driver.getClass().getClassLoader())
                .forEach(loaders::add);
        for (ClassLoader loader : loaders) {
            try {
                return Optional.of(Class.forName("org.postgresql.PGConnection", false, loader));
            } catch (ClassNotFoundException notThere) {
                // Perhaps by the next one.
            }
        }
        return Optional.empty();
    }

    private void await() throws SQLException {
        Object listening = listener;
        Method wait = notifications;
        if (listening == null || wait == null) {
            time.rest(POLL.toNanos());
            return;
        }
        try {
            wait.invoke(listening, (int) POLL.toMillis());
        } catch (ReflectiveOperationException e) {
            throw new SQLException("this driver cannot wait for news of the database", e);
        }
    }

    // Whether there may be more.
    private boolean read(Connection open) throws SQLException {
        long now;
        try (PreparedStatement select =
                        pool.prepared(open, "SELECT " + dialect.now() + ", (SELECT max(id) FROM ondemand_tls_news)");
                ResultSet rows = select.executeQuery()) {
            rows.next();
            now = rows.getLong(1);
            long newest = rows.getLong(2);
            // Numbers only grow, but in a database that was brought back from a copy.
            if (now - lastRead > KEPT.toMillis() || (!rows.wasNull() && newest < highest.id())) {
                untoldMissed = true;
                settled = Math.min(settled, newest);
                highest = new Row(newest, 0, "");
            }
        }
        int count = 0;
        try (PreparedStatement select = pool.prepared(
                open,
                "SELECT id, since, origin, " + Sql.content("names") + " FROM ondemand_tls_news WHERE id > ?"
                        + " ORDER BY id LIMIT " + PAGE)) {
            select.setLong(1, Math.max(settled, pageFrom));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    Row row = row(rows);
                    count++;
                    pageFrom = row.id();
                    if (row.id() > highest.id()) {
                        highest = row;
                    }
                    if (seen.putIfAbsent(row.id(), row.since()) == null && !origin.equals(row.origin())) {
                        String names = rows.getString(4);
                        if (names == null) {
                            untoldMissed = true;
                        } else {
                            untold.add(List.of(names.split(" ")));
                        }
                    }
                }
            }
        }
        lastRead = now;
        boolean more = count == PAGE;
        if (!more) {
            pageFrom = 0;
            settle(now - UNSETTLED.toMillis());
        }
        if (untoldMissed) {
            untoldMissed = false;
            feed.missed();
        }
        List<List<String>> changed = List.copyOf(untold);
        untold.clear();
        changed.forEach(feed::changed);
        return more;
    }

    private void settle(long before) {
        seen.entrySet().removeIf(row -> {
            if (row.getValue() < before) {
                settled = Math.max(settled, row.getKey());
                return true;
            }
            return false;
        });
    }

    private void works() {
        if (failing) {
            failing = false;
            events.publish(EventKind.RECOVERED, "the database of the store answers again: " + pool.location());
            if (time.nanoTime() - failingSince > OUTAGE.toNanos()) {
                feed.missed();
            }
        }
    }

    private void fails(Throwable why) {
        if (!failing) {
            failing = true;
            failingSince = time.nanoTime();
            String what = "changes of other servers cannot be read";
            events.publish(
                    EventKind.STORE_FAILED,
                    why instanceof SQLException sql
                            ? String.valueOf(pool.failed(what, sql).getMessage())
                            : what + ": " + why.getClass().getSimpleName());
        }
    }
}
