package org.ondemandtls.command;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a server puts in place of {@code ${NAME}} in its configuration, as far as that can be known without the server: the
 * base directory, {@code conf/catalina.properties}, and a default as in {@code ${NAME:-default}}.
 */
final class Placeholders {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^{}]+?)(?::-([^{}]*))?}");

    private final Map<String, String> known = new TreeMap<>();

    /**
     * Reads what is known.
     *
     * @param base the base directory of the server
     * @throws IOException if its properties cannot be read
     */
    Placeholders(Path base) throws IOException {
        Path file = base.resolve("conf/catalina.properties");
        if (Files.isRegularFile(file)) {
            Properties properties = new Properties();
            try (InputStream in = Files.newInputStream(file)) {
                properties.load(in);
            }
            properties.stringPropertyNames().forEach(name -> known.put(name, properties.getProperty(name)));
        }
        known.put("catalina.base", base.toString());
        known.put("jetty.base", base.toString());
    }

    /** The first placeholder in a text that only the server can fill; empty where there is none. */
    Optional<String> unknown(String text) {
        return PLACEHOLDER
                .matcher(text)
                .results()
                .filter(placeholder -> placeholder.group(2) == null && !known.containsKey(placeholder.group(1)))
                .map(MatchResult::group)
                .findFirst();
    }

    /** A text with what is known in its place. */
    String filled(String text) {
        return PLACEHOLDER.matcher(text).replaceAll(placeholder -> {
            String byDefault = placeholder.group(2) == null ? placeholder.group() : placeholder.group(2);
            return Matcher.quoteReplacement(known.getOrDefault(placeholder.group(1), byDefault));
        });
    }
}
