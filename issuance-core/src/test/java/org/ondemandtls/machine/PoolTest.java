package org.ondemandtls.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** {@link Pool}, where the system gives only so many threads. */
class PoolTest {

    private static final Duration IDLE = Duration.ofMinutes(1);

    private final AtomicInteger threads = new AtomicInteger();
    private final CountDownLatch busy = new CountDownLatch(1);
    private final Pool pool = Pool.bounded(4, 2, IDLE, this::thread);

    private Thread thread(Runnable task) {
        if (threads.getAndDecrement() <= 0) {
            throw new OutOfMemoryError("unable to create native thread");
        }
        return new Thread(task);
    }

    @AfterEach
    void end() {
        busy.countDown();
        pool.shutdown();
    }

    private void occupy() {
        pool.execute(() -> {
            try {
                busy.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Test
    void aTaskIsRejectedWhereThereIsNoThreadAtAll() {
        assertThatThrownBy(this::occupy)
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("the system has no thread to give");

        assertThat(pool.getQueue()).isEmpty();
    }

    @Test
    void aTaskWaitsForAThreadThatThereIs() throws Exception {
        threads.set(1);
        CountDownLatch run = new CountDownLatch(2);
        occupy();

        pool.execute(run::countDown);
        pool.execute(run::countDown);
        assertThatThrownBy(() -> pool.execute(run::countDown)).isInstanceOf(RejectedExecutionException.class);

        busy.countDown();
        run.await();
    }

    @Test
    void anotherThreadIsStartedOnceTheSystemHasOne() throws Exception {
        threads.set(1);
        occupy();
        threads.set(1);
        CountDownLatch run = new CountDownLatch(1);

        pool.execute(run::countDown);

        run.await();
        assertThat(pool.getPoolSize()).isEqualTo(2);
    }

    @Test
    void whereEachTaskHasItsThreadOneTooManyIsRejected() {
        try (var unused = new Ending(Pool.atOnce(IDLE, this::thread))) {
            assertThatThrownBy(() -> unused.pool().execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
        }
    }

    private record Ending(Pool pool) implements AutoCloseable {

        @Override
        public void close() {
            pool.shutdown();
        }
    }

    @Test
    void aPoolThatHasEndedTakesNothing() {
        threads.set(1);
        pool.shutdown();

        assertThatThrownBy(this::occupy).isInstanceOf(RejectedExecutionException.class);
    }
}
