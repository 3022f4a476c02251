package org.ondemandtls.issuance;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;

/** Skeleton. */
public final class Issuance {
    public CompletableFuture<KeyedCertificate> obtain(ServerName name, ClientBlock client) {
        throw new UnsupportedOperationException();
    }

    public Optional<IssuanceException> remembered(ServerName name) {
        throw new UnsupportedOperationException();
    }
}
