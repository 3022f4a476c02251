package org.ondemandtls.status;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.event.Figure;
import org.ondemandtls.issuance.CaHealth;

/** Says how a CA stands. */
final class CaReports {

    private CaReports() {}

    /**
     * About one CA.
     *
     * @param floors what is known
     * @param authority which
     * @param paused since when an operator has paused it, empty where it is not
     * @param store what is asked of the store
     */
    static CaReport of(Operations.Floors floors, Authority authority, Optional<Instant> paused, FromStore store) {
        Map<String, Long> orders = new TreeMap<>();
        double seconds = 0;
        List<CaReport.StepReport> steps = new ArrayList<>();
        for (var series : floors.events().figures().series()) {
            if (series.figure() == Figure.ORDER && series.values().get(0).equals(authority.id())) {
                String result = series.values().get(2);
                orders.merge(result, series.count(), Long::sum);
                if (result.equals("obtained")) {
                    seconds += series.seconds();
                }
            } else if (series.figure() == Figure.STEP && series.values().get(0).equals(authority.id())) {
                steps.add(Quantiles.of(series));
            }
        }
        long all = orders.values().stream().mapToLong(Long::longValue).sum();
        long obtained = orders.getOrDefault("obtained", 0L);
        CaHealth health = floors.issuance().health(authority.id());
        boolean well = health.isWell();
        Optional<String> closed =
                store.read(() -> AccountOperations.standing(authority)).flatMap(Function.identity());
        String sentence = closed.or(() -> paused.map(since -> "Paused by an operator since " + since + "."))
                .orElse(
                        well
                                ? all == 0
                                        ? "Not asked since this server has started."
                                        : "Well: " + obtained + " of " + all + " orders gave a certificate."
                                : "Not well"
                                        + health.failingSince()
                                                .map(since -> " since " + since)
                                                .orElse("")
                                        + ": " + health.why() + ".");
        return new CaReport(
                authority.id(),
                well,
                health.failingSince(),
                sentence,
                authority.account().isPresent(),
                authority.caaIdentity().flatMap(identity -> identity.accountUri()),
                paused,
                orders,
                all == 0 ? Optional.empty() : Optional.of((double) obtained / all),
                obtained == 0 ? Optional.empty() : Optional.of(seconds / obtained),
                steps,
                floors.vantages().ofCa(authority.id()),
                authority.honoursReplaces(),
                Optional.ofNullable(floors.renewal().lastAdvice().get(authority.id())),
                store.read(() -> floors.budget().used(authority.id())),
                store.error());
    }
}
