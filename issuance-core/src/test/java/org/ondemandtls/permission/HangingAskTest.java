package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Configurations;

/** {@link Permission} where the endpoint that is asked hangs, a real one on loopback. */
class HangingAskTest {

    private static final Duration TIMEOUT = Duration.ofMillis(1500);
    private static final String FIRST = "first.example.com";

    private final AskEndpoint endpoint =
            AskEndpoint.answering(name -> name.equals(FIRST) ? AskEndpoint.Answer.GRANTED : AskEndpoint.Answer.HANGING);
    private final ExecutorService executor = Executors.newFixedThreadPool(4);
    private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);

    @AfterEach
    void stop() {
        endpoint.close();
        executor.shutdownNow();
        scheduler.shutdownNow();
    }

    @Test
    void whoeverWaitedBehindQuestionsThatHangDoesNotWaitForAnotherOne() throws Exception {
        OnDemandTlsConfig.Permission names = Configurations.permission(null);
        Permission permission = new Permission(
                new OnDemandTlsConfig.Permission(
                        Optional.of(endpoint.uri()),
                        TIMEOUT,
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        names.rememberGranted(),
                        names.rememberDenied()),
                Configurations.shield(4, 100),
                null,
                new Permission.Ports(executor, scheduler, System::nanoTime),
                new Events(event -> {}, System::nanoTime));
        // On a busy machine a time-out may pass while the client and the endpoint load their classes: no question comes
        // then.
        permission
                .decide(ServerName.parse(FIRST), Purpose.OBTAIN, ClientBlock.LOCAL)
                .exceptionally(failure -> null)
                .get(1, TimeUnit.MINUTES);
        List<CompletableFuture<Void>> all = new ArrayList<>();

        for (int i = 0; i < 60; i++) {
            all.add(permission.decide(ServerName.parse("n" + i + ".example.com"), Purpose.OBTAIN, ClientBlock.LOCAL));
        }

        CompletableFuture<Void> ended = CompletableFuture.allOf(
                all.stream().map(one -> one.exceptionally(failure -> null)).toArray(CompletableFuture[]::new));
        ended.get(1, TimeUnit.MINUTES);
        assertThat(all).allMatch(CompletableFuture::isCompletedExceptionally);
        assertThat(endpoint.questions())
                .filteredOn(question -> !question.name().equals(FIRST))
                .as("asked before the first had hung for its whole time")
                .hasSizeLessThanOrEqualTo(4);
        permission.close();
    }
}
