package org.ondemandtls.config;

import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;

/** Finds the key that was probably meant, for a message about one that does not exist. */
final class NearestKey {

    // Distances are quadratic in the length; beyond this a name is no misspelling of anything.
    private static final int MAX_LENGTH = 100;

    private NearestKey() {}

    /**
     * The spelling, of all keys and their {@code .file} forms, with the fewest edits from {@code name}: a letter
     * added, left out or replaced, or two neighbours swapped. Case counts only between equally near ones; of those
     * still equal, the first in the order of the documentation, a key before a {@code .file} form.
     *
     * @param name what was written
     * @return a spelling {@link Spelling#of} knows
     */
    static String to(String name) {
        String written = name.substring(0, Math.min(name.length(), MAX_LENGTH));
        String folded = written.toLowerCase(Locale.ROOT);
        Stream<String> keys = Stream.of(ConfigKey.values()).map(ConfigKey::key);
        Stream<String> files = Stream.of(ConfigKey.values()).map(ConfigKey::fileKey);
        return Stream.concat(keys, files)
                .min(Comparator.<String>comparingInt(known -> distance(folded, known.toLowerCase(Locale.ROOT)))
                        .thenComparingInt(known -> distance(written, known)))
                .orElseThrow();
    }

    /** The number of edits between two texts, no part of them edited twice (optimal string alignment). */
    static int distance(String left, String right) {
        int[] beforeLast = new int[right.length() + 1];
        int[] last = new int[right.length() + 1];
        int[] row = new int[right.length() + 1];
        for (int j = 0; j <= right.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= left.length(); i++) {
            int[] spare = beforeLast;
            beforeLast = last;
            last = row;
            row = spare;
            row[0] = i;
            for (int j = 1; j <= right.length(); j++) {
                int replaced = last[j - 1] + (left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, Math.min(last[j], row[j - 1]) + 1);
                if (i > 1
                        && j > 1
                        && left.charAt(i - 1) == right.charAt(j - 2)
                        && left.charAt(i - 2) == right.charAt(j - 1)) {
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
                }
            }
        }
        return row[right.length()];
    }
}
