package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Following}: what is served follows the store, name by name, whatever fails on the way. */
class FollowingTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final List<Runnable> whileLooking = new ArrayList<>();

    private IssuanceFixture house;
    private ManualTime time;
    private Inventory inventory;
    private Following following;
    private boolean full;
    private boolean stopping;
    private boolean broken;
    private int looks;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        time = house.time();
        inventory = house.inventory();
        following = following(time.scheduler());
    }

    @AfterEach
    void close() {
        house.close();
    }

    private Following following(ScheduledExecutorService scheduler) {
        CertificateStore store = Except.of(CertificateStore.class, house.store(), "find", through -> {
            looks++;
            if (broken) {
                throw new StoreException("no connection");
            }
            if (!whileLooking.isEmpty()) {
                whileLooking.remove(0).run();
            }
            return through.call();
        });
        return new Following(
                store,
                inventory,
                new Following.Ports(
                        task -> {
                            if (full) {
                                throw new RejectedExecutionException("full");
                            }
                            lookups.execute(task);
                        },
                        scheduler,
                        time.clock(),
                        () -> stopping),
                house.recorded().events(),
                time::nanoTime);
    }

    private KeyedCertificate served(ServerName name) throws Exception {
        Instant now = time.clock().instant();
        KeyedCertificate leaf = TestLeaves.leaf(now, Duration.ofDays(90), name.value());
        house.store().save(StoredCertificate.obtained(leaf, "https://ca.example/directory", now, leaf.notAfter()));
        inventory.publish(leaf);
        return leaf;
    }

    private void withdrawElsewhere(ServerName name) throws Exception {
        StoredCertificate stored = house.store().find(name).orElseThrow();
        house.store().save(stored.withWithdrawn(Optional.of(time.clock().instant())));
    }

    private void changed(ServerName... names) {
        following.changed(List.of(names).stream().map(ServerName::value).toList());
    }

    @Test
    void newsOfANameThatIsNotServedHereCostsNoLook() throws Exception {
        served(OTHER);

        changed(SHOP);

        assertThat(lookups.size()).isZero();
    }

    @Test
    void newsOfANameLooksAtThatNameOnly() throws Exception {
        served(SHOP);
        served(OTHER);

        changed(SHOP);
        lookups.runAll();

        assertThat(looks).isEqualTo(1);
    }

    @Test
    void whatIsStoredAsItIsServedGoesOnBeingServedAsItIs() throws Exception {
        KeyedCertificate leaf = served(SHOP);

        changed(SHOP);
        lookups.runAll();

        assertThat(looks).isEqualTo(1);
        assertThat(inventory.find(SHOP)).containsSame(leaf);
    }

    @Test
    void newsThatComesWhileAnotherNameIsLookedUpIsFollowedToo() throws Exception {
        served(SHOP);
        served(OTHER);
        withdrawElsewhere(SHOP);
        withdrawElsewhere(OTHER);
        whileLooking.add(() -> changed(OTHER));

        changed(SHOP);
        lookups.runAll();

        assertThat(inventory.find(SHOP)).isEmpty();
        assertThat(inventory.find(OTHER)).isEmpty();
    }

    @Test
    void whatWasMissedWhileANameIsLookedUpIsFollowedToo() throws Exception {
        served(SHOP);
        served(OTHER);
        withdrawElsewhere(OTHER);
        whileLooking.add(() -> following.missed());

        changed(SHOP);
        lookups.runAll();

        assertThat(inventory.find(OTHER)).isEmpty();
    }

    @Test
    void aStoreThatDoesNotAnswerIsAskedAtAGrowingPaceOfThirtySecondsAtLast() throws Exception {
        served(SHOP);
        broken = true;
        List<Integer> asked = new ArrayList<>();

        changed(SHOP);
        for (int second = 0; second <= 100; second++) {
            int before = looks;
            lookups.runAll();
            if (looks > before) {
                asked.add(second);
            }
            time.advance(Duration.ofSeconds(1));
        }

        assertThat(asked).containsExactly(0, 1, 3, 7, 15, 31, 61, 91);
    }

    @Test
    void thePaceBeginsAnewOnceTheStoreHasAnswered() throws Exception {
        served(SHOP);
        broken = true;
        changed(SHOP);
        for (int second = 0; second < 20; second++) {
            lookups.runAll();
            time.advance(Duration.ofSeconds(1));
        }
        broken = false;
        time.advance(Duration.ofSeconds(30));
        lookups.runAll();
        withdrawElsewhere(SHOP);
        broken = true;

        changed(SHOP);
        lookups.runAll();
        broken = false;
        time.advance(Duration.ofSeconds(1));
        lookups.runAll();

        assertThat(inventory.find(SHOP)).isEmpty();
    }

    @Test
    void aDefectIsToldAndTheNameLookedUpAgain() throws Exception {
        served(SHOP);
        withdrawElsewhere(SHOP);
        whileLooking.add(() -> {
            throw new IllegalStateException("unforeseen");
        });

        changed(SHOP);
        lookups.runAll();
        assertThat(inventory.find(SHOP)).isPresent();
        time.advance(Duration.ofSeconds(1));
        lookups.runAll();

        assertThat(inventory.find(SHOP)).isEmpty();
        assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains("a defect: java.lang.IllegalStateException: unforeseen; tried again");
    }

    @Test
    void newsAfterOneThatCouldNotEvenBePutOffIsFollowed() throws Exception {
        ScheduledThreadPoolExecutor ended = new ScheduledThreadPoolExecutor(1);
        ended.shutdownNow();
        following = following(ended);
        served(SHOP);
        withdrawElsewhere(SHOP);
        full = true;
        changed(SHOP);
        full = false;

        changed(SHOP);
        lookups.runAll();

        assertThat(inventory.find(SHOP)).isEmpty();
    }

    private void servedByAWildcard(ServerName... names) {
        KeyedCertificate wildcard = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "*.example.com");
        for (ServerName name : names) {
            inventory.publish(wildcard, name);
            assertThat(inventory.find(name)).isPresent();
        }
    }

    @Test
    void newsOfANameIsAReasonToAskAgainWhetherAWildcardServesItAndNoOther() {
        servedByAWildcard(SHOP, OTHER);

        changed(SHOP);

        assertThat(inventory.find(SHOP)).isEmpty();
        assertThat(inventory.find(OTHER)).isPresent();
    }

    @Test
    void missedNewsIsAReasonToAskThatOfEveryName() {
        servedByAWildcard(SHOP, OTHER);

        following.missed();
        lookups.runAll();

        assertThat(inventory.find(SHOP)).isEmpty();
        assertThat(inventory.find(OTHER)).isEmpty();
    }

    @Test
    void nothingIsLookedUpOnceTheServerStops() throws Exception {
        served(SHOP);
        served(OTHER);
        whileLooking.add(() -> stopping = true);

        changed(SHOP, OTHER);
        lookups.runAll();
        assertThat(looks).isEqualTo(1);
        following.missed();

        assertThat(lookups.size()).isZero();
    }
}
