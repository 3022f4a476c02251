package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** Certificates: kept, found under their names, changed by one of many. */
abstract class CertificatesContract extends ShelfContract {

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
        for (String name : List.of("c.example.com", "a.example.com", "con.example.com", "*.example.com", "b.example")) {
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
