package org.ondemandtls.event;

import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Something that happened, ready for one line of log.
 *
 * @param kind what kind of thing
 * @param name the server name it concerns, null where it concerns none
 * @param text one line in words: no key, no token, nothing a client sent but the canonical name
 */
public record Event(EventKind kind, @Nullable ServerName name, String text) {

    /** The line as it is logged: {@code name=shop.example } first where there is a name. */
    public String line() {
        return name == null ? text : "name=" + name + " " + text;
    }
}
