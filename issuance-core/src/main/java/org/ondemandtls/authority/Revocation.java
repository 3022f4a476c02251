package org.ondemandtls.authority;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.Set;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.shredzone.acme4j.Certificate;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * Revokes at one CA: first by the account, then by the certificate's own key, which also proves who may.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-7.6">RFC 8555 section 7.6</a>
 */
final class Revocation {

    private static final String DONE_BEFORE = "alreadyRevoked";
    // What CAs say of an account that did not obtain the certificate.
    private static final Set<String> NOT_BY_THIS_ACCOUNT = Set.of("unauthorized", "malformed", "accountDoesNotExist");

    private final CaSession session;
    private final Login login;

    Revocation(CaSession session, Login login) {
        this.session = session;
        this.login = login;
    }

    /** Revokes; blocks. */
    void revoke(KeyedCertificate certificate, RevocationReason reason) throws AcmeException {
        try {
            Certificate.revoke(login, certificate.leaf(), code(reason));
        } catch (AcmeServerException e) {
            String type = CaProblem.of(e.getProblem()).type();
            if (type.equals(DONE_BEFORE)) {
                return;
            }
            if (!NOT_BY_THIS_ACCOUNT.contains(type)) {
                throw e;
            }
            byItsKey(certificate, reason, e);
        }
    }

    private void byItsKey(KeyedCertificate certificate, RevocationReason reason, AcmeServerException refusal)
            throws AcmeException {
        KeyPair key;
        try {
            key = KeyPairs.pair(certificate.key());
        } catch (GeneralSecurityException e) {
            refusal.addSuppressed(e);
            throw refusal;
        }
        try {
            Certificate.revoke(session.session(), key, certificate.leaf(), code(reason));
        } catch (AcmeServerException e) {
            if (!CaProblem.of(e.getProblem()).type().equals(DONE_BEFORE)) {
                throw e;
            }
        }
    }

    private static org.shredzone.acme4j.RevocationReason code(RevocationReason reason) {
        return org.shredzone.acme4j.RevocationReason.valueOf(reason.name());
    }
}
