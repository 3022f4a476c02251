package org.ondemandtls.micrometer;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.status.Gauge;
import org.ondemandtls.status.Status;

/**
 * Binds the figures of one engine to a registry:
 *
 * <pre>{@code
 * new OnDemandTlsMetrics(engine.status()).bindTo(registry);
 * }</pre>
 *
 * <p>A Prometheus registry shows them under the names of the engine's own endpoint. What was counted before is not counted
 * again: bind before the server serves.
 *
 * <p><b>Threads.</b> Safe for many. Reading a gauge blocks for the store for at most one look every few seconds.
 */
public final class OnDemandTlsMetrics implements MeterBinder, AutoCloseable {

    private static final String TOTAL = "_total";
    private static final String SECONDS = "_seconds";
    private static final Duration[] BUCKETS = Figures.BUCKETS.toArray(new Duration[0]);

    private final Status status;
    private final List<Figures.Observer> observers = new CopyOnWriteArrayList<>();
    private final List<Runnable> removals = new CopyOnWriteArrayList<>();

    /**
     * Makes a binder.
     *
     * @param status what the engine shows
     */
    public OnDemandTlsMetrics(Status status) {
        this.status = status;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (Gauge gauge : status.gauges()) {
            for (String value : gauge.values().keySet()) {
                Tags tags = gauge.label().isEmpty() ? Tags.empty() : Tags.of(gauge.label(), value);
                ends(
                        registry,
                        io.micrometer.core.instrument.Gauge.builder(
                                        dotted(gauge.name(), ""), () -> current(gauge.name(), value))
                                .description(gauge.sentence())
                                .tags(tags)
                                .register(registry));
            }
        }
        for (EventKind kind : EventKind.values()) {
            ends(
                    registry,
                    FunctionCounter.builder("ondemandtls.events", status, one -> count(one, kind))
                            .description("Events since the start, by kind.")
                            .tag("kind", kind.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
        Figures.Observer observer = new Meters(registry);
        observers.add(observer);
        status.figures().observe(observer);
    }

    /** Counts and times nothing more. What was counted and timed stays; what reads the engine is removed. */
    @Override
    public void close() {
        removals.forEach(Runnable::run);
        removals.clear();
        observers.forEach(status.figures()::forget);
        observers.clear();
    }

    // A registry keeps the first meter of a name: that of an engine which has ended would be read for ever.
    private void ends(MeterRegistry registry, Meter meter) {
        removals.add(() -> registry.remove(meter));
    }

    private Double current(String name, String value) {
        return status.gauges().stream()
                .filter(gauge -> gauge.name().equals(name))
                .findFirst()
                .map(Gauge::values)
                .map(values -> values.getOrDefault(value, 0.0))
                .orElse(0.0);
    }

    private static double count(Status status, EventKind kind) {
        Map<String, Long> counts = status.getEvents();
        return counts.getOrDefault(kind.name(), 0L);
    }

    private static String dotted(String spelling, String suffix) {
        String stem = spelling.endsWith(suffix) ? spelling.substring(0, spelling.length() - suffix.length()) : spelling;
        return stem.replace('_', '.');
    }

    private static Tags tags(Figure figure, List<String> values) {
        List<Tag> tags = new ArrayList<>();
        for (int at = 0; at < values.size(); at++) {
            tags.add(Tag.of(figure.labels().get(at), values.get(at)));
        }
        return Tags.of(tags);
    }

    private static final class Meters implements Figures.Observer {

        private final MeterRegistry registry;

        Meters(MeterRegistry registry) {
            this.registry = registry;
        }

        @Override
        public void counted(Figure figure, List<String> values) {
            Counter.builder(dotted(figure.spelling(), TOTAL))
                    .description(figure.sentence())
                    .tags(tags(figure, values))
                    .register(registry)
                    .increment();
        }

        @Override
        public void timed(Figure figure, long nanos, List<String> values) {
            Timer.builder(dotted(figure.spelling(), SECONDS))
                    .description(figure.sentence())
                    .tags(tags(figure, values))
                    .serviceLevelObjectives(BUCKETS)
                    .register(registry)
                    .record(nanos, TimeUnit.NANOSECONDS);
        }
    }
}
