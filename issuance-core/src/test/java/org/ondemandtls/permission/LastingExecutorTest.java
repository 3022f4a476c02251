package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** {@link LastingExecutor}: no task it took is lost, and each runs once. */
class LastingExecutorTest {

    private final Queue<Runnable> queued = new ArrayDeque<>();
    private final List<String> ran = new ArrayList<>();
    private boolean full;
    private final LastingExecutor executor = new LastingExecutor(task -> {
        if (full) {
            throw new RejectedExecutionException();
        }
        queued.add(task);
    });

    @Test
    void aTaskRunsOnTheExecutorBehindIt() {
        executor.execute(() -> ran.add("one"));
        assertThat(ran).isEmpty();

        queued.remove().run();

        assertThat(ran).containsExactly("one");
    }

    @Test
    void whatTheExecutorDroppedIsRunAtTheEndAndOnce() {
        executor.execute(() -> ran.add("one"));

        executor.close();
        queued.remove().run();

        assertThat(ran).containsExactly("one");
    }

    @Test
    void afterTheEndATaskRunsAtOnce() {
        full = true;
        executor.close();

        executor.execute(() -> ran.add("late"));

        assertThat(ran).containsExactly("late");
    }

    @Test
    void aFullExecutorIsToldOfBeforeTheEnd() {
        full = true;

        assertThatThrownBy(() -> executor.execute(() -> ran.add("one"))).isInstanceOf(RejectedExecutionException.class);
        executor.close();

        assertThat(ran).isEmpty();
    }
}
