package org.ondemandtls.config;

import org.ondemandtls.name.ServerName;

/**
 * A name an operator allows: exactly one server name, or all names one label below a parent.
 *
 * @param value the canonical name, or {@code "*."} and the canonical parent
 */
public record NamePattern(String value) {

    private static final String WILDCARD = "*.";

    /**
     * Rejects any text that is not already in the canonical spelling; what people write goes to {@link #parse}.
     *
     * @throws IllegalArgumentException if {@code value} is not canonical
     */
    public NamePattern {
        new ServerName(withoutWildcard(value));
    }

    /**
     * Reads a pattern as an operator spells it.
     *
     * @param text {@code a.example.com} or {@code *.example.com}, any case, U-labels allowed
     * @return the pattern
     * @throws IllegalArgumentException if it is neither
     */
    public static NamePattern parse(String text) {
        String stripped = text.strip();
        String name = ServerName.parse(withoutWildcard(stripped)).value();
        return new NamePattern(stripped.startsWith(WILDCARD) ? WILDCARD + name : name);
    }

    /** Whether {@code name} is this name, or one label below this parent. */
    public boolean matches(ServerName name) {
        return value.equals(name.value()) || value.equals(name.wildcard());
    }

    @Override
    public String toString() {
        return value;
    }

    private static String withoutWildcard(String text) {
        return text.startsWith(WILDCARD) ? text.substring(WILDCARD.length()) : text;
    }
}
