package org.ondemandtls.certificate;

import java.security.PrivateKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.ondemandtls.name.ServerName;

/**
 * A leaf with its chain and its private key: everything a TLS server needs to answer for the names in it.
 *
 * <p>Immutable and identified by the instance: two equal chains may be served side by side while one
 * replaces the other. Never shows its key.
 *
 * <p><b>Memory.</b> The key and the leaf are held as Java objects, or as the octets those are made from again: which of
 * both, {@link #rest} decides, and nobody else can tell but by the time it takes. The issuers are shared.
 *
 * <p><b>Threads.</b> Safe for use by many; nothing blocks.
 */
public final class KeyedCertificate {

    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    private final IssuerChain issuers;
    private final Set<String> names;
    private final long notBeforeMillis;
    private final long notAfterMillis;

    // An OpenedCertificate, or the octets of a packed one.
    private volatile Object form;
    private volatile boolean used = true;
    private volatile int lastRound;

    /**
     * Joins a key and a chain without checking that they belong together; see {@link CertificateVerifier}.
     *
     * @param key the private key of the leaf
     * @param chain the leaf, then its issuers, the root usually left out; not empty
     * @throws IllegalArgumentException if the chain is empty or the leaf's names cannot be read
     */
    public KeyedCertificate(PrivateKey key, List<X509Certificate> chain) {
        if (chain.isEmpty()) {
            throw new IllegalArgumentException("a chain has at least a leaf");
        }
        X509Certificate leaf = chain.get(0);
        this.issuers = IssuerChain.of(chain);
        this.names = namesOf(leaf);
        this.notBeforeMillis = leaf.getNotBefore().toInstant().toEpochMilli();
        this.notAfterMillis = leaf.getNotAfter().toInstant().toEpochMilli();
        this.form = new OpenedCertificate(key, issuers.under(leaf));
    }

    /** The key and the chain for an engine, made anew where nobody had asked for them for long; a use of the certificate. */
    public OpenedCertificate opened() {
        if (!used) {
            used = true;
        }
        if (form instanceof OpenedCertificate opened) {
            return opened;
        }
        return openedOnce();
    }

    // All who open it at once get the same: some hold it weakly, and trust that it is held here.
    private synchronized OpenedCertificate openedOnce() {
        OpenedCertificate opened = look();
        form = opened;
        return opened;
    }

    /**
     * Packs the key and the leaf unless they were used since this was called last; whoever has them already keeps them.
     * Costs a comparison, or about a tenth of a millisecond where it packs.
     */
    public void rest() {
        if (used) {
            used = false;
        } else if (form instanceof OpenedCertificate opened) {
            PackedCertificate.pack(opened, issuers).ifPresent(packed -> pack(opened, packed));
        }
    }

    // Who asked while it was being packed has the opened one, and trusts that it is held here.
    private synchronized void pack(OpenedCertificate opened, byte[] packed) {
        form = packed;
        if (used) {
            form = opened;
        }
    }

    /**
     * The same at most once in a round, however often it is met in it.
     *
     * @param round the number of the round, another one each time, from 1
     */
    public void rest(int round) {
        if (lastRound != round) {
            lastRound = round;
            rest();
        }
    }

    /** Whether the key and the leaf are packed. */
    public boolean isResting() {
        return !(form instanceof OpenedCertificate);
    }

    // What is looked at for a moment is no use.
    private OpenedCertificate look() {
        Object now = form;
        return now instanceof OpenedCertificate opened ? opened : PackedCertificate.open((byte[]) now, issuers);
    }

    /** The private key of the leaf. */
    public PrivateKey key() {
        return opened().key();
    }

    /** The leaf, then its issuers. */
    public List<X509Certificate> chain() {
        return opened().chain();
    }

    /** The end-entity certificate. */
    public X509Certificate leaf() {
        return opened().leaf();
    }

    /**
     * The DNS names of the leaf that can be served, in lower case and in its order; {@code *.example.com} among them where
     * it has one. Others, such as a single label, are left out: no handshake ever asks for them.
     */
    public Set<String> names() {
        return names;
    }

    /** The first name and the serial number: what tells this leaf from every other one in a log. */
    public String id() {
        return names.stream().findFirst().orElse("-")
                + '#'
                + look().leaf().getSerialNumber().toString(16);
    }

    /** The first instant of validity. */
    public Instant notBefore() {
        return Instant.ofEpochMilli(notBeforeMillis);
    }

    /** The last instant of validity. */
    public Instant notAfter() {
        return Instant.ofEpochMilli(notAfterMillis);
    }

    /**
     * Whether {@code now} lies in the validity period, both ends included; the beginning with the tolerance for clocks that
     * a certificate is accepted with, so that what was just obtained is also served.
     */
    public boolean isValidAt(Instant now) {
        return !now.plus(CertificateVerifier.CLOCK_SKEW).isBefore(notBefore()) && !now.isAfter(notAfter());
    }

    /**
     * The same as clients want it, see {@link ChainOrder}: without issuers that have ended, roots and duplicates, in order, for
     * serving what was kept for long or came from elsewhere. Costs a few comparisons, or signatures where there is something
     * to do.
     *
     * @return this where the chain is so already
     */
    public KeyedCertificate inOrder(Instant now) {
        OpenedCertificate opened = look();
        if (isInOrder(opened.leaf(), now)) {
            return this;
        }
        List<X509Certificate> ordered =
                ChainOrder.of(opened.chain(), opened.leaf().getPublicKey(), now).chain();
        return ordered.equals(opened.chain()) ? this : new KeyedCertificate(opened.key(), ordered);
    }

    private boolean isInOrder(X509Certificate leaf, Instant now) {
        X509Certificate last = leaf;
        boolean ofTheLeaf = true;
        for (X509Certificate issuer : issuers.issuers()) {
            boolean isRoot = issuer.getSubjectX500Principal().equals(issuer.getIssuerX500Principal());
            // A private CA may have nothing but its root.
            if (now.isAfter(issuer.getNotAfter().toInstant())
                    || !issuer.getSubjectX500Principal().equals(last.getIssuerX500Principal())
                    || (isRoot && !ofTheLeaf)) {
                return false;
            }
            last = issuer;
            ofTheLeaf = false;
        }
        return true;
    }

    /** Whether the leaf names {@code name}, exactly or by a wildcard of one label (RFC 9525 section 6.3). */
    public boolean covers(ServerName name) {
        return names.contains(name.value()) || names.contains(name.wildcard());
    }

    @Override
    public String toString() {
        return "KeyedCertificate[" + id() + ", until " + notAfter() + "]";
    }

    /** The DNS names of a leaf, as {@link #names}. */
    static Set<String> namesOf(X509Certificate leaf) {
        Set<String> servable = new LinkedHashSet<>(allNamesOf(leaf));
        servable.removeIf(name -> !isServable(name));
        // One name is what nearly every leaf has, and takes a tenth of the memory.
        return servable.size() == 1 ? Set.copyOf(servable) : Collections.unmodifiableSet(servable);
    }

    /**
     * Every DNS name and IP address of a leaf, whether it can be served or not.
     *
     * @param leaf the end-entity certificate
     * @return in lower case, in its order
     * @throws IllegalArgumentException if the names cannot be read
     */
    public static Set<String> allNamesOf(X509Certificate leaf) {
        Set<String> found = new LinkedHashSet<>();
        try {
            Collection<List<?>> alternatives = leaf.getSubjectAlternativeNames();
            if (alternatives != null) {
                for (List<?> alternative : alternatives) {
                    if (alternative.get(0) instanceof Integer type
                            && (type == DNS_NAME || type == IP_ADDRESS)
                            && alternative.get(1) instanceof String text) {
                        found.add(text.toLowerCase(Locale.ROOT));
                    }
                }
            }
        } catch (CertificateParsingException e) {
            throw new IllegalArgumentException("the leaf's subject alternative names cannot be read", e);
        }
        return Collections.unmodifiableSet(found);
    }

    private static boolean isServable(String name) {
        try {
            ServerName.answeredBy(name);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
