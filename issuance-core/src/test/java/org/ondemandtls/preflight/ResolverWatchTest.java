package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Outage;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link ResolverWatch}: rests when the resolver is silent, and for no stranger's sake. */
class ResolverWatchTest {

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();
    private boolean there = true;
    private int confirmed;
    private final ResolverWatch watch = new ResolverWatch(
            () -> {
                confirmed++;
                return there;
            },
            new Outage(recorded.events(), EventKind.RESOLVER, "the DNS resolver", time::nanoTime),
            time::nanoTime);

    @Test
    void doesNotRestForNamesWithoutAnAnswerWhileTheResolverAnswersItsOwnQuestion() {
        for (int i = 0; i < 1_000; i++) {
            watch.silent();
        }

        assertThat(watch.isResting()).isFalse();
        assertThat(watch.isBack()).isTrue();
        assertThat(recorded.lines(EventKind.RESOLVER)).isEmpty();
    }

    @Test
    void restsWhileItIsSilentAndAsksBeforeItLooksAgain() {
        there = false;
        watch.silent();

        assertThat(watch.isResting()).isTrue();
        assertThat(recorded.lines(EventKind.RESOLVER)).hasSize(1);
        time.advance(ResolverWatch.REST);
        assertThat(watch.isResting()).isFalse();
        assertThat(watch.isSilent()).isTrue();
        assertThat(watch.isBack()).isFalse();
        assertThat(watch.isResting()).isTrue();
        assertThat(confirmed).isEqualTo(2);

        there = true;
        time.advance(ResolverWatch.REST);

        assertThat(watch.isBack()).isTrue();
        assertThat(watch.isSilent()).isFalse();
        assertThat(recorded.lines(EventKind.RECOVERED)).hasSize(1);
    }

    @Test
    void asksNothingBeforeALookWhileAllIsWell() {
        assertThat(watch.isBack()).isTrue();
        time.advance(Duration.ofDays(1));
        assertThat(watch.isBack()).isTrue();

        assertThat(confirmed).isZero();
    }
}
