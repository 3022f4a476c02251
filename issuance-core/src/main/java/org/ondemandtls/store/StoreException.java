package org.ondemandtls.store;

/** The store could not do what it was asked; the message says what and what to do, in one line. */
public class StoreException extends Exception {

    /**
     * A failure of the medium.
     *
     * @param message what could not be done and what to do
     * @param cause the failure behind it
     */
    public StoreException(String message, Throwable cause) {
        super(message, cause);
    }

    /**
     * A refusal by the store itself.
     *
     * @param message what was refused and what to do
     */
    public StoreException(String message) {
        super(message);
    }
}
