package org.ondemandtls.event;

import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Something that happened, ready for one line of log.
 *
 * @param kind what kind of thing
 * @param name the server name it concerns, null where it concerns none
 * @param text one line in words: no key, no token, nothing a client sent but the canonical name; what would break
 *     or disguise the line in a log is replaced by {@code ?}, since reasons quote CAs and permission sources
 */
public record Event(EventKind kind, @Nullable ServerName name, String text) {

    /** Makes one line of the text. */
    public Event {
        text = oneLine(text);
    }

    /** The line as it is logged: {@code name=shop.example } first where there is a name. */
    public String line() {
        return name == null ? text : "name=" + name + " " + text;
    }

    private static String oneLine(String text) {
        return text.chars().noneMatch(Event::breaksLine)
                ? text
                : text.chars()
                        .map(c -> breaksLine(c) ? '?' : c)
                        .collect(StringBuilder::new, (line, c) -> line.append((char) c), StringBuilder::append)
                        .toString();
    }

    // Controls end a line or move the cursor; format characters, the bidirectional ones, make it read otherwise.
    private static boolean breaksLine(int c) {
        return switch ((byte) Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
            default -> false;
        };
    }
}
