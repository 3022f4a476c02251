package org.ondemandtls.store;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Something that happened to a name.
 *
 * @param at when
 * @param kind the kind of event, one word in lower case
 * @param text what happened, one line
 */
public record Happening(Instant at, String kind, String text) {

    /** Keeps the text on one line. */
    public Happening {
        text = text.replaceAll("\\s+", " ").strip();
    }

    /** How many of them are kept with a certificate. */
    public static final int MOST = 24;

    /** What remembers them lately, in memory. */
    @FunctionalInterface
    public interface Source {

        /** What happened to a name, the oldest first; no I/O. */
        List<Happening> of(String name);
    }

    /** Both, each once, the oldest first; of too many the newest. */
    public static List<Happening> joined(List<Happening> kept, List<Happening> lately) {
        Set<Happening> all = new LinkedHashSet<>(kept);
        all.addAll(lately);
        List<Happening> ordered = new ArrayList<>(all);
        ordered.sort(Comparator.comparing(Happening::at));
        return List.copyOf(ordered.subList(Math.max(0, ordered.size() - MOST), ordered.size()));
    }
}
