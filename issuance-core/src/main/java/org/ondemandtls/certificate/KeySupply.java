package org.ondemandtls.certificate;

import java.security.KeyPair;
import java.security.PublicKey;

/** Gives the key pairs that certificates are made for, of the kind that each CA is to sign. Safe for use by many threads. */
@FunctionalInterface
public interface KeySupply {

    /**
     * A pair nobody has seen.
     *
     * @param issuer the CA that is to sign
     */
    KeyPair take(String issuer);

    /**
     * Whether a key is of the kind that a CA is to sign.
     *
     * @param issuer the CA
     * @param key one that was made for another CA perhaps
     */
    default boolean fits(String issuer, PublicKey key) {
        return true;
    }
}
