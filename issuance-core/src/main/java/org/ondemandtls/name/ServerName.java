package org.ondemandtls.name;

import java.net.IDN;
import java.util.Locale;
import java.util.Objects;

/**
 * The DNS host name a client asked for in its {@code server_name} extension, in the one spelling
 * the rest of the house uses: lower-case A-labels, no trailing dot, at least two labels.
 *
 * <p>An instance is proof that the text was checked; nothing downstream checks it again.
 *
 * @param value the name, 4 to 253 ASCII characters, for example {@code "xn--bcher-kva.example"}
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6066#section-3">RFC 6066 section 3</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5890#section-2.3.2.1">RFC 5890, A-label</a>
 */
public record ServerName(String value) {

    /** Longest name that fits a DNS message, in octets without the root label (RFC 1035 section 3.1). */
    static final int MAX_LENGTH = 253;

    /**
     * Rejects any text that is not already in the canonical spelling; wire input goes to {@link #parse}.
     *
     * @throws IllegalArgumentException if {@code value} is not canonical
     */
    public ServerName {
        Objects.requireNonNull(value, "value");
        if (!value.equals(canonical(value))) {
            throw new IllegalArgumentException("not a canonical server name (" + value.length() + " characters)");
        }
    }

    /**
     * Reads a name as an operator may spell it: any case, U-labels, one trailing dot. Names from the
     * wire are ASCII or refused before they get here; what was refused is never echoed.
     *
     * @param text the name as written
     * @return the canonical name
     * @throws IllegalArgumentException if the text is no host name, is an IP address literal (RFC 6066
     *     forbids them in SNI), has one label only, or is longer than {@value #MAX_LENGTH} octets
     */
    public static ServerName parse(String text) {
        return new ServerName(canonical(text));
    }

    /** The same name with its left-most label replaced by {@code *}, the one wildcard RFC 9525 lets match it. */
    public String wildcard() {
        return "*" + value.substring(value.indexOf('.'));
    }

    @Override
    public String toString() {
        return value;
    }

    private static String canonical(String text) {
        String undotted = text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
        String ascii = IDN.toASCII(undotted, IDN.USE_STD3_ASCII_RULES).toLowerCase(Locale.ROOT);
        int lastDot = ascii.lastIndexOf('.');
        boolean numericTail = ascii.chars().skip(lastDot + 1L).allMatch(Character::isDigit);
        if (lastDot <= 0 || numericTail || ascii.length() > MAX_LENGTH) {
            throw new IllegalArgumentException("not a DNS host name (" + text.length() + " characters)");
        }
        return ascii;
    }
}
