package org.ondemandtls.issuance;

import java.util.ArrayList;
import java.util.List;
import org.ondemandtls.certificate.LimitScope;
import org.ondemandtls.name.ServerName;

/** Whom a hold concerns. */
public sealed interface HoldScope {

    /**
     * One name, whichever CA it is ordered from.
     *
     * @param name the name
     */
    record Name(ServerName name) implements HoldScope {
        @Override
        public String key() {
            return "name/" + name;
        }

        @Override
        public LimitScope limited() {
            return new LimitScope.Name();
        }
    }

    /**
     * One name, at one CA.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name
     */
    record NameAt(String issuer, ServerName name) implements HoldScope {
        @Override
        public String key() {
            return "name-at/" + issuer + '/' + name;
        }

        @Override
        public LimitScope limited() {
            return new LimitScope.Name();
        }
    }

    /**
     * Every name at or below a domain, at one CA.
     *
     * @param issuer the {@code id()} of the CA
     * @param domain the domain, in lower case
     */
    record Domain(String issuer, String domain) implements HoldScope {
        @Override
        public String key() {
            return "domain/" + issuer + '/' + domain;
        }

        @Override
        public LimitScope limited() {
            return new LimitScope.Domain(domain);
        }
    }

    /**
     * Every order of our account at one CA.
     *
     * @param issuer the {@code id()} of the CA
     */
    record Account(String issuer) implements HoldScope {
        @Override
        public String key() {
            return "account/" + issuer;
        }

        @Override
        public LimitScope limited() {
            return new LimitScope.Account();
        }
    }

    /** What the store keeps it under. */
    String key();

    /** The same in the words of a CA's limit. */
    LimitScope limited();

    /** Where a CA's waits that concern a name may stand: the account, the name, every domain of two labels or more. */
    static List<HoldScope> of(String issuer, ServerName name) {
        List<HoldScope> scopes = new ArrayList<>();
        scopes.add(new Account(issuer));
        scopes.add(new NameAt(issuer, name));
        String domain = name.value();
        while (domain.indexOf('.') > 0) {
            scopes.add(new Domain(issuer, domain));
            domain = domain.substring(domain.indexOf('.') + 1);
        }
        return scopes;
    }

    /** Whom a CA's limit on an order for a name concerns. */
    static HoldScope of(String issuer, ServerName name, LimitScope limited) {
        if (limited instanceof LimitScope.Domain domain) {
            return new Domain(issuer, domain.registered());
        }
        return limited instanceof LimitScope.Account ? new Account(issuer) : new NameAt(issuer, name);
    }
}
