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
import org.ondemandtls.issuance.HoldScope;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/** Reads the floors below; every attribute is a few memory accesses, the operations look into the store. */
public final class Status implements OnDemandTlsMXBean {

    private final String issuer;
    private final CertificateStore store;
    private final Renewal renewal;
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
     * @param renewal what renews
     * @param issuance what obtains
     * @param permission what decides
     * @param challenges what is on display
     * @param lot what waits
     * @param gate what was completed
     * @param events what happened
     */
    public Status(
            String issuer,
            CertificateStore store,
            Inventory inventory,
            Renewal renewal,
            Issuance issuance,
            Permission permission,
            ChallengeBoard challenges,
            ParkingLot lot,
            HandshakeGate gate,
            Events events) {
        this.issuer = issuer;
        this.store = store;
        this.inventory = inventory;
        this.renewal = renewal;
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
        return store.location();
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
    public int getParkedLimit() {
        return lot.capacity();
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
    public int getRenewals() {
        return renewal.inFlight();
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
    public Map<String, Long> getRefusals() {
        return gate.refusals();
    }

    @Override
    public Map<String, Long> getOverflows() {
        return events.overflows();
    }

    @Override
    public String explain(String name) {
        ServerName parsed;
        try {
            parsed = ServerName.parse(name);
        } catch (IllegalArgumentException e) {
            return "no certificate: " + e.getMessage();
        }
        StringBuilder words = new StringBuilder();
        Optional<KeyedCertificate> served = inventory.find(parsed);
        served.ifPresent(certificate -> words.append("served with ")
                .append(certificate.id())
                .append(", valid until ")
                .append(certificate.notAfter()));
        Optional<IssuanceException> held = held(parsed);
        if (served.isPresent()) {
            held.ifPresent(reason -> words.append("; not renewed now: ").append(reason.getMessage()));
        } else {
            words.append(issuance.remembered(parsed)
                    .or(() -> held)
                    .map(reason -> "refused: " + reason.getMessage())
                    .orElse("not in memory: the next visit looks in the store, then asks permission"));
        }
        try {
            store.find(parsed).ifPresent(stored -> words.append("; ").append(words(stored)));
            store.hold(new HoldScope.Name(parsed).key())
                    .ifPresent(hold -> words.append("; refused ")
                            .append(hold.refusals())
                            .append(" times by ")
                            .append(hold.issuer())
                            .append(", not tried before ")
                            .append(hold.until())
                            .append(" (retry undoes that): ")
                            .append(hold.problemType())
                            .append(": ")
                            .append(hold.detail()));
        } catch (StoreException e) {
            words.append("; the store does not answer: ").append(e.getMessage());
        }
        return words.toString();
    }

    @Override
    public String retry(String name) {
        ServerName parsed;
        try {
            parsed = ServerName.parse(name);
        } catch (IllegalArgumentException e) {
            return "nothing done: " + e.getMessage();
        }
        try {
            issuance.retry(parsed);
            renewal.retry(parsed);
            return "what was remembered of " + parsed + " is forgotten; the next visit tries it, a renewal begins now";
        } catch (StoreException e) {
            return "nothing done, the store does not answer: " + e.getMessage();
        }
    }

    private Optional<IssuanceException> held(ServerName name) {
        try {
            return issuance.held(name);
        } catch (StoreException e) {
            // Looking the name up says so too.
            return Optional.empty();
        }
    }

    private static String words(StoredCertificate stored) {
        StringBuilder words = new StringBuilder("stored since ")
                .append(stored.obtained())
                .append(" from ")
                .append(stored.issuer());
        if (stored.withdrawn().isPresent()) {
            return words.append(", withdrawn at ")
                    .append(stored.withdrawn().get())
                    .append(", forgotten at ")
                    .append(stored.due())
                    .toString();
        }
        if (stored.due().isAfter(stored.certificate().notAfter())) {
            return words.append(", not visited and so not renewed, forgotten at ")
                    .append(stored.due())
                    .toString();
        }
        words.append(", to be renewed at ").append(stored.renew());
        stored.window().ifPresent(window -> {
            words.append(", in the CA's window from ")
                    .append(window.start())
                    .append(" to ")
                    .append(window.end());
            window.explanation()
                    .ifPresent(link -> words.append(" (why: ").append(link).append(')'));
        });
        stored.visited().ifPresent(at -> words.append(", last visit noted at ").append(at));
        stored.deniedSince().ifPresent(at -> words.append(", denied since ").append(at));
        return words.append(", looked at next at ").append(stored.due()).toString();
    }
}
