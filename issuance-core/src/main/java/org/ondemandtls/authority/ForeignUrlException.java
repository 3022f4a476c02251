package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URI;

/** The CA names a URL that is not of its directory's origin; such a URL is never asked for. */
final class ForeignUrlException extends IOException {

    /**
     * A URL that is not asked for.
     *
     * @param url the URL the CA names
     * @param directory the directory's
     */
    ForeignUrlException(URI url, URI directory) {
        super("the CA names a URL outside its own origin: " + CaProblem.oneLine(origin(url))
                + ", while its directory is at " + origin(directory) + "; if you trust it, add "
                + CaProblem.oneLine(origin(url))
                + " to onDemandTls.acme.origins");
    }

    private static String origin(URI url) {
        return url.getScheme() + "://" + url.getRawAuthority();
    }
}
