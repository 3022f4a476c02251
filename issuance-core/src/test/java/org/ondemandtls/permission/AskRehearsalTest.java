package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** {@link AskRehearsal}: the first question of a JVM, asked of itself. */
class AskRehearsalTest {

    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();

    @AfterEach
    void stop() {
        executor.shutdownNow();
        scheduler.shutdownNow();
    }

    @Test
    void isAnsweredAgainAndAgain() {
        var rehearsal = new AskRehearsal(new Permission.Ports(executor, scheduler, System::nanoTime));

        assertThat(rehearsal.perform()).isTrue();
        assertThat(rehearsal.perform()).isTrue();
    }

    @Test
    void isLeftOutWhereTheEngineEndsMeanwhile() {
        var rehearsal = new AskRehearsal(new Permission.Ports(executor, scheduler, System::nanoTime));
        scheduler.shutdownNow();

        assertThat(rehearsal.perform()).isFalse();
    }
}
