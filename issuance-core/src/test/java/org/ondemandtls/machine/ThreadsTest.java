package org.ondemandtls.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.Test;

/** {@link Threads}. */
class ThreadsTest {

    @Test
    void threadsForWorkThatWaitsAreVirtualWhereOneThatWaitsHoldsNothing() throws Exception {
        ThreadFactory made = Threads.waiting("waits-");

        Thread first = made.newThread(() -> {});
        Thread second = made.newThread(() -> {});

        boolean virtual = Runtime.version().feature() >= 21
                && (boolean) Thread.class.getMethod("isVirtual").invoke(first);
        assertThat(virtual).isEqualTo(Runtime.version().feature() >= 24);
        assertThat(first.getName()).isEqualTo("waits-1");
        assertThat(second.getName()).isEqualTo("waits-2");
        assertThat(first.isDaemon()).isTrue();
        assertThat(first.getContextClassLoader()).isSameAs(Threads.class.getClassLoader());
    }
}
