package org.ondemandtls.store.jdbc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.sql.OwnConnection;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.Ledger.Outcome;
import org.ondemandtls.store.Ledger.Quota;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.SharedStoreContract;
import org.ondemandtls.store.ShelfContract;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcCertificateStore} of several servers in real databases: the contract, and what only a database can show. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SharedJdbcStoreIT extends SharedStoreContract {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final List<CertificateStore> further = new CopyOnWriteArrayList<>();
    private final RecordedEvents recorded = new RecordedEvents();

    @Parameter
    private Database.Kind kind;

    private Database database;
    private String url;

    @BeforeEach
    void find() {
        database = Database.shared(kind);
    }

    @AfterEach
    void closeFurther() {
        further.forEach(CertificateStore::close);
    }

    private static DatabaseStore place(String at, boolean createSchema) {
        return new DatabaseStore(at, Optional.empty(), Optional.empty(), createSchema, 8);
    }

    private JdbcCertificateStore open(String at, boolean createSchema, KeySealing sealing) throws StoreException {
        JdbcCertificateStore opened =
                JdbcCertificateStore.open(place(at, createSchema), recorded.events(), Time.ofMachine(), sealing);
        further.add(opened);
        return opened;
    }

    @Override
    protected CertificateStore join() throws Exception {
        if (url == null) {
            url = JdbcTables.emptied(kind);
        }
        return JdbcCertificateStore.open(place(url, true), recorded.events(), Time.ofMachine(), KeySealing.none());
    }

    @Override
    protected void lapse(CertificateStore holder) {
        Database.update(url, "UPDATE ondemand_tls_lease SET expires = 1000");
    }

    @Test
    void aLeaseThatSomebodyElseHasTakenIsNotExtended() throws Exception {
        one.peers().take(SHOP).orElseThrow();
        lapse(one);
        other.peers().take(SHOP).orElseThrow();
        String before = Database.query(url, "SELECT holder, fence FROM ondemand_tls_lease")
                .get(0);

        ((JdbcCertificateStore) one).extendLeases();

        assertThat(Database.query(url, "SELECT holder, fence FROM ondemand_tls_lease"))
                .containsExactly(before);
    }

    @Test
    void aLeaseThatHasRunOutIsNotExtendedEvenIfNobodyHasTakenIt() throws Exception {
        one.peers().take(SHOP).orElseThrow();
        lapse(one);

        ((JdbcCertificateStore) one).extendLeases();

        assertThat(Database.query(url, "SELECT expires FROM ondemand_tls_lease"))
                .containsExactly("1000");
    }

    @Test
    void aLeaseFromBeforeTheDatabasesClockWasSetBackIsNobodysForLongerThanItLasts() throws Exception {
        Lease lease = one.peers().take(SHOP).orElseThrow();
        one.journal(SharedStoreContract.order(SHOP), lease);
        Database.update(url, "UPDATE ondemand_tls_lease SET holder = 'gone', expires = expires + 3600000");

        assertThat(other.peers().abandoned()).hasSize(1);
        assertThat(other.openOrders()).hasSize(1);
        assertThat(other.peers().take(SHOP)).isPresent();
        assertThat(one.peers().take(SHOP)).isEmpty();
    }

    @Test
    void aLeaseIsExtendedInTheBackground() throws Exception {
        one.peers().take(SHOP).orElseThrow();
        long first = Long.parseLong(
                Database.query(url, "SELECT expires FROM ondemand_tls_lease").get(0));

        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> Long.parseLong(Database.query(url, "SELECT expires FROM ondemand_tls_lease")
                                .get(0))
                        > first);
    }

    @Test
    void aServerThatEndsLeavesItsOrdersToTheOthers() throws Exception {
        JdbcCertificateStore third = open(url, true, KeySealing.none());
        Lease lease = third.peers().take(SHOP).orElseThrow();
        third.journal(SharedStoreContract.order(SHOP), lease);
        third.peers().show(new Proof(SHOP, ChallengeType.HTTP_01, "token", "content"));
        third.close();

        assertThat(one.peers().proof(SHOP, ChallengeType.HTTP_01, "token")).isEmpty();
        assertThat(one.peers().abandoned()).hasSize(1);
        assertThat(one.openOrders()).hasSize(1);
    }

    @Test
    void whatHasRunOutIsRemovedButNotWhatTellsOfAnOpenOrder() throws Exception {
        Lease lease = one.peers().take(SHOP).orElseThrow();
        one.journal(SharedStoreContract.order(SHOP), lease);
        one.peers().take(ServerName.parse("x.example.com")).orElseThrow();
        one.peers().show(new Proof(SHOP, ChallengeType.HTTP_01, "token", "content"));
        one.save(ShelfContract.stored("y.example.com"));
        lapse(one);
        Database.update(url, "UPDATE ondemand_tls_proof SET expires = 1000");
        Database.update(url, "UPDATE ondemand_tls_news SET since = 1000");
        Database.update(url, "INSERT INTO ondemand_tls_ledger (counted, since, expires) VALUES ('x', 0, 1000)");

        assertThat(one.peers().proof(SHOP, ChallengeType.HTTP_01, "token")).isEmpty();
        ((JdbcCertificateStore) one).sweep();

        assertThat(Database.query(url, "SELECT name FROM ondemand_tls_lease")).containsExactly(SHOP.value());
        for (String table : List.of("proof", "news", "ledger")) {
            assertThat(Database.query(url, "SELECT count(*) FROM ondemand_tls_" + table))
                    .containsExactly("0");
        }
        assertThat(other.peers().abandoned()).hasSize(1);
    }

    @Test
    void oneOfManyServersGetsALeaseAndOneQuotaHoldsForAll() throws Exception {
        AtomicInteger leases = new AtomicInteger();
        AtomicInteger through = new AtomicInteger();
        Quota twenty = new Quota("orders/many", 20, Duration.ofDays(7));
        Quota name = new Quota("name/many", 100, Duration.ofDays(7));
        atOnce(16, i -> {
            CertificateStore mine = i % 2 == 0 ? one : other;
            if (mine.peers().take(SHOP).isPresent()) {
                leases.incrementAndGet();
            }
            for (int n = 0; n < 5; n++) {
                List<Quota> counted = i % 4 < 2 ? List.of(twenty, name) : List.of(name, twenty);
                if (mine.ledger().reserve(counted, List.of()) instanceof Outcome.Reserved) {
                    through.incrementAndGet();
                }
            }
            return null;
        });

        assertThat(leases).hasValue(1);
        assertThat(through).hasValue(20);
        assertThat(one.ledger().used(twenty.key(), twenty.window())).isEqualTo(20);
        assertThat(other.ledger().used(name.key(), name.window())).isEqualTo(20);
    }

    @Test
    void ofManyServersThatKeepTheFirstCertificateOfANameOneDoes() throws Exception {
        AtomicInteger kept = new AtomicInteger();
        AtomicInteger stale = new AtomicInteger();
        atOnce(8, i -> {
            try {
                (i % 2 == 0 ? one : other).save(ShelfContract.stored(SHOP.value(), "www.shop.example.com"));
                kept.incrementAndGet();
            } catch (StaleRevisionException e) {
                stale.incrementAndGet();
            }
            return null;
        });

        assertThat(kept).hasValue(1);
        assertThat(stale).hasValue(7);
        assertThat(one.find(SHOP).orElseThrow().revision()).isEqualTo(1);
    }

    private List<String> heardBy(CertificateStore store) {
        List<String> told = new CopyOnWriteArrayList<>();
        store.peers().follow(new Peers.News() {
            @Override
            public void changed(List<String> names) {
                told.addAll(names);
            }

            @Override
            public void missed() {
                told.add("missed");
            }
        });
        return told;
    }

    private String newsOf(String id, String name) {
        return "INSERT INTO ondemand_tls_news (" + (id.isEmpty() ? "" : "id, ") + "since, origin, names) "
                + (kind == Database.Kind.POSTGRESQL ? "OVERRIDING SYSTEM VALUE " : "") + "VALUES (" + id
                + (id.isEmpty() ? "" : ", ")
                + SqlDialect.valueOf(kind.name()).now() + ", 'x', '" + name + "')";
    }

    @Test
    void newsThatBecomesVisibleAfterLaterNewsIsHeardOnce() throws Exception {
        List<String> told = heardBy(other);
        try (Connection slow = DriverManager.getConnection(url)) {
            slow.setAutoCommit(false);
            try (Statement insert = slow.createStatement()) {
                insert.executeUpdate(newsOf("", "slow.example.com"));
            }
            one.save(ShelfContract.stored(SHOP.value()));
            Awaitility.await().atMost(PATIENCE).until(() -> told.contains(SHOP.value()));
            assertThat(told).containsExactly(SHOP.value());

            slow.commit();
        }

        Awaitility.await().atMost(PATIENCE).until(() -> told.contains("slow.example.com"));
        one.save(ShelfContract.stored("last.example.com"));
        Awaitility.await().atMost(PATIENCE).until(() -> told.contains("last.example.com"));
        assertThat(told).containsExactly(SHOP.value(), "slow.example.com", "last.example.com");
    }

    @Test
    void whoSeesNumbersGoBackwardsHasMissedSomething() throws Exception {
        List<String> told = heardBy(other);
        Database.update(url, newsOf("1000000000", "lost.example.com"));
        Awaitility.await().atMost(PATIENCE).until(() -> told.contains("lost.example.com"));
        Database.update(url, "DELETE FROM ondemand_tls_news");
        Database.update(url, newsOf("999999999", "kept.example.com"));

        Awaitility.await().atMost(PATIENCE).until(() -> told.contains("missed") && told.contains("kept.example.com"));
        Awaitility.await().atMost(PATIENCE).until(other::knowsItsNames);
        assertThat(other.mayHold(SHOP)).isFalse();
    }

    @Test
    @Tag("long")
    void whoStandsStillInTheMiddleOfATransactionHoldsNothingUp() throws Exception {
        JdbcPool pool = new JdbcPool(SqlSource.of(url), new Properties(), "here", 1, Time.ofMachine());
        pool.begin();
        one.peers().take(SHOP).orElseThrow();
        lapse(one);
        OwnConnection own = pool.connection();
        Connection stuck = own.connection();
        try {
            stuck.setAutoCommit(false);
            try (Statement lock = stuck.createStatement()) {
                lock.executeUpdate("UPDATE ondemand_tls_lease SET expires = 1001");
            }
            // While the transaction is open all the time.
            Awaitility.await().atMost(PATIENCE).until(() -> {
                try {
                    return other.peers().take(SHOP).isPresent();
                } catch (StoreException locked) {
                    return false;
                }
            });
        } finally {
            own.close();
            pool.close();
        }
    }

    private interface Numbered {
        Object run(int number) throws Exception;
    }

    private static void atOnce(int count, Numbered work) throws Exception {
        ExecutorService crowd = Executors.newFixedThreadPool(count);
        try {
            List<Callable<Object>> tasks = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                tasks.add(() -> work.run(number));
            }
            for (Future<Object> done : crowd.invokeAll(tasks)) {
                done.get();
            }
        } finally {
            crowd.shutdownNow();
        }
    }

    @Nested
    class Tables {

        @Test
        void areMadeOnceByServersThatStartAtTheSameMoment() throws Exception {
            String empty = database.fresh();

            atOnce(4, i -> open(empty, true, KeySealing.none()));

            assertThat(Database.query(empty, "SELECT version FROM ondemand_tls_schema"))
                    .containsExactly("1");
        }

        @Test
        void areNotMadeWhereTheyMustNotBe() {
            String empty = database.fresh();

            assertThatThrownBy(() -> open(empty, false, KeySealing.none()))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("no tables yet")
                    .hasMessageContaining(kind == Database.Kind.POSTGRESQL ? "sql/postgresql.sql" : "sql/mariadb.sql");
        }

        @Test
        void thatOnlyALaterVersionCanWorkWithAreRefusedWithWhatToDo() {
            for (String oldest : List.of("2", "NULL")) {
                String later = database.fresh();
                database.script(later);
                JdbcTables.upgrade(later, oldest);

                assertRefused(later);
            }
        }

        @Test
        void ofALaterVersionThatSaysNothingAreRefusedToo() {
            String later = database.fresh();
            database.script(later);
            Database.update(later, "ALTER TABLE ondemand_tls_schema DROP COLUMN oldest");
            Database.update(later, "INSERT INTO ondemand_tls_schema (version) VALUES (2)");

            assertRefused(later);
        }

        private void assertRefused(String later) {
            assertThatThrownBy(() -> open(later, true, KeySealing.none()))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("tables of version 2; this server knows version 1")
                    .hasMessageContaining("need a server that knows version 2 or later")
                    .hasMessageContaining("install the version of On-Demand TLS that the other servers run");
        }

        @Test
        void ofALaterVersionThatAllowsItAreUsedByServersThatRunAndByThoseThatGoBack() throws Exception {
            String shared = database.fresh();
            JdbcCertificateStore running = open(shared, true, KeySealing.none());
            StoredCertificate kept = running.save(ShelfContract.stored(SHOP.value()));
            ServerName next = ServerName.parse("next.example.com");

            JdbcTables.upgrade(shared, "1");
            Database.update(shared, "UPDATE ondemand_tls_certificate SET later = 'told'");
            JdbcCertificateStore back = open(shared, true, KeySealing.none());

            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("tables of version 2; this server knows version 1 and works with them");
            Lease lease = running.peers().take(next).orElseThrow();
            assertThat(back.peers().take(next)).isEmpty();
            running.journal(SharedStoreContract.order(next), lease);
            assertThat(Database.query(shared, "SELECT name, later FROM ondemand_tls_order"))
                    .containsExactly(next + "|new");
            running.save(ShelfContract.stored(next.value(), "www.next.example.com"), lease);
            assertThat(back.find(ServerName.parse("www.next.example.com"))).isPresent();
            back.save(kept.withVisited(ShelfContract.NOW));
            assertThat(running.find(SHOP).orElseThrow().revision()).isEqualTo(2);
            running.writeSecret("accounts/one.pem", new byte[] {1});
            assertThat(back.secretPaths()).containsExactly("accounts/one.pem");
            running.ledger().count("orders/ca", Duration.ofHours(1));
            assertThat(back.ledger().used("orders/ca", Duration.ofHours(1))).isEqualTo(1);
            assertThat(Database.query(shared, "SELECT name, later FROM ondemand_tls_certificate ORDER BY name"))
                    .as("what the later version wrote stays")
                    .containsExactly(next + "|new", SHOP + "|told");
            assertThat(Database.query(shared, "SELECT max(version) FROM ondemand_tls_schema"))
                    .containsExactly("2");
        }

        @Test
        void madeByTheScriptAreTaken() throws Exception {
            String empty = database.fresh();
            database.script(empty);

            JdbcCertificateStore opened = open(empty, false, KeySealing.none());

            assertThat(opened.save(ShelfContract.stored(SHOP.value())).revision())
                    .isEqualTo(1);
        }
    }

    @Nested
    class Damage {

        // As a dump does that is loaded as if it were of another encoding: those are no octets.
        @ParameterizedTest
        @ValueSource(strings = {"x", "\u2026\ufffd"})
        void isSetAsideAndTheNameIsFree(String damage) throws Exception {
            one.save(ShelfContract.stored(SHOP.value()));
            Database.update(
                    url,
                    "UPDATE ondemand_tls_certificate SET content = replace(content, 'issuer: ', 'issuer: " + damage
                            + "')");

            assertThat(other.find(SHOP)).isEmpty();

            assertThat(Database.query(url, "SELECT kind, name FROM ondemand_tls_quarantine"))
                    .containsExactly("certificate|" + SHOP);
            assertThat(recorded.lines(EventKind.QUARANTINED))
                    .singleElement()
                    .asString()
                    .contains("checksum");
            assertThat(one.save(ShelfContract.stored(SHOP.value())).revision()).isEqualTo(1);
        }

        @Test
        void byARecordOfAnotherNameIsNoticed() throws Exception {
            one.save(ShelfContract.stored(SHOP.value()));
            Database.update(url, "UPDATE ondemand_tls_certificate SET name = 'x.example.com'");

            assertThat(other.find(ServerName.parse("x.example.com"))).isEmpty();
            assertThat(recorded.lines(EventKind.QUARANTINED))
                    .singleElement()
                    .asString()
                    .contains("another name");
        }
    }

    @Nested
    class Encryption {

        private final byte[] oldKey = key(1);
        private final byte[] newKey = key(2);

        private static byte[] key(int filler) {
            byte[] key = new byte[KeySealing.KEY_LENGTH];
            Arrays.fill(key, (byte) filler);
            return key;
        }

        // As a dump of PostgreSQL writes octets.
        private String hex(String text) {
            return HexFormat.of().formatHex(text.getBytes(US_ASCII));
        }

        private List<String> keyIds(String at) {
            return Database.query(
                    at,
                    "SELECT DISTINCT key_id FROM ondemand_tls_certificate UNION SELECT key_id FROM ondemand_tls_order"
                            + " UNION SELECT key_id FROM ondemand_tls_secret WHERE key_id > ''");
        }

        private void fill(CertificateStore store, String name) throws Exception {
            store.save(ShelfContract.stored(name));
            Lease lease = store.peers().take(ServerName.parse("order." + name)).orElseThrow();
            store.journal(SharedStoreContract.order(ServerName.parse("order." + name)), lease);
            store.writeSecret("accounts/" + name, "-----BEGIN PRIVATE KEY-----".getBytes(US_ASCII));
        }

        private void readable(CertificateStore store, String name) throws Exception {
            assertThat(store.find(ServerName.parse(name))).isPresent();
            assertThat(store.openOrder(ServerName.parse("order." + name))).isPresent();
            assertThat(store.readSecret("accounts/" + name)).isPresent();
        }

        @Test
        void leavesNoKeyInClear() throws Exception {
            String at = database.fresh();
            fill(open(at, true, KeySealing.none()), "a.example.com");
            assertThat(database.dump(at)).contains("PRIVATE KEY-----");
            closeFurther();
            further.clear();
            one.close();
            other.close();

            JdbcCertificateStore encrypted = open(at, true, KeySealing.of(List.of(oldKey)));
            fill(encrypted, "b.example.com");

            Awaitility.await().atMost(PATIENCE).until(() -> keyIds(at).size() == 1);
            readable(encrypted, "a.example.com");
            readable(encrypted, "b.example.com");
            Awaitility.await()
                    .until(() -> recorded.lines(EventKind.ENCRYPTION).stream()
                            .anyMatch(line -> line.contains("older keys are not needed")));
            assertThat(database.dump(at))
                    .contains("BEGIN ENCRYPTED ONDEMAND-TLS KEY")
                    .doesNotContain("PRIVATE KEY-----")
                    .doesNotContain(hex("PRIVATE KEY-----"));
        }

        @Test
        void moves() throws Exception {
            String at = database.fresh();
            String names = "a.example.com b.example.com c.example.com d.example.com";
            JdbcCertificateStore first = open(at, true, KeySealing.of(List.of(oldKey)));
            JdbcCertificateStore second = open(at, true, KeySealing.of(List.of(oldKey)));
            fill(first, "a.example.com");
            first.close();
            first = open(at, true, KeySealing.of(List.of(oldKey, newKey)));
            fill(first, "b.example.com");
            readable(second, "b.example.com");
            second.close();
            second = open(at, true, KeySealing.of(List.of(oldKey, newKey)));
            first.close();
            first = open(at, true, KeySealing.of(List.of(newKey, oldKey)));
            fill(first, "c.example.com");
            fill(second, "d.example.com");
            for (String name : names.split(" ")) {
                readable(first, name);
                readable(second, name);
            }
            first.lookAtEncryption();
            assertThat(keyIds(at))
                    .as("while one still encrypts under the old key")
                    .hasSize(2);
            assertThatThrownBy(() -> open(at, true, KeySealing.of(List.of(newKey))))
                    .hasMessageContaining("another key than those given");

            second.close();
            second = open(at, true, KeySealing.of(List.of(newKey, oldKey)));

            first.lookAtEncryption();
            Awaitility.await().atMost(PATIENCE).until(() -> keyIds(at).size() == 1);
            Awaitility.await()
                    .until(() -> recorded.lines(EventKind.ENCRYPTION).stream()
                            .anyMatch(line -> line.contains("older keys are not needed")));
            first.close();
            first = open(at, true, KeySealing.of(List.of(newKey)));
            for (String name : names.split(" ")) {
                readable(first, name);
            }
        }

        @Test
        void cannotBeLeftOut() throws Exception {
            String at = database.fresh();
            fill(open(at, true, KeySealing.of(List.of(oldKey))), "a.example.com");

            assertThatThrownBy(() -> open(at, true, KeySealing.none())).hasMessageContaining("no key is given");
            assertThatThrownBy(() -> open(at, true, KeySealing.of(List.of(newKey))))
                    .hasMessageContaining("another key than those given");
        }
    }

    @Nested
    class WithoutItsDatabase {

        @Test
        void theStoreThrowsInTimeAndWorksAgainByItself() throws Exception {
            StoredCertificate saved = one.save(ShelfContract.stored(SHOP.value()));
            Lease lease = one.peers().take(SHOP).orElseThrow();
            List<String> told = heardBy(other);
            Awaitility.await().atMost(PATIENCE).until(() -> one.knowsItsNames() && other.mayHold(SHOP));

            database.stop();
            try {
                for (int i = 0; i < 3; i++) {
                    assertThrows(() -> one.find(SHOP));
                    assertThrows(() -> one.save(saved.withVisited(NOW)));
                    assertThrows(() -> one.peers().take(ServerName.parse("x.example.com")));
                }
                // It may be starting with this machine.
                assertThrows(() -> open(url, true, KeySealing.none()));
                assertThat(one.mayHold(SHOP)).isTrue();
                one.peers().giveBack(lease);
                Awaitility.await()
                        .atMost(PATIENCE)
                        .until(() -> recorded.lines(EventKind.STORE_FAILED).stream()
                                .anyMatch(line -> line.contains("other servers cannot be read")));
            } finally {
                database.restart();
            }

            Awaitility.await().atMost(PATIENCE).until(() -> {
                try {
                    return one.find(SHOP).isPresent();
                } catch (StoreException notYet) {
                    return false;
                }
            });
            one.save(ShelfContract.stored("later.example.com"));
            Awaitility.await().atMost(PATIENCE).until(() -> told.contains("later.example.com"));
            assertThat(recorded.lines(EventKind.RECOVERED)).isNotEmpty();
            assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSizeLessThan(10);
        }

        @Test
        void thatHangsTheStoreThrowsInTime() throws Exception {
            one.save(ShelfContract.stored(SHOP.value()));
            database.hang(true);
            try {
                assertThrows(() -> one.find(SHOP));
                assertThrows(() -> one.find(SHOP));
                assertThrows(() -> one.peers().take(SHOP));
                // It may be starting with this machine.
                assertThrows(() -> open(url, true, KeySealing.none()));
            } finally {
                database.hang(false);
            }

            Awaitility.await().atMost(PATIENCE).until(() -> {
                try {
                    return one.find(SHOP).isPresent();
                } catch (StoreException notYet) {
                    return false;
                }
            });
        }

        // While the database is as it is: whoever waited for it would wait for good.
        private void assertThrows(Callable<?> work) {
            assertThatThrownBy(work::call)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining(one.location())
                    .hasMessageNotContainingAny("user=", "tests", "root");
        }
    }
}
