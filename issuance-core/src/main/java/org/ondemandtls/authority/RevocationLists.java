package org.ondemandtls.authority;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.LeafExtensions;

/**
 * Reads the revocation lists that certificates name (RFC 5280). A list counts only if the leaf's issuer has signed it and it
 * is current; anything else says nothing.
 *
 * <p><b>Cost.</b> One request for each URL in {@link #KEPT}, whatever the number of certificates that name it. <b>Memory.</b>
 * At most {@value #MOST} lists and {@value #MOST_NUMBERS} serial numbers; one list is decoded at a time. Safe for use by many
 * threads.
 */
public final class RevocationLists implements Revocations {

    /** How long a list, or that there was none, is remembered. */
    static final Duration KEPT = Duration.ofHours(12);

    /** How many lists are remembered. */
    static final int MOST = 256;

    /** How many serial numbers are remembered in all. */
    static final int MOST_NUMBERS = 1_000_000;

    private static final Duration RETRIED = Duration.ofHours(1);

    /** Gets what is at a URL. */
    @FunctionalInterface
    interface Source {

        /**
         * Gets it whole.
         *
         * @throws IOException if it is not there, too large, too slow, or where nobody must be led
         */
        byte[] get(URI url) throws IOException;
    }

    private record Listed(Set<BigInteger> numbers, byte[] issuerKey, long until) {}

    private final Source source;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final ReentrantLock decoding = new ReentrantLock();
    private final Map<URI, Listed> lists = new LinkedHashMap<>();
    private int numbers;

    /**
     * Reads them from the public internet.
     *
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public RevocationLists(Clock clock, LongSupplier nanoTime) {
        this(new PublicHttp(nanoTime), clock, nanoTime);
    }

    RevocationLists(Source source, Clock clock, LongSupplier nanoTime) {
        this.source = source;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    @Override
    public boolean isRevoked(List<X509Certificate> chain) {
        if (chain.size() < 2) {
            return false;
        }
        X509Certificate leaf = chain.get(0);
        for (URI url : LeafExtensions.revocationLists(leaf)) {
            Listed listed = listed(url, chain.get(1));
            if (listed.numbers().contains(leaf.getSerialNumber())) {
                return true;
            }
        }
        return false;
    }

    private Listed listed(URI url, X509Certificate issuer) {
        byte[] key = issuer.getPublicKey().getEncoded();
        Listed known = known(url);
        if (known != null && nanoTime.getAsLong() - known.until() < 0) {
            return java.util.Arrays.equals(known.issuerKey(), key) ? known : new Listed(Set.of(), key, 0);
        }
        Listed fresh;
        try {
            fresh = new Listed(read(source.get(url), issuer), key, nanoTime.getAsLong() + KEPT.toNanos());
        } catch (IOException | GeneralSecurityException | RuntimeException | OutOfMemoryError e) {
            // It says nothing: whoever cannot be asked, or says more than there is memory for, has not revoked.
            fresh = new Listed(Set.of(), key, nanoTime.getAsLong() + RETRIED.toNanos());
        }
        keep(url, fresh);
        return fresh;
    }

    // Decoded, a list takes many times its size.
    private Set<BigInteger> read(byte[] content, X509Certificate issuer) throws GeneralSecurityException, IOException {
        decoding.lock();
        try {
            return decoded(content, issuer);
        } finally {
            decoding.unlock();
        }
    }

    private Set<BigInteger> decoded(byte[] content, X509Certificate issuer)
            throws GeneralSecurityException, IOException {
        X509CRL list = (X509CRL) CertificateFactory.getInstance("X.509").generateCRL(new ByteArrayInputStream(content));
        list.verify(issuer.getPublicKey());
        Instant now = clock.instant();
        boolean current = !list.getThisUpdate().toInstant().isAfter(now.plus(Duration.ofHours(1)))
                && list.getNextUpdate() != null
                && list.getNextUpdate().toInstant().isAfter(now);
        if (!current
                || !list.getIssuerX500Principal().equals(issuer.getSubjectX500Principal())
                || list.hasUnsupportedCriticalExtension()) {
            throw new IOException("not a current list of this issuer");
        }
        Set<BigInteger> found = new HashSet<>();
        Set<? extends X509CRLEntry> entries = list.getRevokedCertificates();
        if (entries != null) {
            for (X509CRLEntry entry : entries) {
                if (found.size() == MOST_NUMBERS) {
                    throw new IOException("too many are revoked");
                }
                found.add(entry.getSerialNumber());
            }
        }
        return found;
    }

    private @Nullable Listed known(URI url) {
        synchronized (lists) {
            return lists.get(url);
        }
    }

    private void keep(URI url, Listed fresh) {
        synchronized (lists) {
            drop(url);
            lists.put(url, fresh);
            numbers += fresh.numbers().size();
            while (lists.size() > MOST || (numbers > MOST_NUMBERS && lists.size() > 1)) {
                drop(lists.keySet().iterator().next());
            }
        }
    }

    private void drop(URI url) {
        Listed before = lists.remove(url);
        if (before != null) {
            numbers -= before.numbers().size();
        }
    }
}
