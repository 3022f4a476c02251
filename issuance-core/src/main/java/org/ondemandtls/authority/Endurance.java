package org.ondemandtls.authority;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.exception.AcmeNetworkException;

/**
 * Decides which faults of one piece of work are borne, by asking the CA once more: those that pass, at a growing pace and
 * so often only that a CA in trouble is not asked for more than it can bear.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
final class Endurance {

    /** How many faults one piece of work bears in all. */
    static final int FAULTS = 10;

    /** The longest wait a CA may ask for that is borne, while somebody waits. */
    static final Duration SHORT_WAIT = Duration.ofSeconds(10);

    private static final int MOST_IN_A_ROW = 5;
    private static final int MOST_NO_CONNECTIONS = 2;
    private static final int MOST_LIMITS = 2;
    private static final int MOST_MISSING = 3;
    private static final Duration FIRST_WAIT = Duration.ofMillis(100);
    private static final int NOT_FOUND = 404;
    private static final int TIMEOUT = 408;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVICE_UNAVAILABLE = 503;

    private enum Fault {
        LOST,
        NO_CONNECTION,
        SERVER_ERROR,
        LIMIT,
        UNREADABLE,
        MISSING,
        FINAL
    }

    private int left;
    private int inARow;
    private int unclearOrders;
    private int unclear;
    private boolean serverErrors = true;
    private boolean missing;

    /** Begins a piece of work that bears so many faults. */
    void begin(int faults) {
        left = faults;
        inARow = 0;
        unclearOrders = 0;
        unclear = 0;
        serverErrors = true;
        missing = false;
    }

    /** Whether the CA's own errors are borne; where they may be its answer to something, they are not. */
    void bearServerErrors(boolean whether) {
        serverErrors = whether;
    }

    /**
     * Whether it is borne that the CA does not find what it has just made: one of several that share its work may not have
     * heard of it yet.
     */
    void bearMissing(boolean whether) {
        missing = whether;
    }

    /** An answer that can be used came. */
    void succeeded() {
        inARow = 0;
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
        if (left == 0 || inARow >= most(fault)) {
            return Optional.empty();
        }
        // What may have been placed is placed once more, and not again.
        if (isNewOrder && fault != Fault.LIMIT && fault != Fault.NO_CONNECTION && ++unclearOrders > 1) {
            return Optional.empty();
        }
        Duration wait = fault == Fault.LIMIT ? asked.orElseThrow() : FIRST_WAIT.multipliedBy(1L << inARow);
        if (fault != Fault.LIMIT && fault != Fault.NO_CONNECTION) {
            unclear++;
        }
        left--;
        inARow++;
        return Optional.of(wait);
    }

    private int most(Fault fault) {
        return switch (fault) {
            case LOST -> MOST_IN_A_ROW;
            case SERVER_ERROR -> serverErrors ? MOST_IN_A_ROW : 0;
            case NO_CONNECTION -> MOST_NO_CONNECTIONS;
            case LIMIT -> MOST_LIMITS;
            case UNREADABLE -> 1;
            case MISSING -> missing ? MOST_MISSING : 0;
            case FINAL -> 0;
        };
    }

    private static Fault fault(Exception thrown, int status, Optional<Duration> asked) {
        if (thrown instanceof AcmeNetworkException) {
            return network(thrown.getCause());
        }
        if (asked.isPresent() && (status == TOO_MANY_REQUESTS || status == SERVICE_UNAVAILABLE)) {
            return asked.get().compareTo(SHORT_WAIT) <= 0 ? Fault.LIMIT : Fault.FINAL;
        }
        if (status >= 500 || status == TIMEOUT) {
            return Fault.SERVER_ERROR;
        }
        if (status == NOT_FOUND) {
            return Fault.MISSING;
        }
        return status / 100 == 2 ? Fault.UNREADABLE : Fault.FINAL;
    }

    private static Fault network(@Nullable Throwable cause) {
        if (cause instanceof CaProxyException proxy) {
            return proxy.isFinal() ? Fault.FINAL : Fault.NO_CONNECTION;
        }
        if (cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException) {
            return Fault.NO_CONNECTION;
        }
        boolean isFinal = !(cause instanceof IOException)
                || cause instanceof InterruptedIOException
                || cause instanceof SSLHandshakeException
                || cause instanceof SSLPeerUnverifiedException
                || cause instanceof ForeignUrlException;
        return isFinal ? Fault.FINAL : Fault.LOST;
    }
}
