package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.EncryptionState;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;

/**
 * Which keys the records in a database are under, and their encryption anew.
 *
 * <p>Each server that runs is noted with its keys. What a server is about to encrypt under is noted before it does, so that
 * another one that lacks a key in use is told at its start. Records are encrypted anew only while all servers that run
 * encrypt under the same key: while they are moved one by one, records of both kinds stay, and all read both.
 */
final class JdbcEncryption {

    /** How long a server that says nothing counts as running. */
    static final Duration RUNNING = Duration.ofSeconds(60);

    private static final String WHAT = "the note of the encryption keys cannot be kept";

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final String node;
    private final KeySealing sealing;
    private final Events events;
    private final String keyId;

    JdbcEncryption(JdbcPool pool, SqlDialect dialect, String node, KeySealing sealing, Events events) {
        this.pool = pool;
        this.dialect = dialect;
        this.node = node;
        this.sealing = sealing;
        this.events = events;
        this.keyId = sealing.keyId();
    }

    /**
     * Notes this server and its keys.
     *
     * @throws StoreException if records are under keys that were not given, with what to do
     */
    void join() throws StoreException {
        List<String> lacking = pool.together(WHAT, connection -> {
            Optional<EncryptionState> before = lock(connection);
            boolean filled = before.isEmpty() && isFilled(connection);
            Optional<EncryptionState> now = EncryptionState.opening(before, sealing, filled, pool.location());
            if (now.isPresent() && !now.equals(before)) {
                write(connection, now.get());
            }
            pool.update(
                    connection,
                    dialect.upsert(
                            "ondemand_tls_node",
                            "id, key_id, key_ids, expires",
                            "?, ?, ?, " + dialect.now() + " + ?",
                            "id",
                            List.of("key_id", "key_ids", "expires")),
                    node,
                    keyId,
                    String.join(" ", sealing.keyIds()),
                    RUNNING.toMillis());
            return othersWithout(connection, keyId);
        });
        if (!lacking.isEmpty()) {
            events.publish(
                    EventKind.ADVICE,
                    lacking.size() + " other servers of the store " + pool.location() + " do not have the key " + keyId
                            + " with which this server encrypts, and cannot read what it writes; give them that key as well, after their first");
        }
    }

    /** Says that this server still runs; noted anew where that came too late. */
    void stay() throws StoreException {
        String sql = "UPDATE ondemand_tls_node SET expires = " + dialect.now() + " + ? WHERE id = ?";
        int rows = pool.atOnce().change(WHAT, sql, RUNNING.toMillis(), node);
        if (rows == 0) {
            join();
        }
    }

    /** Says that this server ends. */
    void leave() throws StoreException {
        pool.atOnce().change(WHAT, "DELETE FROM ondemand_tls_node WHERE id = ?", node);
    }

    /**
     * Whether records are under other keys than the one all servers encrypt under, or are noted to be; costs a few look-ups
     * in indices.
     */
    boolean hasOtherKeys() throws StoreException {
        return sealing.encrypts()
                && pool.atOnce().each(WHAT, connection -> {
                    if (!agreed(connection)) {
                        return false;
                    }
                    Optional<EncryptionState> state =
                            decoded(text(connection, "SELECT content FROM ondemand_tls_encryption WHERE id = 1"));
                    return !pending(connection).isEmpty()
                            || (state.isPresent() && !state.get().older().isEmpty());
                });
    }

    /** Whether all servers that run encrypt under the key of this one. */
    boolean isAgreed() throws StoreException {
        return pool.atOnce().each(WHAT, this::agreed);
    }

    /**
     * Notes that all records are under one key, if so.
     *
     * @return whether that is so
     */
    boolean complete() throws StoreException {
        return pool.atOnce().together(WHAT, connection -> {
            Optional<EncryptionState> state = lock(connection);
            if (state.isEmpty() || !agreed(connection) || !pending(connection).isEmpty()) {
                return false;
            }
            write(connection, new EncryptionState(keyId, Set.of()));
            return true;
        });
    }

    /** The keys that records are under besides the one they are to be under, {@code plain} among them. */
    Set<String> pending() throws StoreException {
        return pool.atOnce().each(WHAT, this::pending);
    }

    private Set<String> pending(Connection connection) throws SQLException {
        Set<String> others = new LinkedHashSet<>();
        for (String table : List.of("ondemand_tls_order", "ondemand_tls_secret", "ondemand_tls_certificate")) {
            // From both ends of the index; keys in between are found when these are gone.
            for (String end : List.of("min", "max")) {
                String found = text(connection, "SELECT " + end + "(key_id) FROM " + table + " WHERE key_id > ''");
                if (found != null && !found.equals(keyId)) {
                    others.add(found);
                }
            }
        }
        return others;
    }

    private boolean agreed(Connection connection) throws SQLException {
        return pool.row(
                        connection,
                        "SELECT count(*) FROM ondemand_tls_node WHERE key_id <> ? AND expires > " + dialect.now(),
                        row -> row.getLong(1),
                        keyId)
                .equals(Optional.of(0L));
    }

    private List<String> othersWithout(Connection connection, String needed) throws SQLException {
        List<String> lacking = new ArrayList<>();
        if (sealing.encrypts()) {
            pool
                    .rows(
                            connection,
                            "SELECT key_ids FROM ondemand_tls_node WHERE expires > " + dialect.now(),
                            row -> row.getString(1))
                    .stream()
                    .filter(ids -> !List.of(ids.split(" ")).contains(needed))
                    .forEach(lacking::add);
        }
        return lacking;
    }

    private Optional<EncryptionState> lock(Connection connection) throws SQLException, StoreException {
        String content = text(connection, "SELECT content FROM ondemand_tls_encryption WHERE id = 1 FOR UPDATE");
        return decoded(content);
    }

    private Optional<EncryptionState> decoded(@Nullable String content) throws StoreException {
        if (content == null) {
            throw new StoreException("the row 1 of ondemand_tls_encryption in " + pool.location()
                    + " is gone; bring it back from a backup");
        }
        if (content.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(EncryptionState.decode(content.getBytes(ISO_8859_1)));
        } catch (UnreadableException e) {
            throw new StoreException("the note of the encryption keys in " + pool.location()
                    + " (ondemand_tls_encryption) is damaged; bring it back from a backup, or empty its content and give"
                    + " every key the store was ever encrypted with in onDemandTls.store.encryptionKey");
        }
    }

    private void write(Connection connection, EncryptionState state) throws SQLException {
        pool.update(
                connection,
                "UPDATE ondemand_tls_encryption SET content = ? WHERE id = 1",
                new String(state.encode(), ISO_8859_1));
    }

    private static boolean isFilled(Connection connection) throws SQLException {
        for (String table : List.of("ondemand_tls_order", "ondemand_tls_secret", "ondemand_tls_certificate")) {
            if (text(connection, "SELECT min(key_id) FROM " + table) != null) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getString(1) : null;
        }
    }
}
