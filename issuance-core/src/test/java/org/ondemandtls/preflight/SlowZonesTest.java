package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.ManualTime;

/** {@link SlowZones}: one zone never has all threads. */
class SlowZonesTest {

    private final ManualTime time = new ManualTime();
    private final SlowZones zones = new SlowZones(time::nanoTime);

    @Test
    void oneZoneIsLookedAtAFewTimesAtOnceAndOthersMeanwhile() {
        for (int i = 0; i < SlowZones.AT_ONCE; i++) {
            assertThat(zones.tryBegin("slow.example")).isTrue();
        }

        assertThat(zones.tryBegin("slow.example")).isFalse();
        assertThat(zones.tryBegin("other.example")).isTrue();
        zones.end("slow.example");
        assertThat(zones.tryBegin("slow.example")).isTrue();
    }

    @Test
    void aZoneThatTookTooLongIsLeftAloneForAWhile() {
        zones.tooSlow("slow.example");

        time.advance(SlowZones.LEFT_ALONE.minusNanos(1));
        assertThat(zones.tryBegin("slow.example")).isFalse();
        time.advance(SlowZones.LEFT_ALONE);
        assertThat(zones.tryBegin("slow.example")).isTrue();
    }
}
