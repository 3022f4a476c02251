package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.testing.ManualTime;

/** {@link Preparation}: what is done ahead of the first visitors, and when. */
class PreparationTest {

    private final List<String> done = new ArrayList<>();
    private final Queue<Runnable> handed = new ArrayDeque<>();
    private final ManualTime time = new ManualTime();
    private final ScheduledExecutorService timer = time.scheduler();

    private Preparation preparation(Issuer issuer, Executor executor) {
        return new Preparation(
                issuer, List.of(new Recording()), () -> done.add("rehearsed"), () -> done.add("afterwards"), executor);
    }

    private void runWhatWasHanded() {
        while (!handed.isEmpty()) {
            handed.remove().run();
        }
    }

    @Nested
    class WithAnEmptyStore {

        private final Preparation preparation = preparation(Issuer.ACME, handed::add);

        @Test
        void theStartGoesOnWhileTheCaIsMadeReadyAndVisitsAreRehearsed() {
            preparation.begin(true);
            assertThat(done).isEmpty();

            runWhatWasHanded();
            preparation.await();

            assertThat(done).containsExactly("prepared", "rehearsed", "afterwards");
        }

        @Test
        void nothingIsRehearsedASecondTime() {
            preparation.begin(true);
            preparation.serve(timer);
            time.advance(Duration.ofSeconds(10));
            runWhatWasHanded();

            assertThat(done).containsExactly("prepared", "rehearsed", "afterwards");
        }

        @Test
        void aConnectorWaitsForTheRehearsal() throws Exception {
            CountDownLatch curtain = new CountDownLatch(1);
            Preparation slow = new Preparation(
                    Issuer.ACME,
                    List.of(),
                    () -> {
                        awaitQuietly(curtain);
                        done.add("rehearsed");
                    },
                    () -> {},
                    task -> new Thread(task).start());
            slow.begin(true);

            CompletableFuture<Void> waiting = CompletableFuture.runAsync(slow::await);
            assertThat(waiting).isNotDone();
            curtain.countDown();
            waiting.get();

            assertThat(done).containsExactly("rehearsed");
        }

        @Test
        void aRehearsalThatFailsKeepsNoConnectorClosed() {
            Preparation failing = new Preparation(
                    Issuer.ACME,
                    List.of(),
                    () -> {
                        throw new IllegalStateException("forgot the text");
                    },
                    () -> {},
                    Runnable::run);
            failing.begin(true);

            failing.await();
        }
    }

    @Nested
    class WithCertificatesInTheStore {

        private final Preparation preparation = preparation(Issuer.ACME, handed::add);

        @Test
        void visitsAreRehearsedThreeSecondsAfterTheStart() {
            preparation.begin(false);
            preparation.await();
            preparation.serve(timer);
            runWhatWasHanded();
            assertThat(done).containsExactly("prepared");

            time.advance(Duration.ofSeconds(3));
            runWhatWasHanded();

            assertThat(done).containsExactly("prepared", "rehearsed", "afterwards");
        }
    }

    @Nested
    class WithTheInternalCa {

        @Test
        void itIsMadeReadyOnceTheServerServes() {
            Preparation preparation = preparation(Issuer.INTERNAL, Runnable::run);
            preparation.begin(true);
            preparation.await();
            assertThat(done).isEmpty();

            preparation.serve(timer);

            assertThat(done).containsExactly("prepared");
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private final class Recording implements Authority {

        @Override
        public String id() {
            return "recording";
        }

        @Override
        public void prepare() {
            done.add("prepared");
        }

        @Override
        public List<X509Certificate> sign(Order order, Journal journal) {
            return List.of();
        }

        @Override
        public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) {
            return Optional.empty();
        }

        @Override
        public boolean honoursReplaces() {
            return false;
        }

        @Override
        public void close() {}
    }
}
