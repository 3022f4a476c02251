package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.ondemandtls.issuance.OrderShares.Side;

/** {@link OrderShares}: both sides have their part, and neither keeps the other waiting. */
class OrderSharesTest {

    private final List<Runnable> threads = new ArrayList<>();
    private final List<String> ran = new ArrayList<>();
    private final OrderShares shares = new OrderShares(threads::add, 4, 3);

    private void submit(Side side, String task) {
        shares.of(side).execute(() -> ran.add(task));
    }

    @Test
    void aSideAloneGetsAllThreadsButOne() {
        for (int i = 0; i < 6; i++) {
            submit(Side.RENEWALS, "r" + i);
        }
        assertThat(threads).hasSize(3);

        submit(Side.VISITS, "v0");

        assertThat(threads).hasSize(4);
    }

    @Test
    void aThreadThatBecomesFreeGoesToTheSideThatHasLess() {
        for (int i = 0; i < 3; i++) {
            submit(Side.RENEWALS, "r" + i);
        }
        submit(Side.RENEWALS, "r3");
        submit(Side.VISITS, "v0");
        submit(Side.VISITS, "v1");
        submit(Side.VISITS, "v2");

        threads.get(0).run();

        assertThat(ran).startsWith("r0", "v1");
        assertThat(ran).containsExactlyInAnyOrder("r0", "v1", "r3", "v2");
    }

    @Test
    void eachSideHasAQueueOfItsOwn() {
        for (int i = 0; i < 6; i++) {
            submit(Side.RENEWALS, "r" + i);
        }
        assertThatThrownBy(() -> submit(Side.RENEWALS, "r6")).isInstanceOf(RejectedExecutionException.class);

        submit(Side.VISITS, "v0");
        submit(Side.VISITS, "v1");

        assertThat(threads).hasSize(4);
    }

    @Test
    void whatWaitsGoesOnWhereATaskThrows() {
        shares.of(Side.VISITS).execute(() -> {
            throw new IllegalStateException("a defect");
        });
        submit(Side.VISITS, "v1");
        submit(Side.VISITS, "v2");
        submit(Side.VISITS, "v3");

        assertThatThrownBy(() -> threads.get(0).run()).isInstanceOf(IllegalStateException.class);

        assertThat(threads).hasSize(4);
        threads.get(3).run();
        assertThat(ran).containsExactly("v3");
    }

    @Test
    void oneThreadServesBothSides() {
        OrderShares one = new OrderShares(threads::add, 1, 3);
        one.of(Side.RENEWALS).execute(() -> ran.add("r"));
        one.of(Side.VISITS).execute(() -> ran.add("v"));

        threads.get(0).run();

        assertThat(ran).containsExactly("r", "v");
    }

    @Test
    void oneThreadGoesFromOneSideToTheOtherWhileBothWait() {
        OrderShares one = new OrderShares(threads::add, 1, 3);
        for (int i = 0; i < 3; i++) {
            String number = String.valueOf(i);
            one.of(Side.VISITS).execute(() -> ran.add("v" + number));
        }
        one.of(Side.RENEWALS).execute(() -> ran.add("r0"));
        one.of(Side.RENEWALS).execute(() -> ran.add("r1"));

        threads.get(0).run();

        assertThat(ran).containsExactly("v0", "r0", "v1", "r1", "v2");
    }

    @Test
    void aThreadThatCannotBeStartedTakesNoPlaceForGood() {
        boolean[] fails = {true};
        OrderShares lacking = new OrderShares(
                task -> {
                    if (fails[0]) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    threads.add(task);
                },
                2,
                3);
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> lacking.of(Side.RENEWALS).execute(() -> ran.add("r")))
                    .isInstanceOf(OutOfMemoryError.class);
        }

        fails[0] = false;
        lacking.of(Side.RENEWALS).execute(() -> ran.add("r"));

        assertThat(threads).hasSize(1);
    }

    @Test
    void tellsHowManyOfEachSideWait() {
        for (int i = 0; i < 5; i++) {
            submit(Side.RENEWALS, "r" + i);
        }
        submit(Side.VISITS, "v0");
        submit(Side.VISITS, "v1");

        assertThat(shares.queued(Side.RENEWALS)).isEqualTo(2);
        assertThat(shares.queued(Side.VISITS)).isEqualTo(1);
    }

    @Test
    void keepsNoOtherThreadWaitingWhateverIsDone() throws Exception {
        for (int i = 0; i < 6; i++) {
            submit(Side.RENEWALS, "r" + i);
        }
        assertAnotherThreadMay();
        assertThatThrownBy(() -> submit(Side.RENEWALS, "r6")).isInstanceOf(RejectedExecutionException.class);
        assertAnotherThreadMay();
        threads.get(0).run();
        assertAnotherThreadMay();
        assertThat(shares.queued(Side.RENEWALS)).isZero();
        assertAnotherThreadMay();

        OrderShares lacking = new OrderShares(
                task -> {
                    throw new OutOfMemoryError("unable to create native thread");
                },
                2,
                3);
        assertThatThrownBy(() -> lacking.of(Side.VISITS).execute(() -> ran.add("v")))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(CompletableFuture.supplyAsync(() -> lacking.queued(Side.VISITS))
                        .get(20, TimeUnit.SECONDS))
                .isZero();
    }

    private void assertAnotherThreadMay() throws Exception {
        int here = shares.queued(Side.RENEWALS);

        assertThat(CompletableFuture.supplyAsync(() -> shares.queued(Side.RENEWALS))
                        .get(20, TimeUnit.SECONDS))
                .isEqualTo(here);
    }
}
