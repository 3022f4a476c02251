package org.ondemandtls.permission;

import java.util.regex.Pattern;
import org.ondemandtls.permission.PermissionPolicy.Decision;

/**
 * Reasons of denials as they may be logged and remembered: one line of at most {@value #LONGEST} printable characters, the
 * same text kept once however many names it denies.
 *
 * <p>A source that words each denial differently is logged in its words, and remembered by a general one while {@value
 * #KEPT} others are: what strangers make us remember stays small. Safe for use by many threads.
 */
final class Reasons {

    static final int LONGEST = 200;
    static final int KEPT = 256;

    private static final Pattern LINE = Pattern.compile("\\R");
    private static final Pattern UNPRINTABLE =
            Pattern.compile("[\\p{Cntrl}\\p{Cf}\\p{Co}\\p{Cs}\\p{Cn}\\u2028\\u2029]");
    private static final Decision.Denied OTHERWISE = new Decision.Denied("denied, see the log for the reason");

    private final Shared<Decision.Denied> kept = new Shared<>(KEPT);

    /** The first line of a text that anybody may have written, fit for a log; empty if there is none. */
    static String line(String text) {
        String[] lines = LINE.split(text.strip(), 2);
        String printable = UNPRINTABLE.matcher(lines[0]).replaceAll("?").strip();
        return printable.length() <= LONGEST ? printable : printable.substring(0, LONGEST);
    }

    /** The denial as it is logged. */
    static Decision.Denied printable(Decision.Denied denied) {
        String line = line(denied.reason());
        return line.equals(denied.reason()) ? denied : new Decision.Denied(line.isEmpty() ? "no reason given" : line);
    }

    /** The denial as it is remembered: one that equal ones share. */
    Decision.Denied remembered(Decision.Denied denied) {
        return kept.share(denied).orElse(OTHERWISE);
    }
}
