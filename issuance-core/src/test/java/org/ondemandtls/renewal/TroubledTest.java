package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link Troubled}: a record that fails is told of once, left alone for a while, and forgotten once it works. */
class TroubledTest {

    private static final String SHOP = "shop.example.com";

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();
    private final Troubled troubled = new Troubled(recorded.events(), time::nanoTime);

    @Test
    void isLeftAloneForAWhileAndNoLonger() {
        assertThat(troubled.isLeftAlone(SHOP)).isFalse();
        troubled.failed(SHOP, new StoreException("cannot be read"));

        time.advance(Troubled.LEFT_ALONE.minusNanos(1));
        assertThat(troubled.isLeftAlone(SHOP)).isTrue();
        assertThat(troubled.isLeftAlone("other.example.com")).isFalse();
        time.advance(Duration.ofNanos(1));

        assertThat(troubled.isLeftAlone(SHOP)).isFalse();
    }

    @Test
    void isToldOfOnceWithItsNameAndWhatIsWrong() {
        troubled.failed(SHOP, new StoreException("the disk says no"));
        troubled.failed(SHOP, new StoreException("the disk says no"));
        troubled.failed("other.example.com", new IllegalStateException("a defect"));

        assertThat(recorded.lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(SHOP, "(the disk says no)", "every 5 min");
        assertThat(recorded.lines(EventKind.DEFECT))
                .singleElement()
                .asString()
                .contains("other.example.com", "IllegalStateException: a defect");
    }

    @Test
    void isForgottenAnHourAfterItFailedLast() {
        troubled.failed(SHOP, new StoreException("no"));
        assertThat(troubled.size()).isEqualTo(1);

        time.advance(Troubled.LEFT_ALONE.plus(Troubled.FORGOTTEN_AFTER));
        assertThat(troubled.size()).isEqualTo(1);
        time.advance(Duration.ofNanos(1));

        assertThat(troubled.size()).isZero();
        troubled.failed(SHOP, new StoreException("no"));
        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(2);
    }

    @Test
    void ofTooManyTheOneThatFailedLongestAgoMakesRoom() {
        for (int i = 0; i < Troubled.MOST; i++) {
            troubled.failed("n" + i + ".example.com", new StoreException("no"));
        }
        troubled.failed("n0.example.com", new StoreException("no"));
        assertThat(troubled.size()).isEqualTo(Troubled.MOST);

        troubled.failed(SHOP, new StoreException("no"));

        assertThat(troubled.size()).isEqualTo(Troubled.MOST);
        assertThat(troubled.isLeftAlone("n0.example.com")).isTrue();
        assertThat(troubled.isLeftAlone("n1.example.com")).isFalse();
        assertThat(troubled.isLeftAlone(SHOP)).isTrue();
    }
}
