package org.ondemandtls.status;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.Operations.Outcome;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Has a name renewed or tried again, by whichever way its record leaves: only what is served is renewed, all else is
 * obtained. Blocks for the store. Safe for use by many threads.
 */
final class Retries {

    private Retries() {}

    /**
     * Has a certificate renewed at once.
     *
     * @throws StoreException if the store did not answer
     */
    static Outcome renewed(Operations.Floors floors, ServerName name) throws StoreException {
        if (floors.own().test(name)) {
            return ofTheServer(name);
        }
        if (floors.issuance().withdrawals().of(name).isPresent()) {
            return withdrawn(name);
        }
        Optional<StoredCertificate> stored = floors.store().find(name);
        if (stored.isEmpty()) {
            return new Outcome(false, name + " has no certificate: have it obtained");
        }
        if (!isServable(floors, stored)) {
            return new Outcome(false, name + " is not served: have it obtained");
        }
        return floors.renewal().retry(name)
                ? new Outcome(true, "the renewal of " + name + " begins now")
                : new Outcome(false, "nothing done: " + byAnother(name, stored.get()));
    }

    /**
     * Has a name tried again at once, whatever refusal or wait is remembered for it.
     *
     * @throws StoreException if the store did not answer
     */
    static Outcome tried(Operations.Floors floors, ServerName name) throws StoreException {
        if (floors.own().test(name)) {
            return ofTheServer(name);
        }
        if (floors.issuance().withdrawals().of(name).isPresent()) {
            return withdrawn(name);
        }
        floors.issuance().retry(name);
        String forgotten = "what was remembered of " + name + " is forgotten; ";
        Optional<StoredCertificate> stored = floors.store().find(name);
        if (isServable(floors, stored)) {
            return floors.renewal().retry(name)
                    ? new Outcome(true, forgotten + "a renewal begins now")
                    : new Outcome(true, forgotten + byAnother(name, stored.orElseThrow()));
        }
        Outcome begun = obtained(floors, name);
        return new Outcome(begun.done(), forgotten + begun.sentence());
    }

    /** Has a name obtained, as a visit would, but for a remembered denial, which was perhaps mended; returns at once. */
    static Outcome obtained(Operations.Floors floors, ServerName name) {
        var flight = flight(floors, name);
        if (flight.isCompletedExceptionally()) {
            return flight.handle((certificate, failure) -> new Outcome(false, "not obtained: " + words(failure)))
                    .join();
        }
        return new Outcome(true, name + (flight.isDone() ? " is served" : " is being obtained"));
    }

    /** Begins to obtain a name for an operator, of whom permission is asked again. */
    static CompletableFuture<KeyedCertificate> flight(Operations.Floors floors, ServerName name) {
        floors.issuance().askAgain(name);
        return floors.issuance().obtain(name, ClientBlock.LOCAL);
    }

    private static boolean isServable(Operations.Floors floors, Optional<StoredCertificate> stored) {
        return stored.filter(record -> record.isServableAt(floors.clock().instant()))
                .isPresent();
    }

    private static String byAnother(ServerName name, StoredCertificate stored) {
        return name + " is served by the certificate of "
                + String.join(", ", stored.certificate().names())
                + ", which cannot be renewed here; it gets its own before that ends or once it has, at "
                + stored.certificate().notAfter();
    }

    /** That nothing is obtained for a name which the server serves by itself. */
    static Outcome ofTheServer(ServerName name) {
        return new Outcome(false, "nothing done: " + name + " is served with " + NameReports.OF_THE_SERVER);
    }

    private static Outcome withdrawn(ServerName name) {
        return new Outcome(false, "nothing done: " + name + " is withdrawn; have it obtained to end that");
    }

    private static String words(Throwable failure) {
        return failure instanceof IssuanceException reason ? reason.what() : String.valueOf(failure);
    }
}
