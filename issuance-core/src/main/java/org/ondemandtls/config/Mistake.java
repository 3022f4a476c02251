package org.ondemandtls.config;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A value that cannot be taken, in words that complete the name of its key. */
final class Mistake extends Exception {

    /** What must not stand in a line, nor in a name. */
    static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cntrl}\\u2028\\u2029\\p{Cf}]");

    private static final int MAX_SHOWN = 100;

    private final @Nullable String subject;

    /**
     * A mistake.
     *
     * @param subject the text that is wrong; null for one that must not be shown
     * @param what what is wrong with it and what to do; completes "TEXT …"
     */
    Mistake(@Nullable String subject, String what) {
        super(what);
        this.subject = subject;
    }

    /** The sentence, with the text only where it may be shown. */
    String in(boolean showable) {
        return (showable && subject != null ? quoted(subject) : "the value") + ' ' + getMessage();
    }

    /** A text in quotes, as {@link #shown} shows it. */
    static String quoted(String text) {
        return '"' + shown(text) + '"';
    }

    /** A text as one line of bearable length. */
    static String shown(String text) {
        String line = UNPRINTABLE.matcher(text).replaceAll("?");
        return line.length() <= MAX_SHOWN ? line : line.substring(0, MAX_SHOWN) + "…";
    }
}
