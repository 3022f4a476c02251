package org.ondemandtls.config;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations and rates as an operator writes them: a whole number and its unit, nothing between. */
final class Quantity {

    /** What a text is told that is no duration; completes "TEXT …". */
    static final String NO_DURATION =
            "is not a duration; write a whole number and its unit, like 500ms, 30s, 5m, 12h or 7d";

    // Twelve digits of the largest unit fit a Duration.
    private static final Pattern FORM = Pattern.compile("([0-9]{1,12})([A-Za-z]{1,2})");

    /** What a text is told that is no rate; completes "TEXT …". */
    static final String NO_RATE =
            "is not a rate; write a whole number from 1 to 1000000, a slash and a duration, like 60/10m or 100/1s";

    private static final Pattern RATE = Pattern.compile("([0-9]{1,7})/(.+)");
    private static final int MOST_IN_RATE = 1_000_000;
    private static final Duration LONGEST_RATE = Duration.ofDays(30);

    private Quantity() {}

    /**
     * Reads a duration.
     *
     * @param text for example {@code 500ms}, {@code 30s}, {@code 5m}, {@code 12h} or {@code 7d}
     * @return the duration, zero or more
     * @throws IllegalArgumentException if it is none; the message completes "TEXT …"
     */
    static Duration duration(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException(NO_DURATION);
        }
        long amount = Long.parseLong(form.group(1));
        return switch (form.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            case "d" -> Duration.ofDays(amount);
            default -> throw new IllegalArgumentException(NO_DURATION);
        };
    }

    /**
     * Reads a rate.
     *
     * @param text for example {@code 60/10m} or {@code 100/1s}
     * @return the rate
     * @throws IllegalArgumentException if it is none; the message completes "TEXT …"
     */
    static Rate rate(String text) {
        Matcher form = RATE.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException(NO_RATE);
        }
        int count = Integer.parseInt(form.group(1));
        Duration per;
        try {
            per = duration(form.group(2));
        } catch (IllegalArgumentException noDuration) {
            throw new IllegalArgumentException(NO_RATE, noDuration);
        }
        if (count < 1 || count > MOST_IN_RATE || per.isZero() || per.compareTo(LONGEST_RATE) > 0) {
            throw new IllegalArgumentException(NO_RATE);
        }
        return new Rate(count, per);
    }

    /**
     * Writes a duration so that {@link #duration} reads it again, cut to whole milliseconds.
     *
     * @throws ArithmeticException if it has a fraction of a second and is too long for a number of milliseconds
     */
    static String text(Duration duration) {
        return duration.getNano() == 0 ? duration.getSeconds() + "s" : duration.toMillis() + "ms";
    }
}
