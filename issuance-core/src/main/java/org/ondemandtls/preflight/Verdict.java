package org.ondemandtls.preflight;

import java.util.Optional;

/**
 * Why an order cannot succeed, and what mends it.
 *
 * @param who must act
 * @param what must be done, in one line
 * @param leadsTo where the name leads instead of here: an address, or {@code nowhere} where it has none; empty where
 *     something else is in the way
 */
public record Verdict(Who who, String what, Optional<String> leadsTo) {

    /** The same where the name's addresses are not what is in the way. */
    public Verdict(Who who, String what) {
        this(who, what, Optional.empty());
    }

    /** Who must act. */
    public enum Who {
        /** Whoever runs the DNS of the name. */
        CUSTOMER,
        /** Whoever runs this server. */
        OPERATOR
    }

    static Verdict customer(String what) {
        return new Verdict(Who.CUSTOMER, what);
    }

    /** A name that leads elsewhere. */
    static Verdict away(String leadsTo, String what) {
        return new Verdict(Who.CUSTOMER, what, Optional.of(leadsTo));
    }

    /** For example {@code "customer: change A shop.example from 192.0.2.7 to 198.51.100.1"}. */
    @Override
    public String toString() {
        return (who == Who.CUSTOMER ? "customer: " : "operator: ") + what;
    }
}
