package org.ondemandtls.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link Outage}: told once, however many names it concerns. */
class OutageTest {

    private static final ServerName A = ServerName.parse("a.example.com");
    private static final ServerName B = ServerName.parse("b.example.com");

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();
    private final Outage outage =
            new Outage(recorded.events(), EventKind.AUTHORITY_UNAVAILABLE, "the CA", time::nanoTime);

    @Test
    void isToldOfOnceWhileTheReasonStays() {
        outage.failed(A, "no connection");
        outage.failed(B, "no connection");

        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).containsExactly("name=a.example.com no connection");
        assertThat(recorded.lines(EventKind.STILL_FAILING)).containsExactly("name=b.example.com no connection");
    }

    @Test
    void isToldOfAgainWhenTheReasonChangesOrAMinuteHasPassed() {
        outage.failed(A, "no connection");
        outage.failed(A, "time-out");
        time.advance(Outage.REPEATED_AFTER);
        outage.failed(A, "time-out");

        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(3);
    }

    @Test
    void isToldOfAFewTimesAMinuteHoweverManyReasonsComeInTurn() {
        for (int i = 0; i < 100; i++) {
            outage.failed(A, i % 2 == 0 ? "no connection" : "time-out");
        }
        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(2);

        for (int i = 0; i < 100; i++) {
            outage.failed(A, "status " + i);
        }
        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(Outage.MOST_REASONS);
    }

    @Test
    void isNotOverWhileItWorksForSomeNamesAndFailsForOthers() {
        for (int i = 0; i < 600; i++) {
            outage.failed(A, "no connection");
            outage.worked();
            time.advance(Duration.ofMillis(50));
        }

        assertThat(recorded.lines(EventKind.RECOVERED)).isEmpty();
        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(1);
    }

    @Test
    void isOverOnceWhenItWorksAfterAQuietTimeAndThenBeginsAnew() {
        outage.worked();
        outage.failed(A, "no connection");
        time.advance(Outage.QUIET.minusNanos(1));
        outage.worked();
        assertThat(recorded.lines(EventKind.RECOVERED)).isEmpty();
        time.advance(Duration.ofNanos(1));
        outage.worked();
        outage.worked();
        outage.failed(A, "no connection");

        assertThat(recorded.lines(EventKind.RECOVERED)).containsExactly("the CA works again");
        assertThat(recorded.lines(EventKind.AUTHORITY_UNAVAILABLE)).hasSize(2);
    }

    @Test
    void isSeenWhileItLastsAndForAsLongAsItWasMetLately() {
        Events events = new Events(event -> {}, time::nanoTime);
        Outage outage = new Outage(events, EventKind.AUTHORITY_UNAVAILABLE, "the CA", time::nanoTime);
        Duration minute = Duration.ofMinutes(1);
        outage.failed(A, "no connection");

        assertThat(events.failing(minute)).containsExactly(Map.entry("the CA", "no connection"));

        time.advance(minute);
        assertThat(events.failing(minute)).isNotEmpty();
        time.advance(Duration.ofNanos(1));
        assertThat(events.failing(minute)).isEmpty();

        outage.failed(A, "no connection");
        time.advance(Outage.QUIET);
        outage.worked();
        assertThat(events.failing(minute)).isEmpty();
    }
}
