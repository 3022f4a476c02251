package org.ondemandtls.handshake;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.event.FlightRecorder;

/** How many handshakes were refused, by reason. Safe for many threads; counting is two additions. */
final class RefusalCounts {

    private final LongAdder[] counts = new LongAdder[Refusal.values().length];

    private final Figures figures;

    /**
     * Begins at zero.
     *
     * @param figures where each is counted as well, for who reads figures
     */
    RefusalCounts(Figures figures) {
        this.figures = figures;
        for (int reason = 0; reason < counts.length; reason++) {
            counts[reason] = new LongAdder();
        }
    }

    /** Counts one. */
    void count(Refusal reason) {
        counts[reason.ordinal()].increment();
        figures.count(Figure.REFUSED, reason.word());
        FlightRecorder.refusal(reason.word());
    }

    /** All counts, those that are zero included, by {@link Refusal#word}. */
    Map<String, Long> all() {
        Map<String, Long> all = new TreeMap<>();
        for (Refusal reason : Refusal.values()) {
            all.put(reason.word(), counts[reason.ordinal()].sum());
        }
        return all;
    }
}
