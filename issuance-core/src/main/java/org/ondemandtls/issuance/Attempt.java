package org.ondemandtls.issuance;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.FlightRecorder;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.StoredCertificate;

/** One CA's turn at one name, and what has come of it so far. Used by the one thread that works on the name. */
final class Attempt {

    final Authority authority;
    final Lease lease;
    final ServerName name;
    final Purpose purpose;

    private final Optional<StoredCertificate> current;
    /** Its event for recordings. */
    final FlightRecorder.Span span;

    Budget.Reservation reservation = Budget.Reservation.NONE;
    Budget.Exemption exemption = Budget.Exemption.NONE;
    /** Whether the CA has the order. */
    boolean placed;
    /** Whether what the CA gave is not valid by a clock that may be wrong. */
    boolean undated;
    /** Whether the CA was not asked, for what it said before. */
    boolean held;
    /** Whether only the order that is open may be finished, and none placed. */
    boolean onlyFinishes;
    /** Whether the open order is of no more use. */
    boolean lapsed;
    /** How many proofs the CA has looked at and not accepted. */
    int failedValidations;

    private @Nullable IssuanceException failure;

    /** The turn of a CA at the name of a lease; {@code current} is what is stored for it. */
    Attempt(Authority authority, Lease lease, Purpose purpose, Optional<StoredCertificate> current) {
        this.authority = authority;
        this.lease = lease;
        this.name = lease.name();
        this.purpose = purpose;
        this.current = current;
        this.span = FlightRecorder.order(name, authority.id(), word());
    }

    /** What it is for, in a word. */
    String word() {
        return purpose == Purpose.OBTAIN ? "obtain" : "renew";
    }

    String issuer() {
        return authority.id();
    }

    /** How long the certificate is valid in all that this one succeeds. */
    Optional<Duration> lifetime() {
        return current.map(stored -> RenewalTime.lifetime(stored.certificate()));
    }

    /** The leaf this one succeeds, as far as this CA knows it. */
    Optional<X509Certificate> replaced() {
        return known().map(KeyedCertificate::leaf);
    }

    /**
     * Has the order counted as the CA counts it; the last word on it counts.
     *
     * @param replacesFirst whether the leaf was not said to be replaced before
     */
    void exempt(boolean replacesFirst) {
        if (purpose == Purpose.RENEW
                && authority.honoursReplaces()
                && replaced().isPresent()
                && replacesFirst) {
            exemption = Budget.Exemption.REPLACES;
        } else if (known().isPresent() && known().get().names().equals(Set.of(name.value()))) {
            exemption = Budget.Exemption.SAME_NAMES;
        } else {
            exemption = Budget.Exemption.NONE;
        }
    }

    void fail(IssuanceException with) {
        failure = with;
    }

    IssuanceException failed() {
        if (failure == null) {
            throw new IllegalStateException("it has not failed");
        }
        return failure;
    }

    private Optional<KeyedCertificate> known() {
        return current.filter(stored -> stored.issuer().equals(authority.id())).map(StoredCertificate::certificate);
    }
}
