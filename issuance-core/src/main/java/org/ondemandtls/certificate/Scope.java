package org.ondemandtls.certificate;

import java.util.ArrayList;
import java.util.List;
import org.ondemandtls.name.ServerName;

/**
 * Whom a wait, a refusal or a withdrawal concerns. Issuance, renewal and what explains a name all speak of it in these terms;
 * how the store spells one is the store's own business.
 */
public sealed interface Scope {

    /** What a CA's limit on the rate of orders may concern. */
    sealed interface OfLimit extends Scope {
        /** Whom it concerns, as it stands behind "limits the rate". */
        String words();
    }

    /** What concerns one name, wherever its certificate is from. */
    sealed interface OfName extends Scope {
        /** The name. */
        ServerName name();
    }

    /**
     * Every order of our account at one CA; also where the CA's words name nobody.
     *
     * @param issuer the {@code id()} of the CA
     */
    record Account(String issuer) implements OfLimit {
        @Override
        public String words() {
            return "of the account";
        }
    }

    /**
     * Every name at or below a domain, at one CA.
     *
     * @param issuer the {@code id()} of the CA
     * @param domain the domain as the CA's words have it, in lower case: the name itself or one it ends with
     */
    record Domain(String issuer, String domain) implements OfLimit {
        @Override
        public String words() {
            return "of " + domain;
        }
    }

    /**
     * One name, at one CA.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name
     */
    record NameAt(String issuer, ServerName name) implements OfLimit {
        @Override
        public String words() {
            return "of this name";
        }
    }

    /**
     * A name that was refused, whichever CA it is ordered from.
     *
     * @param name the name
     */
    record Name(ServerName name) implements OfName {}

    /**
     * A name that an operator has taken away.
     *
     * @param name the name
     */
    record TakenAway(ServerName name) implements OfName {}

    /**
     * A name that a certificate of several names must not serve any more.
     *
     * @param name the name
     */
    record Withdrawn(ServerName name) implements OfName {}

    /**
     * A certificate that was replaced early since its CA suggested it.
     *
     * @param firstName the first name of the certificate, a wildcard perhaps
     */
    record Advised(String firstName) implements Scope {}

    /** All names, since permission is suddenly denied for most of them. */
    record Denials() implements Scope {}

    /**
     * What another version keeps: left as it is.
     *
     * @param key how the store spells it
     */
    record Other(String key) implements Scope {}

    /** Where a CA's limits that concern a name may stand: the account, the name, every domain of two labels or more. */
    static List<OfLimit> limits(String issuer, ServerName name) {
        List<OfLimit> scopes = new ArrayList<>();
        scopes.add(new Account(issuer));
        scopes.add(new NameAt(issuer, name));
        String domain = name.value();
        while (domain.indexOf('.') > 0) {
            scopes.add(new Domain(issuer, domain));
            domain = domain.substring(domain.indexOf('.') + 1);
        }
        return scopes;
    }
}
