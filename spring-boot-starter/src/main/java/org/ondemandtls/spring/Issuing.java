package org.ondemandtls.spring;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.ondemandtls.OnDemandTls;

/**
 * Whether certificates can be obtained now, for the health of an application.
 *
 * @param status {@code UP}, {@code DEGRADED} while something that obtaining needs does not work, {@code DOWN} where the
 *     engine does not run
 * @param details what an operator wants to know beside it; no name of a customer is among them
 */
record Issuing(String status, Map<String, Object> details) {

    /** How long a failure counts that nobody has met since. */
    static final Duration LATELY = Duration.ofMinutes(10);

    /** Takes a copy of the details. */
    Issuing {
        details = Map.copyOf(details);
    }

    static Issuing of(Optional<OnDemandTls> engine) {
        if (engine.isEmpty()) {
            return new Issuing("DOWN", Map.of("reason", "On-Demand TLS does not run"));
        }
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("issuer", engine.get().status().getIssuer());
        details.put("store", engine.get().status().getStore());
        return of(engine.get().events().failing(LATELY), details);
    }

    // Not DOWN: the names that have a certificate are served, and strangers must not take an application off by a CA's
    // rate limit.
    static Issuing of(Map<String, String> failing, Map<String, Object> details) {
        if (failing.isEmpty()) {
            return new Issuing("UP", details);
        }
        Map<String, Object> more = new LinkedHashMap<>(details);
        more.put("failing", failing);
        return new Issuing("DEGRADED", more);
    }
}
