package org.ondemandtls.store;

import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/** How scopes are spelled on disk and in databases. Spelling and reading are each other's inverse, for any text. */
final class ScopeKeys {

    /** The longest spelling, in characters. */
    static final int LONGEST = 2048;

    private static final String DENIALS = "permission/denials";

    private ScopeKeys() {}

    /**
     * Spells a scope.
     *
     * @throws IllegalArgumentException if that would be empty, too long, or have other characters than visible ASCII
     */
    static String of(Scope scope) {
        String key = spelled(scope);
        if (key.isEmpty() || key.length() > LONGEST || !key.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new IllegalArgumentException("not the scope of a hold");
        }
        return key;
    }

    /** What stands before the name in the spelling of a kind of scope. */
    static String prefix(Class<? extends Scope.OfName> kind) {
        if (kind == Scope.Name.class) {
            return Medium.NAME_REFUSED;
        }
        return kind == Scope.TakenAway.class ? Medium.NAME_TAKEN_AWAY : Medium.NAME_WITHDRAWN;
    }

    private static String spelled(Scope scope) {
        if (scope instanceof Scope.Account account) {
            return "account/" + account.issuer();
        }
        if (scope instanceof Scope.Domain domain) {
            return "domain/" + domain.issuer() + '/' + domain.domain();
        }
        if (scope instanceof Scope.NameAt at) {
            return "name-at/" + at.issuer() + '/' + at.name();
        }
        if (scope instanceof Scope.OfName one) {
            return prefix(one.getClass()) + one.name();
        }
        if (scope instanceof Scope.Advised advised) {
            return "advised/" + advised.firstName();
        }
        return scope instanceof Scope.Denials ? DENIALS : ((Scope.Other) scope).key();
    }

    /** Reads a spelling; what no version before has written is another's. */
    static Scope read(String key) {
        int slash = key.indexOf('/');
        if (slash < 0) {
            return new Scope.Other(key);
        }
        String rest = key.substring(slash + 1);
        // An issuer is a URL, mostly; a name has no slash.
        int last = rest.lastIndexOf('/');
        try {
            return switch (key.substring(0, slash)) {
                case "account" -> new Scope.Account(rest);
                case "domain" ->
                    last < 0
                            ? new Scope.Other(key)
                            : new Scope.Domain(rest.substring(0, last), rest.substring(last + 1));
                case "name-at" ->
                    last < 0
                            ? new Scope.Other(key)
                            : new Scope.NameAt(rest.substring(0, last), new ServerName(rest.substring(last + 1)));
                case "name" -> new Scope.Name(new ServerName(rest));
                case "takenAway" -> new Scope.TakenAway(new ServerName(rest));
                case "withdrawn" -> new Scope.Withdrawn(new ServerName(rest));
                case "advised" -> new Scope.Advised(rest);
                default -> key.equals(DENIALS) ? new Scope.Denials() : new Scope.Other(key);
            };
        } catch (IllegalArgumentException noServerName) {
            return new Scope.Other(key);
        }
    }
}
