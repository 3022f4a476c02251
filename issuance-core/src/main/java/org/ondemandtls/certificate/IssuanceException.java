package org.ondemandtls.certificate;

import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
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

    private static final ClassValue<String> KINDS = new ClassValue<>() {
        @Override
        protected String computeValue(Class<?> type) {
            return type.getSimpleName().replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
        }
    };

    private final FailureMemory memory;
    private final ServerName name;
    private final String what;
    private final Duration retryAfter;

    private IssuanceException(
            FailureMemory memory, ServerName name, String what, Duration retryAfter, @Nullable Throwable cause) {
        super(name + ": " + what, cause, false, cause != null);
        this.memory = memory;
        this.name = name;
        this.what = what;
        this.retryAfter = retryAfter.isNegative() ? Duration.ZERO : retryAfter;
    }

    /** The name the certificate was for. */
    public final ServerName name() {
        return name;
    }

    /** What failed, in one line without the name: the message is the name, a colon and this. */
    public final String what() {
        return what;
    }

    /** What kind of failure it is, in one word for figures: {@code rate_limited} for a {@link RateLimited}. */
    public final String kind() {
        return KINDS.get(getClass());
    }

    /** How it is remembered against the name. */
    public final FailureMemory memory() {
        return memory;
    }

    /** The shortest wait before another attempt, from the moment this was made; never negative. */
    public final Duration retryAfter() {
        return retryAfter;
    }

    /**
     * Whether another CA might give the certificate all the same: the failure is this CA's, its account's or its
     * policy's, not the name's, the permission's or ours.
     */
    public boolean elsewhere() {
        return false;
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
            super(FailureMemory.NONE, name, "not permitted: " + reason, retryAfter, null);
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
            super(FailureMemory.BRIEF, name, "no answer from permission: " + reason, retryAfter, null);
        }
    }

    /**
     * The CA rejected the order or could not validate the name. The owner of the name acts.
     *
     * <p>Another CA may help where this one does not want the name (its policy, CAA) or minds something else about the
     * order; it sees the same server and the same DNS where this one could not validate the name.
     */
    public static final class Rejected extends IssuanceException {

        /** Somebody has to change something before these go away. */
        private static final Set<String> PERMANENT = Set.of("caa", "rejectedIdentifier", "unsupportedIdentifier");

        /** The CA looked at the name's DNS or server and found no proof; every other CA would. */
        private static final Set<String> VALIDATION =
                Set.of("connection", "dns", "tls", "unauthorized", "incorrectResponse");

        /** Whom a refusal concerns. */
        private enum Reach {
            NAME,
            PERHAPS_EVERY_NAME,
            NAME_FOR_NOW,
            NOBODY
        }

        private final String problemType;
        private final String detail;
        private final boolean permanent;
        private final Optional<URI> link;
        private final Reach reach;

        /**
         * A refusal by the CA; whether it is permanent follows from its type.
         *
         * @param name the name refused
         * @param problemType the ACME error type without its URN prefix, for example {@code "caa"} (RFC 8555
         *     section 6.7)
         * @param detail the CA's words, in one line
         * @param retryAfter the CA's {@code Retry-After}, or zero to leave the wait to the back-off schedule
         */
        public Rejected(ServerName name, String problemType, String detail, Duration retryAfter) {
            this(name, problemType, detail, retryAfter, PERMANENT.contains(problemType), Optional.empty(), Reach.NAME);
        }

        private Rejected(
                ServerName name,
                String problemType,
                String detail,
                Duration retryAfter,
                boolean permanent,
                Optional<URI> link,
                Reach reach) {
            super(
                    FailureMemory.SCHEDULE,
                    name,
                    reach == Reach.NOBODY
                            ? "the CA could not look at the name, which passes and is tried again, nothing has to be"
                                    + " changed (" + problemType + "): " + detail
                            : "rejected by the CA (" + problemType + "): " + detail,
                    retryAfter,
                    null);
            this.problemType = problemType;
            this.detail = detail;
            this.permanent = permanent;
            this.link = link;
            this.reach = reach;
        }

        /**
         * A refusal whose reason may be the same for every name: the kind of key, the profile, the account. Whether it is,
         * other names tell. Parameters as those of the constructor.
         */
        public static Rejected general(ServerName name, String problemType, String detail, Duration retryAfter) {
            return new Rejected(
                    name, problemType, detail, retryAfter, false, Optional.empty(), Reach.PERHAPS_EVERY_NAME);
        }

        /**
         * A look by the CA that failed on its way, in the DNS or the network, and passes without anybody's doing.
         * Parameters as those of the constructor.
         */
        public static Rejected passing(ServerName name, String problemType, String detail, Duration retryAfter) {
            return new Rejected(name, problemType, detail, retryAfter, false, Optional.empty(), Reach.NOBODY);
        }

        /**
         * A name the CA has paused for this account after too many failures in a row: it is refused until somebody
         * visits a page of the CA's, and says so. Parameters as those of the constructor, and that page, https.
         */
        public static Rejected paused(
                ServerName name, String problemType, String detail, URI link, Duration retryAfter) {
            return new Rejected(
                    name,
                    problemType,
                    "the CA has paused this name after too many failures; visit " + link
                            + " to have it resumed (the CA says: " + detail + ")",
                    retryAfter,
                    true,
                    Optional.of(link),
                    Reach.NAME);
        }

        /** The same, which passes when another CA that may not mind can be asked again: what keeps that one. */
        public Rejected until(IssuanceException other) {
            String until = detail + "; another CA is asked when it can be: " + other.what();
            return new Rejected(name(), problemType, until, retryAfter(), false, link, Reach.NAME_FOR_NOW);
        }

        /** The ACME error type without its URN prefix. */
        public String problemType() {
            return problemType;
        }

        /** The CA's words, in one line; for a paused name, what to do about it. */
        public String detail() {
            return detail;
        }

        /**
         * Whether this lasts until somebody acts: the owner of the name (CAA), or the operator (the CA's policy, a paused
         * name). Others, a name that cannot be reached yet for one, may pass by themselves.
         */
        public boolean permanent() {
            return permanent;
        }

        /** Whether the reason may be the same for every name. */
        public boolean isGeneral() {
            return reach == Reach.PERHAPS_EVERY_NAME;
        }

        /** Whether it passes without anybody's doing. */
        public boolean isPassing() {
            return reach == Reach.NOBODY || reach == Reach.NAME_FOR_NOW;
        }

        /** The page that has to be visited before the CA goes on, https; empty where there is none. */
        public Optional<URI> link() {
            return link;
        }

        /** False where the name's own DNS or server is at fault. */
        @Override
        public boolean elsewhere() {
            return isGeneral() || !VALIDATION.contains(problemType);
        }
    }

    /**
     * The CA asks to be left alone for a while: 429, {@code rateLimited}, or 503 with {@code Retry-After}. Nobody acts;
     * we try again when the wait is over, and meanwhile another CA may do the work.
     */
    public static final class RateLimited extends IssuanceException {

        private final Scope.OfLimit scope;
        private final String detail;

        /**
         * A limit that was reached.
         *
         * @param name the name the order was for
         * @param scope whom the wait concerns
         * @param detail the CA's words, in one line
         * @param retryAfter the CA's {@code Retry-After}, at most a day, or some seconds where it gave none
         */
        public RateLimited(ServerName name, Scope.OfLimit scope, String detail, Duration retryAfter) {
            super(
                    FailureMemory.BRIEF,
                    name,
                    "the CA limits the rate " + scope.words() + " (" + detail + ")",
                    retryAfter,
                    null);
            this.scope = scope;
            this.detail = detail;
        }

        /** The CA's words, in one line. */
        public String detail() {
            return detail;
        }

        /** Whom the wait concerns. */
        public Scope.OfLimit scope() {
            return scope;
        }

        @Override
        public boolean elsewhere() {
            return true;
        }
    }

    /**
     * The CA does not accept our account: its external binding, its contact, or the account as such. The operator acts;
     * until then every order to this CA fails, and another CA may do the work.
     */
    public static final class AccountRefused extends IssuanceException {

        /** An account that was refused: the CA's words and what to do, and how long not to try it again. */
        public AccountRefused(ServerName name, String text, Duration retryAfter) {
            super(FailureMemory.BRIEF, name, "the CA refuses the account: " + text, retryAfter, null);
        }

        @Override
        public boolean elsewhere() {
            return true;
        }
    }

    /**
     * The CA gives no certificate for any name at present, and its reason is the same for all of them. The operator acts; one
     * order a minute finds out whether he has, and another CA may do the work.
     */
    public static final class RefusesAll extends IssuanceException {

        /** A CA that refuses whatever the name: what it minds and what to change, and when it is tried again. */
        public RefusesAll(ServerName name, String text, Duration retryAfter) {
            super(FailureMemory.NONE, name, text, retryAfter, null);
        }

        @Override
        public boolean elsewhere() {
            return true;
        }
    }

    /** The CA could not be reached, timed out, or answered nonsense. Nobody acts; we try again, or another CA. */
    public static final class Unavailable extends IssuanceException {

        private enum Trouble {
            /** With this order. */
            ORDER,
            /** With this order, which the CA has accepted and goes on with. */
            UNFINISHED,
            /** With the CA. */
            CA
        }

        private final Trouble trouble;

        /**
         * A CA that could not do its work now, for this order; other names may fare better.
         *
         * @param name the name the order was for
         * @param what what happened
         * @param retryAfter the CA's {@code Retry-After}, or some seconds
         * @param cause the failure behind it, null where the message says it all
         */
        public Unavailable(ServerName name, String what, Duration retryAfter, @Nullable Throwable cause) {
            this(name, what, retryAfter, cause, Trouble.ORDER);
        }

        private Unavailable(
                ServerName name, String what, Duration retryAfter, @Nullable Throwable cause, Trouble trouble) {
            super(FailureMemory.BRIEF, name, what, retryAfter, cause);
            this.trouble = trouble;
        }

        /** A CA that answers, and has not finished in time what it has accepted; parameters as those of the other. */
        public static Unavailable unfinished(ServerName name, String what, Duration retryAfter) {
            return new Unavailable(name, what, retryAfter, null, Trouble.UNFINISHED);
        }

        /** A CA that is unwell: not to be reached, or in trouble of its own; parameters as those of the constructor. */
        public static Unavailable unwell(ServerName name, String what, Duration retryAfter, @Nullable Throwable cause) {
            return new Unavailable(name, what, retryAfter, cause, Trouble.CA);
        }

        /** Whether the CA answers, and only the order is not finished. */
        public boolean isUnfinished() {
            return trouble == Trouble.UNFINISHED;
        }

        /** Whether the CA is unwell, so that other names would fare no better. */
        public boolean isUnwell() {
            return trouble == Trouble.CA;
        }

        @Override
        public boolean elsewhere() {
            return true;
        }
    }

    /** The name's DNS does not lead here, or does not let the CA issue; nothing was ordered. The verdict says who acts. */
    public static final class NotReady extends IssuanceException {

        private final Optional<String> leadsTo;

        /** A name an order cannot succeed for: who must act and how, where it leads, and how long to leave it alone. */
        public NotReady(ServerName name, String verdict, Optional<String> leadsTo, Duration retryAfter) {
            super(FailureMemory.BRIEF, name, "not ordered: " + verdict, retryAfter, null);
            this.leadsTo = leadsTo;
        }

        /** What has to be changed, without who must do it. */
        public String toDo() {
            return what().replaceFirst("^not ordered: (customer|operator): ", "");
        }

        /** Where the name leads instead: an address, or {@code nowhere}; empty where something else is in the way. */
        public Optional<String> leadsTo() {
            return leadsTo;
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
            super(FailureMemory.BRIEF, name, "store: " + what, retryAfter, cause);
        }
    }

    /** More wanted a certificate at once than the configured bounds allow. Nobody acts; the client comes again. */
    public static final class Overloaded extends IssuanceException {

        private final String bound;

        /** A bound that was reached, by its configuration key; never remembered for the name. */
        public Overloaded(ServerName name, String bound) {
            super(FailureMemory.NONE, name, "too many at once (" + bound + ")", Duration.ZERO, null);
            this.bound = bound;
        }

        /** The bound, by its configuration key. */
        public String bound() {
            return bound;
        }
    }

    /** A failure of before, which has been told and is not to be tried again yet. Who acts is in its words. */
    public static final class Remembered extends IssuanceException {

        /** A failure that still stands in the way: what failed, without the name, and what is left of the wait. */
        public Remembered(ServerName name, String words, Duration retryAfter) {
            super(FailureMemory.NONE, name, words, retryAfter, null);
        }
    }

    /** The engine is stopping. */
    public static final class Stopping extends IssuanceException {

        /** A flight for a name that was cut short, or never started. */
        public Stopping(ServerName name) {
            super(FailureMemory.NONE, name, "the server is stopping", Duration.ZERO, null);
        }
    }

    /**
     * What was planned is more than the CA may be asked for over time. Nobody acts: it fits by itself later, and another CA
     * has a budget of its own.
     */
    public static final class OverBudget extends IssuanceException {

        private final boolean all;

        /**
         * A budget that is spent.
         *
         * @param name the name the order was for
         * @param which what is spent, by its configuration key, and when it will fit
         * @param retryAfter how long until then
         */
        public OverBudget(ServerName name, String which, Duration retryAfter) {
            this(name, which, retryAfter, false);
        }

        private OverBudget(ServerName name, String which, Duration retryAfter, boolean all) {
            super(FailureMemory.BRIEF, name, "over budget: " + which, retryAfter, null);
            this.all = all;
        }

        /** What all orders of an account share is spent; parameters as those of the other. */
        public static OverBudget ofAll(ServerName name, String which, Duration retryAfter) {
            return new OverBudget(name, which, retryAfter, true);
        }

        /** Whether every order to the CA has to wait, whatever its name. */
        public boolean concernsAll() {
            return all;
        }

        @Override
        public boolean elsewhere() {
            return true;
        }
    }
}
