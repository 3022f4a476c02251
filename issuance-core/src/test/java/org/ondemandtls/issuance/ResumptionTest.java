package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;

/** {@link Resumption}: every open order has its turn, four at a time, however many there are. */
class ResumptionTest {

    private final RecordedEvents recorded = new RecordedEvents();
    private final List<CompletableFuture<KeyedCertificate>> begun = new ArrayList<>();
    private boolean stopping;
    private final Resumption resumption = new Resumption(
            order -> {
                CompletableFuture<KeyedCertificate> flight = new CompletableFuture<>();
                begun.add(flight);
                return flight;
            },
            new DirectExecutor(),
            recorded.events(),
            () -> stopping);

    private static List<OpenOrder> orders(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new OpenOrder(
                        ServerName.parse("shop" + i + ".example.com"),
                        "https://ca.example/directory",
                        Instant.EPOCH,
                        Optional.empty(),
                        TestCertificates.key(),
                        new byte[] {1}))
                .toList();
    }

    private static void fail(CompletableFuture<KeyedCertificate> flight) {
        flight.completeExceptionally(new IssuanceException.Stopping(ServerName.parse("shop.example.com")));
    }

    @Test
    void thousandsThatEndAtOnceFitOnTheStack() {
        List<OpenOrder> one = orders(1);
        List<OpenOrder> many = Collections.nCopies(20_000, one.get(0));
        int[] ended = new int[1];
        Resumption atOnce = new Resumption(
                order -> {
                    ended[0]++;
                    return CompletableFuture.failedFuture(new IssuanceException.Stopping(order.name()));
                },
                new DirectExecutor(),
                recorded.events(),
                () -> false);

        CompletableFuture<Void> done = atOnce.resume(() -> many);

        assertThat(done).isCompleted();
        assertThat(ended[0]).isEqualTo(20_000);
    }

    @Test
    void fourAreUnderWayAtATimeAndTheNextBeginsWhenOneEnds() {
        CompletableFuture<Void> done = resumption.resume(() -> orders(6));
        assertThat(begun).hasSize(4);

        fail(begun.get(2));
        assertThat(begun).hasSize(5);
        fail(begun.get(0));
        fail(begun.get(1));
        fail(begun.get(3));
        fail(begun.get(4));
        assertThat(done).isNotDone();
        fail(begun.get(5));

        assertThat(done).isCompleted();
        assertThat(recorded.lines(EventKind.RESUMED))
                .hasSize(6)
                .allSatisfy(line -> assertThat(line).contains("the server is stopping"));
    }

    @Test
    void noneIsBegunWhileStopping() {
        CompletableFuture<Void> done = resumption.resume(() -> orders(6));
        stopping = true;
        begun.forEach(ResumptionTest::fail);

        assertThat(begun).hasSize(4);
        assertThat(done).isCompleted();
    }

    @Test
    void aJournalThatCannotBeReadIsTold() {
        assertThat(resumption.resume(() -> {
                    throw new StoreException("unreadable");
                }))
                .isCompleted();
        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);
    }

    @Test
    void nothingLeftOpenIsDoneAtOnce() {
        assertThat(resumption.resume(List::of)).isCompleted();
    }

    @Test
    void oneThatCannotBeBegunKeepsNoneOfTheOthersFromItsTurn() {
        int[] tried = new int[1];
        Resumption lacking = new Resumption(
                order -> {
                    tried[0]++;
                    throw new OutOfMemoryError("unable to create native thread");
                },
                new DirectExecutor(),
                recorded.events(),
                () -> false);

        assertThat(lacking.resume(() -> orders(6))).isCompleted();

        assertThat(tried[0]).isEqualTo(6);
        assertThat(recorded.lines(EventKind.RESUMED)).hasSize(6);
    }

    @Test
    void aLookThatCannotBeBegunIsOverAndTold() {
        Resumption lacking = new Resumption(
                order -> new CompletableFuture<>(),
                task -> {
                    throw new OutOfMemoryError("unable to create native thread");
                },
                recorded.events(),
                () -> false);

        assertThat(lacking.resume(List::of)).isCompleted();

        assertThat(recorded.lines(EventKind.DEFECT)).hasSize(1);
    }

    @Test
    void whyOneEndedWithoutACertificateIsToldInTheWordsOfItsCause() {
        resumption.resume(() -> orders(3));

        begun.get(0).completeExceptionally(new CompletionException("wrapped", new IllegalStateException("the cause")));
        begun.get(1).completeExceptionally(new CompletionException("no more", null));
        begun.get(2).complete(null);

        assertThat(recorded.lines(EventKind.RESUMED))
                .containsExactly(
                        "name=shop0.example.com an order that was open before the restart ended without a certificate:"
                                + " the cause",
                        "name=shop1.example.com an order that was open before the restart ended without a certificate:"
                                + " no more",
                        "name=shop2.example.com finished an order that was open before the restart");
    }

    @Test
    void aDefectInTheLookIsThrownAndKeepsNobodyWaiting() {
        List<CompletableFuture<Void>> looks = new ArrayList<>();
        ManualTime.Tasks lookups = new ManualTime.Tasks();
        Resumption defective =
                new Resumption(order -> new CompletableFuture<>(), lookups, recorded.events(), () -> false);
        looks.add(defective.resume(() -> {
            throw new IllegalStateException("unforeseen");
        }));

        assertThatThrownBy(lookups::runAll).isInstanceOf(IllegalStateException.class);

        assertThat(looks.get(0)).isCompleted();
    }

    @Test
    void aLookThatDoesNotFitIsOver() {
        Resumption full = new Resumption(
                order -> new CompletableFuture<>(),
                task -> {
                    throw new RejectedExecutionException();
                },
                recorded.events(),
                () -> false);

        assertThat(full.resume(List::of)).isCompleted();
    }
}
