package org.ondemandtls.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What was given, key by key, and the mistakes in it: it goes on after one, so that all are reported at once. */
final class GivenKeys {

    private final ValueFiles files;
    private final Map<ConfigKey, Value> given = new EnumMap<>(ConfigKey.class);
    private final Set<ConfigKey> mentioned = EnumSet.noneOf(ConfigKey.class);
    private final Set<ConfigKey> wrong = EnumSet.noneOf(ConfigKey.class);
    private final List<String> mistakes = new ArrayList<>();

    /**
     * Collects what was given.
     *
     * @param properties by name; names of others are ignored
     * @param files where values may be
     */
    GivenKeys(Map<String, String> properties, ValueFiles files) {
        this.files = files;
        collect(properties);
    }

    /** The form of a value. */
    @FunctionalInterface
    interface Parser<T> {

        /** Reads a value. */
        T parse(String text) throws Mistake;
    }

    // In the order of the names, so that the same properties give the same report.
    private void collect(Map<String, String> properties) {
        new TreeMap<>(properties).forEach((name, text) -> {
            if (!name.regionMatches(true, 0, ConfigKey.PREFIX, 0, ConfigKey.PREFIX.length())) {
                return;
            }
            Optional<Spelling> spelling = Spelling.of(name);
            if (spelling.isEmpty()) {
                mistakes.add(unknown(name));
            } else if (!text.isBlank()) {
                collect(spelling.get(), text.trim());
            }
        });
    }

    private void collect(Spelling spelling, String text) {
        ConfigKey key = spelling.key();
        if (!mentioned.add(key)) {
            mistakes.add(key.key() + " and " + key.fileKey() + " are both given; keep one of them");
        } else if (spelling.byFile()) {
            content(spelling, text).ifPresent(content -> given.put(key, new Value(spelling, content)));
        } else {
            given.put(key, new Value(spelling, text));
        }
    }

    private static String unknown(String name) {
        return Mistake.shown(name) + " is not a known key; the nearest is " + NearestKey.to(name)
                + ", correct or remove it";
    }

    private Optional<String> content(Spelling spelling, String path) {
        try {
            Path file = files.path(path);
            String content = files.text(file);
            if (content.isEmpty()) {
                throw new Mistake(file.toString(), "is empty; write the value of " + spelling.key() + " into it");
            }
            return Optional.of(content);
        } catch (Mistake mistake) {
            wrong.add(spelling.key());
            mistakes.add(spelling.name() + ": " + mistake.in(true));
            return Optional.empty();
        }
    }

    /** Whether any value was given, a wrong one included. */
    boolean mentions(ConfigKey key) {
        return mentioned.contains(key);
    }

    /** Whether the value that was given cannot be taken; that is reported already. */
    boolean isWrong(ConfigKey key) {
        return wrong.contains(key);
    }

    /** Reports a mistake that no single value makes. */
    void report(String mistake) {
        mistakes.add(mistake);
    }

    /** All mistakes so far, in the order they were found. */
    List<String> mistakes() {
        return mistakes;
    }

    /** The value of a key that has a default. */
    <T> T required(ConfigKey key, Parser<T> parser) {
        return optional(key, parser).orElseGet(() -> byDefault(key, parser));
    }

    /** The value of a key, empty where none is given, or a wrong one. */
    <T> Optional<T> optional(ConfigKey key, Parser<T> parser) {
        return Optional.ofNullable(given.get(key)).flatMap(value -> parsed(value, value.text(), parser));
    }

    /** A duration within the bounds of its key. */
    Duration duration(ConfigKey key) {
        return required(key, Grammar.durationWithin(key));
    }

    /** A number within the bounds of its key. */
    int number(ConfigKey key) {
        return required(key, Grammar.numberWithin(key));
    }

    /**
     * The elements of a list that are right. Commas that separate nothing are let pass: appending with "+=,name" leaves
     * one at the front.
     */
    <T> List<T> elements(ConfigKey key, Parser<T> parser) {
        Value value = given.get(key);
        if (value == null) {
            String defaults = key.defaultText().orElse("");
            return split(defaults).stream()
                    .map(element -> GivenKeys.<T>byDefault(key, element, parser))
                    .toList();
        }
        List<String> elements = split(value.text());
        if (elements.isEmpty()) {
            wrong.add(key);
            mistakes.add(value.spelling().name() + ": there is nothing between the commas; write at least one of the "
                    + key.type().label());
        }
        return elements.stream()
                .flatMap(element -> parsed(value, element, parser).stream())
                .toList();
    }

    /** Whether the value of a key, if it has one, has commas. */
    boolean isList(ConfigKey key) {
        Value value = given.get(key);
        return value != null && value.text().contains(",");
    }

    /** The elements of a list whose places count, so that what is empty counts; commas at the end add nothing. */
    <T> List<Optional<T>> places(ConfigKey key, Parser<T> parser) {
        Value value = given.get(key);
        if (value == null) {
            return List.of();
        }
        List<Optional<T>> places = new ArrayList<>();
        int filled = 0;
        for (String text : value.text().split(",", -1)) {
            places.add(text.isBlank() ? Optional.empty() : parsed(value, text.trim(), parser));
            filled = text.isBlank() ? filled : places.size();
        }
        return places.subList(0, filled);
    }

    /** How many places a list has as it was written, filled or not. */
    int written(ConfigKey key, String separator) {
        Value value = given.get(key);
        return value == null ? 0 : value.text().split(separator, -1).length;
    }

    /** Several lists with commas; where one of them says nothing, that is reported. */
    <T> List<List<T>> lists(ConfigKey key, char separator, Parser<T> parser) {
        Value value = given.get(key);
        if (value == null || value.text().indexOf(separator) < 0) {
            return List.of(elements(key, parser));
        }
        List<List<T>> lists = new ArrayList<>();
        for (String list : value.text().split(String.valueOf(separator), -1)) {
            List<String> elements = split(list);
            if (elements.isEmpty()) {
                wrong.add(key);
                mistakes.add(
                        value.spelling().name() + ": there is nothing between the semicolons; write at least one of"
                                + " the " + key.type().label());
            }
            lists.add(elements.stream()
                    .flatMap(element -> parsed(value, element, parser).stream())
                    .toList());
        }
        return lists;
    }

    private static List<String> split(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(String::trim)
                .filter(element -> !element.isEmpty())
                .toList();
    }

    private <T> Optional<T> parsed(Value value, String text, Parser<T> parser) {
        try {
            return Optional.of(parser.parse(text));
        } catch (Mistake mistake) {
            wrong.add(value.spelling().key());
            mistakes.add(value.spelling().name() + ": " + mistake.in(value.showable()));
            return Optional.empty();
        }
    }

    private static <T> T byDefault(ConfigKey key, Parser<T> parser) {
        return byDefault(key, key.defaultText().orElseThrow(), parser);
    }

    private static <T> T byDefault(ConfigKey key, String text, Parser<T> parser) {
        try {
            return parser.parse(text);
        } catch (Mistake mistake) {
            throw new IllegalStateException("the default of " + key + " " + mistake.getMessage(), mistake);
        }
    }

    private record Value(Spelling spelling, String text) {

        // Whoever puts a value into a file may do so because nobody is to see it.
        boolean showable() {
            return !spelling.key().secret() && !spelling.byFile();
        }
    }
}
