package org.ondemandtls.store.jdbc;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Threads;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.MediumStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.UntilDone;

/**
 * A store in a PostgreSQL or MariaDB database that any number of servers share.
 *
 * <p>Each method throws within a few seconds while the database does not answer, and works again by itself when it does. A
 * thread keeps up what this server holds, and waits for nobody's connection.
 */
public final class JdbcCertificateStore extends MediumStore {

    private static final Duration CLOCKS_DIFFER = Duration.ofSeconds(5);
    private static final Duration EXTEND = Duration.ofSeconds(5);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration SWEEP = Duration.ofMinutes(10);
    private static final Duration RESEAL = Duration.ofSeconds(30);
    private static final Duration COMPARE = Duration.ofDays(1);
    private static final int FILLED_AT_ONCE = 50;
    private static final Duration FILL_REST = Duration.ofMillis(20);
    private static final int NODE_ID = 8;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final JdbcMedium medium;
    private final Events events;
    private final Time time;
    private final Thread keeper;
    private final UntilDone filling;
    private final long firstSweep;

    private volatile boolean closed;

    private JdbcCertificateStore(JdbcMedium medium, String node, Events events, Time time, KeySealing sealing) {
        super(medium, events, time, sealing);
        this.medium = medium;
        this.events = events;
        this.time = time;
        // Servers that start together do not sweep together.
        this.firstSweep = SWEEP.toNanos() / 10 * (1 + Math.floorMod(node.hashCode(), 10));
        this.filling = new UntilDone(
                time,
                "ondemand-tls-store-listing",
                RETRY,
                this::fillListing,
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        e.getMessage()
                                + "; lists may lack what an older version wrote; the server tries again by itself"));
        this.keeper = Threads.daemon("ondemand-tls-store-leases", this::keep);
    }

    /**
     * Opens a store. Reads no certificate.
     *
     * @param place where it is
     * @param events where trouble is reported
     * @param time the time
     * @param sealing what encrypts private keys and other secrets
     * @return the store
     * @throws StoreException if it cannot be used, with what to do
     */
    public static JdbcCertificateStore open(DatabaseStore place, Events events, Time time, KeySealing sealing)
            throws StoreException {
        JdbcPool pool = new JdbcPool(source(place), credentials(place), place.location(), place.connections(), time);
        try {
            SqlDialect dialect = pool.begin();
            pool.alone(
                            "the tables of the store cannot be made or read",
                            connection ->
                                    JdbcSchema.prepare(connection, dialect, place.createSchema(), pool.location()))
                    .ifPresent(later -> events.publish(EventKind.ADVICE, later));
            byte[] random = new byte[NODE_ID];
            RANDOM.nextBytes(random);
            String node = HexFormat.of().formatHex(random);
            JdbcMedium medium = new JdbcMedium(pool, dialect, node, events, time, sealing);
            compareClocks(pool, dialect, events, time.clock());
            JdbcCertificateStore store = new JdbcCertificateStore(medium, node, events, time, sealing);
            store.begin();
            medium.start();
            if (medium.listing().isThere()) {
                store.filling.start();
            } else {
                events.publish(
                        EventKind.ADVICE,
                        "lists on the management page are slow: the table ondemand_tls_listed is missing in the store "
                                + pool.location() + ", or this user may not read it; run the section \"-- listing\" of"
                                + " sql/" + dialect.file() + ".sql there, GRANT this user SELECT, INSERT, UPDATE and"
                                + " DELETE on the table, and restart the server");
            }
            store.keeper.start();
            return store;
        } catch (StoreException | RuntimeException | Error e) {
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
            throw new StoreException("the store " + place.location() + " cannot be opened: " + e.getMessage());
        }
    }

    private static Properties credentials(DatabaseStore place) {
        Properties credentials = new Properties();
        place.user().ifPresent(user -> credentials.setProperty("user", user));
        place.password().ifPresent(password -> credentials.setProperty("password", password));
        return credentials;
    }

    private static void compareClocks(JdbcPool pool, SqlDialect dialect, Events events, Clock clock)
            throws StoreException {
        long ahead = pool.each(
                        "the time cannot be read",
                        connection -> SqlDialect.number(connection, "SELECT " + dialect.now()))
                - clock.millis();
        if (Math.abs(ahead) > CLOCKS_DIFFER.toMillis()) {
            events.publish(
                    EventKind.ADVICE,
                    "the database's clock is " + Math.abs(ahead) / 1000 + " s " + (ahead > 0 ? "ahead of" : "behind")
                            + " this machine's; synchronise all clocks (NTP)");
        }
    }

    private void keep() {
        long sweepAt = time.nanoTime() + firstSweep;
        long resealAt = time.nanoTime();
        long compareAt = time.nanoTime() + firstSweep + COMPARE.toNanos();
        boolean failing = false;
        while (!closed) {
            Duration pause = EXTEND;
            try {
                extendLeases();
                failing = false;
                if (time.nanoTime() - resealAt >= 0) {
                    resealAt = time.nanoTime() + RESEAL.toNanos();
                    lookAtEncryption();
                }
                if (time.nanoTime() - sweepAt >= 0) {
                    sweepAt = time.nanoTime() + SWEEP.toNanos();
                    sweep();
                }
                if (time.nanoTime() - compareAt >= 0) {
                    compareAt = time.nanoTime() + COMPARE.toNanos();
                    fillAgain();
                }
            } catch (StoreException | RuntimeException | Error e) {
                pause = RETRY;
                if (!failing) {
                    failing = true;
                    events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage()));
                }
            }
            time.rest(pause.toNanos(), () -> closed);
        }
    }

    // An older version does not write down what certificates are listed by, nor say what it has changed.
    private void fillListing() throws StoreException {
        JdbcListing listing = medium.listing();
        String last = "";
        do {
            JdbcListing.Compared compared = listing.compare(last);
            last = compared.last();
            List<String> missing = compared.unlisted();
            for (int from = 0; from < missing.size() && !filling.isClosed(); from += FILLED_AT_ONCE) {
                for (StoredCertificate stored :
                        under(missing.subList(from, Math.min(missing.size(), from + FILLED_AT_ONCE)))) {
                    listing.write(marksOf(stored), stored.revision());
                }
                filling.rest(FILL_REST.toNanos());
            }
            for (String name : compared.gone()) {
                if (!filling.isClosed()) {
                    listing.removeIfGone(name);
                }
            }
        } while (!last.isEmpty() && !filling.isClosed());
    }

    /** Has lists compared with the certificates once more, in the background: an older version may run beside this one. */
    void fillAgain() {
        if (medium.listing().isThere()) {
            filling.start();
        }
    }

    /** Whether what an older version has written is still being compared with what lists say. */
    boolean isFilling() {
        return filling.isRunning();
    }

    /** Extends the leases of this server, and says that it runs. */
    void extendLeases() throws StoreException {
        medium.keepUp();
    }

    /** Removes what has run out. */
    void sweep() throws StoreException {
        medium.sweep();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        filling.close();
        Threads.end(keeper);
        super.close();
    }
}
