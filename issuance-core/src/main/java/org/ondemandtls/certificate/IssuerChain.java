package org.ondemandtls.certificate;

import com.github.benmanes.caffeine.cache.Interner;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The issuers that leaves of one CA have in common, held once however many leaves there are, and one of those leaves: the
 * others differ from it in few octets.
 *
 * <p>Lives as long as anything holds it. Immutable.
 */
final class IssuerChain {

    private static final Interner<IssuerChain> ALL = Interner.newWeakInterner();

    private final List<X509Certificate> issuers;
    private final X509Certificate example;

    private IssuerChain(List<X509Certificate> issuers, X509Certificate example) {
        this.issuers = issuers;
        this.example = example;
    }

    /**
     * The issuers of a chain, shared with every chain that has the same.
     *
     * @param chain the leaf, then its issuers
     */
    static IssuerChain of(List<X509Certificate> chain) {
        return ALL.intern(new IssuerChain(List.copyOf(chain.subList(1, chain.size())), chain.get(0)));
    }

    /** What signed the leaves, the nearest first; may be empty. */
    List<X509Certificate> issuers() {
        return issuers;
    }

    /** The chain of a leaf with these issuers. */
    List<X509Certificate> under(X509Certificate leaf) {
        return Stream.concat(Stream.of(leaf), issuers.stream()).toList();
    }

    /** The first leaf that was seen with these issuers; always the same one. */
    X509Certificate example() {
        return example;
    }

    /** The same issuers; whose example is which makes no difference. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof IssuerChain chain && issuers.equals(chain.issuers);
    }

    @Override
    public int hashCode() {
        return issuers.hashCode();
    }
}
