package org.ondemandtls.certificate;

/** Whom a wait concerns, as far as the CA's words tell. */
public sealed interface LimitScope {

    /** Every order of the account; also where the words name nobody. */
    record Account() implements LimitScope {}

    /**
     * Every name at or below a domain.
     *
     * @param registered the domain as the CA's words have it, in lower case: the name itself or one it ends with
     */
    record Domain(String registered) implements LimitScope {}

    /** The name of the order, nobody else. */
    record Name() implements LimitScope {}

    /** Whom it concerns, as it stands behind "limits the rate". */
    default String words() {
        if (this instanceof Domain domain) {
            return "of " + domain.registered();
        }
        return this instanceof Name ? "of this name" : "of the account";
    }
}
