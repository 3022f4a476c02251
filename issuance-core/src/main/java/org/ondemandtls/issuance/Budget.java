package org.ondemandtls.issuance;

import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.StoreException;

/** Placeholder. */
public final class Budget {
    public Budget() {}

    Optional<Ledger.Ticket> reserve(String issuer, ServerName name, Purpose purpose, boolean exempt)
            throws IssuanceException, StoreException {
        return Optional.empty();
    }

    void giveBack(Ledger.Ticket ticket) throws StoreException {}

    void authorizationFailed(String issuer, ServerName name) throws StoreException {}
}
