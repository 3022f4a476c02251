package org.ondemandtls.status;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads a filter as the JSON API, JMX and the command line spell it: the query of a URL. */
public final class FilterText {

    private static final Set<String> KNOWN =
            Set.of("prefix", "state", "domain", "ca", "expiresWithinDays", "refusal", "after", "limit");
    private static final int MOST_DAYS = 40_000;

    private FilterText() {}

    /**
     * The parameters of a query.
     *
     * @param query as it is sent, without its question mark
     */
    public static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new HashMap<>();
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                parameters.put(
                        URLDecoder.decode(pair.substring(0, equals), UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), UTF_8));
            }
        }
        return parameters;
    }

    /**
     * The filter that parameters are.
     *
     * @param parameters by their names; empty ones count as missing
     * @param now the moment from which days are counted
     * @throws IllegalArgumentException if there is no such parameter, or one cannot be read, in one line
     */
    public static NameFilter filter(Map<String, String> parameters, Instant now) {
        for (String name : parameters.keySet()) {
            if (!KNOWN.contains(name)) {
                throw new IllegalArgumentException(
                        "names are listed by " + KNOWN.stream().sorted().toList());
            }
        }
        return new NameFilter(
                lower(parameters, "prefix").orElse(""),
                states(parameters.getOrDefault("state", "")),
                given(parameters, "expiresWithinDays").map(days -> now.plus(days(days))),
                given(parameters, "ca"),
                lower(parameters, "domain"),
                given(parameters, "refusal"));
    }

    /**
     * Reads states as an operator writes them.
     *
     * @param words states in any case, separated by commas; empty for none
     * @throws IllegalArgumentException if there is no such state
     */
    public static Set<NameState> states(String words) {
        Set<NameState> states = EnumSet.noneOf(NameState.class);
        for (String word : words.split(",", -1)) {
            if (!word.isBlank()) {
                states.add(NameState.valueOf(word.strip().replace('-', '_').toUpperCase(Locale.ROOT)));
            }
        }
        return states;
    }

    private static Duration days(String text) {
        try {
            long days = Long.parseLong(text);
            if (Math.abs(days) <= MOST_DAYS) {
                return Duration.ofDays(days);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expiresWithinDays is a number of days", e);
        }
        throw new IllegalArgumentException("expiresWithinDays is too large");
    }

    private static Optional<String> given(Map<String, String> parameters, String name) {
        return Optional.ofNullable(parameters.get(name)).map(String::strip).filter(text -> !text.isEmpty());
    }

    private static Optional<String> lower(Map<String, String> parameters, String name) {
        return given(parameters, name).map(text -> text.toLowerCase(Locale.ROOT));
    }
}
