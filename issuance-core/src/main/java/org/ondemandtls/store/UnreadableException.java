package org.ondemandtls.store;

/** What is kept is no record of ours, or no longer: damaged, of another place, or in a form this version does not read. */
public class UnreadableException extends Exception {

    /**
     * Something about the content itself.
     *
     * @param message what is wrong with it, as the rest of a sentence about it
     */
    public UnreadableException(String message) {
        super(message);
    }

    UnreadableException(String message, Throwable cause) {
        super(message, cause);
    }
}
