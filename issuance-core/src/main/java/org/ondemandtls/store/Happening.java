package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
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
        // Half a pair of surrogates would not come back from the store as it was.
        text = new String(text.getBytes(UTF_8), UTF_8).replaceAll("\\s+", " ").strip();
    }

    /** How many of them are kept with a certificate. */
    public static final int MOST = 24;

    /** What remembers them lately, in memory. */
    @FunctionalInterface
    public interface Source {

        /** What happened to a name, the oldest first; no I/O. */
        List<Happening> of(String name);
    }

    private static final Set<String> COMINGS = Set.of("obtained", "renewed");
    private static final String UNTIL = ", valid until ";

    /** The coming of a certificate, as far as its record tells. */
    static Happening coming(Instant at, boolean first, String issuer, Instant notAfter) {
        return new Happening(
                at,
                first ? "obtained" : "renewed",
                (first ? "obtained from " : "renewed by ") + issuer + UNTIL + notAfter);
    }

    /** Whether it is the coming of a certificate. */
    boolean isComing() {
        return COMINGS.contains(kind);
    }

    /** Both, each once, the oldest first; of too many the newest. Of two comings of one certificate the later one is told. */
    public static List<Happening> joined(List<Happening> kept, List<Happening> lately) {
        Set<Happening> all = new LinkedHashSet<>(kept);
        all.addAll(lately);
        List<Happening> ordered = new ArrayList<>(all);
        ordered.sort(Comparator.comparing(Happening::at));
        Set<String> told = new HashSet<>();
        for (int at = ordered.size() - 1; at >= 0; at--) {
            Happening one = ordered.get(at);
            int until = one.text().lastIndexOf(UNTIL);
            if (one.isComing() && until >= 0 && !told.add(one.text().substring(until))) {
                ordered.remove(at);
            }
        }
        return List.copyOf(ordered.subList(Math.max(0, ordered.size() - MOST), ordered.size()));
    }
}
