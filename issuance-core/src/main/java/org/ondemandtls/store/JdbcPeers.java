package org.ondemandtls.store;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlDialect;

/** What servers agree on through a database: leases, proofs on display, and whom to tell of news. */
final class JdbcPeers implements Peers {

    /** How long a proof is on display that nobody takes down. */
    static final Duration SHOWN = Duration.ofMinutes(15);

    private final JdbcPool pool;
    private final SqlDialect dialect;
    private final JdbcLeases leases;
    private final Abandoned abandoned;
    private final String origin;
    private final Events events;
    private final Set<Proof> shown = ConcurrentHashMap.newKeySet();

    private volatile @Nullable News follower;

    /** Reads the orders of servers that are gone. */
    @FunctionalInterface
    interface Abandoned {
        List<OpenOrder> orders() throws StoreException;
    }

    JdbcPeers(JdbcPool pool, SqlDialect dialect, JdbcLeases leases, Abandoned abandoned, String origin, Events events) {
        this.pool = pool;
        this.dialect = dialect;
        this.leases = leases;
        this.abandoned = abandoned;
        this.origin = origin;
        this.events = events;
    }

    @Override
    public boolean any() {
        return true;
    }

    @Override
    public Optional<Lease> take(ServerName name) throws StoreException {
        return leases.take(name);
    }

    @Override
    public void giveBack(Lease lease) {
        try {
            leases.giveBack(lease);
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, e.getMessage() + "; it runs out by itself");
        }
    }

    @Override
    public List<OpenOrder> abandoned() throws StoreException {
        return abandoned.orders();
    }

    @Override
    public void show(Proof proof) throws StoreException {
        pool.each("a proof cannot be shown", connection -> {
            try (PreparedStatement upsert = pool.prepared(
                    connection,
                    dialect.upsert(
                            "ondemand_tls_proof",
                            "name, kind, token, content, expires",
                            "?, ?, ?, ?, " + dialect.now() + " + ?",
                            "name, kind, token",
                            List.of("content", "expires")))) {
                upsert.setString(1, proof.name().value());
                upsert.setString(2, proof.type().identifier());
                upsert.setString(3, proof.token());
                upsert.setString(4, proof.content());
                upsert.setLong(5, SHOWN.toMillis());
                return upsert.executeUpdate();
            }
        });
        shown.add(proof);
    }

    @Override
    public void takeDown(Proof proof) {
        try {
            remove(proof);
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, e.getMessage() + "; it is removed later");
        }
    }

    private void remove(Proof proof) throws StoreException {
        shown.remove(proof);
        pool.eachAtOnce("a proof cannot be taken down", connection -> {
            try (PreparedStatement delete = pool.prepared(
                    connection,
                    "DELETE FROM ondemand_tls_proof WHERE name = ? AND kind = ? AND token = ? AND content = ?")) {
                delete.setString(1, proof.name().value());
                delete.setString(2, proof.type().identifier());
                delete.setString(3, proof.token());
                delete.setString(4, proof.content());
                return delete.executeUpdate();
            }
        });
    }

    @Override
    public Optional<String> proof(ServerName name, ChallengeType type, String token) throws StoreException {
        return pool.each("a proof cannot be looked up", connection -> {
            try (PreparedStatement select = pool.prepared(
                    connection,
                    "SELECT content FROM ondemand_tls_proof WHERE name = ? AND kind = ? AND token = ? AND expires > "
                            + dialect.now())) {
                select.setString(1, name.value());
                select.setString(2, type.identifier());
                select.setString(3, token);
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() ? Optional.of(rows.getString(1)) : Optional.empty();
                }
            }
        });
    }

    @Override
    public void tell(ServerName name) throws StoreException {
        pool.together("the other servers cannot be told", connection -> {
            JdbcNews.write(pool, dialect, connection, origin, List.of(name.value()));
            return true;
        });
    }

    @Override
    public void follow(News news) {
        follower = news;
    }

    /** Hands on what has changed. */
    void changed(List<String> names) {
        News told = follower;
        if (told != null) {
            told.changed(names);
        }
    }

    /** Hands on that something may have been missed. */
    void missed() {
        News told = follower;
        if (told != null) {
            told.missed();
        }
    }

    /**
     * Takes down and ends all that this process has left.
     *
     * @throws StoreException if some is left, at the first that is: a stop must not wait for each; it runs out by itself
     */
    void leave() throws StoreException {
        leases.endAll();
        for (Proof proof : new ArrayList<>(shown)) {
            remove(proof);
        }
    }
}
