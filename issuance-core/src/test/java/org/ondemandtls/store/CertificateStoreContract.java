package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** What every kind of store promises. */
abstract class CertificateStoreContract {

    static final Instant NOW = Instant.parse("2026-11-23T20:00:00Z");
    static final ServerName SHOP = ServerName.parse("shop.example.com");

    CertificateStore store;

    abstract CertificateStore open() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    static StoredCertificate stored(KeyedCertificate certificate) {
        return new StoredCertificate(
                certificate,
                "https://ca.example/directory",
                NOW,
                NOW.plus(Duration.ofDays(60)),
                Optional.empty(),
                Optional.empty(),
                0);
    }

    static StoredCertificate stored(String... names) {
        return stored(TestLeaves.leaf(NOW, Duration.ofDays(90), names));
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
        void keepWhenTheyWereVisitedAndWithdrawn() throws Exception {
            StoredCertificate first = store.save(stored(SHOP.value()));

            store.save(new StoredCertificate(
                    first.certificate(),
                    first.issuer(),
                    first.obtained(),
                    first.due(),
                    Optional.of(NOW.plusSeconds(5)),
                    Optional.of(NOW.plusSeconds(6)),
                    first.revision()));

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
        void areNotHarmedByAskingForANameTheyHadBefore() throws Exception {
            StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
            KeyedCertificate alone = TestLeaves.leaf(NOW, Duration.ofDays(90), "a.example.com");
            store.save(new StoredCertificate(
                    alone, both.issuer(), NOW, NOW, Optional.empty(), Optional.empty(), both.revision()));

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
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("revision");
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
            store.journal(order.withUrl(URI.create("https://ca.example/order/1?a=b")));

            OpenOrder found = store.openOrder(SHOP).orElseThrow();

            assertThat(found.url()).contains(URI.create("https://ca.example/order/1?a=b"));
            assertThat(found.key().getPrivate()).isEqualTo(order.key().getPrivate());
            assertThat(found.key().getPublic()).isEqualTo(order.key().getPublic());
            assertThat(found.csr()).containsExactly(1, 2, 3);
            assertThat(found.started()).isEqualTo(NOW);
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
    }
}
