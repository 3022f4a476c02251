package org.ondemandtls.preflight;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.ondemandtls.name.ServerName;

/**
 * Says before an order is spent on a name whether it cannot succeed.
 *
 * <p>Only what is certain stands in the way. Futures complete within seconds, never exceptionally; no method blocks.
 */
public interface Preflight {

    /** Nothing is looked at. */
    Preflight NONE = new Preflight() {
        @Override
        public CompletableFuture<Optional<Verdict>> look(ServerName name) {
            return CompletableFuture.completedFuture(Optional.empty());
        }

        @Override
        public CompletableFuture<Optional<Verdict>> probe(ServerName name) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
    };

    /**
     * Looks at a name's DNS; may be begun before permission is given, since only our own resolver hears of it.
     *
     * @param name the name an order would be for
     * @return why an order cannot succeed, empty where nothing is certain
     */
    CompletableFuture<Optional<Verdict>> look(ServerName name);

    /**
     * Which ways of proving a name its CAA records leave a CA (RFC 8657 section 4), by the last look at it; no I/O.
     *
     * @param name the name an order is for
     * @param authority who would issue
     * @return the methods, empty where the records do not limit them, or were not looked at
     */
    default Optional<Set<String>> validationMethods(ServerName name, CaIdentity authority) {
        return Optional.empty();
    }

    /**
     * Fetches a proof of our own through the public name, where the CA will; only for names that are permitted, since the
     * server the name points to hears of it.
     *
     * @param name the name an order would be for
     * @return why an order cannot succeed, empty where nothing is certain
     */
    CompletableFuture<Optional<Verdict>> probe(ServerName name);
}
