package org.ondemandtls.config;

import java.util.List;

/**
 * Everything that is wrong with what the operator wrote, at once.
 *
 * <p>Each mistake is one line that names the key, what is wrong and what to do; none shows a secret. It has no stack
 * trace: what is to be changed is no code.
 */
public final class ConfigException extends Exception {

    private final List<String> mistakes;

    /**
     * Keeps a copy of the mistakes.
     *
     * @param mistakes one line each, at least one
     * @throws IllegalArgumentException if there is none
     */
    ConfigException(List<String> mistakes) {
        super(String.join("; ", mistakes), null, true, false);
        if (mistakes.isEmpty()) {
            throw new IllegalArgumentException("without a mistake there is nothing to report");
        }
        this.mistakes = List.copyOf(mistakes);
    }

    /** One line per mistake, at least one. */
    public List<String> mistakes() {
        return mistakes;
    }
}
