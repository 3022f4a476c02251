package org.ondemandtls.store;

import java.net.URI;
import java.security.KeyPair;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.name.ServerName;

/**
 * What is needed to finish an order after a crash.
 *
 * @param name the identifier ordered
 * @param issuer the {@code id()} of the authority it was placed with
 * @param started when it was first written
 * @param url the order's URL, empty until the authority has told it
 * @param key the key pair of the certificate to come
 * @param csr the certification request in DER
 */
public record OpenOrder(ServerName name, String issuer, Instant started, Optional<URI> url, KeyPair key, byte[] csr) {

    /** The same order, its URL known. */
    public OpenOrder withUrl(URI newUrl) {
        return new OpenOrder(name, issuer, started, Optional.of(newUrl), key, csr);
    }

    /** The same key and request for another order at the same CA, in place of this one. */
    public OpenOrder anew(Instant newStarted) {
        return new OpenOrder(name, issuer, newStarted, Optional.empty(), key, csr);
    }

    @Override
    public String toString() {
        return "OpenOrder[" + name + " at " + issuer + ", "
                + url.map(URI::toString).orElse("no URL yet") + "]";
    }
}
