package org.ondemandtls.config;

import java.util.ArrayList;
import java.util.List;

/** Renders {@link ConfigKey} for readers: as a table in Markdown, and as the template of the Jetty module. */
final class ConfigurationTable {

    private static final int TEMPLATE_WIDTH = 110;

    private ConfigurationTable() {}

    /** The table of the keys this version has; ends with a line feed. */
    static String markdown() {
        var table = new StringBuilder("| key | default | value | meaning |\n|---|---|---|---|\n");
        for (ConfigKey key : ConfigKey.values()) {
            table.append("| `")
                    .append(key.key())
                    .append("` | ")
                    .append(key.defaultText().map(text -> '`' + text + '`').orElse("–"))
                    .append(" | ")
                    .append(form(key))
                    .append(" | ")
                    .append(escaped(key.sentence()))
                    .append(" |\n");
        }
        return table.toString();
    }

    /** What follows {@code [ini-template]}: a comment and a commented-out line for each key this version has. */
    static String iniTemplate() {
        var paragraphs = new ArrayList<String>();
        for (ConfigKey key : ConfigKey.values()) {
            String bounds = bounds(key);
            String text = bounds.isEmpty() ? key.sentence() : key.sentence() + " From " + bounds + '.';
            var paragraph = new StringBuilder();
            wrapped(text).forEach(line -> paragraph.append("## ").append(line).append('\n'));
            paragraph
                    .append("# ")
                    .append(key.key())
                    .append('=')
                    .append(key.defaultText().orElse(""))
                    .append('\n');
            paragraphs.add(paragraph.toString());
        }
        return String.join("\n", paragraphs);
    }

    private static String form(ConfigKey key) {
        String bounds = bounds(key);
        return bounds.isEmpty() ? key.type().label() : key.type().label() + ", " + bounds;
    }

    private static String bounds(ConfigKey key) {
        return key.least()
                .map(least -> least + " to " + key.most().orElseThrow())
                .orElse("");
    }

    private static String escaped(String sentence) {
        return sentence.replaceAll("[*|<_\\\\]", "\\\\$0");
    }

    private static List<String> wrapped(String text) {
        var lines = new ArrayList<String>();
        var line = new StringBuilder();
        for (String word : text.split(" ", -1)) {
            if (line.length() + 1 + word.length() > TEMPLATE_WIDTH) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
