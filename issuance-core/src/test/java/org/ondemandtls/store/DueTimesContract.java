package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.TestLeaves;

/** What is due, in its order. */
abstract class DueTimesContract extends ShelfContract {

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
        assertThat(store.save(found.withWithdrawn(Optional.empty())).revision()).isEqualTo(2);
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
