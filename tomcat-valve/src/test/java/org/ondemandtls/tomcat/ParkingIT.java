package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.TlsProbe;

/** Handshakes that wait: what they hold, and how they end. */
class ParkingIT {

    private static final int MANY = 500;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(MANY);
    private TomcatFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new TomcatFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void fiveHundredWaitOnTwentyThreadsWhileAKnownNameIsServed() throws Exception {
        fixture.start();
        fixture.visit("known.customer.test");
        List<CompletableFuture<String>> waiting = new ArrayList<>();

        for (int i = 0; i < MANY; i++) {
            waiting.add(visit("slow.customer" + i % 10 + ".test"));
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> fixture.parked() == MANY);
        String known = fixture.visit("known.customer.test");

        assertThat(known).startsWith("HTTP/1.1 200 ");
        assertThat(waiting).noneMatch(CompletableFuture::isDone);
        await().atMost(Duration.ofSeconds(5)).until(() -> busyWorkers() == 0);

        fixture.slowAnswers.countDown();

        CompletableFuture.allOf(waiting.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
        assertThat(waiting).allSatisfy(answer -> assertThat(answer.join()).startsWith("HTTP/1.1 200 "));
        assertThat(fixture.parked()).isZero();
    }

    @Test
    void aWaitLongerThanTheConnectionTimeoutEndsWithAnAnswer() throws Exception {
        fixture.secure.setProperty("connectionTimeout", "300");
        fixture.start();
        CompletableFuture<String> visit = visit("slow.customer.test");
        await().pollDelay(Duration.ofMillis(2500)).until(() -> !visit.isDone());

        fixture.slowAnswers.countDown();

        assertThat(visit.get(20, TimeUnit.SECONDS)).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void theDeadlineEndsTheWaitWithTheAlertInternalError() throws Exception {
        fixture.keys.put("onDemandTls.handshake.deadline", "1s");
        fixture.start();

        assertThat(TlsProbe.trustingAnything()
                        .handshake(fixture.port(), "slow.customer.test")
                        .alert())
                .contains("internal_error");
    }

    @Test
    void aStopEndsTheWaitWithAnAlertAndLeavesNoThread() throws Exception {
        fixture.start();
        CompletableFuture<TlsProbe.Outcome> visit = CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().handshake(fixture.port(), "slow.customer.test"), clients);
        await().until(() -> fixture.parked() == 1);
        long started = System.nanoTime();

        fixture.tomcat.stop();

        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(10));
        assertThat(visit.get(5, TimeUnit.SECONDS).alert()).contains("internal_error");
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(HostFixture.onDemandThreads()).isEmpty());
    }

    @Test
    void aClientThatGoesAwayGivesItsPlaceBack() throws Exception {
        fixture.keys.put("onDemandTls.handshake.parked", "1");
        fixture.start();
        try (Socket leaving = fixture.tcp()) {
            leaving.getOutputStream().write(TlsProbe.trustingAnything().clientHello("slow.customer.test"));
            leaving.setSoTimeout(500);
            assertThat(readsNothingInTime(leaving)).isTrue();
            assertThat(fixture.parked()).isEqualTo(1);
        }
        await().atMost(Duration.ofSeconds(5)).until(() -> fixture.parked() == 0);

        assertThat(fixture.visit("other.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aClientThatIsStillThereKeepsItsPlaceWhateverItSendsMeanwhile() throws Exception {
        fixture.start();
        byte[] hello = TlsProbe.trustingAnything().clientHello("slow.customer.test");
        try (Socket talking = fixture.tcp()) {
            talking.getOutputStream().write(hello);
            await().until(() -> fixture.parked() == 1);
            talking.getOutputStream().write(new byte[100_000]);
            await().pollDelay(Duration.ofSeconds(2)).until(() -> fixture.parked() == 1);

            fixture.slowAnswers.countDown();

            assertThat(talking.getInputStream().read()).isEqualTo(22);
        }
    }

    private CompletableFuture<String> visit(String name) {
        return CompletableFuture.supplyAsync(() -> fixture.visit(name), clients);
    }

    private int busyWorkers() {
        return ((ThreadPoolExecutor) fixture.secure.getProtocolHandler().getExecutor()).getActiveCount();
    }

    private static boolean readsNothingInTime(Socket socket) throws Exception {
        try {
            return socket.getInputStream().read() == Integer.MAX_VALUE;
        } catch (SocketTimeoutException e) {
            return true;
        }
    }
}
