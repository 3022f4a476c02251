package org.ondemandtls.permission;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.ondemandtls.name.ServerName;

/**
 * Answers one question: may this server obtain, or renew, a certificate for this name?
 *
 * <p>The answer is about the <em>name</em>, never about the client that asked: whatever one peer is
 * granted, every later peer is served from the inventory without asking again.
 *
 * <p><b>Threads.</b> {@link #decide} is called on the permission executor, never on a server's thread;
 * it may block for as long as the configured time allows. Implementations are safe for use by many
 * threads.
 *
 * <p><b>Cost.</b> An unauthenticated peer decides how often this is called. A policy answers in
 * bounded memory, and is asked at most once at a time for any one name.
 */
@FunctionalInterface
public interface PermissionPolicy {

    /**
     * Decides for one name.
     *
     * @param name the name the certificate would carry
     * @param purpose whether it would be the first one or a successor
     * @return completes normally with the decision, {@link Decision.Denied} included. It completes
     *     exceptionally only if no decision could be reached: nothing is obtained, nothing is
     *     remembered, and what is valid keeps being served.
     */
    CompletionStage<Decision> decide(ServerName name, Purpose purpose);

    /**
     * A policy that grants what a test accepts, and denies everything else.
     *
     * @param test whether a name may have a certificate, whatever the purpose; may block as {@link #decide} may. Where it
     *     throws, no decision was reached
     * @return the policy
     */
    static PermissionPolicy grantingIf(Predicate<? super ServerName> test) {
        return (name, purpose) -> CompletableFuture.completedFuture(
                test.test(name) ? new Decision.Granted() : new Decision.Denied("not among the permitted names"));
    }

    /** Why permission is asked. */
    enum Purpose {
        /** For a first certificate. */
        OBTAIN,
        /** For the successor of one that is being served. */
        RENEW
    }

    /** What a policy said, and for a refusal, why, in words an operator can act on. */
    sealed interface Decision {

        /** A certificate may be obtained. */
        record Granted() implements Decision {}

        /**
         * No certificate may be obtained.
         *
         * @param reason one line for the log and the status page, without the name; never sent to the peer
         */
        record Denied(String reason) implements Decision {}
    }
}
