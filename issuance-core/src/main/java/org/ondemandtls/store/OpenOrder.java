package org.ondemandtls.store;

import java.net.URI;
import java.security.KeyPair;
import java.time.Duration;
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
 * @param expires when the authority gives it up, empty where that is not known
 */
public record OpenOrder(
        ServerName name,
        String issuer,
        Instant started,
        Optional<URI> url,
        KeyPair key,
        byte[] csr,
        Optional<Instant> expires) {

    /** How long an order is kept open: no CA keeps one for longer. */
    public static final Duration LONGEST = Duration.ofDays(7);

    /** An order of which it is not known when the authority gives it up. */
    public OpenOrder(ServerName name, String issuer, Instant started, Optional<URI> url, KeyPair key, byte[] csr) {
        this(name, issuer, started, url, key, csr, Optional.empty());
    }

    /** The same order, its URL known, and perhaps when it expires. */
    public OpenOrder withUrl(URI newUrl, Optional<Instant> newExpires) {
        return new OpenOrder(name, issuer, started, Optional.of(newUrl), key, csr, newExpires);
    }

    /**
     * When nothing can come of it any more: what the authority said, at most {@link #LONGEST} after its start. A time before
     * its start is a wrong clock's, or stands for none.
     */
    public Instant end() {
        Instant latest = started.plus(LONGEST);
        return expires.filter(end -> end.isAfter(started) && latest.isAfter(end))
                .orElse(latest);
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
