package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.store.Ledger.Outcome;
import org.ondemandtls.store.Ledger.Quota;
import org.ondemandtls.store.Ledger.Ticket;

/** The ledger: what fits into a window, and no more, over restarts too. */
abstract class LedgerContract extends ShelfContract {

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
        assertThat(store.ledger().reserve(List.of(orders), List.of(failures))).isInstanceOf(Outcome.Reserved.class);
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

        assertThat(store.ledger().reserve(List.of(none), List.of())).isEqualTo(new Outcome.Spent(none, NOW.plus(WEEK)));
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
