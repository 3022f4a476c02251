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
     * Reads a pattern as an operator spells it.
     *
     * @param text {@code a.example.com} or {@code *.example.com}, any case, U-labels allowed
     * @return the pattern
     * @throws IllegalArgumentException if it is neither
     */
    public static NamePattern parse(String text) {
        String trimmed = text.trim();
        if (trimmed.startsWith(WILDCARD)) {
            return new NamePattern(WILDCARD
                    + ServerName.parse(trimmed.substring(WILDCARD.length())).value());
        }
        return new NamePattern(ServerName.parse(trimmed).value());
    }

    /** Whether {@code name} is this name, or one label below this parent. */
    public boolean matches(ServerName name) {
        return value.equals(name.value()) || value.equals(name.wildcard());
    }

    @Override
    public String toString() {
        return value;
    }
}
