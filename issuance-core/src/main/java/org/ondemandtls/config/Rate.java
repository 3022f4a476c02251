package org.ondemandtls.config;

import java.time.Duration;

/**
 * How often something may happen: so many times at once, and as many again over the period.
 *
 * @param count how many times, at least 1
 * @param per the period, longer than zero
 */
public record Rate(int count, Duration per) implements OnDemandTlsConfig.Allowance {

    /** Refuses a rate of nothing. */
    public Rate {
        if (count < 1 || per.isZero() || per.isNegative()) {
            throw new IllegalArgumentException("a rate is a count of 1 or more and a period longer than zero");
        }
    }

    @Override
    public String toString() {
        return count + "/" + Quantity.text(per);
    }
}
