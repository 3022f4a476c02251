package org.ondemandtls.command;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigKey;

/**
 * What a server puts in place of {@code ${NAME}} in its configuration, as far as that can be known without the server: the
 * base directory, {@code conf/catalina.properties}, and a default as in {@code ${NAME:-default}}.
 */
final class Placeholders {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^{}]+?)(?::-([^{}]*))?}");

    private static final String PERMISSION = ConfigKey.PREFIX + "permission.";

    private final Properties properties = new Properties();
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
            try (InputStream in = Files.newInputStream(file)) {
                properties.load(in);
            }
            properties.stringPropertyNames().forEach(name -> known.put(name, properties.getProperty(name)));
        }
        known.put("catalina.base", base.toString());
        known.put("jetty.base", base.toString());
    }

    /** What {@code conf/catalina.properties} makes properties of the JVM. */
    Properties properties() {
        return properties;
    }

    /**
     * The keys that can be checked without the server, with what is known in the place of placeholders.
     *
     * @param given keys as they are written
     * @param left is told of each key that only the server can fill, and of its placeholder
     * @return those that are left; where a permission source is not, another stands in its place, so that none is missing
     */
    Map<String, String> checkable(Map<String, String> given, BiConsumer<String, String> left) {
        Map<String, String> keys = new TreeMap<>();
        boolean permissionUnknown = false;
        for (Map.Entry<String, String> written : given.entrySet()) {
            String key = written.getKey();
            Optional<String> unknown = unknown(written.getValue());
            if (unknown.isEmpty()) {
                keys.put(key, filled(written.getValue()));
            } else {
                permissionUnknown |= key.startsWith(PERMISSION);
                left.accept(key, unknown.get());
            }
        }
        if (permissionUnknown) {
            keys.putIfAbsent(ConfigKey.PERMISSION_NAMES.key(), "placeholder.invalid");
        }
        return keys;
    }

    /** The first placeholder in a text that only the server can fill; empty where there is none. */
    private Optional<String> unknown(String text) {
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
