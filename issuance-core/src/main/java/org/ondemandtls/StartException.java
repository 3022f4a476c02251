package org.ondemandtls;

import java.nio.file.FileSystemException;
import org.ondemandtls.store.StoreException;

/**
 * Why the engine does not start; the message is one line that says what to do.
 *
 * <p>It has no stack trace of its own: what is to be changed is no code.
 */
public final class StartException extends Exception {

    /**
     * A start that failed.
     *
     * @param message what is wrong and what to do, in one line
     */
    public StartException(String message) {
        super(message, null, true, false);
    }

    /**
     * A start that failed in code whose stack trace says more than the message: the operator's own, or a defect.
     *
     * @param message what is wrong and what to do, in one line
     * @param cause the failure behind it
     */
    public StartException(String message, Throwable cause) {
        super(message, cause, true, false);
    }

    /** A start that failed for the store. */
    static StartException of(StoreException failed) {
        String message = String.valueOf(failed.getMessage());
        // Only a defect has more to say. A driver's words may carry a URL with its password.
        return failed.getCause() instanceof RuntimeException defect
                ? new StartException(message, defect)
                : new StartException(message);
    }

    /**
     * A start that failed since something could not be read.
     *
     * @param what which thing
     * @param why the failure, whose words are told and which is not the cause
     */
    static StartException unreadable(String what, Exception why) {
        // The words of such a one are often the file's name and nothing else.
        String kind = why instanceof FileSystemException ? why.getClass().getSimpleName() + " " : "";
        return new StartException(what + ": " + kind + why.getMessage());
    }
}
