package org.ondemandtls.status;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.ondemandtls.issuance.OrderShares;

/** Says how this server stands. */
final class ServerReport {

    private ServerReport() {}

    /**
     * About this server; blocks for a few look-ups. What the store did not say is missing.
     *
     * @param floors what is known
     * @param operations what the contract knows
     */
    static Map<String, Object> of(Status.Floors floors, Operations operations) {
        FromStore store = new FromStore();
        Map<String, Object> server = new LinkedHashMap<>(operations.server(store));
        server.put("issuer", floors.issuer());
        server.put("clockTrusted", floors.watch().isTrusted());
        server.put("members", store.read(() -> floors.store().peers().members()));
        server.put("parked", floors.lot().parked());
        server.put("parkedLimit", floors.lot().capacity());
        server.put("permissionQueue", floors.permission().waiting());
        server.put("ordersQueued", queued(floors.orders()));
        server.put("preflight", floors.preflight().state());
        server.put("preflightResting", floors.preflight().isResting());
        server.put("dnsQuestions", floors.preflight().questions());
        server.put("challengesOnDisplay", floors.challenges().size());
        server.put(
                "nothingWithdrawnUntil",
                store.read(() -> floors.renewal().nothingWithdrawnUntil()).flatMap(Function.identity()));
        server.put("storeError", store.error());
        return server;
    }

    /** How many orders wait for a thread, by what they are for. */
    static Map<String, Integer> queued(OrderShares orders) {
        return Map.of(
                "visits", orders.queued(OrderShares.Side.VISITS),
                "renewals", orders.queued(OrderShares.Side.RENEWALS));
    }
}
