package org.ondemandtls.name;

import java.util.List;

/**
 * The part of a TLS ClientHello that decides which certificate answers it.
 *
 * @param requestedName what the {@code server_name} extension said
 * @param applicationProtocols the ALPN protocols offered, in the client's order (RFC 7301), one
 *     character per octet; empty where the extension is absent
 * @param offersTls12 whether TLS 1.2 or a later version is among those offered
 * @param octets how long it is, with its header of four
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2">RFC 8446 section 4.1.2</a>
 */
public record ClientHello(
        RequestedName requestedName, List<String> applicationProtocols, boolean offersTls12, int octets) {

    /** The ALPN protocol of a TLS-ALPN-01 validation (RFC 8737 section 6.2). */
    public static final String ACME_TLS_1 = "acme-tls/1";

    /** Keeps a copy of the list. */
    public ClientHello {
        applicationProtocols = List.copyOf(applicationProtocols);
    }

    /** Whether this is a CA looking for a challenge certificate: {@code acme-tls/1} and nothing else is offered. */
    public boolean offersOnlyAcmeTls() {
        return applicationProtocols.equals(List.of(ACME_TLS_1));
    }

    /** Whether {@code acme-tls/1} is offered at all, alone or with others. */
    public boolean offersAcmeTls() {
        return applicationProtocols.contains(ACME_TLS_1);
    }
}
