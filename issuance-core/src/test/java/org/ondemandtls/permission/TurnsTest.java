package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.testing.ManualTime;

/** {@link Turns}: nothing that is thrown costs a place. */
class TurnsTest {

    private static final ClientBlock ALICE = new ClientBlock("4:0a0000");

    private final ManualTime time = new ManualTime();
    private final List<String> begun = new ArrayList<>();

    @Test
    void aTimerThatCannotBeSetCostsNoPlaceAndNobodyIsLost() {
        boolean[] full = {true};
        ScheduledThreadPoolExecutor timers = time.scheduler();
        ScheduledThreadPoolExecutor failing = new ScheduledThreadPoolExecutor(1) {
            @Override
            public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
                if (full[0]) {
                    throw new OutOfMemoryError("unable to create native thread");
                }
                return timers.schedule(command, delay, unit);
            }
        };
        Turns<String> turns = new Turns<>(
                2,
                10,
                Optional.of(new Allowance(new Rate(1, Duration.ofSeconds(1)), time::nanoTime)),
                failing,
                begun::add);
        turns.offer(ALICE, "first");
        turns.offer(ALICE, "second");
        assertThat(begun).containsExactly("first");

        full[0] = false;
        turns.offer(ALICE, "third");
        time.advance(Duration.ofSeconds(1));

        assertThat(begun).containsExactly("first", "second");
        turns.end();
        time.advance(Duration.ofSeconds(1));
        assertThat(begun).containsExactly("first", "second", "third");
    }
}
