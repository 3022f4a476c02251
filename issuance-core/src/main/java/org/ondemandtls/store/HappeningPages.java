package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What happened to names that have no certificate, in the store: {@value #PAGES} pages of at most {@value #NAMES} names with
 * their last {@value #PER_NAME} happenings, and one of {@value #NAMES_OF_ANYBODY} names that strangers can bring about. A page
 * is one small text among the engine's secrets, which older versions leave alone.
 *
 * <p>Where a page is full, names of which nothing was heard for longest go first.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the store. Of two servers that write the same page at the same
 * moment one wins; who has written looks again later, see {@link #add}.
 */
public final class HappeningPages {

    /** How many pages there are. */
    public static final int PAGES = 256;

    /** How many names a page has at most. */
    static final int NAMES = 32;

    /** How many happenings of a name a page has at most. */
    public static final int PER_NAME = 8;

    /** The page of names of which nothing is known but what strangers can bring about. */
    public static final String OF_ANYBODY = "history/anybody";

    /** How many names that page has at most. */
    public static final int NAMES_OF_ANYBODY = 128;

    private static final int PER_NAME_OF_ANYBODY = 4;
    private static final String DIRECTORY = "history/";
    private static final String FIRST_LINE =
            "# What happened to names without a certificate: name, moment, kind, words.";
    private static final String SEPARATOR = "\t";
    private static final int FIELDS = 4;
    /** Kinds that say nothing but that somebody asked for a name, or that it is gone. */
    private static final Set<String> OF_ANY_NAME =
            Set.of("denied", "no_answer", "still_failing", "recovered", "forgotten");

    private final CertificateStore store;

    /**
     * Makes them; nothing is read or written yet.
     *
     * @param store where they are kept
     */
    public HappeningPages(CertificateStore store) {
        this.store = store;
    }

    /** Whether a kind may be brought about for any name by whoever asks for it. */
    public static boolean isOfAnyName(String kind) {
        return OF_ANY_NAME.contains(kind);
    }

    /** The page a name is on. */
    public static String pageOf(String name) {
        return DIRECTORY + Sha256.hex(name).substring(0, 2);
    }

    /**
     * What is kept of a name, the oldest first.
     *
     * @throws StoreException if the store could not be read
     */
    public List<Happening> of(String name) throws StoreException {
        return Happening.joined(
                read(pageOf(name)).getOrDefault(name, List.of()),
                read(OF_ANYBODY).getOrDefault(name, List.of()));
    }

    /**
     * Makes the page for what strangers bring about, so that no later than now it is there.
     *
     * @throws StoreException if the store could not be read or written
     */
    public void prepare() throws StoreException {
        if (store.readSecret(OF_ANYBODY).isEmpty()) {
            store.writePublic(OF_ANYBODY, text(OF_ANYBODY, Map.of()).getBytes(UTF_8));
        }
    }

    /**
     * Adds what happened to names of one page.
     *
     * @param page {@link #OF_ANYBODY}, or what {@link #pageOf} says of each of the names
     * @param news what happened, by name
     * @return false where all that fits was there already, so that nothing was written; what was written is there for good
     *     once a later call returns false
     * @throws StoreException if the store could not be read or written
     */
    public boolean add(String page, Map<String, List<Happening>> news) throws StoreException {
        Map<String, List<Happening>> before = read(page);
        Map<String, List<Happening>> after = new LinkedHashMap<>(before);
        news.forEach((name, happened) -> {
            List<Happening> all = Happening.joined(before.getOrDefault(name, List.of()), happened);
            int most = page.equals(OF_ANYBODY) ? PER_NAME_OF_ANYBODY : PER_NAME;
            if (!all.isEmpty()) {
                after.put(name, List.copyOf(all.subList(Math.max(0, all.size() - most), all.size())));
            }
        });
        String text = text(page, after);
        if (text.equals(text(page, before))) {
            return false;
        }
        store.writePublic(page, text.getBytes(UTF_8));
        return true;
    }

    private Map<String, List<Happening>> read(String page) throws StoreException {
        Map<String, List<Happening>> names = new LinkedHashMap<>();
        String text = new String(store.readSecret(page).orElseGet(() -> new byte[0]), UTF_8);
        for (String line : text.lines().toList()) {
            String[] fields = line.split(SEPARATOR, FIELDS);
            if (fields.length == FIELDS) {
                moment(fields[1])
                        .ifPresent(at -> names.computeIfAbsent(fields[0], none -> new ArrayList<>())
                                .add(new Happening(at, fields[2], fields[3])));
            }
        }
        return names;
    }

    // A later version may write lines of another kind.
    private static Optional<Instant> moment(String text) {
        try {
            return Optional.of(Instant.parse(text));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static String text(String page, Map<String, List<Happening>> names) {
        int most = page.equals(OF_ANYBODY) ? NAMES_OF_ANYBODY : NAMES;
        List<Map.Entry<String, List<Happening>>> lasting = new ArrayList<>(names.entrySet());
        lasting.sort(Comparator.<Map.Entry<String, List<Happening>>, Instant>comparing(
                        entry -> last(entry.getValue()), Comparator.reverseOrder())
                .thenComparing(Map.Entry::getKey));
        StringBuilder text = new StringBuilder(FIRST_LINE).append('\n');
        for (Map.Entry<String, List<Happening>> name : lasting.subList(0, Math.min(most, lasting.size()))) {
            for (Happening one : name.getValue()) {
                text.append(String.join(SEPARATOR, name.getKey(), one.at().toString(), one.kind(), one.text()))
                        .append('\n');
            }
        }
        return text.toString();
    }

    private static Instant last(List<Happening> happenings) {
        return happenings.get(happenings.size() - 1).at();
    }
}
