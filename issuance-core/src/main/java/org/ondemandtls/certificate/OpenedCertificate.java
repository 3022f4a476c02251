package org.ondemandtls.certificate;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A key and a chain as the objects a TLS engine works with: several kilobytes, where a {@link KeyedCertificate} that nobody
 * visits holds some hundred octets.
 *
 * <p>Immutable. Never shows its key.
 */
public final class OpenedCertificate {

    private static final AtomicLong NUMBERS = new AtomicLong();

    private final PrivateKey key;
    private final List<X509Certificate> chain;
    private final String number = Long.toString(NUMBERS.incrementAndGet());

    OpenedCertificate(PrivateKey key, List<X509Certificate> chain) {
        this.key = key;
        this.chain = chain;
    }

    /** The private key of the leaf. */
    public PrivateKey key() {
        return key;
    }

    /** The leaf, then its issuers. */
    public List<X509Certificate> chain() {
        return chain;
    }

    /** The end-entity certificate. */
    public X509Certificate leaf() {
        return chain.get(0);
    }

    /** A number that no other instance in this JVM has. */
    public String number() {
        return number;
    }
}
