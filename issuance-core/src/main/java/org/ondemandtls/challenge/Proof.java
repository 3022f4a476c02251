package org.ondemandtls.challenge;

import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/**
 * A proof of control as servers that share a store tell each other of it.
 *
 * @param name the identifier that is being validated
 * @param type the kind of proof
 * @param token the CA's token; empty for {@code tls-alpn-01}, whose client does not send it
 * @param content what answers it: the key authorization (RFC 8555 section 8.1) for {@code http-01}, its SHA-256 in lower-case
 *     hex for {@code tls-alpn-01} (RFC 8737 section 3)
 */
public record Proof(ServerName name, ChallengeType type, String token, String content) {

    /** Leaves the content out. */
    @Override
    public String toString() {
        return "Proof[" + type + " for " + name + "]";
    }
}
