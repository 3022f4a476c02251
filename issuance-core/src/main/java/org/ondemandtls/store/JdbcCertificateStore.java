package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.Bundle.UnreadableException;
import org.ondemandtls.store.KeySealing.KeyMissingException;

/**
 * A store in a PostgreSQL or MariaDB database that any number of servers share.
 *
 * <p>What is kept is the text that a file store keeps, a row each, with columns beside it that it is found by. Every statement
 * finds its rows by a primary key or an index. Each method throws within a few seconds while the database does not answer,
 * and works again by itself when it does.
 */
public final class JdbcCertificateStore implements CertificateStore {

    private static final Duration EXTEND = Duration.ofSeconds(5);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration SWEEP = Duration.ofMinutes(10);
    private static final Duration RESEAL = Duration.ofSeconds(30);
    private static final Duration CLOCKS_DIFFER = Duration.ofSeconds(5);
    private static final Duration GRACE = Duration.ofMinutes(1);
    private static final int NAMES_PAGE = 2_000;
    private static final int MOST_OPEN_ORDERS = 1000;
    private static final int MOST_ABANDONED_ORDERS = 256;
    private static final int CONTENTS_PAGE = 200;
    private static final String SECRETS = "ondemand_tls_secret";
    private static final int MIN_FINGERPRINT = 65_536;
    private static final int MAX_FINGERPRINT = 100_000_000;
    private static final int NODE_ID = 8;
    private static final String PLAIN_TEXT = "";
    private static final String OBTAINED_ANEW = "it is obtained anew when visited";
    private static final String CERTIFICATE_READ = "a certificate cannot be read";
    private static final String CERTIFICATE_KEPT = "a certificate cannot be kept";
    private static final String CERTIFICATE_COLUMNS = "name, due, revision, fence, leaf, withdrawn, key_id, content";
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A row as it was found. */
    private record Row(String name, String content, long revision) {}

    private final String location;
    private final Events events;
    private final KeySealing sealing;
    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String node = HexFormat.of().formatHex(random(NODE_ID));
    private final JdbcLeases leases;
    private final JdbcPeers peers;
    private final JdbcLedger ledger;
    private final JdbcEncryption encryption;
    private final JdbcNews news;
    private final Thread keeper;
    private final AtomicBoolean resealing = new AtomicBoolean();
    private final KnownNames names;
    private final Troubles troubles;

    private volatile boolean closed;

    private volatile @Nullable Thread resealer;

    private JdbcCertificateStore(JdbcPool pool, SqlDialect dialect, Events events, Clock clock, KeySealing sealing)
            throws StoreException {
        this.pool = pool;
        this.location = pool.location();
        this.dialect = dialect;
        this.events = events;
        this.sealing = sealing;
        this.leases = new JdbcLeases(pool, dialect, node);
        this.peers = new JdbcPeers(pool, dialect, leases, this::abandonedOrders, node, events);
        this.ledger = new JdbcLedger(pool, clock);
        this.encryption = new JdbcEncryption(pool, dialect, node, sealing, events);
        this.troubles = new Troubles(events);
        this.names = new KnownNames(
                this::survey, e -> events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage())));
        encryption.join();
        // Before the names are read: what changes meanwhile is heard.
        this.news = new JdbcNews(pool, dialect, node, events, new Peers.News() {
            @Override
            public void changed(List<String> names) {
                heard(names);
            }

            @Override
            public void missed() {
                names.surveyAgain();
                tell(peers::missed);
            }
        });
        compareClocks(clock);
        this.keeper = new Thread(this::keep, "ondemand-tls-store-leases");
        keeper.setDaemon(true);
    }

    /**
     * Opens a store. Reads no certificate.
     *
     * @param place where it is
     * @param events where trouble is reported
     * @param clock the wall clock
     * @param sealing what encrypts private keys and other secrets
     * @return the store
     * @throws StoreException if it cannot be used, with what to do
     */
    public static JdbcCertificateStore open(DatabaseStore place, Events events, Clock clock, KeySealing sealing)
            throws StoreException {
        JdbcPool pool = new JdbcPool(source(place), credentials(place), place.location(), place.connections());
        try {
            SqlDialect dialect = pool.begin();
            prepareSchema(pool, dialect, place.createSchema());
            JdbcCertificateStore store = new JdbcCertificateStore(pool, dialect, events, clock, sealing);
            store.keeper.start();
            store.news.start();
            store.names.surveyAgain();
            return store;
        } catch (StoreException | RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    private static SqlSource source(DatabaseStore place) throws StoreException {
        try {
            String source = place.source();
            return SqlSource.of(
                    source.startsWith(DatabaseStore.JNDI) ? source.substring(DatabaseStore.JNDI.length()) : source);
        } catch (IllegalArgumentException e) {
            throw new StoreException("the store " + place.location() + " cannot be opened: " + e.getMessage(), e);
        }
    }

    private static Properties credentials(DatabaseStore place) {
        Properties credentials = new Properties();
        place.user().ifPresent(user -> credentials.setProperty("user", user));
        place.password().ifPresent(password -> credentials.setProperty("password", password));
        return credentials;
    }

    private static void prepareSchema(JdbcPool pool, SqlDialect dialect, boolean create) throws StoreException {
        pool.alone("the tables of the store cannot be made or read", connection -> {
            JdbcSchema.prepare(connection, dialect, create, pool.location());
            return true;
        });
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public boolean mayHold(ServerName name) {
        return names.mayContain(name.value()) || names.mayContain(name.wildcard());
    }

    @Override
    public boolean knowsItsNames() {
        return names.isComplete();
    }

    @Override
    public Optional<StoredCertificate> find(ServerName name) throws StoreException {
        Map<String, Row> own = new HashMap<>();
        Map<String, Row> led = new HashMap<>();
        pool.each(CERTIFICATE_READ, connection -> {
            own.clear();
            led.clear();
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT 1 AS own, c.name AS asked, c.name, c.content, c.revision"
                            + " FROM ondemand_tls_certificate c WHERE c.name IN (?, ?)"
                            + " UNION ALL SELECT 0, n.name, c.name, c.content, c.revision FROM ondemand_tls_name n"
                            + " JOIN ondemand_tls_certificate c ON c.name = n.certificate WHERE n.name IN (?, ?)")) {
                select.setString(1, name.value());
                select.setString(2, name.wildcard());
                select.setString(3, name.value());
                select.setString(4, name.wildcard());
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        (rows.getInt(1) == 1 ? own : led)
                                .put(rows.getString(2), new Row(rows.getString(3), rows.getString(4), rows.getLong(5)));
                    }
                }
            }
            return true;
        });
        return FindOrder.find(name, new FindOrder.Shelf() {
            @Override
            public Optional<StoredCertificate> own(String spelling) throws StoreException {
                return decodedIfThere(own.get(spelling));
            }

            @Override
            public Optional<StoredCertificate> led(String spelling) throws StoreException {
                return decodedIfThere(led.get(spelling));
            }
        });
    }

    private Optional<StoredCertificate> decodedIfThere(@Nullable Row row) throws StoreException {
        return row == null ? Optional.empty() : decoded(row);
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate) throws StoreException {
        return save(certificate, null);
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate, @Nullable Lease lease) throws StoreException {
        List<String> all = List.copyOf(certificate.certificate().names());
        if (all.isEmpty()) {
            throw new IllegalArgumentException("a certificate without a name cannot be kept");
        }
        StoredCertificate next = certificate.withRevision(certificate.revision() + 1);
        String leaf = fingerprint(next);
        String content = new String(RecordCodec.encode(next, lease == null ? 0 : lease.fence(), sealing), ISO_8859_1);
        if (lease == null && certificate.revision() > 0 && touched(certificate, next, leaf, content)) {
            return next;
        }
        JdbcPool.Work<Boolean> work = connection -> {
            if (lease != null) {
                leases.check(connection, lease);
            }
            if (replace(connection, certificate, next, leaf, content, lease == null ? 0 : lease.fence())) {
                JdbcNews.write(pool, dialect, connection, node, all);
            }
            return true;
        };
        pool.together(CERTIFICATE_KEPT, work, connection -> landed(connection, next, content));
        all.forEach(names::add);
        return next;
    }

    private Optional<Boolean> landed(Connection connection, StoredCertificate next, String content)
            throws SQLException {
        try (PreparedStatement select = pool.prepared(
                connection, "SELECT content FROM ondemand_tls_certificate WHERE name = ? AND revision = ?")) {
            select.setString(1, next.firstName());
            select.setLong(2, next.revision());
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() && content.equals(rows.getString(1)) ? Optional.of(true) : Optional.empty();
            }
        }
    }

    // The common case: a visit, another due time. Same leaf, as much withdrawn as before: one statement, and no news.
    private boolean touched(StoredCertificate before, StoredCertificate next, String leaf, String content)
            throws StoreException {
        return pool.each(CERTIFICATE_KEPT, connection -> {
            try (PreparedStatement update = pool.prepared(
                    connection,
                    "UPDATE ondemand_tls_certificate SET due = ?, revision = ?, key_id = ?, content = ?"
                            + " WHERE name = ? AND revision = ? AND leaf = ? AND withdrawn = ?")) {
                update.setLong(1, Sql.millis(next.due()));
                update.setLong(2, next.revision());
                update.setString(3, encryption.keyId());
                update.setString(4, content);
                update.setString(5, next.firstName());
                update.setLong(6, before.revision());
                update.setString(7, leaf);
                update.setBoolean(8, next.withdrawn().isPresent());
                return update.executeUpdate() == 1;
            }
        });
    }

    // Whether others have to know.
    private boolean replace(
            Connection connection,
            StoredCertificate before,
            StoredCertificate next,
            String leaf,
            String content,
            long fence)
            throws SQLException, StoreException {
        String first = next.firstName();
        long revision = 0;
        boolean same = false;
        try (PreparedStatement select = pool.prepared(
                connection,
                "SELECT revision, leaf, withdrawn FROM ondemand_tls_certificate WHERE name = ? FOR UPDATE")) {
            select.setString(1, first);
            try (ResultSet rows = select.executeQuery()) {
                if (rows.next()) {
                    revision = rows.getLong(1);
                    same = rows.getString(2).equals(leaf)
                            && rows.getBoolean(3) == next.withdrawn().isPresent();
                }
            }
        }
        if (revision != before.revision()) {
            throw new StaleRevisionException(first, revision, before.revision());
        }
        String sql = revision == 0
                ? dialect.insertIfAbsent("ondemand_tls_certificate", CERTIFICATE_COLUMNS, Sql.places(8))
                : "UPDATE ondemand_tls_certificate SET name = ?, due = ?, revision = ?, fence = CASE WHEN fence > ? THEN"
                        + " fence ELSE ? END, leaf = ?, withdrawn = ?, key_id = ?, content = ? WHERE name = ?";
        try (PreparedStatement write = pool.prepared(connection, sql)) {
            int at = 0;
            write.setString(++at, first);
            write.setLong(++at, Sql.millis(next.due()));
            write.setLong(++at, next.revision());
            write.setLong(++at, fence);
            if (revision != 0) {
                write.setLong(++at, fence);
            }
            write.setString(++at, leaf);
            write.setBoolean(++at, next.withdrawn().isPresent());
            write.setString(++at, encryption.keyId());
            write.setString(++at, content);
            if (revision != 0) {
                write.setString(++at, first);
                write.executeUpdate();
            } else if (!dialect.inserted(write)) {
                throw new StaleRevisionException(first, storedRevision(connection, first), 0);
            }
        }
        if (!same) {
            point(connection, next, revision != 0);
        }
        return !same;
    }

    private long storedRevision(Connection connection, String first) throws SQLException {
        try (PreparedStatement select =
                pool.prepared(connection, "SELECT revision FROM ondemand_tls_certificate WHERE name = ?")) {
            select.setString(1, first);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? rows.getLong(1) : 0;
            }
        }
    }

    private void point(Connection connection, StoredCertificate next, boolean replaced) throws SQLException {
        String first = next.firstName();
        if (replaced) {
            unpoint(connection, first);
        }
        TreeSet<String> others = new TreeSet<>(next.certificate().names());
        others.remove(first);
        if (others.isEmpty()) {
            return;
        }
        try (PreparedStatement upsert = pool.prepared(
                connection,
                dialect.upsert("ondemand_tls_name", "name, certificate", "?, ?", "name", List.of("certificate")))) {
            for (String other : others) {
                upsert.setString(1, other);
                upsert.setString(2, first);
                upsert.addBatch();
            }
            upsert.executeBatch();
        }
    }

    private void unpoint(Connection connection, String first) throws SQLException {
        try (PreparedStatement delete =
                pool.prepared(connection, "DELETE FROM ondemand_tls_name WHERE certificate = ?")) {
            delete.setString(1, first);
            delete.executeUpdate();
        }
    }

    @Override
    public List<StoredCertificate> due(Instant atOrBefore, int limit) throws StoreException {
        return due(Instant.EPOCH, atOrBefore, limit);
    }

    @Override
    public List<StoredCertificate> due(Instant from, Instant atOrBefore, int limit) throws StoreException {
        List<StoredCertificate> due = new ArrayList<>();
        long until = Sql.millis(atOrBefore);
        long lastDue = from.isAfter(Instant.EPOCH) ? Sql.millis(from) : Long.MIN_VALUE;
        String lastName = "";
        while (true) {
            int wanted = limit - due.size();
            List<Row> page = duePage(until, lastDue, lastName, wanted);
            for (Row row : page) {
                lastDue = row.revision();
                lastName = row.name();
                try {
                    decoded(new Row(row.name(), row.content(), 0))
                            .filter(stored -> !stored.due().isAfter(atOrBefore))
                            .ifPresent(due::add);
                } catch (StoreException e) {
                    // One record must not keep all others from being renewed.
                    troubles.tell("the certificate of " + row.name(), e);
                }
            }
            if (page.size() < wanted || due.size() >= limit) {
                due.sort(Comparator.comparing(StoredCertificate::due));
                return due;
            }
        }
    }

    // With the due time in place of the revision.
    private List<Row> duePage(long until, long lastDue, String lastName, int limit) throws StoreException {
        return pool.each("what is due cannot be listed", connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT name, content, due FROM ondemand_tls_certificate WHERE due <= ? AND due >= ?"
                            + " AND (due > ? OR name > ?) ORDER BY due, name LIMIT ?")) {
                select.setLong(1, until);
                select.setLong(2, lastDue);
                select.setLong(3, lastDue);
                select.setString(4, lastName);
                select.setInt(5, limit);
                List<Row> page = new ArrayList<>();
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        page.add(new Row(rows.getString(1), rows.getString(2), rows.getLong(3)));
                    }
                }
                return page;
            }
        });
    }

    @Override
    public Optional<Instant> nextDue() throws StoreException {
        return pool.each("what is due cannot be listed", connection -> {
            try (PreparedStatement select =
                            pool.prepared(connection, "SELECT due FROM ondemand_tls_certificate ORDER BY due LIMIT 1");
                    ResultSet rows = select.executeQuery()) {
                return rows.next() ? Optional.of(Instant.ofEpochMilli(rows.getLong(1))) : Optional.empty();
            }
        });
    }

    @Override
    public void forget(StoredCertificate certificate) throws StoreException {
        String first = certificate.firstName();
        pool.together("a certificate cannot be removed", connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection, "SELECT revision FROM ondemand_tls_certificate WHERE name = ? FOR UPDATE")) {
                select.setString(1, first);
                try (ResultSet rows = select.executeQuery()) {
                    if (!rows.next()) {
                        return true;
                    }
                    if (rows.getLong(1) != certificate.revision()) {
                        throw new StaleRevisionException(first, rows.getLong(1), certificate.revision());
                    }
                }
            }
            try (PreparedStatement delete =
                    pool.prepared(connection, "DELETE FROM ondemand_tls_certificate WHERE name = ?")) {
                delete.setString(1, first);
                delete.executeUpdate();
            }
            unpoint(connection, first);
            JdbcNews.write(
                    pool,
                    dialect,
                    connection,
                    node,
                    List.copyOf(certificate.certificate().names()));
            return true;
        });
    }

    @Override
    public void journal(OpenOrder order) throws StoreException {
        journal(order, null);
    }

    @Override
    public void journal(OpenOrder order, @Nullable Lease lease) throws StoreException {
        String content = new String(RecordCodec.encode(order, lease == null ? 0 : lease.fence(), sealing), ISO_8859_1);
        pool.together("an order cannot be kept", connection -> {
            if (lease != null) {
                leases.check(connection, lease);
            }
            try (PreparedStatement upsert = pool.prepared(
                    connection,
                    dialect.upsert(
                            "ondemand_tls_order",
                            "name, started, fence, key_id, content",
                            Sql.places(5),
                            "name",
                            List.of("started", "fence", "key_id", "content")))) {
                upsert.setString(1, order.name().value());
                upsert.setLong(2, Sql.millis(order.started()));
                upsert.setLong(3, lease == null ? 0 : lease.fence());
                upsert.setString(4, encryption.keyId());
                upsert.setString(5, content);
                return upsert.executeUpdate();
            }
        });
    }

    @Override
    public Optional<OpenOrder> openOrder(ServerName name) throws StoreException {
        List<Row> rows = orders("WHERE o.name = ?", select -> select.setString(1, name.value()));
        return rows.isEmpty() ? Optional.empty() : decodedOrder(rows.get(0));
    }

    @Override
    public List<OpenOrder> openOrders() throws StoreException {
        return decoded(orders(
                "LEFT JOIN ondemand_tls_lease l ON l.name = o.name AND l.expires > " + dialect.now()
                        + " WHERE l.name IS NULL ORDER BY o.started, o.name LIMIT " + MOST_OPEN_ORDERS,
                select -> {}));
    }

    private List<OpenOrder> abandonedOrders() throws StoreException {
        return decoded(orders(
                "JOIN ondemand_tls_lease l ON l.name = o.name WHERE l.expires <= " + dialect.now()
                        + " ORDER BY l.expires LIMIT " + MOST_ABANDONED_ORDERS,
                select -> {}));
    }

    private List<OpenOrder> decoded(List<Row> rows) throws StoreException {
        List<OpenOrder> open = new ArrayList<>();
        for (Row row : rows) {
            try {
                decodedOrder(row).ifPresent(open::add);
            } catch (StoreException e) {
                troubles.tell("the open order of " + row.name(), e);
            }
        }
        open.sort(Comparator.comparing(OpenOrder::started));
        return open;
    }

    @FunctionalInterface
    private interface Binding {
        void to(PreparedStatement statement) throws SQLException;
    }

    private List<Row> orders(String where, Binding binding) throws StoreException {
        return pool.each("the open orders cannot be read", connection -> {
            try (PreparedStatement select =
                    pool.prepared(connection, "SELECT o.name, o.content FROM ondemand_tls_order o " + where)) {
                binding.to(select);
                List<Row> found = new ArrayList<>();
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        found.add(new Row(rows.getString(1), rows.getString(2), 0));
                    }
                }
                return found;
            }
        });
    }

    @Override
    public void closeOrder(ServerName name) throws StoreException {
        closeOrder(name, null);
    }

    @Override
    public void closeOrder(ServerName name, @Nullable Lease lease) throws StoreException {
        pool.together("a finished order cannot be removed", connection -> {
            if (lease != null) {
                leases.check(connection, lease);
            }
            return delete(connection, "ondemand_tls_order", "name", name.value());
        });
    }

    @Override
    public Optional<Hold> hold(String scope) throws StoreException {
        checkScope(scope);
        Optional<Row> row = pool.each("a hold cannot be read", connection -> {
            try (PreparedStatement select =
                    pool.prepared(connection, "SELECT scope, content FROM ondemand_tls_hold WHERE scope = ?")) {
                select.setString(1, scope);
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next()
                            ? Optional.of(new Row(rows.getString(1), rows.getString(2), 0))
                            : Optional.empty();
                }
            }
        });
        return row.isEmpty() ? Optional.empty() : decodedHold(row.get());
    }

    @Override
    public void keepHold(Hold hold) throws StoreException {
        pool.each("a hold cannot be kept", connection -> {
            try (PreparedStatement upsert = pool.prepared(
                    connection,
                    dialect.upsert("ondemand_tls_hold", "scope, content", "?, ?", "scope", List.of("content")))) {
                upsert.setString(1, hold.scope());
                upsert.setString(2, new String(RecordCodec.encode(hold), ISO_8859_1));
                return upsert.executeUpdate();
            }
        });
    }

    @Override
    public void dropHold(String scope) throws StoreException {
        checkScope(scope);
        pool.each("a hold cannot be removed", connection -> delete(connection, "ondemand_tls_hold", "scope", scope));
    }

    @Override
    public List<Hold> holds(int limit) throws StoreException {
        List<Row> rows = pool.each("the holds cannot be listed", connection -> {
            try (PreparedStatement select =
                    pool.prepared(connection, "SELECT scope, content FROM ondemand_tls_hold ORDER BY scope LIMIT ?")) {
                select.setInt(1, limit);
                List<Row> found = new ArrayList<>();
                try (ResultSet result = select.executeQuery()) {
                    while (result.next()) {
                        found.add(new Row(result.getString(1), result.getString(2), 0));
                    }
                }
                return found;
            }
        });
        List<Hold> holds = new ArrayList<>();
        for (Row row : rows) {
            try {
                decodedHold(row).ifPresent(holds::add);
            } catch (StoreException e) {
                troubles.tell("the hold " + row.name(), e);
            }
        }
        return holds;
    }

    private static void checkScope(String scope) {
        if (!Hold.isScope(scope)) {
            throw new IllegalArgumentException("not the scope of a hold");
        }
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public Peers peers() {
        return peers;
    }

    @Override
    public Optional<byte[]> readSecret(String path) throws StoreException {
        checkSecret(path);
        Optional<byte[]> content = pool.each(path + " cannot be read", connection -> {
            try (PreparedStatement select =
                    pool.prepared(connection, "SELECT content FROM ondemand_tls_secret WHERE name = ?")) {
                select.setString(1, path);
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() ? Optional.of(rows.getBytes(1)) : Optional.empty();
                }
            }
        });
        try {
            return content.isEmpty() ? content : Optional.of(RecordCodec.decodeSecret(path, content.get(), sealing));
        } catch (UnreadableException e) {
            // Not set aside: to make another account or root in silence would be worse than to stop.
            throw new StoreException(path + " in " + location + " cannot be used: " + e.getMessage()
                    + (e instanceof KeyMissingException ? "" : "; bring it back from a backup, or remove it"));
        }
    }

    @Override
    public void writeSecret(String path, byte[] content) throws StoreException {
        keep(path, sealed(path, content), encryption.keyId());
    }

    @Override
    public void writePublic(String path, byte[] content) throws StoreException {
        keep(path, content, PLAIN_TEXT);
    }

    private byte[] sealed(String path, byte[] content) {
        return sealing.encrypts() ? RecordCodec.encodeSecret(path, content, sealing) : content;
    }

    private void keep(String path, byte[] content, String keyId) throws StoreException {
        checkSecret(path);
        pool.each(path + " cannot be kept", connection -> {
            try (PreparedStatement upsert = pool.prepared(
                    connection,
                    dialect.upsert(
                            "ondemand_tls_secret",
                            "name, key_id, content",
                            "?, ?, ?",
                            "name",
                            List.of("key_id", "content")))) {
                upsert.setString(1, path);
                upsert.setString(2, keyId);
                upsert.setBytes(3, content);
                return upsert.executeUpdate();
            }
        });
    }

    @Override
    public byte[] writeFirst(String path, byte[] content, boolean secret) throws StoreException {
        checkSecret(path);
        byte[] kept = secret ? sealed(path, content) : content;
        pool.each(path + " cannot be kept", connection -> {
            try (PreparedStatement insert = pool.prepared(
                    connection, dialect.insertIfAbsent("ondemand_tls_secret", "name, key_id, content", "?, ?, ?"))) {
                insert.setString(1, path);
                insert.setString(2, secret ? encryption.keyId() : PLAIN_TEXT);
                insert.setBytes(3, kept);
                return dialect.inserted(insert);
            }
        });
        // What is there now; by somebody else perhaps, or by this before a connection broke.
        return readSecret(path)
                .orElseThrow(() -> new StoreException(path + " in " + location + " was removed meanwhile"));
    }

    private static void checkSecret(String path) {
        if (!FileCertificateStore.SECRET_PATH.matcher(path).matches()) {
            throw new IllegalArgumentException("not the place of a secret");
        }
    }

    @Override
    public void visitAll(Visitor visitor) throws StoreException {
        String last = "";
        for (List<Row> page = contents(last); !page.isEmpty(); page = contents(last)) {
            for (Row row : page) {
                last = row.name();
                Optional<StoredCertificate> stored = Optional.empty();
                try {
                    stored = decoded(row);
                } catch (StoreException e) {
                    troubles.tell("the certificate of " + row.name(), e);
                }
                if (stored.isPresent()) {
                    visitor.visit(stored.get());
                }
            }
        }
    }

    @Override
    public List<StoredCertificate> page(String prefix, String after, int limit) throws StoreException {
        // No name has a character behind '~', and names are compared by their octets.
        List<Row> rows = pool.each(CERTIFICATE_READ, connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT name, content, revision FROM ondemand_tls_certificate"
                            + " WHERE name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?")) {
                select.setString(1, after);
                select.setString(2, prefix);
                select.setString(3, prefix + '~');
                select.setInt(4, limit);
                List<Row> found = new ArrayList<>();
                try (ResultSet result = select.executeQuery()) {
                    while (result.next()) {
                        found.add(new Row(result.getString(1), result.getString(2), result.getLong(3)));
                    }
                }
                return found;
            }
        });
        List<StoredCertificate> page = new ArrayList<>();
        for (Row row : rows) {
            try {
                decoded(row).ifPresent(page::add);
            } catch (StoreException e) {
                troubles.tell("the certificate of " + row.name(), e);
            }
        }
        return page;
    }

    private List<Row> contents(String after) throws StoreException {
        return pool.each(CERTIFICATE_READ, connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT name, content, revision FROM ondemand_tls_certificate WHERE name > ? ORDER BY name LIMIT "
                            + CONTENTS_PAGE)) {
                select.setString(1, after);
                List<Row> found = new ArrayList<>();
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        found.add(new Row(rows.getString(1), rows.getString(2), rows.getLong(3)));
                    }
                }
                return found;
            }
        });
    }

    @Override
    public List<String> secretPaths() throws StoreException {
        List<String> paths = new ArrayList<>();
        String last = "";
        for (List<String> page = page(SECRETS, last); !page.isEmpty(); page = page(SECRETS, last)) {
            paths.addAll(page);
            last = page.get(page.size() - 1);
        }
        return paths;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        names.close();
        LockSupport.unpark(keeper);
        news.close();
        join(keeper);
        Thread sealer = resealer;
        if (sealer != null) {
            LockSupport.unpark(sealer);
            join(sealer);
        }
        try {
            peers.leave();
            encryption.leave();
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, e.getMessage() + "; what this server had there runs out by itself");
        }
        pool.close();
    }

    private static void join(Thread thread) {
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // A revision of 0 is one that is not known.
    private Optional<StoredCertificate> decoded(Row row) throws StoreException {
        try {
            StoredCertificate stored =
                    RecordCodec.decodeCertificate(row.content().getBytes(ISO_8859_1), sealing);
            if (!stored.certificate().names().contains(row.name())
                    || !stored.firstName().equals(row.name())) {
                throw new UnreadableException("it is for another name");
            }
            if (row.revision() != 0 && stored.revision() != row.revision()) {
                throw new UnreadableException("it is of another revision");
            }
            return Optional.of(stored);
        } catch (KeyMissingException e) {
            throw new KeyNotGivenException("the certificate of " + row.name() + " in " + location, e);
        } catch (UnreadableException e) {
            setAside("certificate", "ondemand_tls_certificate", "name", row, e, OBTAINED_ANEW);
            return Optional.empty();
        }
    }

    private Optional<OpenOrder> decodedOrder(Row row) throws StoreException {
        try {
            OpenOrder order = RecordCodec.decodeOrder(row.content().getBytes(ISO_8859_1), sealing);
            if (!order.name().value().equals(row.name())) {
                throw new UnreadableException("it is for another name");
            }
            return Optional.of(order);
        } catch (KeyMissingException e) {
            throw new KeyNotGivenException("the open order of " + row.name() + " in " + location, e);
        } catch (UnreadableException e) {
            setAside("order", "ondemand_tls_order", "name", row, e, OBTAINED_ANEW);
            return Optional.empty();
        }
    }

    private Optional<Hold> decodedHold(Row row) throws StoreException {
        try {
            Hold hold = RecordCodec.decodeHold(row.content().getBytes(ISO_8859_1));
            if (!hold.scope().equals(row.name())) {
                throw new UnreadableException("it is for another scope");
            }
            return Optional.of(hold);
        } catch (UnreadableException e) {
            setAside("hold", "ondemand_tls_hold", "scope", row, e, "what it held may be tried again");
            return Optional.empty();
        }
    }

    // Only what was read: another server may have written it anew.
    private void setAside(
            String kind, String table, String column, Row row, UnreadableException why, String consequence)
            throws StoreException {
        boolean drop =
                sealing.encrypts() && RecordCodec.mayBeInClear(row.content().getBytes(ISO_8859_1));
        boolean done = pool.together("a damaged " + kind + " cannot be set aside", connection -> {
            try (PreparedStatement delete =
                    pool.prepared(connection, "DELETE FROM " + table + " WHERE " + column + " = ? AND content = ?")) {
                delete.setString(1, row.name());
                delete.setString(2, row.content());
                if (delete.executeUpdate() != 1) {
                    return false;
                }
            }
            if (!drop) {
                try (PreparedStatement insert = pool.prepared(
                        connection,
                        "INSERT INTO ondemand_tls_quarantine (kind, name, since, reason, content) VALUES (?, ?, "
                                + dialect.now() + ", ?, ?)")) {
                    insert.setString(1, kind);
                    insert.setString(2, row.name());
                    insert.setString(3, String.valueOf(why.getMessage()));
                    insert.setString(4, row.content());
                    insert.executeUpdate();
                }
            }
            return true;
        });
        if (done) {
            events.publish(
                    EventKind.QUARANTINED,
                    "the " + kind + " of " + row.name() + " in " + location
                            + (drop
                                    ? " was removed, since its key may be in clear: "
                                    : " was set aside in ondemand_tls_quarantine: ")
                            + why.getMessage() + "; " + consequence);
        }
    }

    private int delete(Connection connection, String table, String column, String key) throws SQLException {
        try (PreparedStatement delete =
                pool.prepared(connection, "DELETE FROM " + table + " WHERE " + column + " = ?")) {
            delete.setString(1, key);
            return delete.executeUpdate();
        }
    }

    private static String fingerprint(StoredCertificate stored) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(stored.certificate().leaf().getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("a leaf has no encoding", e);
        }
    }

    // --- which names are stored ---

    private void heard(List<String> changed) {
        changed.forEach(names::add);
        tell(() -> peers.changed(changed));
    }

    private void tell(Runnable follower) {
        try {
            follower.run();
        } catch (RuntimeException e) {
            events.publish(EventKind.DEFECT, "news could not be used: " + e);
        }
    }

    private NameFingerprint survey(BooleanSupplier ended) throws StoreException {
        long capacity = pool.eachAtOnce(
                "the names cannot be listed",
                connection ->
                        dialect.estimatedRows(connection, List.of("ondemand_tls_certificate", "ondemand_tls_name")));
        while (true) {
            int most = (int) Math.min(MAX_FINGERPRINT, Math.max(MIN_FINGERPRINT, capacity * 2));
            NameFingerprint fresh = new NameFingerprint(most);
            for (String table : List.of("ondemand_tls_certificate", "ondemand_tls_name")) {
                String last = "";
                for (List<String> page = page(table, last);
                        !page.isEmpty() && !ended.getAsBoolean() && !fresh.isFull();
                        page = page(table, last)) {
                    page.forEach(fresh::add);
                    last = page.get(page.size() - 1);
                }
            }
            if (!fresh.isFull() || most == MAX_FINGERPRINT || ended.getAsBoolean()) {
                return fresh;
            }
            // The database's own estimate was too low.
            capacity = most;
        }
    }

    private List<String> page(String table, String after) throws StoreException {
        return pool.eachAtOnce("the names cannot be listed", connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection, "SELECT name FROM " + table + " WHERE name > ? ORDER BY name LIMIT " + NAMES_PAGE)) {
                select.setString(1, after);
                List<String> names = new ArrayList<>(NAMES_PAGE);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        names.add(rows.getString(1));
                    }
                }
                return names;
            }
        });
    }

    // --- what is done by time ---

    private void keep() {
        long sweepAt = System.nanoTime() + SWEEP.toNanos() / 10 * (1 + Math.floorMod(node.hashCode(), 10));
        long resealAt = System.nanoTime();
        boolean failing = false;
        while (!closed) {
            Duration pause = EXTEND;
            try {
                leases.extend();
                encryption.stay();
                failing = false;
                if (System.nanoTime() - resealAt >= 0) {
                    resealAt = System.nanoTime() + RESEAL.toNanos();
                    lookAtEncryption();
                }
                if (System.nanoTime() - sweepAt >= 0) {
                    sweepAt = System.nanoTime() + SWEEP.toNanos();
                    sweep();
                }
            } catch (StoreException | RuntimeException e) {
                pause = RETRY;
                if (!failing) {
                    failing = true;
                    events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage()));
                }
            }
            long until = System.nanoTime() + pause.toNanos();
            for (long left = pause.toNanos(); left > 0 && !closed; left = until - System.nanoTime()) {
                LockSupport.parkNanos(this, left);
            }
        }
    }

    /** Removes what has run out; each statement costs in proportion to what it removes. */
    void sweep() throws StoreException {
        pool.eachAtOnce("what has run out cannot be removed", connection -> {
            for (String what : List.of(
                    "ondemand_tls_proof WHERE expires < ",
                    "ondemand_tls_node WHERE expires < ",
                    // What is left of a server that is gone tells that its order is to be finished.
                    "ondemand_tls_lease WHERE NOT EXISTS (SELECT 1 FROM ondemand_tls_order o"
                            + " WHERE o.name = ondemand_tls_lease.name) AND expires < ")) {
                try (PreparedStatement delete =
                        pool.prepared(connection, "DELETE FROM " + what + dialect.now() + " - ?")) {
                    delete.setLong(1, GRACE.toMillis());
                    delete.executeUpdate();
                }
            }
            JdbcNews.sweep(pool, dialect, connection);
            JdbcLedger.sweep(pool, dialect, connection);
            return true;
        });
    }

    private void compareClocks(Clock clock) throws StoreException {
        long ahead = pool.each(
                        "the time cannot be read",
                        connection -> SqlDialect.number(connection, "SELECT " + dialect.now()))
                - clock.millis();
        if (Math.abs(ahead) > CLOCKS_DIFFER.toMillis()) {
            events.publish(
                    EventKind.ADVICE,
                    "the clock of the database of the store is " + Math.abs(ahead) / 1000 + " s "
                            + (ahead > 0 ? "ahead of" : "behind")
                            + " this machine's; leases go by the database's, budgets and renewals by each machine's own:"
                            + " let all of them follow the same time");
        }
    }

    // --- encryption anew ---

    /** Extends the leases of this server now. */
    void extendLeases() throws StoreException {
        leases.extend();
    }

    /** Looks now whether records are to be encrypted anew. */
    void lookAtEncryption() throws StoreException {
        if (encryption.isToBeDone() && resealing.compareAndSet(false, true)) {
            encryption.begins();
            Thread thread = new Thread(this::reseal, "ondemand-tls-store-reseal");
            thread.setDaemon(true);
            resealer = thread;
            thread.start();
        } else if (sealing.encrypts() && !resealing.get() && encryption.isToBeNoted()) {
            encryption.complete(0);
        }
    }

    private void reseal() {
        long changed = 0;
        try {
            for (String under : encryption.pending()) {
                changed += resealAll("ondemand_tls_order", under);
                changed += resealAll("ondemand_tls_secret", under);
                changed += resealAll("ondemand_tls_certificate", under);
            }
            if (!closed) {
                removeSetAsideInClear();
                encryption.complete(changed);
            }
        } catch (StoreException | RuntimeException e) {
            events.publish(
                    EventKind.STORE_FAILED,
                    "not everything in " + location + " can be encrypted: " + e.getMessage()
                            + "; tried again in half a minute");
        } finally {
            resealing.set(false);
        }
    }

    private long resealAll(String table, String under) throws StoreException {
        long changed = 0;
        String last = "";
        for (List<String> page = encryption.page(table, under, last);
                !page.isEmpty() && !closed;
                page = encryption.page(table, under, last)) {
            long start = System.nanoTime();
            for (String name : page) {
                changed += resealOne(table, name, under);
                last = name;
            }
            if (!encryption.isToBeDone()) {
                // Another server has come that encrypts under another key.
                return changed;
            }
            // At most half of the database's time for this.
            LockSupport.parkNanos(this, System.nanoTime() - start);
        }
        return changed;
    }

    // At the same revision: for everybody else nothing has changed.
    private int resealOne(String table, String name, String under) throws StoreException {
        boolean secret = table.equals("ondemand_tls_secret");
        return pool.togetherAtOnce("a record cannot be encrypted anew", connection -> {
            byte[] content;
            try (PreparedStatement select = pool.prepared(
                    connection, "SELECT content FROM " + table + " WHERE name = ? AND key_id = ? FOR UPDATE")) {
                select.setString(1, name);
                select.setString(2, under);
                try (ResultSet rows = select.executeQuery()) {
                    if (!rows.next()) {
                        return 0;
                    }
                    content = secret ? rows.getBytes(1) : rows.getString(1).getBytes(ISO_8859_1);
                }
            }
            Optional<byte[]> anew = resealed(table, name, content);
            try (PreparedStatement write = pool.prepared(
                    connection,
                    anew.isEmpty()
                            ? "DELETE FROM " + table + " WHERE name = ? AND key_id = ?"
                            : "UPDATE " + table + " SET content = ?, key_id = ? WHERE name = ? AND key_id = ?")) {
                int at = 0;
                if (anew.isPresent()) {
                    if (secret) {
                        write.setBytes(++at, anew.get());
                    } else {
                        write.setString(++at, new String(anew.get(), ISO_8859_1));
                    }
                    write.setString(++at, encryption.keyId());
                }
                write.setString(++at, name);
                write.setString(++at, under);
                return write.executeUpdate();
            }
        });
    }

    // Empty where it is damaged and to be removed: nobody could say under which key it is to be read.
    private Optional<byte[]> resealed(String table, String name, byte[] content) throws StoreException {
        try {
            return switch (table) {
                case "ondemand_tls_secret" ->
                    Optional.of(
                            RecordCodec.encodeSecret(name, RecordCodec.decodeSecret(name, content, sealing), sealing));
                case "ondemand_tls_order" ->
                    Optional.of(RecordCodec.encode(
                            RecordCodec.decodeOrder(content, sealing), RecordCodec.fence(content), sealing));
                default ->
                    Optional.of(RecordCodec.encode(
                            RecordCodec.decodeCertificate(content, sealing), RecordCodec.fence(content), sealing));
            };
        } catch (KeyMissingException e) {
            throw new KeyNotGivenException(name + " in " + location, e);
        } catch (UnreadableException e) {
            if (table.equals("ondemand_tls_secret")) {
                throw new StoreException(name + " in " + location + " cannot be used: " + e.getMessage());
            }
            events.publish(
                    EventKind.QUARANTINED,
                    "the record of " + name + " in " + location + " was removed, since its key may be in clear: "
                            + e.getMessage() + "; " + OBTAINED_ANEW);
            return Optional.empty();
        }
    }

    private void removeSetAsideInClear() throws StoreException {
        pool.eachAtOnce("what was set aside cannot be removed", connection -> {
            try (PreparedStatement delete = pool.prepared(
                    connection,
                    "DELETE FROM ondemand_tls_quarantine WHERE content NOT LIKE '%-----BEGIN ENCRYPTED ONDEMAND-TLS KEY%'"
                            + " OR content LIKE '%PRIVATE KEY-----%'")) {
                return delete.executeUpdate();
            }
        });
    }

    private static byte[] random(int length) {
        byte[] random = new byte[length];
        RANDOM.nextBytes(random);
        return random;
    }
}
