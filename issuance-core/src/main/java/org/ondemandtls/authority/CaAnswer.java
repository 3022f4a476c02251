package org.ondemandtls.authority;

import java.net.URI;
import java.net.http.HttpHeaders;

/**
 * A complete answer of a CA.
 *
 * @param uri what was asked for
 * @param status the HTTP status
 * @param headers as the CA sent them
 * @param body at most {@link CaLimits#BODY} octets
 */
record CaAnswer(URI uri, int status, HttpHeaders headers, byte[] body) {

    @Override
    public String toString() {
        return "CaAnswer[" + status + "]";
    }
}
