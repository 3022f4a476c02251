package org.ondemandtls.certificate;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Why a certificate could not be obtained.
 *
 * <p>The subclass says who has to act; {@link #retryAfter()} says when trying again makes sense.
 * Nothing in it is ever sent to the TLS peer, who only sees an alert. The message is one line:
 * the name, what failed, and the detail; no stack trace is needed to act on it.
 */
public abstract sealed class IssuanceException extends Exception {

    private final ServerName name;
    private final Duration retryAfter;

    private IssuanceException(ServerName name, String what, Duration retryAfter, @Nullable Throwable cause) {
        super(name + ": " + what, cause, false, cause != null);
        this.name = name;
        this.retryAfter = retryAfter.isNegative() ? Duration.ZERO : retryAfter;
    }

    /** The name the certificate was for. */
    public final ServerName name() {
        return name;
    }

    /** The shortest wait before another attempt, from the moment this was made; never negative. */
    public final Duration retryAfter() {
        return retryAfter;
    }

    /** The policy said no. The operator acts, if anyone. */
    public static final class NotPermitted extends IssuanceException {

        /**
         * A denial.
         *
         * @param name the name denied
         * @param reason the policy's words, without the name
         * @param retryAfter how long the denial is remembered
         */
        public NotPermitted(ServerName name, String reason, Duration retryAfter) {
            super(name, "not permitted: " + reason, retryAfter, null);
        }
    }

    /** No permission source could be reached or made up its mind. The operator of that source acts. */
    public static final class NoAnswer extends IssuanceException {

        /**
         * A question without an answer.
         *
         * @param name the name asked for
         * @param reason what happened instead of an answer, without the name
         * @param retryAfter how long to leave the source alone for this name
         */
        public NoAnswer(ServerName name, String reason, Duration retryAfter) {
            super(name, "no answer from permission: " + reason, retryAfter, null);
        }
    }

    /** The CA rejected the order or could not validate the name. The owner of the name acts. */
    public static final class Rejected extends IssuanceException {

        private final String problemType;

        /**
         * A refusal by the CA.
         *
         * @param name the name refused
         * @param problemType the ACME error type without its URN prefix, for example {@code "caa"} (RFC 8555
         *     section 6.7)
         * @param detail the CA's words, in one line
         * @param retryAfter the CA's {@code Retry-After}, or zero to leave the wait to the back-off schedule
         */
        public Rejected(ServerName name, String problemType, String detail, Duration retryAfter) {
            super(name, "rejected by the CA (" + problemType + "): " + detail, retryAfter, null);
            this.problemType = problemType;
        }

        /** The ACME error type without its URN prefix. */
        public String problemType() {
            return problemType;
        }
    }

    /** The CA could not be reached, timed out, answered nonsense, or asked us to slow down. Nobody acts; we try again. */
    public static final class Unavailable extends IssuanceException {

        /**
         * A CA that could not do its work now.
         *
         * @param name the name the order was for
         * @param what what happened
         * @param retryAfter the CA's {@code Retry-After}, or some seconds
         * @param cause the failure behind it, null where the message says it all
         */
        public Unavailable(ServerName name, String what, Duration retryAfter, @Nullable Throwable cause) {
            super(name, what, retryAfter, cause);
        }
    }

    /** The store could not keep or give what issuance needs. The operator acts: disk, permissions, database. */
    public static final class StoreFailed extends IssuanceException {

        /**
         * A store that failed.
         *
         * @param name the name the certificate was for
         * @param what what could not be read or written, and what to do
         * @param retryAfter how long to leave the store alone for this name
         * @param cause the failure behind it
         */
        public StoreFailed(ServerName name, String what, Duration retryAfter, Throwable cause) {
            super(name, "store: " + what, retryAfter, cause);
        }
    }

    /** More wanted a certificate at once than the configured bounds allow. Nobody acts; the client comes again. */
    public static final class Overloaded extends IssuanceException {

        /**
         * A bound that was reached; never remembered for the name.
         *
         * @param name the name refused
         * @param bound the bound, by its configuration key
         */
        public Overloaded(ServerName name, String bound) {
            super(name, "too many at once (" + bound + ")", Duration.ZERO, null);
        }
    }

    /** The engine is stopping. */
    public static final class Stopping extends IssuanceException {

        /**
         * A flight that was cut short, or never started.
         *
         * @param name the name refused
         */
        public Stopping(ServerName name) {
            super(name, "the server is stopping", Duration.ZERO, null);
        }
    }
}
