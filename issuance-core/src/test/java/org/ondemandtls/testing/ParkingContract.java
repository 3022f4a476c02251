package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Handshakes that wait: what they hold, and how they end. */
public abstract class ParkingContract<F extends HostFixture> extends HostContract<F> {

    private static final int MANY = 500;
    private static final String SLOW = "slow.customer.test";
    private static final int HANDSHAKE = 22;

    private final ExecutorService clients = Executors.newFixedThreadPool(MANY);

    @AfterEach
    void endClients() {
        clients.shutdownNow();
    }

    @Test
    void fiveHundredHoldNoThreadWhileAKnownNameIsServed() throws Exception {
        fixture.launch();
        fixture.visit("known.customer.test");
        List<CompletableFuture<String>> waiting = new ArrayList<>();

        for (int i = 0; i < MANY; i++) {
            waiting.add(visit("slow.customer" + i % 10 + ".test"));
        }
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == MANY);
        String known = fixture.visit("known.customer.test");

        assertThat(known).startsWith("HTTP/1.1 200 ");
        assertThat(waiting).noneMatch(CompletableFuture::isDone);
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.busyThreads() == 0);

        fixture.slowAnswers.countDown();

        CompletableFuture.allOf(waiting.toArray(CompletableFuture[]::new)).get(3, TimeUnit.MINUTES);
        assertThat(waiting).allSatisfy(answer -> assertThat(answer.join()).startsWith("HTTP/1.1 200 "));
        assertThat(fixture.parked()).isZero();
    }

    @Test
    void aWaitLongerThanTheIdleTimeoutEndsWithAnAnswer() throws Exception {
        fixture.launch();
        CompletableFuture<String> visit = visit(SLOW);
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 1);
        // While it waits, and no longer: how fast the handshake goes on is not the question.
        fixture.idleTimeout(Duration.ofMillis(300));
        await().atMost(Duration.ofMinutes(2)).pollDelay(Duration.ofSeconds(7)).until(() -> !visit.isDone());
        // Shorter than the wait, which does not count.
        fixture.idleTimeout(Duration.ofSeconds(6));

        fixture.slowAnswers.countDown();

        assertThat(visit.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void theDeadlineEndsTheWaitWithTheAlertInternalError() throws Exception {
        fixture.keys.put("onDemandTls.handshake.deadline", "1s");
        fixture.launch();

        assertThat(TlsProbe.trustingAnything().handshake(fixture.port(), SLOW).alert())
                .contains("internal_error");
    }

    @Test
    void aStopEndsTheWaitWithAnAlertAndLeavesNoThread() throws Exception {
        fixture.launch();
        CompletableFuture<TlsProbe.Outcome> visit = CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().handshake(fixture.port(), SLOW), clients);
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 1 && fixture.busyThreads() == 0);

        // Before the answer that it waits for, which comes at the end.
        fixture.halt();

        assertThat(visit.get(2, TimeUnit.MINUTES).alert()).contains("internal_error");
        assertThat(fixture.slowAnswers.getCount()).isEqualTo(1);
        assertNoThreadIsLeft();
    }

    @ParameterizedTest(name = "that has sent {0} octets more, {1} times")
    @CsvSource({"0, 0", "6, 1", "100, 5"})
    void aClientThatGoesAwayGivesItsPlaceBack(int octets, int times) throws Exception {
        fixture.keys.put("onDemandTls.handshake.parked", "1");
        fixture.launch();
        try (Socket leaving = fixture.tcp()) {
            leaving.setTcpNoDelay(true);
            leaving.getOutputStream().write(TlsProbe.trustingAnything().clientHello(SLOW));
            await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 1);
            for (int i = 0; i < times; i++) {
                leaving.getOutputStream().write(new byte[octets]);
            }
        }
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 0);

        assertThat(fixture.visit("other.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aClientThatIsStillThereKeepsItsPlaceWhateverItSendsMeanwhile() throws Exception {
        fixture.launch();
        byte[] hello = TlsProbe.trustingAnything().clientHello(SLOW);
        try (Socket talking = fixture.tcp()) {
            talking.getOutputStream().write(hello);
            await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 1);
            talking.getOutputStream().write(new byte[100_000]);
            await().pollDelay(Duration.ofSeconds(2)).until(() -> fixture.parked() == 1);

            fixture.slowAnswers.countDown();

            assertThat(talking.getInputStream().read()).isEqualTo(HANDSHAKE);
        }
    }

    /** Visits a name from a thread of its own. */
    protected final CompletableFuture<String> visit(String name) {
        return CompletableFuture.supplyAsync(() -> fixture.visit(name), clients);
    }
}
