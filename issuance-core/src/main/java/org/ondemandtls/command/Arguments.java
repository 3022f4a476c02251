package org.ondemandtls.command;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A command line: words, options with their values, and flags, which have none. */
record Arguments(List<String> words, Map<String, List<String>> options) {

    /** What was typed cannot be carried out; the message says what to type. */
    static final class WrongException extends Exception {
        WrongException(String what) {
            super(what, null, false, false);
        }
    }

    /**
     * Reads a command line. Jars among the first words are what a shell made of {@code ondemand-tls-*.jar}, and passed over.
     *
     * @param line the words as typed
     * @param known the options there are that take a value
     * @param flags those that take none
     */
    static Arguments of(String[] line, Set<String> known, Set<String> flags) throws WrongException {
        List<String> words = new ArrayList<>();
        Map<String, List<String>> options = new HashMap<>();
        for (int i = 0; i < line.length; i++) {
            String word = line[i];
            if (words.isEmpty() && word.endsWith(".jar")) {
                continue;
            }
            if (!word.startsWith("-") || word.length() == 1) {
                words.add(word);
            } else if (flags.contains(word)) {
                options.put(word, List.of());
            } else if (known.contains(head(word)) && !head(word).equals(word)) {
                options.computeIfAbsent(head(word), option -> new ArrayList<>())
                        .add(word.substring(head(word).length() + 1));
            } else if (!known.contains(word)) {
                throw new WrongException("there is no option " + word);
            } else if (i + 1 == line.length) {
                throw new WrongException(word + " needs a value");
            } else {
                i++;
                options.computeIfAbsent(word, option -> new ArrayList<>()).add(line[i]);
            }
        }
        return new Arguments(List.copyOf(words), Map.copyOf(options));
    }

    // Of --port=8443, which is the same as --port 8443.
    private static String head(String word) {
        int equals = word.indexOf('=');
        return equals < 0 ? word : word.substring(0, equals);
    }

    boolean has(String flag) {
        return options.containsKey(flag);
    }

    /** The value of an option, the last one where it was given several times. */
    Optional<String> option(String name) {
        List<String> values = all(name);
        return values.isEmpty() ? Optional.empty() : Optional.of(values.get(values.size() - 1));
    }

    /** All values of an option that may be given several times. */
    List<String> all(String name) {
        return options.getOrDefault(name, List.of());
    }
}
