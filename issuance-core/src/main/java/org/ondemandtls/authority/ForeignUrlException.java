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
        super(words(url, CaProblem.oneLine(origin(url)), ", while its directory is at " + origin(directory)));
    }

    // A CA behind a proxy that ends TLS may not know that it is asked by HTTPS.
    private static String words(URI url, String named, String where) {
        return "http".equalsIgnoreCase(url.getScheme())
                ? "the CA names a URL that is not https: " + named + where
                        + "; have the CA name https URLs (its own address, or X-Forwarded-Proto of the proxy before it)"
                : "the CA names a URL outside its own origin: " + named + where + "; if you trust it, add " + named
                        + " to onDemandTls.acme.origins";
    }

    private static String origin(URI url) {
        return url.getScheme() + "://" + url.getRawAuthority();
    }
}
