package org.ondemandtls.authority;

import java.util.Locale;
import java.util.regex.Pattern;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/**
 * Finds out from a CA's words whom a limit concerns; there is no field for it in a problem document.
 *
 * <p>A limit on a name, a registered domain or a set of names says which; one on the account names nobody.
 */
final class RateLimitScope {

    private static final Pattern LINKS = Pattern.compile("https?://\\S*");

    private RateLimitScope() {}

    /**
     * Whom the words concern.
     *
     * @param text the CA's words
     * @param name what the order was for
     * @param issuer the {@code id()} of the CA
     */
    static Scope.OfLimit of(String text, ServerName name, String issuer) {
        String words = LINKS.matcher(text).replaceAll("").toLowerCase(Locale.ROOT);
        if (words.contains("exact set") || words.contains("failed authorizations")) {
            return new Scope.NameAt(issuer, name);
        }
        String suffix = name.value();
        while (suffix.indexOf('.') > 0) {
            if (contains(words, suffix)) {
                boolean whole = suffix.equals(name.value()) && !words.contains("certificates");
                return whole ? new Scope.NameAt(issuer, name) : new Scope.Domain(issuer, suffix);
            }
            suffix = suffix.substring(suffix.indexOf('.') + 1);
        }
        return words.contains("identifiers") ? new Scope.NameAt(issuer, name) : new Scope.Account(issuer);
    }

    /** Whether the words have the name in full. */
    static boolean mentions(String text, ServerName name) {
        return contains(LINKS.matcher(text).replaceAll("").toLowerCase(Locale.ROOT), name.value());
    }

    // "example.com" is not in "another-example.com", "www.example.com" or "example.com.au", but before a full stop it
    // is.
    private static boolean contains(String words, String name) {
        for (int at = words.indexOf(name); at >= 0; at = words.indexOf(name, at + 1)) {
            int end = at + name.length();
            boolean dotFollows = end < words.length() && words.charAt(end) == '.';
            if (!isOfName(words, at - 1)
                    && (at == 0 || words.charAt(at - 1) != '.')
                    && !isOfName(words, dotFollows ? end + 1 : end)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOfName(String words, int at) {
        if (at < 0 || at >= words.length()) {
            return false;
        }
        char c = words.charAt(at);
        return c == '-' || c == '_' || Character.isLetterOrDigit(c);
    }
}
