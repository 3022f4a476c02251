package org.ondemandtls.renewal;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoreException;

/**
 * What renewal has done for it by issuance.
 *
 * <p><b>Threads.</b> Nothing but {@link #sweepHolds} blocks. Futures complete exceptionally with an {@link
 * org.ondemandtls.certificate.IssuanceException}, unwrapped.
 */
public interface Orders {

    /** Obtains a successor to the certificate stored for a name; permission is asked again. */
    CompletableFuture<KeyedCertificate> renew(ServerName name);

    /** Gets a certificate for a name of the operator's own, from the store where there is one. */
    CompletableFuture<KeyedCertificate> obtain(ServerName name);

    /** Asks whether a name may keep its certificate; completes normally where it may. */
    CompletableFuture<Void> recheck(ServerName name);

    /** How long a name is not going to be tried, for what a CA, or somebody who did not answer, has said. */
    Duration blockedFor(ServerName name);

    /**
     * Drops what CAs refused so long ago that it does not matter any more.
     *
     * @throws StoreException if the store failed
     */
    void sweepHolds() throws StoreException;

    /** The engine's own. */
    static Orders of(Issuance issuance) {
        return new Orders() {
            @Override
            public CompletableFuture<KeyedCertificate> renew(ServerName name) {
                return issuance.renew(name);
            }

            @Override
            public CompletableFuture<KeyedCertificate> obtain(ServerName name) {
                return issuance.obtain(name, ClientBlock.LOCAL);
            }

            @Override
            public CompletableFuture<Void> recheck(ServerName name) {
                return issuance.recheck(name);
            }

            @Override
            public Duration blockedFor(ServerName name) {
                return issuance.blockedFor(name);
            }

            @Override
            public void sweepHolds() throws StoreException {
                issuance.sweepHolds();
            }
        };
    }
}
