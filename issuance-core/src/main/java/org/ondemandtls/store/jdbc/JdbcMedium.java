package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.LeaseLostException;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;

/**
 * Records in a database: a row each, with columns beside the content that it is found by. Every statement finds its rows by
 * a primary key or an index.
 */
final class JdbcMedium implements Medium {

    private static final Duration GRACE = Duration.ofMinutes(1);
    private static final int NAMES_PAGE = 2_000;
    private static final int MOST_OPEN_ORDERS = 1000;
    private static final int MOST_ABANDONED_ORDERS = 256;
    private static final int CONTENTS_PAGE = 200;
    private static final int KEYS_PAGE = 50;
    private static final String NAMES_LISTED = "the names cannot be listed";
    private static final String DUE_LISTED = "what is due cannot be listed";

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String node;
    private final Events events;
    private final JdbcLeases leases;
    private final JdbcLedger ledger;
    private final JdbcCertificateRows certificates;
    private final JdbcListing listing;
    private final JdbcEncryption encryption;
    private final JdbcNews news;

    private @Nullable JdbcPeers peers;

    /**
     * Begins with tables that are there. What changes from now on is heard, once {@link #start} was called.
     *
     * @param pool connections to the database; closed with this
     * @param dialect which database it is
     * @param node what tells this server from others
     * @param events where trouble is reported
     * @param time the time
     * @param sealing the keys this server encrypts with
     */
    JdbcMedium(JdbcPool pool, SqlDialect dialect, String node, Events events, Time time, KeySealing sealing)
            throws StoreException {
        this.pool = pool;
        this.dialect = dialect;
        this.node = node;
        this.events = events;
        this.leases = new JdbcLeases(pool, dialect, node);
        this.ledger = new JdbcLedger(pool, time.clock());
        this.listing = new JdbcListing(pool, dialect);
        this.certificates = new JdbcCertificateRows(pool, dialect, node, listing);
        this.encryption = new JdbcEncryption(pool, dialect, node, sealing, events);
        encryption.join();
        this.news = new JdbcNews(pool, dialect, node, events, time);
    }

    @Override
    public Peers peers(Orders orders) {
        JdbcPeers made = new JdbcPeers(
                pool,
                dialect,
                leases,
                () -> orders.read(orders("JOIN ondemand_tls_lease l ON l.name = o.name WHERE NOT "
                        + JdbcLeases.running(dialect, "l.expires") + " ORDER BY l.expires LIMIT "
                        + MOST_ABANDONED_ORDERS)),
                node,
                events);
        peers = made;
        return made;
    }

    /** Begins to tell those who follow. */
    void start() {
        if (peers != null) {
            news.start(peers.news());
        }
    }

    /** Keeps up what this server holds and that it runs; called every few seconds. */
    void keepUp() throws StoreException {
        leases.extend();
        encryption.stay();
    }

    /** Removes what has run out; each statement costs in proportion to what it removes. */
    void sweep() throws StoreException {
        sweep("ondemand_tls_proof WHERE expires < ", GRACE);
        sweep("ondemand_tls_node WHERE expires < ", GRACE);
        // What is left of a server that is gone tells that its order is to be finished.
        sweep(
                "ondemand_tls_lease WHERE NOT EXISTS (SELECT 1 FROM ondemand_tls_order o"
                        + " WHERE o.name = ondemand_tls_lease.name) AND expires < ",
                GRACE);
        sweep("ondemand_tls_news WHERE since < ", JdbcNews.KEPT);
        sweep("ondemand_tls_ledger WHERE expires < ", Ledger.LONGEST_WINDOW);
    }

    private void sweep(String what, Duration after) throws StoreException {
        String sql = "DELETE FROM " + what + dialect.now() + " - ?";
        pool.atOnce().change("what has run out cannot be removed", sql, after.toMillis());
    }

    @Override
    public String location() {
        return pool.location();
    }

    @Override
    public String handle(Shelf shelf, String key) {
        return key;
    }

    private static String table(Shelf shelf) {
        return "ondemand_tls_" + shelf.kind();
    }

    private static String key(Shelf shelf) {
        return shelf == Shelf.HOLD ? "scope" : "name";
    }

    // Text that people can read with SQL; secrets are any octets.
    private static Object value(Shelf shelf, byte[] content) {
        return shelf == Shelf.SECRET ? content : new String(content, ISO_8859_1);
    }

    /** The octets of a {@link Sql#content}, null where it is too large. */
    static byte @Nullable [] octets(Shelf shelf, ResultSet row, int column) throws SQLException {
        if (shelf == Shelf.SECRET) {
            return row.getBytes(column);
        }
        String text = row.getString(column);
        return text == null ? null : text.getBytes(ISO_8859_1);
    }

    private Found found(Shelf shelf, ResultSet row, int key, int content, long revision) throws SQLException {
        String handle = row.getString(key);
        byte[] octets = octets(shelf, row, content);
        return new Found(shelf, handle, shelf.named(handle) + " in " + location(), revision, () -> {
            if (octets == null) {
                throw new UnreadableException("it is larger than anything we write");
            }
            return octets;
        });
    }

    @Override
    public View view(Shelf shelf, List<String> keys) throws StoreException {
        Map<String, Found> own = new HashMap<>();
        Map<String, Found> led = new HashMap<>();
        String places = Sql.places(keys.size());
        String sql = shelf == Shelf.CERTIFICATE
                ? "SELECT 1 AS own, c.name AS asked, c.name, " + Sql.content("c.content") + ", c.revision"
                        + " FROM ondemand_tls_certificate c WHERE c.name IN (" + places + ")"
                        + " UNION ALL SELECT 0, n.name, c.name, " + Sql.content("c.content") + ", c.revision"
                        + " FROM ondemand_tls_name n JOIN ondemand_tls_certificate c ON c.name = n.certificate"
                        + " WHERE n.name IN (" + places + ")"
                : "SELECT 1, " + key(shelf) + ", " + key(shelf) + ", " + Sql.content("content") + ", 0 FROM "
                        + table(shelf) + " WHERE " + key(shelf) + " IN (" + places + ")";
        List<Object> values = new ArrayList<>(keys);
        if (shelf == Shelf.CERTIFICATE) {
            values.addAll(keys);
        }
        JdbcPool.Reader<Object> reader = row -> {
            (row.getInt(1) == 1 ? own : led).put(row.getString(2), found(shelf, row, 3, 4, row.getLong(5)));
            return row;
        };
        pool.read(shelf.one(keys.get(0)) + " cannot be read", sql, reader, values.toArray());
        return new View() {
            @Override
            public Optional<Found> own(String asked) {
                return Optional.ofNullable(own.get(asked));
            }

            @Override
            public Optional<Found> led(String alias) {
                return Optional.ofNullable(led.get(alias));
            }
        };
    }

    @Override
    public void put(Kept record, Expected expected, @Nullable Lease lease) throws StoreException {
        Shelf shelf = record.shelf();
        String what = shelf.one(record.key()) + " cannot be kept";
        String keyId = record.marks().keyId();
        Object content = value(shelf, record.content());
        switch (shelf) {
            case CERTIFICATE -> putCertificate(what, record, content.toString(), expected, lease);
            case ORDER -> {
                String sql = upsert(shelf, "started", "fence", "key_id", "content");
                long started = Sql.millis(record.marks().at());
                together(
                        what,
                        lease,
                        connection ->
                                pool.update(connection, sql, record.key(), started, fence(lease), keyId, content));
            }
            case HOLD -> pool.change(what, upsert(shelf, "content"), record.key(), content);
            case SECRET -> {
                if (expected instanceof Expected.Any) {
                    pool.change(what, upsert(shelf, "key_id", "content"), record.key(), keyId, content);
                } else if (!isFirst(what, record.key(), keyId, content)) {
                    throw new StaleRevisionException(record.key(), 1, 0);
                }
            }
        }
    }

    private String upsert(Shelf shelf, String... columns) {
        String all = key(shelf) + ", " + String.join(", ", columns);
        return dialect.upsert(table(shelf), all, Sql.places(columns.length + 1), key(shelf), List.of(columns));
    }

    private boolean isFirst(String what, Object... values) throws StoreException {
        String sql = dialect.insertIfAbsent(table(Shelf.SECRET), "name, key_id, content", Sql.places(3));
        return pool.each(what, connection -> {
            try (PreparedStatement insert = pool.bound(connection, sql, values)) {
                return dialect.inserted(insert);
            }
        });
    }

    private static long fence(@Nullable Lease lease) {
        return lease == null ? 0 : lease.fence();
    }

    private void putCertificate(String what, Kept record, String content, Expected expected, @Nullable Lease lease)
            throws StoreException {
        long before = expected instanceof Expected.Revision revision ? revision.number() : record.revision() - 1;
        if (lease == null && before > 0 && certificates.touch(what, record, content, before)) {
            return;
        }
        String landed = "SELECT content FROM ondemand_tls_certificate WHERE name = ? AND revision = ?";
        JdbcPool.Work<Boolean> work = connection -> {
            checkLease(connection, lease);
            certificates.replace(connection, record, content, before, fence(lease));
            return true;
        };
        pool.together(
                what,
                work,
                connection -> pool.row(
                                connection,
                                landed,
                                row -> row.getString(1).equals(content),
                                record.key(),
                                record.revision())
                        .filter(same -> same));
    }

    // What is done under a lease begins by writing to its row.
    private <T> T together(String what, @Nullable Lease lease, JdbcPool.Work<T> work) throws StoreException {
        return pool.together(what, connection -> {
            checkLease(connection, lease);
            return work.on(connection);
        });
    }

    private void checkLease(Connection connection, @Nullable Lease lease) throws SQLException, LeaseLostException {
        if (lease != null) {
            leases.check(connection, lease);
        }
    }

    @Override
    public void remove(Shelf shelf, String key, List<String> aliases, Expected expected, @Nullable Lease lease)
            throws StoreException {
        String what = shelf.one(key) + " cannot be removed";
        String sql = "DELETE FROM " + table(shelf) + " WHERE " + key(shelf) + " = ?";
        together(what, lease, connection -> {
            if (expected instanceof Expected.Revision revision) {
                certificates.remove(connection, key, aliases, revision.number());
            } else {
                pool.update(connection, sql, key);
            }
            return true;
        });
    }

    @Override
    public boolean rewrite(Found read, byte[] before, byte[] content, String keyId) throws StoreException {
        Shelf shelf = read.shelf();
        String sql = "UPDATE " + table(shelf) + " SET content = ?, key_id = ? WHERE name = ? AND content = ?";
        Object now = value(shelf, content);
        Object then = value(shelf, before);
        return pool.atOnce().change("a record cannot be encrypted anew", sql, now, keyId, read.handle(), then) == 1;
    }

    @Override
    public Optional<String> setAside(Found read, String reason, boolean keep) throws StoreException {
        return JdbcQuarantine.setAside(pool, dialect, read, table(read.shelf()), key(read.shelf()), reason, keep);
    }

    @Override
    public void removeSetAside(Predicate<byte[]> which) throws StoreException {
        JdbcQuarantine.remove(pool, which);
    }

    // The records of a shelf that a condition on its columns tells, in the order of their keys.
    private List<Found> records(JdbcPool from, Shelf shelf, String where, Object... valuesAndLimit)
            throws StoreException {
        String key = key(shelf);
        String sql =
                "SELECT " + key + ", " + Sql.content("content") + ", " + (shelf == Shelf.CERTIFICATE ? "revision" : "0")
                        + " FROM " + table(shelf) + " WHERE " + where + " ORDER BY " + key + " LIMIT ?";
        JdbcPool.Reader<Found> reader = row -> found(shelf, row, 1, 2, row.getLong(3));
        return from.read(shelf.all() + " cannot be listed", sql, reader, valuesAndLimit);
    }

    private static SortedMap<String, Found> byNames(String prefix, List<Found> records) {
        SortedMap<String, Found> page = new TreeMap<>();
        records.forEach(found -> page.put(found.handle().substring(prefix.length()), found));
        return page;
    }

    // No name has a character behind '~', and names are compared by their octets.
    @Override
    public SortedMap<String, Found> namesHeld(String prefix, String after, int limit) throws StoreException {
        return byNames(
                prefix, records(pool, Shelf.HOLD, "scope > ? AND scope < ?", prefix + after, prefix + '~', limit));
    }

    @Override
    public SortedMap<String, Found> page(String prefix, String after, int limit) throws StoreException {
        String where = "name > ? AND name >= ? AND name < ?";
        return byNames("", records(pool, Shelf.CERTIFICATE, where, after, prefix, prefix + '~', limit));
    }

    /** Reads the page after a key. */
    private interface Pages {
        List<Found> after(String last) throws StoreException;
    }

    private static boolean eachOf(Pages pages, Visitor visitor) throws StoreException {
        String last = "";
        for (List<Found> page = pages.after(last); !page.isEmpty(); page = pages.after(last)) {
            for (Found found : page) {
                if (!visitor.visit(found)) {
                    return false;
                }
                last = found.handle();
            }
        }
        return true;
    }

    @Override
    public void each(Shelf shelf, Visitor visitor) throws StoreException {
        eachOf(last -> records(pool, shelf, key(shelf) + " > ?", last, CONTENTS_PAGE), visitor);
    }

    JdbcListing listing() {
        return listing;
    }

    @Override
    public Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) throws StoreException {
        return listing.isThere() ? Optional.of(listing.page(slice, after, limit)) : Optional.empty();
    }

    @Override
    public long estimatedNames() throws StoreException {
        List<String> tables = List.of("ondemand_tls_certificate", "ondemand_tls_name");
        return pool.atOnce().each(NAMES_LISTED, connection -> dialect.estimatedRows(connection, tables));
    }

    @Override
    public void names(Consumer<String> name, BooleanSupplier ended) throws StoreException {
        for (String table : List.of("ondemand_tls_certificate", "ondemand_tls_name")) {
            String last = "";
            for (List<String> page = namesAfter(table, last);
                    !page.isEmpty() && !ended.getAsBoolean();
                    page = namesAfter(table, last)) {
                page.forEach(name);
                last = page.get(page.size() - 1);
            }
        }
    }

    private List<String> namesAfter(String table, String last) throws StoreException {
        String sql = "SELECT name FROM " + table + " WHERE name > ? ORDER BY name LIMIT " + NAMES_PAGE;
        return pool.atOnce().read(NAMES_LISTED, sql, row -> row.getString(1), last);
    }

    @Override
    public List<Due> due(Instant atOrBefore, @Nullable Due after, int limit) throws StoreException {
        String sql = "SELECT name, " + Sql.content("content") + ", due FROM ondemand_tls_certificate"
                + " WHERE due <= ? AND due >= ? AND (due > ? OR name > ?) ORDER BY due, name LIMIT ?";
        JdbcPool.Reader<Due> reader =
                row -> new Due(Instant.ofEpochMilli(row.getLong(3)), found(Shelf.CERTIFICATE, row, 1, 2, 0));
        long from = after == null ? Long.MIN_VALUE : Sql.millis(after.at());
        String last = after == null ? "" : after.found().handle();
        return pool.read(DUE_LISTED, sql, reader, Sql.millis(atOrBefore), from, from, last, limit);
    }

    @Override
    public Optional<Instant> firstDue() throws StoreException {
        String sql = "SELECT due FROM ondemand_tls_certificate ORDER BY due LIMIT 1";
        return pool.read(DUE_LISTED, sql, row -> Instant.ofEpochMilli(row.getLong(1))).stream()
                .findFirst();
    }

    @Override
    public List<Found> idleOrders() throws StoreException {
        return orders(
                "LEFT JOIN ondemand_tls_lease l ON l.name = o.name AND " + JdbcLeases.running(dialect, "l.expires")
                        + " WHERE l.name IS NULL ORDER BY o.started, o.name LIMIT " + MOST_OPEN_ORDERS);
    }

    private List<Found> orders(String where) throws StoreException {
        String sql = "SELECT o.name, " + Sql.content("o.content") + " FROM ondemand_tls_order o " + where;
        return pool.read("the open orders cannot be read", sql, row -> found(Shelf.ORDER, row, 1, 2, 0));
    }

    @Override
    public boolean hasOtherKeys() throws StoreException {
        return encryption.hasOtherKeys();
    }

    @Override
    public void eachUnderOtherKeys(Visitor visitor) throws StoreException {
        for (String under : encryption.pending()) {
            for (Shelf shelf : List.of(Shelf.ORDER, Shelf.SECRET, Shelf.CERTIFICATE)) {
                if (!eachOf(last -> under(shelf, under, last), visitor)) {
                    return;
                }
            }
        }
    }

    private List<Found> under(Shelf shelf, String keyId, String last) throws StoreException {
        if (!encryption.isAgreed()) {
            // Another server has come that encrypts under another key.
            return List.of();
        }
        return records(pool.atOnce(), shelf, "key_id = ? AND name > ?", keyId, last, KEYS_PAGE);
    }

    @Override
    public boolean noteSingleKey() throws StoreException {
        return encryption.complete();
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public void close() {
        news.close();
        try {
            if (peers != null) {
                peers.leave();
            }
            encryption.leave();
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, e.getMessage() + "; its entries there expire by themselves");
        }
        pool.close();
    }
}
