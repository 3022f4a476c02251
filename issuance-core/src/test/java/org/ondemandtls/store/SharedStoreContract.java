package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** What a store promises that several servers share. */
public abstract class SharedStoreContract {

    protected static final Instant NOW = ShelfContract.NOW;
    protected static final ServerName SHOP = ShelfContract.SHOP;

    protected CertificateStore one;
    protected CertificateStore other;

    private final List<CertificateStore> open = new ArrayList<>();

    /** One server more. */
    protected abstract CertificateStore join() throws Exception;

    /** Has the leases of a server run out, as if it had stood still, without its knowing. */
    protected abstract void lapse(CertificateStore holder) throws Exception;

    @BeforeEach
    void openBoth() throws Exception {
        one = join();
        open.add(one);
        other = join();
        open.add(other);
    }

    @AfterEach
    void closeAll() {
        open.forEach(CertificateStore::close);
    }

    private static StoredCertificate stored(String... names) {
        return ShelfContract.stored(names);
    }

    public static OpenOrder order(ServerName name) {
        KeyPair key = TestCertificates.key();
        return new OpenOrder(name, "https://ca.example/directory", NOW, Optional.empty(), key, new byte[] {1, 2, 3});
    }

    private static final class Heard implements Peers.News {
        private final List<List<String>> changed = new CopyOnWriteArrayList<>();

        @Override
        public void changed(List<String> names) {
            changed.add(names);
        }

        @Override
        public void missed() {
            changed.add(List.of("missed"));
        }

        private void awaitLast(String... names) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> !changed.isEmpty()
                            && changed.get(changed.size() - 1).equals(List.of(names)));
        }
    }

    @Test
    void aLeaseHasOneHolderUntilItIsGivenBack() throws Exception {
        Lease lease = one.peers().take(SHOP).orElseThrow();

        assertThat(other.peers().take(SHOP)).isEmpty();
        assertThat(one.peers().take(SHOP)).isEmpty();
        assertThat(other.peers().take(ServerName.parse("other.example.com"))).isPresent();

        one.peers().giveBack(lease);

        Lease next = other.peers().take(SHOP).orElseThrow();
        assertThat(next.fence()).isGreaterThan(lease.fence());
        assertThat(one.peers().take(SHOP)).isEmpty();
    }

    @Test
    void aLateHolderWritesNothingAndGivesNothingBack() throws Exception {
        Lease late = one.peers().take(SHOP).orElseThrow();
        one.journal(order(SHOP), late);
        lapse(one);
        Lease taken = other.peers().take(SHOP).orElseThrow();
        StoredCertificate saved = other.save(stored(SHOP.value()), taken);

        assertThatThrownBy(() -> one.save(stored(SHOP.value()).withRevision(saved.revision()), late))
                .isInstanceOf(LeaseLostException.class);
        assertThatThrownBy(() -> one.journal(order(SHOP), late)).isInstanceOf(LeaseLostException.class);
        assertThatThrownBy(() -> one.closeOrder(SHOP, late)).isInstanceOf(LeaseLostException.class);
        one.peers().giveBack(late);

        assertThat(other.find(SHOP).orElseThrow().certificate().id())
                .isEqualTo(saved.certificate().id());
        assertThat(other.openOrder(SHOP)).isPresent();
        other.closeOrder(SHOP, taken);
        assertThat(other.openOrder(SHOP)).isEmpty();
    }

    @Test
    void anOrderIsAbandonedWhenItsHolderIsGone() throws Exception {
        Lease lease = one.peers().take(SHOP).orElseThrow();
        one.journal(order(SHOP), lease);
        assertThat(other.peers().abandoned()).isEmpty();

        lapse(one);

        assertThat(other.peers().abandoned()).extracting(OpenOrder::name).containsExactly(SHOP);
        assertThat(other.peers().take(SHOP)).isPresent();
        assertThat(other.peers().abandoned()).isEmpty();
    }

    @Test
    void aProofShownByOneIsFoundByAllUntilItIsTakenDown() throws Exception {
        Proof http = new Proof(SHOP, ChallengeType.HTTP_01, "token-1", "token-1.thumbprint");
        Proof alpn = new Proof(SHOP, ChallengeType.TLS_ALPN_01, "", "00ff");
        one.peers().show(http);
        one.peers().show(http);
        one.peers().show(alpn);

        assertThat(other.peers().proof(SHOP, ChallengeType.HTTP_01, "token-1")).contains("token-1.thumbprint");
        assertThat(other.peers().proof(SHOP, ChallengeType.HTTP_01, "token-2")).isEmpty();
        assertThat(other.peers().proof(SHOP, ChallengeType.TLS_ALPN_01, "")).contains("00ff");
        assertThat(other.peers().httpProofs(SHOP)).containsOnly(Map.entry("token-1", "token-1.thumbprint"));
        assertThat(other.peers().httpProofs(ServerName.parse("x.example.com"))).isEmpty();
        assertThat(other.peers().nameOf("token-1")).contains(SHOP);
        assertThat(other.peers().nameOf("token-2")).isEmpty();
        assertThat(other.peers().nameOf("")).isEmpty();
        assertThat(other.peers().proof(ServerName.parse("x.example.com"), ChallengeType.TLS_ALPN_01, ""))
                .isEmpty();

        one.peers().takeDown(http);
        one.peers().takeDown(new Proof(SHOP, ChallengeType.TLS_ALPN_01, "", "another"));

        assertThat(other.peers().proof(SHOP, ChallengeType.HTTP_01, "token-1")).isEmpty();
        assertThat(other.peers().nameOf("token-1")).isEmpty();
        assertThat(other.peers().proof(SHOP, ChallengeType.TLS_ALPN_01, "")).contains("00ff");
    }

    @Test
    void newsOfALeafItsWithdrawalAndItsEndReachesOthersAndThatOfAVisitDoesNot() throws Exception {
        Heard heard = new Heard();
        other.peers().follow(heard);

        StoredCertificate first = one.save(stored("a.example.com", "*.a.example.com"));
        heard.awaitLast("a.example.com", "*.a.example.com");
        StoredCertificate visited = one.save(first.withVisited(NOW).withDue(NOW));
        one.save(stored(SHOP.value()));
        heard.awaitLast(SHOP.value());
        StoredCertificate withdrawn = one.save(visited.withWithdrawn(Optional.of(NOW)));
        heard.awaitLast("a.example.com", "*.a.example.com");
        StoredCertificate granted = one.save(withdrawn.withWithdrawn(Optional.empty()));
        Awaitility.await().until(() -> heard.changed.size() == 4);
        StoredCertificate renewed =
                one.save(ShelfContract.stored(TestLeaves.leaf(NOW, Duration.ofDays(90), "a.example.com"))
                        .withRevision(granted.revision()));
        heard.awaitLast("a.example.com");
        one.forget(renewed);

        Awaitility.await().until(() -> heard.changed.size() == 6);
        assertThat(heard.changed).doesNotContain(List.of("missed"));
    }

    @Test
    void aNameToBeLookedAtAnewIsToldToOthers() throws Exception {
        Heard heard = new Heard();
        other.peers().follow(heard);

        one.peers().tell(SHOP);

        heard.awaitLast(SHOP.value());
    }

    @Test
    void whatOneKeepsTheOthersMayHoldAndFind() throws Exception {
        StoredCertificate saved = one.save(stored("b.example.com", "c.example.com"));

        for (String name : List.of("b.example.com", "c.example.com")) {
            Awaitility.await().until(() -> other.mayHold(ServerName.parse(name)));
            assertThat(other.find(ServerName.parse(name))
                            .orElseThrow()
                            .certificate()
                            .id())
                    .isEqualTo(saved.certificate().id());
        }
    }
}
