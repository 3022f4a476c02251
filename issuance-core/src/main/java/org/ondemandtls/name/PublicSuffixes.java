package org.ondemandtls.name;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The suffixes under which names are registered by different people, with the private section of the list: under {@code
 * github.io} as under {@code co.uk}.
 *
 * <p>Immutable. Some 10,000 rules take about a megabyte.
 *
 * @see <a href="https://publicsuffix.org/list/">The Public Suffix List and its format</a>
 */
public final class PublicSuffixes {

    private static final String RESOURCE = "public_suffix_list.dat";
    private static final String COMMENT = "//";
    private static final String WILDCARD = "*.";
    private static final String EXCEPTION = "!";
    private static final String PUBLIC_SECTION = "===BEGIN ICANN DOMAINS===";
    private static final String PRIVATE_SECTION = "===BEGIN PRIVATE DOMAINS===";
    private static final int BYTE_ORDER_MARK = 0xFEFF;
    // A list this short is another file, or was cut off.
    private static final int FEWEST_RULES = 1_000;
    private static final int ROOM = 1 << 15;
    private static final int MOST_RULES = 1_000_000;

    // What is said about a suffix: bits of one number, since two rules may stand at the same place.
    private static final int IS_SUFFIX = 1;
    private static final int CHILDREN_ARE = 2;
    private static final int IS_NONE = 4;

    private final Map<String, Integer> rules;
    private final int mostLabels;

    private PublicSuffixes(Map<String, Integer> rules, int mostLabels) {
        this.rules = rules;
        this.mostLabels = mostLabels;
    }

    private static final class Bundled {
        static final PublicSuffixes LIST = load();

        private static PublicSuffixes load() {
            try (InputStream in = PublicSuffixes.class.getResourceAsStream(RESOURCE)) {
                if (in == null) {
                    throw new IllegalStateException("the public suffix list is missing from the jar");
                }
                return read(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The list that was newest when this version was built. Reads it on the first call, some tens of milliseconds. */
    public static PublicSuffixes bundled() {
        return Bundled.LIST;
    }

    /**
     * Reads a list in its official format.
     *
     * @param in the list in UTF-8; read to its end, not closed
     * @return the list
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is no such list, with the line and what is wrong
     */
    public static PublicSuffixes read(InputStream in) throws IOException {
        Map<String, Integer> rules = new HashMap<>(ROOM);
        boolean publicSection = false;
        boolean privateSection = false;
        int mostLabels = 0;
        int number = 0;
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
        try {
            for (String read = lines.readLine(); read != null; read = lines.readLine()) {
                number++;
                String line = number == 1 && read.indexOf(BYTE_ORDER_MARK) == 0 ? read.substring(1) : read;
                if (line.startsWith(COMMENT)) {
                    publicSection |= line.contains(PUBLIC_SECTION);
                    privateSection |= line.contains(PRIVATE_SECTION);
                    continue;
                }
                String rule = firstWord(line);
                if (!rule.isEmpty()) {
                    String suffix = add(rules, rule, number);
                    mostLabels = Math.max(mostLabels, labels(suffix) + 1);
                }
            }
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("line " + (number + 1) + " or one soon after it is not UTF-8", e);
        }
        if (!publicSection || !privateSection || rules.size() < FEWEST_RULES) {
            throw new IllegalArgumentException(
                    "not a whole public suffix list: its public and private sections and at least " + FEWEST_RULES
                            + " rules are expected, " + rules.size() + " were found");
        }
        return new PublicSuffixes(rules, mostLabels);
    }

    /**
     * The registered domain of a name: its public suffix and one label more. A top label that is not in the list is a public
     * suffix itself.
     *
     * <p><b>Cost.</b> One look-up per label, for as many labels as the longest rule has; no I/O.
     *
     * @param name the name
     * @return the registered domain, for example {@code example.co.uk}; the name itself where it is a public suffix
     */
    public String registeredDomain(ServerName name) {
        String text = name.value();
        int suffix = text.lastIndexOf('.') + 1;
        boolean wildcard = false;
        int start = text.length();
        for (int label = 0; label < mostLabels && start > 0; label++) {
            int here = text.lastIndexOf('.', start - 2) + 1;
            int said = rules.getOrDefault(text.substring(here), 0);
            if ((said & IS_NONE) != 0) {
                // The exception's own parent is the suffix.
                suffix = start;
                break;
            }
            if (wildcard || (said & IS_SUFFIX) != 0) {
                suffix = here;
            }
            wildcard = (said & CHILDREN_ARE) != 0;
            start = here;
        }
        return suffix == 0 ? text : text.substring(text.lastIndexOf('.', suffix - 2) + 1);
    }

    /** How many suffixes something is said about. */
    public int size() {
        return rules.size();
    }

    private static String firstWord(String line) {
        int end = 0;
        while (end < line.length() && !Character.isWhitespace(line.charAt(end))) {
            end++;
        }
        return line.substring(0, end);
    }

    private static String add(Map<String, Integer> rules, String rule, int number) {
        int says = IS_SUFFIX;
        String text = rule;
        if (rule.startsWith(EXCEPTION)) {
            says = IS_NONE;
            text = rule.substring(EXCEPTION.length());
        } else if (rule.startsWith(WILDCARD)) {
            says = CHILDREN_ARE;
            text = rule.substring(WILDCARD.length());
        }
        String suffix = ServerName.suffix(text)
                .orElseThrow(() -> new IllegalArgumentException("line " + number + " is not a rule"));
        rules.merge(suffix, says, (one, other) -> one | other);
        if (rules.size() > MOST_RULES) {
            throw new IllegalArgumentException("more than " + MOST_RULES + " rules");
        }
        return suffix;
    }

    private static int labels(String suffix) {
        int labels = 1;
        for (int dot = suffix.indexOf('.'); dot >= 0; dot = suffix.indexOf('.', dot + 1)) {
            labels++;
        }
        return labels;
    }
}
