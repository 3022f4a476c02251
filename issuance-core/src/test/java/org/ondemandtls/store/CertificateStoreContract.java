package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Ledger.Outcome;
import org.ondemandtls.store.Ledger.Quota;
import org.ondemandtls.store.Ledger.Ticket;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** What every kind of store promises. */
public abstract class CertificateStoreContract {

    public static final Instant NOW = Instant.parse("2026-11-23T20:00:00Z");
    public static final ServerName SHOP = ServerName.parse("shop.example.com");

    protected final ManualTime time = new ManualTime();

    protected CertificateStore store;

    protected abstract CertificateStore open() throws Exception;

    /** How many may keep the same thing first at once: one, where only one process may use the store. */
    protected int writersAtOnce() {
        return 1;
    }

    @BeforeEach
    void openStore() throws Exception {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    public static StoredCertificate stored(KeyedCertificate certificate) {
        return StoredCertificate.obtained(
                certificate, "https://ca.example/directory", NOW, NOW.plus(Duration.ofDays(60)));
    }

    public static StoredCertificate stored(String... names) {
        return stored(TestLeaves.leaf(NOW, Duration.ofDays(90), names));
    }

    /** A record as it is kept, in clear. */
    public static String bundle(StoredCertificate certificate) {
        return new String(RecordCodec.encode(certificate, 0, KeySealing.none()), StandardCharsets.ISO_8859_1);
    }

    public static Hold hold(Scope scope, int refusals) {
        return new Hold(
                scope,
                "https://ca.example/directory",
                refusals,
                NOW.plusSeconds(60),
                "rateLimited",
                "too many\r\nof them: \\ \u00fc \u4e2d \ud83d\ude00",
                Optional.of(URI.create("https://ca.example/unpause?a=b")));
    }

    @Nested
    class Certificates {

        @Test
        void comeBackAsTheyWereSaved() throws Exception {
            StoredCertificate shop = stored(SHOP.value());

            StoredCertificate saved = store.save(shop);

            StoredCertificate found = store.find(SHOP).orElseThrow();
            assertThat(found.certificate().chain()).isEqualTo(shop.certificate().chain());
            assertThat(found.certificate().key()).isEqualTo(shop.certificate().key());
            assertThat(found.issuer()).isEqualTo(shop.issuer());
            assertThat(found.obtained()).isEqualTo(shop.obtained());
            assertThat(found.due()).isEqualTo(shop.due());
            assertThat(found.visited()).isEmpty();
            assertThat(found.withdrawn()).isEmpty();
            assertThat(saved.revision()).isEqualTo(1);
            assertThat(found.revision()).isEqualTo(1);
        }

        @Test
        void areListedPageByPageInTheOrderOfTheirFirstNames() throws Exception {
            for (String name :
                    List.of("c.example.com", "a.example.com", "con.example.com", "*.example.com", "b.example")) {
                store.save(stored(name));
            }

            assertThat(page("", "", 2)).containsExactly("*.example.com", "a.example.com");
            assertThat(page("", "a.example.com", 2)).containsExactly("b.example", "c.example.com");
            assertThat(page("", "c.example.com", 9)).containsExactly("con.example.com");
            assertThat(page("", "con.example.com", 9)).isEmpty();
            assertThat(page("c", "", 9)).containsExactly("c.example.com", "con.example.com");
            assertThat(page("c", "c.example.com", 9)).containsExactly("con.example.com");
            assertThat(page("c", "d", 9)).isEmpty();

            store.save(stored("d.example.com"));
            store.forget(store.find(ServerName.parse("c.example.com")).orElseThrow());
            assertThat(page("", "b.example", 9)).containsExactly("con.example.com", "d.example.com");
        }

        private List<String> page(String prefix, String after, int limit) throws Exception {
            return store.page(prefix, after, limit).stream()
                    .map(StoredCertificate::firstName)
                    .toList();
        }

        @Test
        void ofTheWildcardAnswerForANameThatLeftAnotherCertificate() throws Exception {
            store.save(stored("*.example.com"));
            StoredCertificate both = store.save(stored("www.example.com", SHOP.value()));
            store.save(stored("www.example.com").succeeding(both));

            assertThat(store.find(SHOP).orElseThrow().firstName()).isEqualTo("*.example.com");
        }

        @Test
        void keepWhenTheyWereVisitedAndWithdrawn() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()));

            store.save(first.withVisited(NOW.plusSeconds(5)).withWithdrawn(Optional.of(NOW.plusSeconds(6))));

            StoredCertificate found = store.find(SHOP).orElseThrow();
            assertThat(found.visited()).contains(NOW.plusSeconds(5));
            assertThat(found.withdrawn()).contains(NOW.plusSeconds(6));
            assertThat(found.isServableAt(NOW)).isFalse();
            assertThat(found.revision()).isEqualTo(2);
        }

        @Test
        void areFoundUnderEachOfTheirNames() throws Exception {
            StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));

            assertThat(store.find(ServerName.parse("b.example.com"))
                            .orElseThrow()
                            .certificate()
                            .id())
                    .isEqualTo(both.certificate().id());
            assertThat(store.find(ServerName.parse("c.example.com"))).isEmpty();
        }

        @Test
        void areAllMetOnceByWhoGoesThroughThem() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored("a.example.com", "b.example.com"));
            store.save(stored("*.example.org"));

            List<String> met = new ArrayList<>();
            store.visitAll(certificate -> met.add(certificate.firstName()));

            assertThat(met).containsExactlyInAnyOrder(SHOP.value(), "a.example.com", "*.example.org");
        }

        @Test
        void areNotHarmedByAskingForANameTheyHadBefore() throws Exception {
            StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
            KeyedCertificate alone = TestLeaves.leaf(NOW, Duration.ofDays(90), "a.example.com");
            store.save(stored(alone).withRevision(both.revision()));

            assertThat(store.find(ServerName.parse("b.example.com"))).isEmpty();
            assertThat(store.find(ServerName.parse("a.example.com"))
                            .orElseThrow()
                            .certificate()
                            .id())
                    .isEqualTo(alone.id());
        }

        @Test
        void ofAWildcardServeOneLabelAndOnlyWhereThereIsNoExactOne() throws Exception {
            StoredCertificate wildcard = store.save(stored("*.example.com"));
            StoredCertificate exact = store.save(stored(SHOP.value()));

            assertThat(store.find(SHOP).orElseThrow().certificate().id())
                    .isEqualTo(exact.certificate().id());
            assertThat(store.find(ServerName.parse("other.example.com"))
                            .orElseThrow()
                            .certificate()
                            .id())
                    .isEqualTo(wildcard.certificate().id());
            assertThat(store.find(ServerName.parse("two.labels.example.com"))).isEmpty();
            assertThat(store.find(ServerName.parse("example.com"))).isEmpty();
        }

        @Test
        void areNotReplacedByWhoDidNotSeeTheStoredRevision() throws Exception {
            store.save(stored(SHOP.value()));
            StoredCertificate late = stored(SHOP.value());

            assertThatThrownBy(() -> store.save(late))
                    .isInstanceOf(StaleRevisionException.class)
                    .hasMessageContaining("revision 1 is stored, 0 was expected");
        }

        @Test
        void areNotReplacedByWhoSawARevisionThatNeverWas() {
            assertThatThrownBy(() -> store.save(stored(SHOP.value()).withRevision(3)))
                    .isInstanceOf(StaleRevisionException.class);
        }

        @Test
        void areChangedByOneOfManyWhoSawTheSameRevision() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()));
            AtomicInteger kept = new AtomicInteger();
            AtomicInteger refused = new AtomicInteger();
            List<Thread> threads = IntStream.range(0, 8)
                    .mapToObj(i -> new Thread(() -> {
                        try {
                            store.save(first.withVisited(NOW.plusSeconds(i)));
                            kept.incrementAndGet();
                        } catch (StaleRevisionException e) {
                            refused.incrementAndGet();
                        } catch (StoreException e) {
                            throw new IllegalStateException(e);
                        }
                    }))
                    .toList();

            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }

            assertThat(kept).hasValue(1);
            assertThat(refused).hasValue(7);
            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(2);
        }

        @Test
        void keepAllThatTheirLifeNeeds() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()));
            RenewalWindow window = new RenewalWindow(
                    NOW.plusSeconds(1), NOW.plusSeconds(2), Optional.of(URI.create("https://ca.example/why?a=b")));

            store.save(first.withDue(NOW.plusMillis(1500))
                    .withRenew(NOW.plusSeconds(3))
                    .withWindow(Optional.of(window))
                    .withDeniedSince(Optional.of(NOW.plusSeconds(4))));

            StoredCertificate found = store.find(SHOP).orElseThrow();
            assertThat(found.due()).isEqualTo(NOW.plusMillis(1500));
            assertThat(found.renew()).isEqualTo(NOW.plusSeconds(3));
            assertThat(found.window()).contains(window);
            assertThat(found.deniedSince()).contains(NOW.plusSeconds(4));
            assertThat(store.save(found.withWindow(Optional.empty()).withDeniedSince(Optional.empty())))
                    .extracting(StoredCertificate::window, StoredCertificate::deniedSince)
                    .containsExactly(Optional.empty(), Optional.empty());
        }

        @Test
        void keepTheLaterOfTwoVisits() {
            StoredCertificate visited = stored(SHOP.value()).withVisited(NOW);

            assertThat(visited.withVisited(NOW.minusSeconds(1)).visited()).contains(NOW);
            assertThat(visited.withVisited(NOW.plusSeconds(1)).visited()).contains(NOW.plusSeconds(1));
        }

        @Test
        void mayBeThereAsSoonAsTheyAreSaved() throws Exception {
            store.save(stored(SHOP.value()));
            store.save(stored("*.wild.example.com"));

            assertThat(store.mayHold(SHOP)).isTrue();
            assertThat(store.mayHold(ServerName.parse("x.wild.example.com"))).isTrue();
        }

        @Test
        void surviveTheStoreBeingOpenedAgain() throws Exception {
            StoredCertificate shop = store.save(stored(SHOP.value()));
            store.close();

            store = open();

            assertThat(store.find(SHOP).orElseThrow().certificate().id())
                    .isEqualTo(shop.certificate().id());
        }

        @Test
        void mayHaveTheLongestAndTheOddestNames() throws Exception {
            String label = "a".repeat(63);
            String longest = label + '.' + label + '.' + label + '.' + "b".repeat(61);
            for (String name : new String[] {longest, "con.test", "aux.test", "xn--bcher-kva.example", "0.1.2.3a"}) {
                StoredCertificate saved = store.save(stored(name));

                assertThat(store.find(ServerName.parse(name))
                                .orElseThrow()
                                .certificate()
                                .id())
                        .isEqualTo(saved.certificate().id());
            }
        }
    }

    /** What lists are made of: an index by each property, page by page. */
    @Nested
    class Lists {

        private static final Instant LATER = NOW.plus(Duration.ofDays(3650));

        private List<String> names(Listed.Slice slice, String after, int limit) throws Exception {
            Optional<List<Listed>> first = store.listed(slice, after, limit);
            // Some learn in the background what there is.
            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> first.isPresent()
                            || store.listed(slice, after, limit).isPresent());
            return store.listed(slice, after, limit).orElseThrow().stream()
                    .map(Listed::name)
                    .toList();
        }

        @Test
        void areByDomainAndCaAndHowNamesStand() throws Exception {
            store.save(stored("b.one.example"));
            StoredCertificate first = store.save(stored("a.one.example"));
            StoredCertificate other = store.save(stored("a.two.example"));

            assertThat(names(new Listed.OfDomain("one.example"), "", 9))
                    .containsExactly("a.one.example", "b.one.example");
            assertThat(names(new Listed.OfDomain("one.example"), "a.one.example", 9))
                    .containsExactly("b.one.example");
            assertThat(names(new Listed.OfIssuer(first.issuer()), "", 2)).hasSize(2);
            assertThat(names(new Listed.OfIssuer("another"), "", 9)).isEmpty();

            StoredCertificate moved =
                    store.save(first.withMoved(Optional.of(new Moved(NOW, "192.0.2.7", "change A of it"))));
            store.save(other.withWithdrawn(Optional.of(NOW)));
            assertThat(names(new Listed.OfStanding(Listed.Standing.MOVED_AWAY), "", 9))
                    .containsExactly("a.one.example");
            assertThat(names(new Listed.OfStanding(Listed.Standing.WITHDRAWN), "", 9))
                    .containsExactly("a.two.example");
            assertThat(store.under(List.of("a.one.example", "none.example")))
                    .singleElement()
                    .satisfies(one -> assertThat(one.moved()).isEqualTo(moved.moved()));

            store.forget(store.save(moved.withMoved(Optional.empty())));
            assertThat(names(new Listed.OfStanding(Listed.Standing.MOVED_AWAY), "", 9))
                    .isEmpty();
            assertThat(names(new Listed.OfDomain("one.example"), "", 9)).containsExactly("b.one.example");
        }

        @Test
        void areByMomentTheEarliestFirstAndGoOnBehindAnyOfThem() throws Exception {
            for (String name : List.of("a.example.com", "b.example.com", "c.example.com")) {
                store.save(stored(name).withRenew(NOW.plusSeconds(name.charAt(0) == 'a' ? 60 : 0)));
            }

            List<String> all = names(new Listed.Late(LATER), "", 9);
            assertThat(all).containsExactly("b.example.com", "c.example.com", "a.example.com");
            Listed.Slice late = new Listed.Late(LATER);
            String place = late.place(store.listed(late, "", 1).orElseThrow().get(0));
            assertThat(names(late, place, 9)).containsExactly("c.example.com", "a.example.com");
            assertThat(names(new Listed.Expiring(LATER), "", 9)).hasSize(3);
            assertThat(names(new Listed.Expiring(NOW.minus(Duration.ofDays(3650))), "", 9))
                    .isEmpty();
        }

        @Test
        void haveWhatCasRefusedByName() throws Exception {
            store.keepHold(hold(new Scope.Name(ServerName.parse("b.example.com")), 1));
            store.keepHold(hold(new Scope.Name(ServerName.parse("a.example.com")), 2));
            store.keepHold(hold(new Scope.Domain("https://ca.example/directory", "x.example"), 3));
            store.keepHold(hold(new Scope.TakenAway(ServerName.parse("c.example.com")), 1));
            store.keepHold(hold(new Scope.Withdrawn(ServerName.parse("d.example.com")), 1));

            assertThat(store.namesHeld(Scope.TakenAway.class, "", 9))
                    .extracting(Hold::scope)
                    .containsExactly(new Scope.TakenAway(ServerName.parse("c.example.com")));
            assertThat(store.namesHeld(Scope.Withdrawn.class, "", 9))
                    .extracting(Hold::scope)
                    .containsExactly(new Scope.Withdrawn(ServerName.parse("d.example.com")));
            assertThat(store.namesHeld(Scope.Withdrawn.class, "d.example.com", 9))
                    .isEmpty();
            assertThat(store.namesHeld(Scope.Name.class, "", 9))
                    .extracting(Hold::scope)
                    .containsExactly(
                            new Scope.Name(ServerName.parse("a.example.com")),
                            new Scope.Name(ServerName.parse("b.example.com")));
            assertThat(store.namesHeld(Scope.Name.class, "a.example.com", 9))
                    .extracting(Hold::scope)
                    .containsExactly(new Scope.Name(ServerName.parse("b.example.com")));

            store.dropHold(new Scope.Name(ServerName.parse("a.example.com")));
            assertThat(store.namesHeld(Scope.Name.class, "", 9))
                    .extracting(Hold::scope)
                    .containsExactly(new Scope.Name(ServerName.parse("b.example.com")));
        }
    }

    @Nested
    class DueTimes {

        private StoredCertificate saved(String name, Instant due) throws Exception {
            return store.save(stored(name).withDue(due));
        }

        private List<String> due(Instant atOrBefore, int limit) throws Exception {
            return store.due(atOrBefore, limit).stream()
                    .map(StoredCertificate::firstName)
                    .toList();
        }

        @Test
        void ofNothingAreNone() throws Exception {
            assertThat(store.nextDue()).isEmpty();
            assertThat(store.due(Instant.MAX, 1)).isEmpty();
        }

        @Test
        void haveComeFromTheirMomentOn() throws Exception {
            Instant at = NOW.plus(Duration.ofHours(5)).plusMillis(500);
            saved(SHOP.value(), at);

            assertThat(store.due(at.minusNanos(1_000_000), 10)).isEmpty();
            assertThat(due(at, 10)).containsExactly(SHOP.value());
            assertThat(due(at.plusMillis(1), 10)).containsExactly(SHOP.value());
            assertThat(store.nextDue().orElseThrow()).isBetween(at.minusSeconds(1), at);
        }

        @Test
        void areInTheirOrderAsManyAsAreAskedFor() throws Exception {
            for (int i = 9; i >= 0; i--) {
                saved("n" + i + ".example.com", NOW.plus(Duration.ofMinutes(25L * i)));
            }

            assertThat(due(NOW.plus(Duration.ofDays(1)), 3))
                    .containsExactly("n0.example.com", "n1.example.com", "n2.example.com");
            assertThat(due(NOW.plus(Duration.ofMinutes(100)), 100))
                    .containsExactly(
                            "n0.example.com", "n1.example.com", "n2.example.com", "n3.example.com", "n4.example.com");
            assertThat(store.nextDue()).contains(NOW);
        }

        @Test
        void moveWithTheRecord() throws Exception {
            StoredCertificate shop = saved(SHOP.value(), NOW);
            saved("later.example.com", NOW.plusSeconds(30));

            StoredCertificate moved = store.save(shop.withDue(NOW.plus(Duration.ofDays(30))));

            assertThat(due(NOW.plusSeconds(30), 10)).containsExactly("later.example.com");
            assertThat(store.nextDue()).contains(NOW.plusSeconds(30));
            store.save(moved.withDue(NOW.minus(Duration.ofDays(30))));
            assertThat(store.nextDue()).contains(NOW.minus(Duration.ofDays(30)));
            assertThat(due(NOW.plusSeconds(30), 10)).containsExactly(SHOP.value(), "later.example.com");
        }

        @Test
        void leadToWholeRecordsWithdrawnAndExpiredOnesToo() throws Exception {
            store.save(stored(TestLeaves.leaf(NOW, Duration.ofDays(-1).plusSeconds(1), SHOP.value()))
                    .withDue(NOW)
                    .withWithdrawn(Optional.of(NOW)));

            StoredCertificate found = store.due(NOW, 1).get(0);

            assertThat(found.withdrawn()).contains(NOW);
            assertThat(found.revision()).isEqualTo(1);
            assertThat(store.save(found.withWithdrawn(Optional.empty())).revision())
                    .isEqualTo(2);
        }

        @Test
        void ofAnyNameAndAnyTimeAreFound() throws Exception {
            String label = "a".repeat(63);
            String longest = label + '.' + label + '.' + label + '.' + "b".repeat(61);
            saved("*.example.com", Instant.EPOCH.minusSeconds(1));
            saved("con.test", Instant.EPOCH);
            saved(longest, NOW);
            saved("a.example.com", Instant.parse("+12000-01-01T00:00:00Z"));

            assertThat(due(NOW, 10)).containsExactlyInAnyOrder("*.example.com", "con.test", longest);
            assertThat(due(Instant.MAX, 10)).hasSize(4);
        }

        @Test
        void surviveTheStoreBeingOpenedAgain() throws Exception {
            saved(SHOP.value(), NOW);
            saved("later.example.com", NOW.plus(Duration.ofDays(9)));
            store.close();

            store = open();

            assertThat(store.nextDue()).contains(NOW);
            assertThat(due(NOW, 10)).containsExactly(SHOP.value());
            assertThat(due(NOW.plus(Duration.ofDays(9)), 10)).containsExactly(SHOP.value(), "later.example.com");
        }
    }

    @Nested
    class AForgottenCertificate {

        @Test
        void isGoneUnderAllItsNames() throws Exception {
            StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
            store.save(stored(SHOP.value()));

            store.forget(both);
            store.forget(both);

            assertThat(store.find(ServerName.parse("a.example.com"))).isEmpty();
            assertThat(store.find(ServerName.parse("b.example.com"))).isEmpty();
            assertThat(store.due(Instant.MAX, 10))
                    .extracting(StoredCertificate::firstName)
                    .containsExactly(SHOP.value());
        }

        @Test
        void staysGoneAfterTheStoreWasOpenedAgain() throws Exception {
            store.forget(store.save(stored(SHOP.value())));
            store.close();

            store = open();

            assertThat(store.find(SHOP)).isEmpty();
            assertThat(store.nextDue()).isEmpty();
        }

        @Test
        void isNotForgottenByWhoDidNotSeeItsLastChange() throws Exception {
            StoredCertificate read = store.save(stored(SHOP.value()));
            store.save(read.withVisited(NOW));

            assertThatThrownBy(() -> store.forget(read)).isInstanceOf(StaleRevisionException.class);

            assertThat(store.find(SHOP)).isPresent();
        }

        @Test
        void leavesANameThatLeadsElsewhereBy() throws Exception {
            StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
            StoredCertificate other = store.save(stored("c.example.com", "b.example.com"));

            store.forget(both);

            assertThat(store.find(ServerName.parse("b.example.com"))
                            .orElseThrow()
                            .certificate()
                            .id())
                    .isEqualTo(other.certificate().id());
        }

        @Test
        void makesRoomForAFirstOne() throws Exception {
            store.forget(store.save(stored(SHOP.value())));

            assertThat(store.save(stored(SHOP.value())).revision()).isEqualTo(1);
        }

        @Test
        void doesNotComeBackByALateChange() throws Exception {
            StoredCertificate read = store.save(stored(SHOP.value()));
            store.forget(read);

            assertThatThrownBy(() -> store.save(read.withVisited(NOW))).isInstanceOf(StaleRevisionException.class);
        }
    }

    @Nested
    class Holds {

        private static final Scope SCOPE = new Scope.Domain("https://ca.example/directory", "example.com");

        @Test
        void comeBackAsTheyWereKept() throws Exception {
            store.keepHold(hold(SCOPE, 1));
            store.keepHold(hold(SCOPE, 2));
            Hold bare = new Hold(new Scope.Account("x"), "x", 1, NOW, "", "", Optional.empty());
            store.keepHold(bare);
            store.close();

            store = open();

            assertThat(store.hold(SCOPE)).contains(hold(SCOPE, 2));
            assertThat(store.hold(new Scope.Account("x"))).contains(bare);
            assertThat(store.hold(new Scope.Account("y"))).isEmpty();
        }

        @Test
        void areListedUpToALimit() throws Exception {
            for (int i = 0; i < 5; i++) {
                store.keepHold(hold(new Scope.Name(ServerName.parse("n" + i + ".example.com")), i));
            }

            assertThat(store.holds(5)).extracting(Hold::refusals).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            assertThat(store.holds(4)).hasSize(4);
        }

        @Test
        void areGoneWhenDropped() throws Exception {
            store.keepHold(hold(SCOPE, 1));

            store.dropHold(SCOPE);
            store.dropHold(SCOPE);

            assertThat(store.hold(SCOPE)).isEmpty();
            assertThat(store.holds(10)).isEmpty();
        }

        @Test
        void haveScopesOfVisibleAsciiOnly() {
            for (String key : new String[] {"", " ", "name/\u00fc", "a\nb", "a".repeat(ScopeKeys.LONGEST + 1)}) {
                Scope scope = new Scope.Other(key);
                assertThatThrownBy(() -> hold(scope, 1)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> store.hold(scope)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> store.dropHold(scope)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Nested
    class TheLedger {

        private static final Duration WEEK = Duration.ofDays(7);

        private final Quota orders = new Quota("orders/ca", 3, Duration.ofHours(3));
        private final Quota name = new Quota("name/ca/shop.example.com", 2, WEEK);

        private void reserved(Quota... counted) throws Exception {
            assertThat(store.ledger().reserve(List.of(counted), List.of())).isInstanceOf(Outcome.Reserved.class);
        }

        private Ticket ticket(Quota... counted) throws Exception {
            return ((Outcome.Reserved) store.ledger().reserve(List.of(counted), List.of())).ticket();
        }

        private int used(Quota quota) throws Exception {
            return store.ledger().used(quota.key(), quota.window());
        }

        @Test
        void hasRoomUpToTheQuotaAndNoFurther() throws Exception {
            reserved(orders);
            time.advance(Duration.ofMinutes(1));
            reserved(orders);
            reserved(orders);

            assertThat(store.ledger().reserve(List.of(orders), List.of()))
                    .isEqualTo(new Outcome.Spent(orders, NOW.plus(orders.window())));
            assertThat(used(orders)).isEqualTo(3);
        }

        @Test
        void hasRoomAgainWhenTheOldestEntryLeavesItsWindow() throws Exception {
            reserved(orders);
            time.advance(Duration.ofHours(1));
            reserved(orders);
            reserved(orders);
            time.advance(Duration.ofHours(2).minusMillis(1));
            assertThat(store.ledger().reserve(List.of(orders), List.of())).isInstanceOf(Outcome.Spent.class);

            time.advance(Duration.ofMillis(1));
            reserved(orders);

            assertThat(store.ledger().reserve(List.of(orders), List.of()))
                    .isEqualTo(new Outcome.Spent(orders, NOW.plus(Duration.ofHours(4))));
        }

        @Test
        void countsUnderAllKeysOrUnderNone() throws Exception {
            reserved(orders, name);
            reserved(orders, name);

            assertThat(store.ledger().reserve(List.of(orders, name), List.of()))
                    .isEqualTo(new Outcome.Spent(name, NOW.plus(WEEK)));
            assertThat(used(orders)).isEqualTo(2);
            reserved(orders);
            assertThat(store.ledger().reserve(List.of(orders, name), List.of()))
                    .as("the one that has room last")
                    .isEqualTo(new Outcome.Spent(name, NOW.plus(WEEK)));
        }

        @Test
        void onlyLooksAtWhatIsToBeChecked() throws Exception {
            Quota failures = new Quota("failures/ca/shop.example.com", 1, Duration.ofHours(1));
            assertThat(store.ledger().reserve(List.of(orders), List.of(failures)))
                    .isInstanceOf(Outcome.Reserved.class);
            assertThat(used(failures)).isZero();

            store.ledger().count(failures.key(), failures.window());

            assertThat(store.ledger().reserve(List.of(orders), List.of(failures)))
                    .isEqualTo(new Outcome.Spent(failures, NOW.plus(failures.window())));
            assertThat(used(failures)).isEqualTo(1);
            assertThat(used(orders)).isEqualTo(1);
        }

        @Test
        void countsAKeyOnceThatStandsInSeveralQuotas() throws Exception {
            Quota longer = new Quota(orders.key(), 5, WEEK);
            reserved(orders, longer);

            assertThat(used(longer)).isEqualTo(1);
            time.advance(Duration.ofHours(3));
            assertThat(used(orders)).isZero();
            assertThat(used(longer)).isEqualTo(1);
        }

        @Test
        void hasNoRoomInAQuotaOfNone() throws Exception {
            Quota none = new Quota("orders/none", 0, WEEK);

            assertThat(store.ledger().reserve(List.of(none), List.of()))
                    .isEqualTo(new Outcome.Spent(none, NOW.plus(WEEK)));
        }

        @Test
        void takesBackWhatWasGivenBackAndNoMore() throws Exception {
            reserved(orders, name);
            Ticket second = ticket(orders, name);

            store.ledger().giveBack(second);
            store.ledger().giveBack(second);

            assertThat(used(orders)).isEqualTo(1);
            assertThat(used(name)).isEqualTo(1);
        }

        @Test
        void isKeptWhenTheStoreIsOpenedAgain() throws Exception {
            reserved(orders, name);
            Ticket kept = ticket(orders, name);
            store.ledger().giveBack(ticket(orders));
            store.close();
            time.advance(Duration.ofHours(3).minusMillis(1));
            store = open();

            assertThat(used(orders)).isEqualTo(2);
            assertThat(used(name)).isEqualTo(2);
            store.ledger().giveBack(kept);
            assertThat(used(name)).isEqualTo(1);
            time.advance(Duration.ofMillis(1));
            assertThat(used(orders)).isZero();
        }

        @Test
        void isNotBlockedByAClockThatWasWrong() throws Exception {
            time.advance(Duration.ofDays(90));
            reserved(name);
            reserved(name);
            time.advance(Duration.ofDays(-90));
            assertThat(used(name)).as("from a far future").isZero();

            reserved(name);
            time.advance(Duration.ofDays(-1));
            reserved(name);
            assertThat(store.ledger().reserve(List.of(name), List.of()))
                    .as("from a near future")
                    .isEqualTo(new Outcome.Spent(name, time.clock().instant().plus(WEEK)));

            time.advance(Duration.ofDays(-365));
            assertThat(used(name)).isZero();
            time.advance(Duration.ofDays(366));
            assertThat(used(name)).as("nothing is forgotten").isEqualTo(2);
        }

        @Test
        void neverLetsMoreThroughThanFitWhoeverAsksAtOnce() throws Exception {
            Quota twenty = new Quota("orders/many", 20, WEEK);
            AtomicInteger through = new AtomicInteger();
            List<Thread> threads = IntStream.range(0, 8)
                    .mapToObj(i -> new Thread(() -> {
                        for (int n = 0; n < 10; n++) {
                            try {
                                if (store.ledger().reserve(List.of(twenty), List.of()) instanceof Outcome.Reserved) {
                                    through.incrementAndGet();
                                }
                            } catch (StoreException e) {
                                throw new IllegalStateException(e);
                            }
                        }
                    }))
                    .toList();

            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }

            assertThat(through).hasValue(20);
        }

        @Test
        void refusesWhatIsNoQuota() {
            assertThatThrownBy(() -> new Quota("", 1, WEEK)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new Quota("a b", 1, WEEK)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new Quota("a\nb", 1, WEEK)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new Quota("a", -1, WEEK)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new Quota("a", 1, Duration.ZERO)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new Quota("a", 1, Ledger.LONGEST_WINDOW.plusMillis(1)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Nested
    class OpenOrders {

        private OpenOrder order(String name, Instant started) {
            KeyPair key = TestCertificates.key();
            return new OpenOrder(
                    ServerName.parse(name), "https://ca.example/directory", started, Optional.empty(), key, new byte[] {
                        1, 2, 3
                    });
        }

        @Test
        void comeBackWithTheirKeyAndUrl() throws Exception {
            OpenOrder order = order(SHOP.value(), NOW);
            store.journal(order);
            store.journal(
                    order.withUrl(URI.create("https://ca.example/order/1?a=b"), Optional.of(NOW.plusSeconds(3600))));

            OpenOrder found = store.openOrder(SHOP).orElseThrow();

            assertThat(found.url()).contains(URI.create("https://ca.example/order/1?a=b"));
            assertThat(found.key().getPrivate()).isEqualTo(order.key().getPrivate());
            assertThat(found.key().getPublic()).isEqualTo(order.key().getPublic());
            assertThat(found.csr()).containsExactly(1, 2, 3);
            assertThat(found.started()).isEqualTo(NOW);
            assertThat(found.expires()).contains(NOW.plusSeconds(3600));
            assertThat(order.expires()).isEmpty();
            assertThat(found.issuer()).isEqualTo(order.issuer());
        }

        @Test
        void areListedOldestFirstUntilTheyAreClosed() throws Exception {
            store.journal(order("b.example.com", NOW));
            store.journal(order("a.example.com", NOW.plusSeconds(1)));
            store.journal(order("c.example.com", NOW.plusSeconds(2)));

            store.closeOrder(ServerName.parse("a.example.com"));
            store.closeOrder(ServerName.parse("never.example.com"));

            assertThat(store.openOrders())
                    .extracting(open -> open.name().value())
                    .containsExactly("b.example.com", "c.example.com");
            assertThat(store.openOrder(ServerName.parse("a.example.com"))).isEmpty();
        }

        @Test
        void surviveTheStoreBeingOpenedAgain() throws Exception {
            store.journal(order(SHOP.value(), NOW));
            store.close();

            store = open();

            assertThat(store.openOrders()).hasSize(1);
        }
    }

    @Nested
    class Secrets {

        @Test
        void comeBackAsTheyWereWritten() throws Exception {
            assertThat(store.readSecret("internal-ca/root.key")).isEmpty();

            store.writeSecret("internal-ca/root.key", "one".getBytes(StandardCharsets.US_ASCII));
            store.writeSecret("internal-ca/root.key", "two".getBytes(StandardCharsets.US_ASCII));

            assertThat(store.readSecret("internal-ca/root.key"))
                    .hasValueSatisfying(content -> assertThat(content)
                            .asString(StandardCharsets.US_ASCII)
                            .isEqualTo("two"));
        }

        @Test
        void haveNoPlaceOutsideTheStore() {
            for (String path : new String[] {"../x", "/etc/passwd", "a/../b", "a", "a/.hidden", "a/b/c"}) {
                assertThatThrownBy(() -> store.writeSecret(path, new byte[0]))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> store.readSecret(path)).isInstanceOf(IllegalArgumentException.class);
            }
        }

        @Test
        void keptFirstAreKeptByOneOfManyAndReadByAll() throws Exception {
            Set<String> kept = ConcurrentHashMap.newKeySet();
            List<Thread> threads = IntStream.range(0, writersAtOnce())
                    .mapToObj(i -> new Thread(() -> {
                        try {
                            kept.add(new String(
                                    store.writeFirst("accounts/one.pem", ("key " + i).getBytes(US_ASCII), true),
                                    US_ASCII));
                        } catch (StoreException e) {
                            throw new IllegalStateException(e);
                        }
                    }))
                    .toList();

            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }

            assertThat(kept).hasSize(1);
            assertThat(store.readSecret("accounts/one.pem"))
                    .hasValueSatisfying(content -> assertThat(content)
                            .asString(US_ASCII)
                            .isEqualTo(kept.iterator().next()));
            assertThat(store.writeFirst("accounts/one.pem", new byte[] {1}, false))
                    .isEqualTo(store.readSecret("accounts/one.pem").orElseThrow());
        }
    }

    @Nested
    class Leases {

        @Test
        void letTheirHolderWriteAndGoBack() throws Exception {
            Lease lease = store.peers().take(SHOP).orElseThrow();

            StoredCertificate saved = store.save(stored(SHOP.value()), lease);
            store.closeOrder(SHOP, lease);
            store.peers().giveBack(lease);
            store.peers().giveBack(lease);

            assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(saved.revision());
            assertThat(store.peers().take(SHOP)).isPresent();
        }

        @Test
        void doNotReplaceWhatTheirHolderHasNotRead() throws Exception {
            store.save(stored(SHOP.value()));
            Lease lease = store.peers().take(SHOP).orElseThrow();

            assertThatThrownBy(() -> store.save(stored(SHOP.value()), lease))
                    .isInstanceOf(StaleRevisionException.class);
        }
    }
}
