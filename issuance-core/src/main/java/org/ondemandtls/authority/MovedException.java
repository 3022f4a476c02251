package org.ondemandtls.authority;

import java.net.URI;
import org.shredzone.acme4j.exception.AcmeException;

/** What was asked for is somewhere else, where it is not followed. */
final class MovedException extends AcmeException {
    private static final long serialVersionUID = 1L;

    /**
     * Moved there.
     *
     * @param target where to
     * @param isOwn whether it is an origin that may be asked, and was followed until now
     */
    MovedException(URI target, boolean isOwn) {
        super(words(CaProblem.oneLine(target.toString()), isOwn, "http".equalsIgnoreCase(target.getScheme())));
    }

    private static String words(String target, boolean isOwn, boolean isPlain) {
        if (isOwn) {
            return "leads from one redirect to the next, at last to " + target
                    + ": have the CA, or the proxy before it, answer there";
        }
        return isPlain
                ? "redirects to " + target
                        + ", which is not https: have the CA, or the proxy before it, redirect to https"
                : "has moved to " + target + ": set onDemandTls.acme.directory to it if you trust it";
    }
}
