package org.ondemandtls;

/** Why the engine does not start; the message is one line that says what to do. */
public final class StartException extends Exception {

    /**
     * A start that failed.
     *
     * @param message what is wrong and what to do, in one line
     */
    public StartException(String message) {
        super(message);
    }

    /**
     * A start that failed for a reason further down.
     *
     * @param message what is wrong and what to do, in one line
     * @param cause the failure behind it
     */
    public StartException(String message, Throwable cause) {
        super(message, cause);
    }
}
