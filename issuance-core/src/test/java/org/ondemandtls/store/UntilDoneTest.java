package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.ondemandtls.machine.Time;

/** {@link UntilDone}: a task in the background gives up for nothing but the end. */
@Timeout(60)
class UntilDoneTest {

    private static final Duration SOON = Duration.ofNanos(1);

    private final List<Exception> failures = new CopyOnWriteArrayList<>();
    private final BlockingQueue<Throwable> toThrow = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> runs = new LinkedBlockingQueue<>();

    private UntilDone task(UntilDone.Task task) {
        return new UntilDone(Time.ofMachine(), "test-until-done", SOON, task, failures::add);
    }

    private void fail() throws IOException, StoreException {
        Throwable next = toThrow.poll();
        if (next instanceof IOException io) {
            throw io;
        }
        if (next instanceof StoreException store) {
            throw store;
        }
        if (next instanceof RuntimeException unexpected) {
            throw unexpected;
        }
        if (next instanceof Error error) {
            throw error;
        }
    }

    @Test
    void isTriedAgainWhateverItThrowsAndTellsOnce() throws Exception {
        toThrow.addAll(List.of(
                new IOException("disk"),
                new StoreException("database"),
                new IllegalStateException("a driver's defect"),
                new NoClassDefFoundError("org/example/Driver")));
        try (UntilDone task = task(() -> {
            fail();
            runs.add("done");
        })) {
            task.start();

            assertThat(runs.poll(50, TimeUnit.SECONDS)).isEqualTo("done");
        }

        assertThat(failures)
                .singleElement()
                .satisfies(failure -> assertThat(failure).hasMessage("disk"));
    }

    @Test
    void tellsWhichErrorItWas() throws Exception {
        toThrow.add(new NoClassDefFoundError("org/example/Driver"));
        try (UntilDone task = task(() -> {
            fail();
            runs.add("done");
        })) {
            task.start();

            assertThat(runs.poll(50, TimeUnit.SECONDS)).isEqualTo("done");
        }

        assertThat(failures)
                .singleElement()
                .satisfies(failure ->
                        assertThat(failure).hasMessage("a defect: java.lang.NoClassDefFoundError: org/example/Driver"));
    }

    @Test
    void runsOnceMoreWhenItIsWantedWhileItRuns() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        try (UntilDone task = task(() -> {
            runs.add("run");
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        })) {
            task.start();
            runs.poll(50, TimeUnit.SECONDS);

            task.start();
            task.start();
            goOn.countDown();

            assertThat(runs.poll(50, TimeUnit.SECONDS)).isEqualTo("run");
        }

        assertThat(runs).isEmpty();
    }

    @Test
    void endsInTheMiddleOfAPause() throws Exception {
        toThrow.add(new IOException("disk"));
        CountDownLatch told = new CountDownLatch(1);
        UntilDone task = new UntilDone(
                Time.ofMachine(), "test-until-done", Duration.ofDays(1), this::fail, failure -> told.countDown());
        task.start();
        assertThat(told.await(50, TimeUnit.SECONDS)).isTrue();

        task.close();

        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("test-until-done");
    }

    @Test
    void doesNotBeginOnceItIsClosed() {
        UntilDone task = task(() -> runs.add("run"));
        task.close();

        task.start();

        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("test-until-done");
        assertThat(runs).isEmpty();
    }
}
