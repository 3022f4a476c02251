package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ThreadPool;
import org.eclipse.jetty.util.thread.VirtualThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Handshakes that waited go on where Jetty is told to run: applications on virtual threads where there are some, and on
 * the pool's own where there are none.
 */
class VirtualThreadsIT {

    private static final int VISITS = 40;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(VISITS);
    private final Queue<Boolean> virtual = new ConcurrentLinkedQueue<>();
    private final CountDownLatch leave = new CountDownLatch(1);
    private ServerFixture fixture;

    @AfterEach
    void stop() throws Exception {
        leave.countDown();
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void whatWaitedIsAnsweredOnVirtualThreadsOfTheQueuedThreadPoolWhereTheJdkHasThem() throws Exception {
        QueuedThreadPool threads = new QueuedThreadPool(ServerFixture.THREADS);
        threads.setVirtualThreadsExecutor(VirtualThreads.getDefaultVirtualThreadsExecutor());
        start(threads);

        List<CompletableFuture<String>> visits = visitWhileTheAnswerIsSlow();

        // Each application thread is blocked: beyond eight of them only virtual threads get this far.
        int together = VirtualThreads.areSupported() ? VISITS : 1;
        await().atMost(Duration.ofSeconds(30)).until(() -> virtual.size() >= together);
        assertThat(threads.getThreads()).isLessThanOrEqualTo(ServerFixture.THREADS);
        endWell(visits);
        // Jetty lets the thread that found a task run it itself where it can: some are the pool's own.
        int leastVirtual = VirtualThreads.areSupported() ? VISITS - ServerFixture.THREADS : 0;
        int mostVirtual = VirtualThreads.areSupported() ? VISITS : 0;
        assertThat(virtual).hasSize(VISITS);
        assertThat(virtual.stream().filter(isVirtual -> isVirtual)).hasSizeBetween(leastVirtual, mostVirtual);
    }

    @Test
    void aPoolOfNothingButVirtualThreadsRunsEverything() throws Exception {
        start(VirtualThreads.areSupported() ? new VirtualThreadPool() : new QueuedThreadPool(ServerFixture.THREADS));

        List<CompletableFuture<String>> visits = visitWhileTheAnswerIsSlow();

        endWell(visits);
        assertThat(virtual).hasSize(VISITS).containsOnly(VirtualThreads.areSupported());
    }

    private void start(ThreadPool threads) throws Exception {
        fixture = new ServerFixture(directory, threads);
        fixture.server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                virtual.add(VirtualThreads.isVirtualThread());
                leave.await();
                Content.Sink.write(response, true, "waited", callback);
                return true;
            }
        });
        fixture.start();
    }

    private List<CompletableFuture<String>> visitWhileTheAnswerIsSlow() {
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < VISITS; i++) {
            String name = "slow" + i % 10 + ".customer.test";
            visits.add(CompletableFuture.supplyAsync(() -> visit(name), clients));
        }
        await().atMost(Duration.ofSeconds(30))
                .until(() -> fixture.secure.getConnectedEndPoints().size() == VISITS
                        && fixture.ask.questions().size() == 10);
        assertThat(virtual).isEmpty();
        fixture.slowAnswers.countDown();
        return visits;
    }

    private void endWell(List<CompletableFuture<String>> visits) throws Exception {
        leave.countDown();
        CompletableFuture.allOf(visits.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
        assertThat(visits).allSatisfy(visit -> assertThat(visit.join()).startsWith("HTTP/1.1 200 "));
    }

    private String visit(String name) {
        try {
            return fixture.client().get(name);
        } catch (Exception e) {
            return e.toString();
        }
    }
}
