package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which handshakes a host tells the gate of, and that it does so once. */
public abstract class CompletedHandshakesContract<F extends HostFixture> extends HostContract<F> {

    private static final String KNOWN = "known.customer.test";

    // Of one's own: the common pool has one thread on two cores, and two visitors wait here at the same time.
    private final ExecutorService clients = Executors.newCachedThreadPool();

    @AfterEach
    void endClients() {
        clients.shutdownNow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aFullOneAndAResumedOneCountOnceEach(String version) throws Exception {
        fixture.launch();
        fixture.visit(KNOWN);
        assertCounted(1, 1);
        TlsProbe client = TlsProbe.trustingAnything().protocols(version);

        TlsProbe.Outcome full = client.get(fixture.port(), KNOWN, "/");
        assertCounted(2, 1);
        TlsProbe.Outcome resumed = client.get(fixture.port(), KNOWN, "/");

        assertThat(full.answer()).startsWith("HTTP/1.1 200 ");
        assertThat(full.resumed()).isFalse();
        assertThat(resumed.answer()).startsWith("HTTP/1.1 200 ");
        assertThat(resumed.resumed()).isTrue();
        assertCounted(3, 1);
    }

    @Test
    void eachOfThoseThatWaitedIsMarkedSo() throws Exception {
        fixture.launch();
        var first = CompletableFuture.supplyAsync(() -> fixture.visit("slow.customer.test"), clients);
        var second = CompletableFuture.supplyAsync(() -> fixture.visit("slow.customer.test"), clients);
        await().until(() -> fixture.parked() == 2);
        assertCounted(0, 0);

        fixture.slowAnswers.countDown();

        assertThat(first.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
        assertThat(second.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
        assertCounted(2, 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void neitherRefusedNorFailedOnesCount(String version) throws Exception {
        fixture.launch();
        fixture.visit(KNOWN);
        TlsProbe suspicious = TlsProbe.trustingNobody().protocols(version);

        TlsProbe.Outcome failed = suspicious.handshake(fixture.port(), KNOWN);
        TlsProbe.Outcome refused = suspicious.handshake(fixture.port(), "denied.customer.test");
        fixture.visit(KNOWN);

        assertThat(failed.failure()).isPresent();
        assertThat(failed.alert()).isEmpty();
        assertThat(refused.alert()).contains("unrecognized_name");
        assertCounted(2, 1);
    }

    // The client may have its answer before the server's thread has said so.
    private void assertCounted(long completed, long afterWaiting) {
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
            assertThat(fixture.engine().status().getCompletedHandshakes()).isEqualTo(completed);
            assertThat(fixture.engine().status().getCompletedAfterWaiting()).isEqualTo(afterWaiting);
        });
    }
}
