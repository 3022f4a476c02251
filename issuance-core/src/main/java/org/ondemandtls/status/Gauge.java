package org.ondemandtls.status;

import java.util.Map;

/**
 * Something that goes up and down, as it is at a moment.
 *
 * @param name its name in Prometheus' spelling
 * @param sentence what it says, in one sentence
 * @param label the name of its label, empty where it has none
 * @param values its value for each value of the label; one under the empty text where it has no label
 */
public record Gauge(String name, String sentence, String label, Map<String, Double> values) {

    static Gauge of(String name, String sentence, double value) {
        return new Gauge(name, sentence, "", Map.of("", value));
    }
}
