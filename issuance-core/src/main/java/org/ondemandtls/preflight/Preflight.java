package org.ondemandtls.preflight;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;

/**
 * Says before an order is spent on a name whether it cannot succeed.
 *
 * <p>Only what is certain stands in the way. Futures complete within seconds; no method blocks. Only for names that are
 * permitted: others hear of it, resolvers and the servers of the name's zone among them.
 */
public interface Preflight {

    /** Nothing is looked at. */
    Preflight NONE = new Preflight() {
        @Override
        public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
            return CompletableFuture.completedFuture(Optional.empty());
        }

        @Override
        public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
    };

    /**
     * Looks at a name's DNS.
     *
     * @param name the name an order would be for
     * @param client whose visit it is
     * @return why an order cannot succeed, empty where nothing is certain; exceptionally with {@link
     *     org.ondemandtls.certificate.IssuanceException.Overloaded} where too many questions were asked already
     */
    CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client);

    /**
     * Fetches a proof of our own through the public name, where the CA will.
     *
     * @param name the name an order would be for
     * @param client whose visit it is
     * @return as {@link #look}
     */
    CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client);

    /**
     * Fetches a proof of our own through the public name for an operator, also where no order would need it: what answers
     * there is learned.
     *
     * @param name a permitted name
     * @return as {@link #look}; nothing stands in the way where no order would need it
     */
    default CompletableFuture<Optional<Verdict>> examine(ServerName name) {
        return CompletableFuture.completedFuture(Optional.empty());
    }

    /**
     * The DNS records of a name in words, for an operator; judges nothing.
     *
     * @param name a permitted name
     * @return what there is, each thing with a sentence, in order; empty where nothing is looked at
     */
    default CompletableFuture<Map<String, String>> records(ServerName name) {
        return CompletableFuture.completedFuture(Map.of());
    }

    /**
     * Which ways of proving a name its CAA records leave a CA (RFC 8657 section 4), by the last look at it; no I/O.
     *
     * @param name the name an order is for
     * @param authority who would issue
     * @return the methods, none where the records name other CAs only; empty where they do not limit them, or were not
     *     looked at
     */
    default Optional<Set<String>> validationMethods(ServerName name, CaIdentity authority) {
        return Optional.empty();
    }

    /**
     * Lets the next order for a name go ahead without a look: the operator knows better.
     *
     * @param name the name
     */
    default void passOver(ServerName name) {
        // Nothing is looked at.
    }

    /**
     * The content delivery network that ended TLS in front of a name when it was looked at last; no I/O.
     *
     * @param name the name
     * @return its name, empty where there is none or nothing is known
     */
    default Optional<String> cdn(ServerName name) {
        return Optional.empty();
    }

    /**
     * Whether a name was seen to lead here without anybody who ends TLS in front of it; no I/O.
     *
     * @param name the name
     * @return false also where nothing is known
     */
    default boolean isDirect(ServerName name) {
        return false;
    }

    /**
     * Takes note that a CA has issued for a name.
     *
     * @param name the name
     */
    default void accepted(ServerName name) {
        // Nothing is learned.
    }

    /** What it does now, in words for an operator; no I/O. */
    default String state() {
        return "off (onDemandTls.preflight)";
    }

    /** Whether names are ordered without a look for now, since the resolver is silent. */
    default boolean isResting() {
        return false;
    }

    /** How many DNS questions have been sent since the start. */
    default long questions() {
        return 0;
    }

    /**
     * What a look says to an order: a renewal must not fail because visitors have used all DNS questions up.
     *
     * @param renews whether the order is for a renewal
     * @param look the look, or the probe
     * @return the same, without a finding where a renewal's questions were too many
     */
    static CompletableFuture<Optional<Verdict>> forOrder(boolean renews, CompletableFuture<Optional<Verdict>> look) {
        return !renews
                ? look
                : look.exceptionallyCompose(failure -> {
                    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                    return cause instanceof IssuanceException.Overloaded
                            ? CompletableFuture.completedFuture(Optional.empty())
                            : CompletableFuture.failedFuture(failure);
                });
    }
}
