package org.ondemandtls.authority;

/**
 * A CA has made an order invalid and does not say why, or hands out what has failed before: the cause of what is told then.
 * It says nothing of the name.
 */
public final class UnexplainedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Nothing is known of it. */
    public UnexplainedException() {
        super(null, null, false, false);
    }
}
