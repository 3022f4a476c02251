package org.ondemandtls.authority;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    // Whole ones without what leads them, and their fraction.
    private static final Pattern SECONDS = Pattern.compile("(?=[0-9])0*+([0-9]*+)(?:\\.([0-9]++))?");
    private static final Pattern ZEROS = Pattern.compile("0*+");
    // Of LONGEST.
    private static final int DIGITS = 5;

    /** A date and time of ISO 8601 with its zone, as programs print it: the date, the time, its fraction, the zone. */
    private static final String ISO = "(\\d{4}-\\d{2}-\\d{2})[ T](\\d{2}:\\d{2}:\\d{2})(?:[.,](\\d{1,9})\\d*)?"
            + " ?(Z|UTC|GMT|[+-]\\d{2}:?\\d{2})(?!\\d)";

    private static final Pattern IN_WORDS = Pattern.compile("retry after " + ISO, Pattern.CASE_INSENSITIVE);
    private static final Pattern ISO_DATE = Pattern.compile(ISO + "(?: UTC)?", Pattern.CASE_INSENSITIVE);

    // The weekday says nothing more.
    private static final Pattern WEEKDAY = Pattern.compile(
            "^(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?,? +", Pattern.CASE_INSENSITIVE);
    private static final Pattern ZONE = Pattern.compile(" (?:UTC|UT|Z)$", Pattern.CASE_INSENSITIVE);
    // "06-Nov-94 08:49:37 GMT", the year also with four digits.
    private static final Pattern RFC_850 =
            Pattern.compile("(\\d{1,2})-(\\p{Alpha}{3})-(\\d{2}|\\d{4}) (.+)", Pattern.DOTALL);
    // "Nov  6 08:49:37 1994", always in UTC.
    private static final Pattern ASCTIME = Pattern.compile(
            "(\\p{Alpha}{3}) +(\\d{1,2}) (\\d{2}:\\d{2}:\\d{2})(?: GMT| UTC)? (\\d{4})(?: GMT)?",
            Pattern.CASE_INSENSITIVE);
    private static final int CENTURY = 100;

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
                .flatMap(text -> seconds(text)
                        .or(() -> {
                            Instant from = date(headers, clock);
                            return date(text, from).map(until -> atMost(Duration.between(from, until)));
                        })
                        .stream())
                .findFirst();
    }

    // Rounded up: who asks before a wait is over has not kept it.
    private static Optional<Duration> seconds(String text) {
        Matcher digits = SECONDS.matcher(text);
        if (!digits.matches()) {
            return Optional.empty();
        }
        if (digits.group(1).length() > DIGITS) {
            return Optional.of(LONGEST);
        }
        long whole = digits.group(1).isEmpty() ? 0 : Long.parseLong(digits.group(1));
        boolean isMore =
                digits.group(2) != null && !ZEROS.matcher(digits.group(2)).matches();
        return Optional.of(atMost(Duration.ofSeconds(isMore ? whole + 1 : whole)));
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
        return found.find() ? iso(found).map(until -> atMost(Duration.between(now, until))) : Optional.empty();
    }

    /** When a response says it was made, otherwise the time by {@code clock}. */
    static Instant date(HttpHeaders headers, Clock clock) {
        return saidDate(headers, clock).orElseGet(clock::instant);
    }

    /** When a response says it was made; empty where it does not, or not so that it can be read. */
    static Optional<Instant> saidDate(HttpHeaders headers, Clock clock) {
        return headers.firstValue("Date").flatMap(text -> date(text, clock.instant()));
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

    /**
     * A date in one of the forms of RFC 9110 section 5.6.7, or of ISO 8601.
     *
     * @param text the date
     * @param near what a year of two digits is near to
     */
    private static Optional<Instant> date(String text, Instant near) {
        Matcher iso = ISO_DATE.matcher(text.strip());
        if (iso.matches()) {
            return iso(iso);
        }
        String plain =
                ZONE.matcher(WEEKDAY.matcher(text.strip()).replaceFirst("")).replaceFirst(" GMT");
        Matcher dashed = RFC_850.matcher(plain);
        Matcher asctime = ASCTIME.matcher(plain);
        if (dashed.matches()) {
            plain = dashed.group(1) + ' ' + dashed.group(2) + ' ' + year(dashed.group(3), near) + ' ' + dashed.group(4);
        } else if (asctime.matches()) {
            plain = asctime.group(2) + ' ' + asctime.group(1) + ' ' + asctime.group(4) + ' ' + asctime.group(3)
                    + " GMT";
        }
        try {
            return Optional.of(ZonedDateTime.parse(plain, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    // Of two digits what is more than 50 years ahead is past (RFC 9110 section 5.6.7).
    private static String year(String digits, Instant near) {
        if (digits.length() > 2) {
            return digits;
        }
        int now = near.atOffset(ZoneOffset.UTC).getYear();
        int year = now - now % CENTURY + Integer.parseInt(digits);
        int ahead = year - now;
        return String.valueOf(ahead > CENTURY / 2 ? year - CENTURY : ahead <= -CENTURY / 2 ? year + CENTURY : year);
    }

    private static Optional<Instant> iso(Matcher found) {
        String fraction = found.group(3) == null ? "" : '.' + found.group(3);
        String offset = found.group(4);
        int end = offset.length();
        boolean isShifted = offset.startsWith("+") || offset.startsWith("-");
        String zone = isShifted ? offset.substring(0, 3) + ':' + offset.substring(end - 2) : "Z";
        try {
            return Optional.of(OffsetDateTime.parse(found.group(1) + 'T' + found.group(2) + fraction + zone)
                    .toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
