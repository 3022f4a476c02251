package org.ondemandtls.authority;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * Decides which faults of one piece of work are borne, by asking the CA once more: those that pass, at a growing pace and
 * so often only that a CA in trouble is not asked for more than it can bear.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
final class Endurance {

    /** How much one piece of work bears. */
    enum Measure {
        /** No fault at all. */
        NONE(0, 0),
        /** A few seconds of faults, where somebody else can be asked instead. */
        SOME(10, 5),
        /** Faults until the time for the work is nearly over, where there is nobody else. */
        LONG(16, 12);

        private final int all;
        private final int inARow;

        Measure(int all, int inARow) {
            this.all = all;
            this.inARow = inARow;
        }
    }

    /** The longest wait a CA may ask for that is borne, while somebody waits. */
    static final Duration SHORT_WAIT = Duration.ofSeconds(10);

    private static final int MOST_NO_CONNECTIONS = 2;
    private static final int MOST_LIMITS = 2;
    private static final int MOST_LIMITS_ALONE = 6;
    private static final int MOST_MISSING = 6;
    private static final int MOST_FOR_A_CHOICE = 2;
    private static final Duration FIRST_WAIT = Duration.ofMillis(100);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(3);
    private static final Duration UNSAID_LIMIT = Duration.ofSeconds(1);
    private static final int NOT_FOUND = 404;

    /** Those that speak of the connection or the moment (RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470). */
    private static final Set<Integer> ANOTHER_TIME = Set.of(408, 421, 425);

    private static final int GONE = 410;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVICE_UNAVAILABLE = 503;
    private static final int MOST_CAUSES = 10;

    /** What it means that the CA does not find what it is asked for. */
    enum Missing {
        /** Nothing in particular: something else may have answered in the CA's place. */
        STRANGE,
        /** It was made a moment ago, and one of several that share the CA's work has not heard of it yet. */
        LATE,
        /** It was made long ago, and is there no more. */
        GONE
    }

    private enum Fault {
        LOST,
        NO_CONNECTION,
        SERVER_ERROR,
        LIMIT,
        UNREADABLE,
        MISSING,
        FINAL
    }

    private Measure measure = Measure.NONE;
    private final Map<Fault, Integer> inARowOf = new EnumMap<>(Fault.class);
    private int left;
    private int inARow;
    private int unclearOrders;
    private int unclear;
    private boolean serverErrors = true;
    private Missing missing = Missing.STRANGE;

    /** Begins a piece of work that bears so much. */
    void begin(Measure wanted) {
        measure = wanted;
        left = wanted.all;
        inARow = 0;
        inARowOf.clear();
        unclearOrders = 0;
        unclear = 0;
        serverErrors = true;
        missing = Missing.STRANGE;
    }

    /** Whether the CA's own errors are borne; where they may be its answer to something, they are not. */
    void bearServerErrors(boolean whether) {
        serverErrors = whether;
    }

    /** What it means that the CA does not find what it is asked for. */
    void takeMissingFor(Missing meaning) {
        missing = meaning;
    }

    /** What follows can be done without, so that little is borne for it. */
    void bearLittle() {
        left = Math.min(left, MOST_FOR_A_CHOICE);
        missing = Missing.STRANGE;
    }

    /** An answer that can be used came. */
    void succeeded() {
        inARow = 0;
        inARowOf.clear();
    }

    /** Whether the request that is under way was sent before. */
    boolean isRepeating() {
        return inARow > 0;
    }

    /** How many requests were sent once more that the CA may have heard the first time. */
    int unclear() {
        return unclear;
    }

    /** Whether any fault may still be borne. */
    boolean isLeft() {
        return left > 0;
    }

    /**
     * Says what to do about a fault.
     *
     * @param thrown what a request ended with
     * @param status the status of the answer, 0 where there was none
     * @param asked the wait the answer asks for
     * @param isNewOrder whether a repetition may place a second order
     * @return the wait before the request is sent once more; empty where the fault is not borne
     */
    Optional<Duration> bear(Exception thrown, int status, Optional<Duration> asked, boolean isNewOrder) {
        Fault fault = fault(thrown, status, asked);
        if (isNewOrder && fault == Fault.SERVER_ERROR && !serverErrors) {
            // It may have been placed, and another one follows without what the CA may have minded.
            unclearOrders++;
        }
        // Each kind by itself: what one kind has used up says nothing about another.
        if (left == 0 || inARowOf.getOrDefault(fault, 0) >= most(fault)) {
            return Optional.empty();
        }
        // What may have been placed is placed once more, and not again.
        if (isNewOrder && fault != Fault.LIMIT && fault != Fault.NO_CONNECTION && ++unclearOrders > 1) {
            return Optional.empty();
        }
        Duration pace = shorter(FIRST_WAIT.multipliedBy(1L << inARow), LONGEST_WAIT);
        Duration wait = fault == Fault.LIMIT ? longer(asked.orElse(UNSAID_LIMIT), pace) : pace;
        if (fault != Fault.LIMIT && fault != Fault.NO_CONNECTION) {
            unclear++;
        }
        left--;
        inARow++;
        inARowOf.merge(fault, 1, Integer::sum);
        return Optional.of(wait);
    }

    private int most(Fault fault) {
        return switch (fault) {
            case LOST -> measure.inARow;
            case SERVER_ERROR -> serverErrors ? measure.inARow : 0;
            // Somebody else can be asked at once.
            case NO_CONNECTION -> measure == Measure.LONG ? measure.inARow : MOST_NO_CONNECTIONS;
            case LIMIT -> measure == Measure.LONG ? MOST_LIMITS_ALONE : MOST_LIMITS;
            case UNREADABLE -> 1;
            case MISSING -> MOST_MISSING;
            case FINAL -> 0;
        };
    }

    private Fault fault(Exception thrown, int status, Optional<Duration> asked) {
        if (thrown instanceof AcmeNetworkException) {
            return network(thrown.getCause());
        }
        String type = thrown instanceof AcmeServerException refused
                ? CaProblem.of(refused.getProblem()).type()
                : "";
        boolean limited = status == TOO_MANY_REQUESTS || type.equals("rateLimited");
        if (asked.isPresent() && (limited || status == SERVICE_UNAVAILABLE)) {
            return asked.get().compareTo(SHORT_WAIT) <= 0 ? Fault.LIMIT : Fault.FINAL;
        }
        if (limited) {
            // What stands before a CA says neither why nor how long, and means the moment.
            return type.isEmpty() ? Fault.LIMIT : Fault.FINAL;
        }
        if (status >= 500 || ANOTHER_TIME.contains(status) || type.equals("serverInternal")) {
            return Fault.SERVER_ERROR;
        }
        boolean isMissing =
                (status == NOT_FOUND && !type.equals("accountDoesNotExist")) || thrown instanceof NotYetException;
        if (isMissing && missing == Missing.LATE) {
            return Fault.MISSING;
        }
        if (status == NOT_FOUND && missing == Missing.GONE) {
            return Fault.FINAL;
        }
        // Also a redirect, or a page of whatever stands before the CA: the CA itself says why it refuses.
        return type.isEmpty() && status != 0 && status != GONE ? Fault.UNREADABLE : Fault.FINAL;
    }

    private static Fault network(@Nullable Throwable cause) {
        if (cause instanceof CaProxyException proxy) {
            return proxy.isFinal() ? Fault.FINAL : Fault.NO_CONNECTION;
        }
        if (cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException) {
            return Fault.NO_CONNECTION;
        }
        if (cause instanceof SSLHandshakeException) {
            // An end in the midst of it, or an alert, is none of whom we trust.
            return isAboutTrust(cause) ? Fault.FINAL : Fault.NO_CONNECTION;
        }
        boolean isFinal = !(cause instanceof IOException)
                || cause instanceof InterruptedIOException
                || cause instanceof SSLPeerUnverifiedException
                || cause instanceof ForeignUrlException;
        return isFinal ? Fault.FINAL : Fault.LOST;
    }

    private static boolean isAboutTrust(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++, cause = cause.getCause()) {
            if (cause instanceof GeneralSecurityException) {
                return true;
            }
        }
        return false;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
