package org.ondemandtls.preflight;

/**
 * Why an order cannot succeed, and what mends it.
 *
 * @param who must act
 * @param what must be done, in one line
 */
public record Verdict(Who who, String what) {

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

    /** For example {@code "customer: change A shop.example from 192.0.2.7 to 198.51.100.1"}. */
    @Override
    public String toString() {
        return (who == Who.CUSTOMER ? "customer: " : "operator: ") + what;
    }
}
