package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Handshakes that wait: what they hold, and how they end. */
class ParkingIT {

    private static final int MANY = 500;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(MANY);
    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void fiveHundredWaitOnEightThreadsWhileAKnownNameIsServed() throws Exception {
        fixture.start();
        Client client = fixture.client();
        client.get("known.customer.test");
        List<CompletableFuture<String>> waiting = new ArrayList<>();

        for (int i = 0; i < MANY; i++) {
            String name = "slow.customer" + i % 10 + ".test";
            waiting.add(CompletableFuture.supplyAsync(() -> visit(client, name), clients));
        }
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            assertThat(waiting).noneMatch(CompletableFuture::isDone);
            assertThat(fixture.secure.getConnectedEndPoints().size()).isEqualTo(MANY);
        });
        String known = client.get("known.customer.test");

        assertThat(known).startsWith("HTTP/1.1 200 ");
        assertThat(waiting).noneMatch(CompletableFuture::isDone);
        assertThat(((QueuedThreadPool) fixture.server.getThreadPool()).getUtilizedThreads())
                .isLessThan(ServerFixture.THREADS);

        fixture.slowAnswers.countDown();

        CompletableFuture.allOf(waiting.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
        assertThat(waiting).allSatisfy(answer -> assertThat(answer.join()).startsWith("HTTP/1.1 200 "));
    }

    @Test
    void aWaitLongerThanTheIdleTimeoutEndsWithAnAnswer() throws Exception {
        fixture.secure.setIdleTimeout(300);
        fixture.start();
        CompletableFuture<String> visit =
                CompletableFuture.supplyAsync(() -> visit(fixture.client(), "slow.customer.test"), clients);
        await().pollDelay(Duration.ofMillis(1200)).until(() -> !visit.isDone());

        fixture.slowAnswers.countDown();

        assertThat(visit.get(20, TimeUnit.SECONDS)).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void theDeadlineEndsTheWaitWithTheAlertInternalError() throws Exception {
        fixture.keys.put("onDemandTls.handshake.deadline", "1s");
        fixture.start();

        assertThat(visit(fixture.client(), "slow.customer.test")).contains("internal_error");
    }

    @Test
    void aStopEndsTheWaitAndLeavesNoThread() throws Exception {
        fixture.server.setStopTimeout(30_000);
        fixture.start();
        CompletableFuture<String> visit =
                CompletableFuture.supplyAsync(() -> visit(fixture.client(), "slow.customer.test"), clients);
        await().until(() -> fixture.secure.getConnectedEndPoints().size() == 1);
        long started = System.nanoTime();

        fixture.server.stop();

        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(10));
        assertThat(visit.get(5, TimeUnit.SECONDS)).doesNotStartWith("HTTP");
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                        .noneMatch(thread -> thread.getName().contains("ondemand")));
    }

    @Test
    void aClientThatGoesAwayGivesItsPlaceBack() throws Exception {
        fixture.keys.put("onDemandTls.handshake.parked", "1");
        fixture.start();
        try (Socket leaving = fixture.client().tcp()) {
            leaving.getOutputStream().write(Hellos.clientHello("slow.customer.test"));
            leaving.setSoTimeout(500);
            assertThat(readsNothingInTime(leaving)).isTrue();
        }
        await().atMost(Duration.ofSeconds(5))
                .until(() -> fixture.secure.getConnectedEndPoints().isEmpty());

        assertThat(fixture.client().get("other.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    private static boolean readsNothingInTime(Socket socket) throws Exception {
        InputStream in = socket.getInputStream();
        try {
            return in.read() == Integer.MAX_VALUE;
        } catch (SocketTimeoutException e) {
            return true;
        }
    }

    private static String visit(Client client, String name) {
        try {
            return client.get(name);
        } catch (Exception e) {
            return e.toString();
        }
    }
}
