package org.ondemandtls.status;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.config.PublicCa;
import org.ondemandtls.name.ServerName;

/** Reads a filter as the JSON API, JMX and the command line spell it: the query of a URL. */
public final class FilterText {

    private static final Set<String> KNOWN =
            Set.of("prefix", "state", "domain", "ca", "expiresWithinDays", "refusal", "after", "limit");
    private static final int MOST_DAYS = 40_000;
    // Only memory knows these, or nobody: a list would go through every certificate and have none of them.
    private static final Set<NameState> NOT_LISTED =
            EnumSet.of(NameState.DENIED, NameState.WAITING, NameState.OBTAINING, NameState.UNKNOWN);
    private static final String LABEL = ".x";
    private static final int FIRST_BEYOND_ASCII = 0x80;

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
                prefix(parameters.getOrDefault("prefix", "")),
                states(parameters.getOrDefault("state", "")),
                given(parameters, "expiresWithinDays").map(days -> now.plus(days(days))),
                given(parameters, "ca").map(FilterText::issuer),
                given(parameters, "domain").map(FilterText::domain),
                given(parameters, "refusal"));
    }

    /**
     * Reads what names begin with as an operator writes it; other letters than those of ASCII as whole labels only.
     *
     * @throws IllegalArgumentException if no name begins so
     */
    static String prefix(String text) {
        String stripped = text.strip();
        if (stripped.chars().allMatch(c -> c < FIRST_BEYOND_ASCII)) {
            return stripped.toLowerCase(Locale.ROOT);
        }
        String undotted = stripped.endsWith(".") ? stripped.substring(0, stripped.length() - 1) : stripped;
        String ascii = ServerName.parse(undotted + LABEL).value();
        return ascii.substring(0, ascii.length() - LABEL.length()) + (undotted.equals(stripped) ? "" : ".");
    }

    private static String domain(String text) {
        try {
            return ServerName.parse(text).value();
        } catch (IllegalArgumentException noName) {
            // A registered domain may be one label, where its suffix is no public one.
            return text.toLowerCase(Locale.ROOT);
        }
    }

    private static String issuer(String ca) {
        return PublicCa.named(ca).map(one -> one.directory().toString()).orElse(ca);
    }

    /**
     * Reads states as an operator writes them.
     *
     * @param words states in any case, separated by commas; empty for none
     * @throws IllegalArgumentException if there is no such state, or names in it cannot be listed
     */
    public static Set<NameState> states(String words) {
        Set<NameState> states = EnumSet.noneOf(NameState.class);
        for (String word : words.split(",", -1)) {
            if (!word.isBlank()) {
                states.add(state(word.strip()));
            }
        }
        if (states.contains(NameState.REFUSED) && states.size() > 1) {
            throw new IllegalArgumentException("list the state refused alone: it is found by what the CA said");
        }
        return states;
    }

    private static NameState state(String word) {
        String constant = word.replace('-', '_').toUpperCase(Locale.ROOT);
        return Arrays.stream(NameState.values())
                .filter(one -> one.name().equals(constant) && !NOT_LISTED.contains(one))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "names are listed in the states served, stored, overdue, idle, withdrawn, moved-away, expired and"
                                + " refused; for any other state look the name up"));
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
}
