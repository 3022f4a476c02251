package org.ondemandtls.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ServerName;

/** {@link Events}: counted always, handed on within limits. */
class EventsTest {

    private static final ServerName NAME = new ServerName("shop.example");

    private final AtomicLong nanoTime = new AtomicLong();
    private final List<Event> handedOn = new ArrayList<>();
    private final Events events = new Events(handedOn::add, nanoTime::get);

    private void publish(EventKind kind, int times) {
        for (int i = 0; i < times; i++) {
            events.publish(kind, NAME, "no");
        }
    }

    @Nested
    class CausedByOurselves {

        @Test
        void everyEventIsHandedOn() {
            publish(EventKind.OBTAINED, 1_000);

            assertThat(handedOn).hasSize(1_000).containsOnly(new Event(EventKind.OBTAINED, NAME, "no"));
        }
    }

    @Test
    void aListenerThatThrowsEndsNothingAndIsCounted() {
        Events thrown = new Events(
                event -> {
                    throw new IllegalStateException("a listener's own trouble");
                },
                nanoTime::get);

        thrown.publish(EventKind.OBTAINED, NAME, "yes");

        assertThat(thrown.count(EventKind.OBTAINED)).isEqualTo(1);
        assertThat(thrown.count(EventKind.DEFECT)).isEqualTo(1);
    }

    @Test
    void neitherDoesOneThatCannotBeRunAnyMore() {
        Events thrown = new Events(
                event -> {
                    throw new NoClassDefFoundError("of an application that has stopped");
                },
                nanoTime::get);

        thrown.publish(EventKind.DENIED, NAME, "no");

        assertThat(thrown.count(EventKind.DENIED)).isEqualTo(1);
        assertThat(thrown.count(EventKind.DEFECT)).isEqualTo(1);
    }

    @Nested
    class CausedByStrangers {

        @Test
        void eventsUpToTheLimitAreHandedOnAsTheyAre() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW);

            assertThat(handedOn).hasSize(Events.LINES_PER_WINDOW).containsOnly(new Event(EventKind.DENIED, NAME, "no"));
        }

        @Test
        void furtherEventsOfTheWindowAreCountedOnly() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW + 1);

            assertThat(handedOn).hasSize(Events.LINES_PER_WINDOW);
            assertThat(events.count(EventKind.DENIED)).isEqualTo(Events.LINES_PER_WINDOW + 1);
        }

        @Test
        void theWindowLastsToItsLastNanosecond() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW);
            nanoTime.addAndGet(Events.WINDOW.toNanos() - 1);
            publish(EventKind.DENIED, 1);

            assertThat(handedOn).hasSize(Events.LINES_PER_WINDOW);
        }

        @Test
        void theNextWindowBeginsWithHowManyWereLeftOut() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW + 7);
            nanoTime.addAndGet(Events.WINDOW.toNanos());
            publish(EventKind.DENIED, 2);

            assertThat(handedOn.subList(Events.LINES_PER_WINDOW, handedOn.size()))
                    .extracting(Event::text)
                    .containsExactly("no (7 more like this were not logged)", "no");
        }

        @Test
        void theNextWindowHasRoomForAsManyAgain() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW);
            nanoTime.addAndGet(Events.WINDOW.toNanos());
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW + 1);

            assertThat(handedOn).hasSize(2 * Events.LINES_PER_WINDOW);
        }

        @Test
        void oneKindDoesNotSilenceAnother() {
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW + 1);
            publish(EventKind.REFUSED, 1);

            assertThat(handedOn).last().extracting(Event::kind).isEqualTo(EventKind.REFUSED);
        }

        @ParameterizedTest
        @ValueSource(longs = {Long.MIN_VALUE, -1, Long.MAX_VALUE, Long.MAX_VALUE - 10_000_000_000L})
        void aClockMayStartAnywhere(long start) {
            nanoTime.set(start);
            publish(EventKind.DENIED, Events.LINES_PER_WINDOW + 5);
            nanoTime.addAndGet(Events.WINDOW.toNanos());
            publish(EventKind.DENIED, 1);

            assertThat(handedOn).hasSize(Events.LINES_PER_WINDOW + 1);
            assertThat(handedOn).last().extracting(Event::text).asString().contains("(5 more");
        }

        @Test
        void manyThreadsTogetherKeepTheLimit() throws InterruptedException, ExecutionException {
            var lines = new AtomicInteger();
            var shared = new Events(event -> lines.incrementAndGet(), nanoTime::get);
            shared.publish(EventKind.REFUSED, "first");
            var go = new CountDownLatch(1);
            ExecutorService threads = Executors.newFixedThreadPool(4);
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                running.add(threads.submit(() -> {
                    go.await();
                    for (int k = 0; k < 10_000; k++) {
                        shared.publish(EventKind.REFUSED, "again");
                    }
                    return null;
                }));
            }

            go.countDown();
            for (Future<?> each : running) {
                each.get();
            }
            threads.shutdown();

            assertThat(lines).hasValue(Events.LINES_PER_WINDOW);
            assertThat(shared.count(EventKind.REFUSED)).isEqualTo(40_001);
        }
    }

    @Nested
    class AsALine {

        @Test
        void theNameComesFirst() {
            assertThat(new Event(EventKind.DENIED, NAME, "not permitted").line())
                    .isEqualTo("name=shop.example not permitted");
        }

        @Test
        void withoutANameThereIsTheTextOnly() {
            events.publish(EventKind.STARTED, "started");

            assertThat(handedOn).extracting(Event::line).containsExactly("started");
        }

        @ParameterizedTest
        @ValueSource(strings = {"\n", "\r", "\0", "\u001b", "\u007f", "\u0085", "\u2028", "\u2029", "\u202e"})
        void whatWouldBreakOrDisguiseItIsReplaced(String hostile) {
            assertThat(new Event(EventKind.REJECTED, NAME, "bad" + hostile + "name=other.example").text())
                    .isEqualTo("bad?name=other.example");
        }

        @Test
        void otherCharactersStay() {
            String text = "Grüße, 日本, \uD83D\uDCA9";

            assertThat(new Event(EventKind.REJECTED, NAME, text).text()).isEqualTo(text);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyKindGoesToALoggerOfOurs(EventKind kind) {
        assertThat(kind.logger()).matches("org\\.ondemandtls(\\.[a-z]+)?");
    }
}
