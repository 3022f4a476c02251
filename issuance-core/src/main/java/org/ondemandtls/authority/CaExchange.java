package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;

/** Carries requests to one CA and its answers back. */
interface CaExchange {

    /**
     * Sends a request and reads the answer to its end.
     *
     * @param request what to send
     * @param patience the time for all of it
     * @throws IOException if there is no complete answer in time, or if it may not be asked for
     */
    CaAnswer send(CaRequest request, Duration patience) throws IOException;

    /** Whether a URL is of an origin that may be asked, by scheme, host and port: the directory's, or one that was added. */
    boolean isOwn(URI uri);
}
