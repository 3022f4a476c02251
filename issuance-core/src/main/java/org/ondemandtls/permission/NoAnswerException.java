package org.ondemandtls.permission;

/** A policy could not make up its mind: it could not be reached, took too long, or answered neither yes nor no. */
public final class NoAnswerException extends Exception {

    /**
     * A question without an answer.
     *
     * @param reason what happened instead, in one line without the name
     */
    public NoAnswerException(String reason) {
        super(reason, null, false, false);
    }
}
