package org.ondemandtls.authority;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads how long a CA wants to be left alone.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3">RFC 9110 section 10.2.3</a>
 */
final class RetryAfter {

    /** What a wait is assumed to be where none is given. */
    static final Duration DEFAULT = Duration.ofSeconds(10);

    /** What it is assumed to be where the CA limits the rate and does not say for how long. */
    static final Duration LIMITED = Duration.ofMinutes(1);

    /** What it is assumed to be where somebody has to act before the CA accepts the account. */
    static final Duration ACCOUNT = Duration.ofMinutes(10);

    /** The longest wait that is believed. */
    static final Duration LONGEST = Duration.ofDays(1);

    /** The shortest wait a refusal may ask for. */
    static final Duration SHORTEST = Duration.ofSeconds(1);

    private static final Pattern IN_WORDS = Pattern.compile(
            "retry after (\\d{4}-\\d{2}-\\d{2})[ T](\\d{2}:\\d{2}:\\d{2})(?: ?UTC|Z)", Pattern.CASE_INSENSITIVE);
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    private RetryAfter() {}

    /**
     * The wait a response asks for.
     *
     * @param headers the response's
     * @param clock tells the time where a date is given and the response has no date of its own
     * @return zero to {@link #LONGEST}, of several the first that can be read; empty where none, or none that can be read, is
     *     asked for
     */
    static Optional<Duration> in(HttpHeaders headers, Clock clock) {
        return headers.allValues("Retry-After").stream()
                .map(String::strip)
                .flatMap(text -> {
                    if (SECONDS.matcher(text).matches()) {
                        return Stream.of(atMost(Duration.ofSeconds(Long.parseLong(text))));
                    }
                    Instant from = date(headers, clock);
                    return date(text).map(until -> atMost(Duration.between(from, until))).stream();
                })
                .findFirst();
    }

    /**
     * The wait a problem's words ask for, as Let's Encrypt's do: "retry after 2026-11-20 12:01:00 UTC".
     *
     * @param words the CA's
     * @param now the CA's own date, or ours
     * @return zero to {@link #LONGEST}; empty where none, or none that can be read, is asked for
     */
    static Optional<Duration> in(String words, Instant now) {
        Matcher found = IN_WORDS.matcher(words);
        if (!found.find()) {
            return Optional.empty();
        }
        try {
            Instant until = Instant.parse(found.group(1) + 'T' + found.group(2) + 'Z');
            return Optional.of(atMost(Duration.between(now, until)));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** When a response says it was made, otherwise the time by {@code clock}. */
    static Instant date(HttpHeaders headers, Clock clock) {
        return headers.firstValue("Date").flatMap(RetryAfter::date).orElseGet(clock::instant);
    }

    /** A wait that can be acted upon after a refusal: what was asked for, within bounds, otherwise {@link #DEFAULT}. */
    static Duration clamped(Optional<Duration> asked) {
        return clamped(asked, DEFAULT);
    }

    /** A wait that can be acted upon after a refusal: what was asked for, within bounds, otherwise {@code byDefault}. */
    static Duration clamped(Optional<Duration> asked, Duration byDefault) {
        Duration wait = asked.orElse(byDefault);
        return wait.compareTo(SHORTEST) < 0 ? SHORTEST : atMost(wait);
    }

    private static Duration atMost(Duration wait) {
        if (wait.isNegative()) {
            return Duration.ZERO;
        }
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }

    private static Optional<Instant> date(String text) {
        try {
            return Optional.of(ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
