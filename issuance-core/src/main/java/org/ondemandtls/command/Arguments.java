package org.ondemandtls.command;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A command line: words, options with a value, and flags, whose value is empty. */
record Arguments(List<String> words, Map<String, String> options) {

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
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < line.length; i++) {
            String word = line[i];
            if (words.isEmpty() && word.endsWith(".jar")) {
                continue;
            }
            if (!word.startsWith("--")) {
                words.add(word);
            } else if (flags.contains(word)) {
                options.put(word, "");
            } else if (!known.contains(word)) {
                throw new WrongException("there is no option " + word);
            } else if (i + 1 == line.length) {
                throw new WrongException(word + " needs a value");
            } else {
                i++;
                options.put(word, line[i]);
            }
        }
        return new Arguments(List.copyOf(words), Map.copyOf(options));
    }

    boolean has(String flag) {
        return options.containsKey(flag);
    }

    Optional<String> option(String name) {
        return Optional.ofNullable(options.get(name));
    }
}
