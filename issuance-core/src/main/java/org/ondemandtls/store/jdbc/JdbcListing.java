package org.ondemandtls.store.jdbc;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.StoreException;

/**
 * What certificates are listed by, in a table beside theirs: written with each of them where it has changed, and filled for
 * those that an older version wrote; removed for those that one removed. What it says is only where to look: whoever lists reads the certificates themselves.
 */
final class JdbcListing {

    private static final String TABLE = "ondemand_tls_listed";
    private static final String FIELDS = "name, domain, issuer, expires, late, standing";
    private static final List<String> UPDATED = List.of("leaf", "domain", "issuer", "expires", "late", "standing");
    private static final String WHAT = "the certificates cannot be listed";
    // Whoever changes or removes a certificate locks its row first, so that what is written is of one revision.
    private static final String SAME =
            "SELECT 1 FROM ondemand_tls_certificate WHERE name = ? AND revision = ? FOR UPDATE";
    private static final int REMEMBERED = 10_000;
    /** How many names are compared at a time. */
    static final int COMPARED = 1_000;

    /**
     * Some names in their order.
     *
     * @param last the last that was compared, empty at the end
     * @param unlisted those of which the table does not say, or says something else
     * @param gone those of which it says something though there is no certificate
     */
    record Compared(String last, List<String> unlisted, List<String> gone) {}

    /** What was written last for a certificate by this server, and for which revision. */
    private record Written(Listed entry, long revision) {}

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final boolean there;
    private final Cache<String, Written> written = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();

    JdbcListing(JdbcPool pool, SqlDialect dialect) throws StoreException {
        this.pool = pool;
        this.dialect = dialect;
        this.there = pool.each(WHAT, JdbcSchema::hasListing);
    }

    /** Whether the database has the table. */
    boolean isThere() {
        return there;
    }

    /** Writes down what a certificate is listed by, within a transaction that has its row locked. */
    void write(Connection connection, Medium.Marks marks) throws SQLException {
        Listed entry = marks.listed().orElse(null);
        if (!there || entry == null) {
            return;
        }
        pool.update(
                connection,
                dialect.upsert(TABLE, "name, " + String.join(", ", UPDATED), Sql.places(7), "name", UPDATED),
                entry.name(),
                marks.leaf(),
                entry.domain(),
                entry.issuer(),
                Sql.millis(entry.expires()),
                Sql.millis(entry.late()),
                (long) entry.standing().number());
    }

    /**
     * The same by itself, for a revision that was stored before: nothing happens where another server has changed or removed
     * the certificate since, which writes down its own. Blocks.
     */
    void write(Medium.Marks marks, long revision) throws StoreException {
        Listed entry = marks.listed().orElse(null);
        if (!there || entry == null) {
            return;
        }
        String name = entry.name();
        boolean current = pool.together("what a certificate is listed by cannot be kept", connection -> {
            boolean same =
                    pool.row(connection, SAME, row -> true, name, revision).isPresent();
            if (same) {
                write(connection, marks);
            }
            return same;
        });
        if (current) {
            written.put(name, new Written(entry, revision));
        } else {
            written.invalidate(name);
        }
    }

    /**
     * The same after a certificate is saved, unless this server wrote the same for the revision before it. What fails here is
     * written with its next change, and loses nothing.
     */
    void writeAfterwards(Medium.Marks marks, long revision) {
        Listed entry = marks.listed().orElse(null);
        if (!there || entry == null) {
            return;
        }
        if (new Written(entry, revision - 1).equals(written.getIfPresent(entry.name()))) {
            written.put(entry.name(), new Written(entry, revision));
            return;
        }
        try {
            write(marks, revision);
        } catch (StoreException e) {
            written.invalidate(entry.name());
        }
    }

    /** A certificate is removed, within a transaction. */
    void remove(Connection connection, String name) throws SQLException {
        if (there) {
            pool.update(connection, "DELETE FROM " + TABLE + " WHERE name = ?", name);
        }
        written.invalidate(name);
    }

    /** A page, as {@link Medium#listed} says. */
    List<Listed> page(Listed.Slice slice, String after, int limit) throws StoreException {
        if (slice instanceof Listed.OfDomain of) {
            return equal("domain", of.domain(), after, limit);
        }
        if (slice instanceof Listed.OfIssuer of) {
            return equal("issuer", of.issuer(), after, limit);
        }
        if (slice instanceof Listed.OfStanding of) {
            return equal("standing", (long) of.standing().number(), after, limit);
        }
        return slice instanceof Listed.Expiring until
                ? before("expires", until.before(), after, limit)
                : before("late", ((Listed.Late) slice).at(), after, limit);
    }

    private List<Listed> equal(String column, Object value, String after, int limit) throws StoreException {
        String sql = "SELECT " + FIELDS + " FROM " + TABLE + " WHERE " + column + " = ? AND name > ? ORDER BY " + column
                + ", name LIMIT ?";
        return pool.read(WHAT, sql, JdbcListing::entry, value, after, limit);
    }

    private List<Listed> before(String column, Instant end, String after, int limit) throws StoreException {
        String sql = "SELECT " + FIELDS + " FROM " + TABLE + " WHERE " + column + " < ? AND " + column + " >= ? AND ("
                + column + " > ? OR name > ?) ORDER BY " + column + ", name LIMIT ?";
        long from = Listed.momentOf(after);
        return pool.read(WHAT, sql, JdbcListing::entry, Sql.millis(end), from, from, Listed.nameOf(after), limit);
    }

    private static Listed entry(ResultSet row) throws SQLException {
        return new Listed(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                Instant.ofEpochMilli(row.getLong(4)),
                Instant.ofEpochMilli(row.getLong(5)),
                Listed.Standing.of(row.getInt(6)));
    }

    /** Compares the names behind one with the table; by ranges of the primary keys of both. */
    Compared compare(String after) throws StoreException {
        record Row(String name, String leaf, boolean withdrawn) {}
        String behind = " WHERE name > ? ORDER BY name LIMIT " + COMPARED;
        List<Row> stored = pool.atOnce()
                .read(
                        WHAT,
                        "SELECT name, leaf, withdrawn FROM ondemand_tls_certificate" + behind,
                        row -> new Row(row.getString(1), row.getString(2).strip(), row.getBoolean(3)),
                        after);
        List<Row> known = pool.atOnce()
                .read(
                        WHAT,
                        "SELECT name, leaf, standing FROM " + TABLE + behind,
                        row -> new Row(
                                row.getString(1),
                                row.getString(2).strip(),
                                row.getInt(3) == Listed.Standing.WITHDRAWN.number()),
                        after);
        // Behind the end of a page that is full, the one knows nothing of what the other has.
        String last = Stream.of(stored, known)
                .filter(page -> page.size() == COMPARED)
                .map(page -> page.get(COMPARED - 1).name())
                .min(Comparator.naturalOrder())
                .orElse("");
        Predicate<Row> within = row -> last.isEmpty() || row.name().compareTo(last) <= 0;
        Set<Row> same = new HashSet<>(known);
        Set<String> there = stored.stream().map(Row::name).collect(Collectors.toSet());
        return new Compared(
                last,
                stored.stream()
                        .filter(within.and(row -> !same.contains(row)))
                        .map(Row::name)
                        .toList(),
                known.stream()
                        .filter(within.and(row -> !there.contains(row.name())))
                        .map(Row::name)
                        .toList());
    }

    /** Removes what the table says of a certificate, if there is none; blocks. */
    void removeIfGone(String name) throws StoreException {
        String locked = "SELECT 1 FROM " + TABLE + " WHERE name = ? FOR UPDATE";
        String delete = "DELETE FROM " + TABLE
                + " WHERE name = ? AND NOT EXISTS (SELECT 1 FROM ondemand_tls_certificate WHERE name = ?)";
        pool.together(WHAT, connection -> {
            // First, so that the second sees whose certificate was just saved.
            pool.row(connection, locked, row -> true, name);
            return pool.update(connection, delete, name, name);
        });
    }
}
