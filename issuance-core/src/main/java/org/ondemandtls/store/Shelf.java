package org.ondemandtls.store;

import java.util.Locale;

/** What kind of record is kept. */
public enum Shelf {
    /** Certificates by their first names; their other names are aliases. */
    CERTIFICATE("a certificate", "the certificate of ", "the certificates", "name", "it is obtained anew when visited"),
    /** Orders under way, by the name that is ordered. */
    ORDER("an order", "the open order of ", "the open orders", "name", "it is obtained anew when visited"),
    /** What a CA refused, by scope. */
    HOLD("a hold", "the hold ", "the holds", "scope", "what it held may be tried again"),
    /** The engine's secrets, and what lies among them for people to read, by path. */
    SECRET("a secret", "", "the secrets", "path", "it is made anew");

    private final String one;
    private final String named;
    private final String all;
    private final String key;
    private final String whenLost;

    Shelf(String one, String named, String all, String key, String whenLost) {
        this.one = one;
        this.named = named;
        this.all = all;
        this.key = key;
        this.whenLost = whenLost;
    }

    /** What it is called where records are kept: one word in lower case. */
    public String kind() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** For messages: any one of it; a secret by its path, since there are few. */
    public String one(String of) {
        return this == SECRET ? of : one;
    }

    /** For messages: the one with a key. */
    public String named(String of) {
        return named + of;
    }

    /** For messages: all of it. */
    public String all() {
        return all;
    }

    /** For messages: what its keys are. */
    String key() {
        return key;
    }

    /** For messages: what follows where one is lost. */
    String whenLost() {
        return whenLost;
    }
}
