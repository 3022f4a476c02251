package org.ondemandtls.status;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;

/**
 * Writes figures in Prometheus' text format, version 0.0.4.
 *
 * @see <a href="https://prometheus.io/docs/instrumenting/exposition_formats/">Prometheus, exposition formats</a>
 */
final class FiguresText {

    /** The media type. */
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final double NANOS = 1e9;

    private final StringBuilder out = new StringBuilder();

    /**
     * Writes them all.
     *
     * @param gauges what goes up and down
     * @param counts how often each kind of event happened
     * @param series what is counted and timed
     */
    static String of(List<Gauge> gauges, Map<EventKind, Long> counts, List<Figures.Series> series) {
        FiguresText text = new FiguresText();
        for (Gauge gauge : gauges) {
            text.head(gauge.name(), "gauge", gauge.sentence());
            new TreeMap<>(gauge.values())
                    .forEach((value, number) ->
                            text.line(gauge.name(), gauge.label().isEmpty() ? "" : pair(gauge.label(), value), number));
        }
        text.head("ondemandtls_events_total", "counter", "Events since the start, by kind.");
        new TreeMap<>(counts)
                .forEach((kind, count) -> text.line(
                        "ondemandtls_events_total", pair("kind", kind.name().toLowerCase(Locale.ROOT)), count));
        for (Figure figure : Figure.values()) {
            text.head(figure.spelling(), figure.isTimed() ? "histogram" : "counter", figure.sentence());
            series.stream().filter(one -> one.figure() == figure).forEach(text::series);
        }
        return text.out.toString();
    }

    /** How often each kind of {@link Event} happened. */
    static Map<EventKind, Long> counts(Events events) {
        Map<EventKind, Long> counts = new HashMap<>();
        for (EventKind kind : EventKind.values()) {
            counts.put(kind, events.count(kind));
        }
        return counts;
    }

    private void series(Figures.Series one) {
        StringBuilder labels = new StringBuilder();
        for (int at = 0; at < one.values().size(); at++) {
            labels.append(at == 0 ? "" : ",")
                    .append(pair(one.figure().labels().get(at), one.values().get(at)));
        }
        String name = one.figure().spelling();
        if (!one.figure().isTimed()) {
            line(name, labels.toString(), (double) one.count());
            return;
        }
        for (int at = 0; at < one.buckets().size(); at++) {
            double most = Figures.BUCKETS.get(at).toNanos() / NANOS;
            line(name + "_bucket", labels + "," + pair("le", number(most)), (double)
                    one.buckets().get(at));
        }
        line(name + "_bucket", labels + "," + pair("le", "+Inf"), (double) one.count());
        line(name + "_sum", labels.toString(), one.seconds());
        line(name + "_count", labels.toString(), (double) one.count());
    }

    private void head(String name, String type, String sentence) {
        out.append("# HELP ").append(name).append(' ').append(sentence).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void line(String name, String labels, double value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ').append(number(value)).append('\n');
    }

    private static String pair(String name, String value) {
        return name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
