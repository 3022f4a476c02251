package org.ondemandtls.authority;

import java.security.cert.X509Certificate;
import java.util.List;

/** Says whether a CA has revoked a certificate. */
@FunctionalInterface
public interface Revocations {

    /** Nobody is asked. */
    Revocations NONE = chain -> false;

    /**
     * Whether the CA publishes that it has revoked a leaf. May block for a request.
     *
     * @param chain the leaf and its issuers
     * @return true only if that is certain
     */
    boolean isRevoked(List<X509Certificate> chain);
}
