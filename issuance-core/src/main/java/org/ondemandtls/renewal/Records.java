package org.ondemandtls.renewal;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * The stored certificates, in the words of renewal: whose they are, who visits them, when they are forgotten.
 *
 * <p><b>Threads.</b> What throws a {@link StoreException} blocks for the store; all of it is safe for use by many threads.
 */
final class Records {

    private final CertificateStore store;
    private final OnDemandTlsConfig.Renewal config;
    private final Set<ServerName> ownNames;

    Records(CertificateStore store, OnDemandTlsConfig.Renewal config, Set<ServerName> ownNames) {
        this.store = store;
        this.config = config;
        this.ownNames = Set.copyOf(ownNames);
    }

    /** The name a record is stored under, empty where that is a wildcard. */
    static Optional<ServerName> plainName(String firstName) {
        return firstName.startsWith("*") ? Optional.empty() : Optional.of(new ServerName(firstName));
    }

    /** What is stored under exactly this first name. */
    Optional<StoredCertificate> under(String firstName) throws StoreException {
        return store.find(ServerName.answeredBy(firstName))
                .filter(stored -> stored.firstName().equals(firstName));
    }

    /** Whether several servers share the store. */
    boolean areShared() {
        return store.peers().any();
    }

    boolean isOwn(StoredCertificate record) {
        return plainName(record.firstName()).filter(ownNames::contains).isPresent();
    }

    /** Whether a record's certificate itself was visited, as recently as the operator wants. */
    boolean isVisited(StoredCertificate record, Instant now) {
        return record.visited()
                .filter(at -> !at.isBefore(record.obtained()))
                .filter(at -> config.visitedWithin()
                        .map(within -> !at.plus(within).isBefore(now))
                        .orElse(true))
                .isPresent();
    }

    /**
     * Whether a visit need not be written down. Whoever noted it in memory may not have known: the certificate came from the
     * store again, or another node wrote. The last visit to its predecessor is none to this one.
     */
    static boolean isNoted(StoredCertificate stored, Visits.Visit visit) {
        return stored.visited()
                .filter(at -> !at.isBefore(stored.obtained()))
                .filter(at -> java.time.Duration.between(at, visit.at())
                                .abs()
                                .compareTo(Visits.interval(stored.certificate()))
                        < 0)
                .isPresent();
    }

    Instant forgottenAt(StoredCertificate record) {
        return record.certificate().notAfter().plus(config.grace());
    }

    /** Saves a record with another due time, unless somebody else has changed it: the next look sees what is to be done. */
    void reschedule(StoredCertificate record, Instant due) throws StoreException {
        save(record.withDue(due));
    }

    /** Saves a record unless somebody else has changed it; empty then. */
    Optional<StoredCertificate> save(StoredCertificate record) throws StoreException {
        try {
            return Optional.of(store.save(record));
        } catch (StaleRevisionException e) {
            return Optional.empty();
        }
    }
}
