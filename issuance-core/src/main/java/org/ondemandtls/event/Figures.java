package org.ondemandtls.event;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts and times what an operator watches: one series for each combination of label values.
 *
 * <p>Bounded: a figure has at most {@value #MOST_SERIES} series, what comes beyond is counted under {@code other}. Safe for
 * use by many threads; never blocks.
 */
public final class Figures {

    /** How many series a figure has at most. */
    static final int MOST_SERIES = 200;

    /** The upper bounds of the buckets of a time. */
    public static final List<Duration> BUCKETS = List.of(
            Duration.ofMillis(1),
            Duration.ofMillis(5),
            Duration.ofMillis(25),
            Duration.ofMillis(100),
            Duration.ofMillis(250),
            Duration.ofMillis(500),
            Duration.ofSeconds(1),
            Duration.ofMillis(2500),
            Duration.ofSeconds(5),
            Duration.ofSeconds(10),
            Duration.ofSeconds(25),
            Duration.ofSeconds(60));

    private static final String OTHER = "other";
    private static final double NANOS = 1e9;

    /** Told of everything that is counted or timed, on the thread on which it happens: must not block or throw. */
    public interface Observer {

        /**
         * Something happened once more.
         *
         * @param figure what
         * @param values the label values, bounded as the series are
         */
        void counted(Figure figure, List<String> values);

        /**
         * Something took a time.
         *
         * @param figure what
         * @param nanos how long
         * @param values the label values, bounded as the series are
         */
        void timed(Figure figure, long nanos, List<String> values);
    }

    /**
     * One series as it is at a moment.
     *
     * @param figure what
     * @param values the label values, in the order of the figure's labels
     * @param count how often
     * @param seconds how long in total; 0 for a count
     * @param buckets how often it took at most as long as each of {@link #BUCKETS}, cumulative; empty for a count
     */
    public record Series(Figure figure, List<String> values, long count, double seconds, List<Long> buckets) {}

    private static final class Tally {
        final List<String> values;
        final LongAdder count = new LongAdder();
        final LongAdder nanos = new LongAdder();
        final LongAdder[] buckets;

        Tally(List<String> values, boolean timed) {
            this.values = values;
            this.buckets = new LongAdder[timed ? BUCKETS.size() : 0];
            Arrays.setAll(buckets, at -> new LongAdder());
        }
    }

    private final Map<Figure, Map<List<String>, Tally>> tallies;
    private final List<Observer> observers = new CopyOnWriteArrayList<>();

    /** Makes it, everything at zero. */
    public Figures() {
        Map<Figure, Map<List<String>, Tally>> empty = new ConcurrentHashMap<>();
        for (Figure figure : Figure.values()) {
            empty.put(figure, new ConcurrentHashMap<>());
        }
        this.tallies = Map.copyOf(empty);
    }

    /** Has somebody told of everything from now on. */
    public void observe(Observer observer) {
        observers.add(observer);
    }

    /** Tells an observer of nothing more. */
    public void forget(Observer observer) {
        observers.remove(observer);
    }

    /**
     * Counts.
     *
     * @param figure what
     * @param values one value for each of its labels
     */
    public void count(Figure figure, String... values) {
        Tally tally = tally(figure, List.of(values));
        tally.count.increment();
        observers.forEach(observer -> observer.counted(figure, tally.values));
    }

    /**
     * Times.
     *
     * @param figure what
     * @param nanos how long it took, in nanoseconds
     * @param values one value for each of its labels
     */
    public void time(Figure figure, long nanos, String... values) {
        Tally tally = tally(figure, List.of(values));
        tally.count.increment();
        tally.nanos.add(Math.max(0, nanos));
        for (int at = 0; at < tally.buckets.length; at++) {
            if (nanos <= BUCKETS.get(at).toNanos()) {
                tally.buckets[at].increment();
                break;
            }
        }
        observers.forEach(observer -> observer.timed(figure, nanos, tally.values));
    }

    /** Everything that was counted or timed, in an order that does not change. */
    public List<Series> series() {
        List<Series> all = new ArrayList<>();
        for (Figure figure : Figure.values()) {
            Map<List<String>, Tally> own = tallies.getOrDefault(figure, Map.of());
            List<Series> ofFigure = new ArrayList<>();
            own.forEach((values, tally) -> {
                List<Long> buckets = new ArrayList<>();
                long sum = 0;
                for (LongAdder bucket : tally.buckets) {
                    sum += bucket.sum();
                    buckets.add(sum);
                }
                // Read after the buckets: never less than what is in them.
                long count = Math.max(sum, tally.count.sum());
                ofFigure.add(new Series(figure, values, count, tally.nanos.sum() / NANOS, buckets));
            });
            ofFigure.sort(Comparator.comparing(series -> series.values().toString()));
            all.addAll(ofFigure);
        }
        return all;
    }

    private Tally tally(Figure figure, List<String> values) {
        Map<List<String>, Tally> own = tallies.getOrDefault(figure, Map.of());
        Tally known = own.get(values);
        if (known != null) {
            return known;
        }
        if (values.size() != figure.labels().size()) {
            throw new IllegalArgumentException(figure + " has the labels " + figure.labels());
        }
        List<String> kept = own.size() < MOST_SERIES
                ? values
                : values.stream().map(value -> OTHER).toList();
        return own.computeIfAbsent(kept, key -> new Tally(key, figure.isTimed()));
    }
}
