package org.ondemandtls.store.jdbc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;

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

    private final List<News> followers = new CopyOnWriteArrayList<>();

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
            events.publish(EventKind.STORE_FAILED, e.getMessage() + "; it expires by itself");
        }
    }

    @Override
    public List<OpenOrder> abandoned() throws StoreException {
        return abandoned.orders();
    }

    @Override
    public void show(Proof proof) throws StoreException {
        String sql = dialect.upsert(
                "ondemand_tls_proof",
                "name, kind, token, content, expires",
                "?, ?, ?, ?, " + dialect.now() + " + ?",
                "name, kind, token",
                List.of("content", "expires"));
        String name = proof.name().value();
        String type = proof.type().identifier();
        pool.change("a proof cannot be shown", sql, name, type, proof.token(), proof.content(), SHOWN.toMillis());
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
        String sql = "DELETE FROM ondemand_tls_proof WHERE name = ? AND kind = ? AND token = ? AND content = ?";
        String name = proof.name().value();
        String type = proof.type().identifier();
        pool.atOnce().change("a proof cannot be taken down", sql, name, type, proof.token(), proof.content());
    }

    @Override
    public Optional<String> proof(ServerName name, ChallengeType type, String token) throws StoreException {
        String sql = "SELECT content FROM ondemand_tls_proof WHERE name = ? AND kind = ? AND token = ? AND expires > "
                + dialect.now();
        String what = "a proof cannot be looked up";
        return pool.read(what, sql, row -> row.getString(1), name.value(), type.identifier(), token).stream()
                .findFirst();
    }

    @Override
    public Map<String, String> httpProofs(ServerName name) throws StoreException {
        String sql = "SELECT token, content FROM ondemand_tls_proof WHERE name = ? AND kind = ? AND expires > "
                + dialect.now();
        Map<String, String> found = new HashMap<>();
        pool.read(
                        "a proof cannot be looked up",
                        sql,
                        row -> Map.entry(row.getString(1), row.getString(2)),
                        name.value(),
                        ChallengeType.HTTP_01.identifier())
                .forEach(proof -> found.put(proof.getKey(), proof.getValue()));
        return found;
    }

    @Override
    public Optional<ServerName> nameOf(String token) throws StoreException {
        String sql = "SELECT name FROM ondemand_tls_proof WHERE kind = ? AND token = ? AND expires > " + dialect.now();
        String type = ChallengeType.HTTP_01.identifier();
        return pool.read("a proof cannot be looked up", sql, row -> row.getString(1), type, token).stream()
                .findFirst()
                .map(ServerName::new);
    }

    @Override
    public List<String> members() throws StoreException {
        String sql = "SELECT id FROM ondemand_tls_node WHERE expires > " + dialect.now() + " ORDER BY id";
        return pool.read("the servers on the database cannot be listed", sql, row -> row.getString(1));
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
        followers.add(news);
    }

    /**
     * Hands on what has changed, and that something may have been missed. A follower that cannot use a notice is told that it
     * missed something, and keeps no other from being told.
     */
    News news() {
        return new News() {
            @Override
            public void changed(List<String> names) {
                for (News follower : followers) {
                    if (!told(() -> follower.changed(names))) {
                        told(follower::missed);
                    }
                }
            }

            @Override
            public void missed() {
                followers.forEach(follower -> told(follower::missed));
            }
        };
    }

    // An error of one must not end the thread that tells all of them.
    private boolean told(Runnable notice) {
        try {
            notice.run();
            return true;
        } catch (RuntimeException | Error e) {
            events.publish(EventKind.DEFECT, "news could not be used: " + e);
            return false;
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
