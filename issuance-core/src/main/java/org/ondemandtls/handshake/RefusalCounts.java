package org.ondemandtls.handshake;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.event.FlightRecorder;

/** How many handshakes were refused, by reason. Safe for many threads; counting is two additions. */
final class RefusalCounts {

    // Never changed once it is made.
    private final Map<Refusal, LongAdder> counts = new EnumMap<>(Refusal.class);

    private final Figures figures;

    /**
     * Begins at zero.
     *
     * @param figures where each is counted as well, for who reads figures
     */
    RefusalCounts(Figures figures) {
        this.figures = figures;
        for (Refusal reason : Refusal.values()) {
            counts.put(reason, new LongAdder());
        }
    }

    /** Counts one. */
    void count(Refusal reason) {
        LongAdder count = counts.get(reason);
        if (count != null) {
            count.increment();
        }
        figures.count(Figure.REFUSED, reason.word());
        FlightRecorder.refusal(reason.word());
    }

    /** All counts, those that are zero included, by {@link Refusal#word}. */
    Map<String, Long> all() {
        Map<String, Long> all = new TreeMap<>();
        counts.forEach((reason, count) -> all.put(reason.word(), count.sum()));
        return all;
    }
}
