package org.ondemandtls.certificate;

/** Text that should be PEM and is not, or holds something else than it should. Never repeats the text. */
public final class InvalidPemException extends Exception {

    /**
     * A refusal.
     *
     * @param reason what is wrong, in one line, without any of the content
     */
    public InvalidPemException(String reason) {
        super(reason, null, false, false);
    }
}
