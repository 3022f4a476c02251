package org.ondemandtls.benchmarks;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.authority.Authority;

/** A CA that is asked for nothing: whoever measures orders does so elsewhere. */
class SilentCa implements Authority {

    private final String id;

    SilentCa(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public void prepare() {}

    @Override
    public List<X509Certificate> sign(Order order, Journal journal) {
        throw new UnsupportedOperationException("it signs nothing");
    }

    @Override
    public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) {
        return Optional.empty();
    }

    @Override
    public boolean honoursReplaces() {
        return false;
    }

    @Override
    public void close() {}
}
