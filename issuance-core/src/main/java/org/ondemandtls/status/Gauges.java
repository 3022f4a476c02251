package org.ondemandtls.status;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.store.StoreException;

/**
 * What goes up and down. What the store or all of memory has to be asked for is asked at most once in {@value #SECONDS}
 * seconds, however often it is read. Safe for use by many threads.
 */
final class Gauges {

    static final int SECONDS = 15;

    private static final int MOST_DUE = 256;
    private static final double MILLIS = 1000.0;

    private record Looked(
            Instant at,
            boolean storeAnswers,
            int due,
            Duration oldestDue,
            IndexedCounts indexed,
            Map<String, Double> expiry,
            Map<String, Double> ordersLeft) {}

    private final Status.Floors floors;
    private final Clock clock;
    private final AtomicReference<Looked> looked;

    Gauges(Status.Floors floors, Clock clock) {
        this.floors = floors;
        this.clock = clock;
        this.looked = new AtomicReference<>(
                new Looked(Instant.EPOCH, true, 0, Duration.ZERO, IndexedCounts.NONE, Map.of(), Map.of()));
    }

    List<Gauge> all() {
        Looked known = looked();
        List<Gauge> all = new ArrayList<>(List.of(
                Gauge.of("ondemandtls_store_up", "Whether the store has answered.", known.storeAnswers() ? 1 : 0),
                Gauge.of(
                        "ondemandtls_renewals_due",
                        "Certificates about which something is to be done now, 256 at most.",
                        known.due()),
                Gauge.of(
                        "ondemandtls_renewals_oldest_due_seconds",
                        "For how long the oldest of these has been due.",
                        known.oldestDue().toMillis() / MILLIS),
                Gauge.of(
                        "ondemandtls_renewals_overdue",
                        "Certificates in the store that are valid and whose renewal is late by a twentieth of their life,"
                                + " 5000 at most.",
                        known.indexed().overdue()),
                Gauge.of(
                        "ondemandtls_renewals_oldest_overdue_seconds",
                        "For how long the first of these should have been renewed.",
                        known.indexed().oldest().toMillis() / MILLIS),
                Gauge.of(
                        "ondemandtls_names_moved_away",
                        "Valid certificates in the store whose names lead elsewhere since their renewal is due, 5000 at most.",
                        known.indexed().movedAway()),
                Gauge.of(
                        "ondemandtls_renewals_in_flight",
                        "Renewals under way.",
                        floors.renewal().inFlight()),
                Gauge.of(
                        "ondemandtls_flights",
                        "Names a certificate is being obtained for.",
                        floors.issuance().inFlight()),
                Gauge.of("ondemandtls_certificates_in_memory", "Names that can be served from memory.", (double)
                        floors.inventory().size()),
                Gauge.of(
                        "ondemandtls_parked_handshakes",
                        "Handshakes that wait for a certificate.",
                        floors.lot().parked()),
                Gauge.of(
                        "ondemandtls_parked_handshakes_limit",
                        "How many may wait (onDemandTls.handshake.parked).",
                        floors.lot().capacity()),
                Gauge.of(
                        "ondemandtls_permission_queue",
                        "Questions that wait for the permission sources.",
                        floors.permission().waiting()),
                Gauge.of(
                        "ondemandtls_preflight_resting",
                        "Whether names are ordered without a look at their DNS, since the resolver is silent.",
                        floors.preflight().isResting() ? 1 : 0),
                Gauge.of(
                        "ondemandtls_clock_trusted",
                        "Whether the clock of the machine is taken for right.",
                        floors.watch().isTrusted() ? 1 : 0),
                Gauge.of(
                        "ondemandtls_challenges_on_display",
                        "Proofs on display for a CA.",
                        floors.challenges().size()),
                Gauge.of("ondemandtls_refusals_remembered", "Names whose failures are remembered.", (double)
                        floors.issuance().rememberedFailures())));
        all.add(new Gauge(
                "ondemandtls_certificates_by_days_left",
                "Certificates in memory by the most days they are still valid, each in one band, expired ones in their own.",
                "days",
                known.expiry()));
        Map<String, Double> well = new HashMap<>();
        Map<String, Double> networks = new HashMap<>();
        Map<String, Double> missing = new HashMap<>();
        Map<String, Double> advised = new HashMap<>();
        Map<String, Instant> advice = floors.renewal().lastAdvice();
        for (Authority authority : floors.authorities()) {
            well.put(authority.id(), floors.issuance().health(authority.id()).isWell() ? 1.0 : 0.0);
            Vantages.OfCa seen = floors.challenges().vantages().ofCa(authority.id());
            networks.put(authority.id(), (double) seen.last());
            advised.put(authority.id(), (double)
                    advice.getOrDefault(authority.id(), Instant.EPOCH).getEpochSecond());
            missing.put(authority.id(), (double) seen.missing().size());
        }
        all.add(new Gauge(
                "ondemandtls_vantage_networks",
                "From how many networks the CA fetched the proof of its last order.",
                "ca",
                networks));
        all.add(new Gauge(
                "ondemandtls_vantage_networks_missing",
                "How many networks the CA did not come from at its last order, of those of its successful orders before.",
                "ca",
                missing));
        Map<String, Double> queued = new HashMap<>();
        ServerReport.queued(floors.orders()).forEach((side, count) -> queued.put(side, count.doubleValue()));
        all.add(new Gauge(
                "ondemandtls_orders_queued", "Orders that wait for a thread, by what they are for.", "side", queued));
        all.add(new Gauge(
                "ondemandtls_renewal_info_last_success_seconds",
                "When a CA answered with renewal information last, in seconds since 1970; 0 before the first.",
                "ca",
                advised));
        all.add(new Gauge("ondemandtls_ca_well", "Whether the CA answered when it was asked last.", "ca", well));
        all.add(new Gauge(
                "ondemandtls_budget_left",
                "Which part of the orders that may be placed now is left, from 0 to 1, for new names or renewals,"
                        + " whichever is less.",
                "ca",
                known.ordersLeft()));
        return all;
    }

    private Looked looked() {
        Looked known = looked.get();
        Instant now = clock.instant();
        if (Duration.between(known.at(), now).abs().compareTo(Duration.ofSeconds(SECONDS)) < 0) {
            return known;
        }
        // Whoever comes meanwhile goes on with what was known.
        looked.compareAndSet(
                known,
                new Looked(
                        now,
                        known.storeAnswers(),
                        known.due(),
                        known.oldestDue(),
                        known.indexed(),
                        known.expiry(),
                        known.ordersLeft()));
        Map<String, Double> expiry = new HashMap<>();
        ExpiryBands.of(floors.inventory().all(), now).forEach((band, count) -> expiry.put(band, (double) count));
        Looked fresh;
        try {
            Duration oldest = floors.store()
                    .nextDue()
                    .map(due -> Duration.between(due, now))
                    .filter(age -> !age.isNegative())
                    .orElse(Duration.ZERO);
            int due = oldest.isZero() ? 0 : floors.store().due(now, MOST_DUE).size();
            IndexedCounts indexed = IndexedCounts.of(floors.store(), now).orElse(known.indexed());
            fresh = new Looked(now, true, due, oldest, indexed, expiry, ordersLeft());
        } catch (StoreException e) {
            fresh = new Looked(now, false, known.due(), known.oldestDue(), known.indexed(), expiry, known.ordersLeft());
        }
        looked.set(fresh);
        return fresh;
    }

    private Map<String, Double> ordersLeft() throws StoreException {
        Map<String, Double> left = new HashMap<>();
        for (Authority authority : floors.authorities()) {
            floors.budget().used(authority.id()).stream()
                    .filter(use -> use.most() > 0)
                    .mapToDouble(use -> Math.max(0, use.most() - use.used()) / (double) use.most())
                    .min()
                    .ifPresent(share -> left.put(authority.id(), share));
        }
        return left;
    }
}
