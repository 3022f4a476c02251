package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * The names an operator has taken away, whatever permission says of them.
 *
 * <p>A withdrawal is a hold in the store, so every server keeps to it. It ends when an operator has the name obtained, or
 * by a grant that comes after a denial.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the store.
 */
public final class Withdrawals {

    /** What ends a withdrawal. */
    public static final String SERVED_AGAIN =
            "served again after obtain, or after permission has denied and then granted the name";

    /** Who is named as the issuer of such a hold. */
    public static final String OPERATOR = "operator";

    private static final String TYPE = "withdrawn";
    // No sweep may end it.
    private static final Duration WITHOUT_END = Duration.ofDays(36_500);
    private static final Duration AGAIN = Duration.ofMinutes(1);
    private static final int UNTOUCHED = 0;
    private static final int DENIED_SINCE = 1;

    private final CertificateStore store;
    private final Inventory inventory;
    private final Clock clock;
    private final Events events;

    Withdrawals(CertificateStore store, Inventory inventory, Clock clock, Events events) {
        this.store = store;
        this.inventory = inventory;
        this.clock = clock;
        this.events = events;
    }

    /**
     * Takes a name away: no server serves it or obtains it from now on. Where its certificate has other names, these are
     * not served from it any more either, and may be obtained anew.
     *
     * @param name the name
     * @return whether a certificate was stored for it
     * @throws StoreException if the store could not be written; what is withdrawn here already stays so
     */
    public boolean withdraw(ServerName name) throws StoreException {
        Instant now = clock.instant();
        store.keepHold(new Hold(
                new Scope.TakenAway(name),
                OPERATOR,
                UNTOUCHED,
                now.plus(WITHOUT_END),
                TYPE,
                "withdrawn by an operator at " + now,
                Optional.empty()));
        events.publish(EventKind.WITHDRAWN, name, "withdrawn by an operator; " + SERVED_AGAIN);
        inventory.withdraw(name);
        boolean stored = mark(name);
        store.peers().tell(name);
        return stored;
    }

    /**
     * Ends a withdrawal, if there is one: the operator wants the name served.
     *
     * @param name the name
     * @throws StoreException if the store could not be written
     */
    public void lift(ServerName name) throws StoreException {
        if (store.hold(new Scope.TakenAway(name)).isPresent()) {
            store.dropHold(new Scope.TakenAway(name));
            store.peers().tell(name);
        }
    }

    /**
     * The withdrawal of a name, if there is one.
     *
     * @throws StoreException if the store could not be read
     */
    public Optional<Hold> of(ServerName name) throws StoreException {
        return store.hold(new Scope.TakenAway(name));
    }

    /** Whether a name is withdrawn from what the store has found for it, which goes on serving other names. */
    boolean takes(ServerName name, StoredCertificate found) throws StoreException {
        return WithdrawnName.isKept(store, name, found)
                || (!found.firstName().equals(name.value()) && of(name).isPresent());
    }

    /**
     * Called where permission has just been granted: ends a withdrawal that permission has been denied for meanwhile.
     *
     * @throws IssuanceException.NotPermitted if the name is withdrawn
     * @throws StoreException if the store did not say
     */
    void check(ServerName name) throws IssuanceException.NotPermitted, StoreException {
        Optional<Hold> hold = of(name);
        if (hold.isEmpty()) {
            return;
        }
        if (hold.get().refusals() == UNTOUCHED) {
            throw new IssuanceException.NotPermitted(name, hold.get().detail(), AGAIN);
        }
        store.dropHold(new Scope.TakenAway(name));
    }

    /** Permission was denied: the next grant is a new one. */
    void denied(ServerName name) throws StoreException {
        Optional<Hold> hold = of(name);
        if (hold.isPresent() && hold.get().refusals() == UNTOUCHED) {
            Hold old = hold.get();
            store.keepHold(new Hold(
                    old.scope(), old.issuer(), DENIED_SINCE, old.until(), old.problemType(), old.detail(), old.link()));
        }
    }

    /**
     * Called when a certificate has just been saved and before it is published: it may have been withdrawn while it was
     * being obtained.
     *
     * @throws IssuanceException.NotPermitted if so; the certificate is marked
     * @throws StoreException if the store did not say
     */
    void checkSaved(ServerName name) throws IssuanceException.NotPermitted, StoreException {
        Optional<Hold> hold = of(name);
        if (hold.isPresent()) {
            mark(name);
            throw new IssuanceException.NotPermitted(name, hold.get().detail(), AGAIN);
        }
    }

    private boolean mark(ServerName name) throws StoreException {
        Optional<StoredCertificate> marked = store.update(
                name,
                stored -> stored.withdrawn().isPresent()
                        ? stored
                        : stored.withWithdrawn(Optional.of(clock.instant()))
                                .withDue(stored.certificate().notAfter()));
        marked.ifPresent(stored -> inventory.withdraw(stored.certificate()));
        return marked.isPresent();
    }
}
