package org.ondemandtls.authority;

import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Why a certificate is revoked, as far as CAs take it from whoever holds it.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5280#section-5.3.1">RFC 5280 section 5.3.1</a>
 */
public enum RevocationReason {
    /** No reason is given. */
    UNSPECIFIED("unspecified"),
    /** The private key is known to others. */
    KEY_COMPROMISE("keyCompromise"),
    /** The holder's name or role has changed. */
    AFFILIATION_CHANGED("affiliationChanged"),
    /** Another certificate has taken its place. */
    SUPERSEDED("superseded"),
    /** The name is not served any more. */
    CESSATION_OF_OPERATION("cessationOfOperation");

    private final String word;

    RevocationReason(String word) {
        this.word = word;
    }

    /** The word of RFC 5280 for it. */
    public String word() {
        return word;
    }

    /** All the words, separated by commas. */
    public static String words() {
        return Stream.of(values()).map(RevocationReason::word).collect(Collectors.joining(", "));
    }

    /** The reason of a word, empty where there is none of that word. */
    public static Optional<RevocationReason> of(String word) {
        return Stream.of(values())
                .filter(reason -> reason.word.equalsIgnoreCase(word))
                .findFirst();
    }
}
