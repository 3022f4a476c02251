package org.ondemandtls.status;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.ParkingLot;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;

/** Reads the floors below; every query is a few memory accesses. */
public final class Status implements OnDemandTlsMXBean {

    private final String issuer;
    private final String store;
    private final Inventory inventory;
    private final Issuance issuance;
    private final Permission permission;
    private final ChallengeBoard challenges;
    private final ParkingLot lot;
    private final HandshakeGate gate;
    private final Events events;

    /**
     * Makes a view of one engine.
     *
     * @param issuer who signs
     * @param store where certificates are kept
     * @param inventory what can be served
     * @param issuance what obtains
     * @param permission what decides
     * @param challenges what is on display
     * @param lot what waits
     * @param gate what was completed
     * @param events what happened
     */
    public Status(
            String issuer,
            String store,
            Inventory inventory,
            Issuance issuance,
            Permission permission,
            ChallengeBoard challenges,
            ParkingLot lot,
            HandshakeGate gate,
            Events events) {
        this.issuer = issuer;
        this.store = store;
        this.inventory = inventory;
        this.issuance = issuance;
        this.permission = permission;
        this.challenges = challenges;
        this.lot = lot;
        this.gate = gate;
        this.events = events;
    }

    @Override
    public String getIssuer() {
        return issuer;
    }

    @Override
    public String getStore() {
        return store;
    }

    @Override
    public long getInventorySize() {
        return inventory.size();
    }

    @Override
    public int getParkedHandshakes() {
        return lot.parked();
    }

    @Override
    public long getCompletedHandshakes() {
        return gate.completedHandshakes();
    }

    @Override
    public long getCompletedAfterWaiting() {
        return gate.completedAfterWaiting();
    }

    @Override
    public int getFlights() {
        return issuance.inFlight();
    }

    @Override
    public int getPermissionQueue() {
        return permission.waiting();
    }

    @Override
    public long getRememberedAnswers() {
        return permission.rememberedCount();
    }

    @Override
    public long getRememberedFailures() {
        return issuance.rememberedFailures();
    }

    @Override
    public int getChallengesOnDisplay() {
        return challenges.size();
    }

    @Override
    public Map<String, Long> getEvents() {
        Map<String, Long> counts = new TreeMap<>();
        for (EventKind kind : EventKind.values()) {
            counts.put(kind.name(), events.count(kind));
        }
        return counts;
    }

    @Override
    public String explain(String name) {
        ServerName parsed;
        try {
            parsed = ServerName.parse(name);
        } catch (IllegalArgumentException e) {
            return "no certificate: " + e.getMessage();
        }
        Optional<KeyedCertificate> served = inventory.find(parsed);
        if (served.isPresent()) {
            return "served with " + served.get().id() + ", valid until "
                    + served.get().notAfter();
        }
        Optional<IssuanceException> refused = issuance.remembered(parsed);
        return refused.isPresent()
                ? "refused: " + refused.get().getMessage()
                : "not in memory: the next visit looks in the store, then asks permission";
    }
}
