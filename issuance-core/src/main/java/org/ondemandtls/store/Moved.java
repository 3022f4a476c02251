package org.ondemandtls.store;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/**
 * A name that does not lead to this server any more.
 *
 * @param since when that was found first
 * @param leadsTo the address it leads to now, or {@code nowhere}
 * @param toDo the record to change so that it leads here again, one line
 */
public record Moved(Instant since, String leadsTo, String toDo) {

    /** Where a name leads that has no address. */
    public static final String NOWHERE = "nowhere";

    /** Keeps the words on one line. */
    public Moved {
        leadsTo = leadsTo.replaceAll("\\s+", "");
        toDo = toDo.replaceAll("\\s+", " ").strip();
    }

    /** For people: {@code its address is now 192.0.2.7}. */
    public String words() {
        return leadsTo.equals(NOWHERE) ? "it has no address any more" : "its address is now " + leadsTo;
    }

    /** As it is kept. */
    String text() {
        return since + " " + leadsTo + " " + toDo;
    }

    /** Reads what {@link #text} has written; empty where it cannot be read, which is no reason to lose a certificate. */
    static Optional<Moved> read(String text) {
        String[] parts = text.split(" ", 3);
        try {
            return parts.length < 3
                    ? Optional.empty()
                    : Optional.of(new Moved(Instant.parse(parts[0]), parts[1], parts[2]));
        } catch (DateTimeException foreign) {
            return Optional.empty();
        }
    }
}
