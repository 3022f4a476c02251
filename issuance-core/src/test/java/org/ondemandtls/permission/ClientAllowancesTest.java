package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.testing.ManualTime;

/** {@link ClientAllowances}: each block by itself, and all together. */
class ClientAllowancesTest {

    private static final ClientBlock ALICE = new ClientBlock("4:0a0000");
    private static final ClientBlock BOB = new ClientBlock("4:0b0000");

    private final ManualTime time = new ManualTime();
    private final ClientAllowances allowances = new ClientAllowances(
            new ClientAllowances.Bound("each", new Rate(2, Duration.ofSeconds(10))),
            new ClientAllowances.Bound("all", new Rate(4, Duration.ofSeconds(1))),
            100,
            time::nanoTime);

    @Test
    void oneBlockThatHasTakenItsOwnLeavesTheOthersTheirs() {
        assertThat(allowances.tryTake(ALICE)).isEmpty();
        assertThat(allowances.tryTake(ALICE)).isEmpty();

        assertThat(allowances.tryTake(ALICE)).contains("each");
        assertThat(allowances.tryTake(BOB)).isEmpty();
    }

    @Test
    void allTogetherAreBoundedLocalOnesToo() {
        for (int i = 0; i < 4; i++) {
            assertThat(allowances.tryTake(ClientBlock.LOCAL)).isEmpty();
        }

        assertThat(allowances.tryTake(ClientBlock.LOCAL)).contains("all");
        assertThat(allowances.tryTake(BOB)).contains("all");
        time.advance(Duration.ofSeconds(1));
        assertThat(allowances.tryTake(BOB)).isEmpty();
    }
}
