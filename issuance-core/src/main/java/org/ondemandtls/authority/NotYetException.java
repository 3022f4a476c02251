package org.ondemandtls.authority;

import org.shredzone.acme4j.exception.AcmeException;

/** What is asked for is not there yet. */
final class NotYetException extends AcmeException {
    private static final long serialVersionUID = 1L;

    /** Not there yet. */
    NotYetException() {
        super("an empty answer");
    }
}
