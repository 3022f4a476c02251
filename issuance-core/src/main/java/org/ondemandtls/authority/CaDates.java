package org.ondemandtls.authority;

import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Is told with each answer of a CA what time the CA says it is. Called by the thread that wanted the answer; must not block.
 */
@FunctionalInterface
public interface CaDates {

    /** Nobody wants to know. */
    CaDates UNREAD = date -> {};

    /**
     * A CA has answered.
     *
     * @param date reads when it says that it did (RFC 9110 section 6.6.1), to the second; empty where it does not say. Reading
     *     costs some microseconds
     */
    void answered(Supplier<Optional<Instant>> date);
}
