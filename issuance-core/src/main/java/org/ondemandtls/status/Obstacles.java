package org.ondemandtls.status;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.BudgetUse;
import org.ondemandtls.issuance.CaHealth;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.NameReport.Refusal;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What would keep the next order for a name from being placed, though nothing is remembered of the name itself: a pause, a
 * clock that nobody trusts, a budget that is used up, CAs that do not work. Blocks for the store. Safe for use by many threads.
 */
final class Obstacles {

    private static final Set<String> FAILURES = Set.of(
            "no_answer",
            "not_ready",
            "authority_unavailable",
            "over_budget",
            "still_failing",
            "not_renewed",
            "store_failed",
            "defect");
    // Behind one of these, what failed before says nothing any more.
    private static final Set<String> ENDS =
            Set.of("obtained", "renewed", "denied", "rejected", "withdrawn", "revoked", "forgotten");

    private final Operations.Floors floors;

    Obstacles(Operations.Floors floors) {
        this.floors = floors;
    }

    /**
     * A budget that has no room now.
     *
     * @param ca the {@code id()} of the CA it is kept for
     * @param use how far it is used up
     */
    record Spent(String ca, BudgetUse use) {

        /** The same in words, without an end. */
        String words() {
            return "over budget: all " + use.most() + " " + use.budget() + " in " + use.period() + " are used up at "
                    + ca;
        }
    }

    /**
     * Why the next order for a name would not be placed, or not succeed; the first reason that it would meet.
     *
     * @param name the name
     * @param stored what is stored for it
     * @throws StoreException if the store did not say
     */
    Optional<Refusal> of(ServerName name, Optional<StoredCertificate> stored) throws StoreException {
        List<String> paused = floors.issuance().pauses().concerning(name, authorities());
        if (!paused.isEmpty()) {
            return Optional.of(new Refusal(
                    Who.YOU,
                    "an operator has paused issuing: " + String.join(", ", paused),
                    Optional.empty(),
                    0,
                    Optional.empty()));
        }
        Optional<Refusal> clock = clock(stored);
        if (clock.isPresent()) {
            return clock;
        }
        List<Spent> spent = spent(name, stored);
        if (standsInTheWay(spent)) {
            Spent first = spent.stream()
                    .min(Comparator.comparing(one -> one.use().freeAt().orElse(Instant.MAX)))
                    .orElseThrow();
            return Optional.of(
                    new Refusal(Who.NOBODY, first.words(), first.use().freeAt(), 0, Optional.empty()));
        }
        return outage();
    }

    /**
     * That a renewal which is due waits for the clock. Whoever has no valid certificate does not wait for it. No I/O.
     *
     * @param stored what is stored for the name
     */
    Optional<Refusal> clock(Optional<StoredCertificate> stored) {
        Instant now = floors.clock().instant();
        boolean waits = stored.filter(
                        record -> record.isServableAt(now) && !record.renew().isAfter(now) && !record.isLeftAlone())
                .isPresent();
        return waits && !floors.watch().isTrusted()
                ? Optional.of(new Refusal(
                        Who.YOU,
                        "the clock of the machine has jumped: nothing is renewed until it is back, until a CA has the same"
                                + " time, or for "
                                + ClockWatch.ACCEPTED_AFTER_HOURS + " h; check this machine's time",
                        Optional.empty(),
                        0,
                        Optional.empty()))
                : Optional.empty();
    }

    /** That no CA works, where that is so; the first of them stands for all. No I/O. */
    Optional<Refusal> outage() {
        List<Authority> all = floors.authorities();
        if (all.isEmpty() || all.stream().anyMatch(ca -> health(ca).isWell())) {
            return Optional.empty();
        }
        CaHealth health = health(all.get(0));
        return Optional.of(new Refusal(
                ofCa(health), all.get(0).id() + " " + words(health), Optional.empty(), 0, Optional.empty()));
    }

    /** How a CA stands. */
    CaHealth health(Authority authority) {
        return floors.issuance().health(authority.id());
    }

    /** What is the matter with a CA that is not well, behind its name. */
    static String words(CaHealth health) {
        return "has not worked"
                + health.failingSince().map(at -> " since " + at).orElse("") + ": " + health.why();
    }

    /** Who must act where a CA is not well. */
    static Who ofCa(CaHealth health) {
        return Who.of(health.why()) == Who.YOU ? Who.YOU : Who.CA;
    }

    /**
     * The budgets without room for a name, at most one of each CA: that whose room comes last.
     *
     * @throws StoreException if the ledger did not say
     */
    List<Spent> spent(ServerName name, Optional<StoredCertificate> stored) throws StoreException {
        Instant now = floors.clock().instant();
        boolean renewal = stored.filter(record -> record.isServableAt(now)).isPresent();
        List<Spent> spent = new ArrayList<>();
        for (String ca : authorities()) {
            List<BudgetUse> uses = new ArrayList<>(floors.budget().used(ca));
            uses.removeIf(use -> use.budget().equals(renewal ? Budget.FOR_NEW_NAMES : Budget.FOR_RENEWALS));
            uses.addAll(floors.budget().used(ca, name));
            if (stored.filter(record -> isNotCounted(record, ca, name)).isPresent()) {
                uses.removeIf(use -> !use.budget().startsWith(Budget.FAILED_OF));
            }
            uses.stream()
                    .filter(use -> use.freeAt().isPresent())
                    .max(Comparator.comparing(use -> use.freeAt().orElseThrow()))
                    .ifPresent(use -> spent.add(new Spent(ca, use)));
        }
        return spent;
    }

    // A CA counts neither the order nor the domain of the same names again.
    private static boolean isNotCounted(StoredCertificate record, String ca, ServerName name) {
        return record.issuer().equals(ca) && record.certificate().names().equals(Set.of(name.value()));
    }

    /** Whether no CA is left that has room. */
    boolean standsInTheWay(List<Spent> spent) {
        return !spent.isEmpty() && spent.size() == floors.authorities().size();
    }

    /** What a name failed by last, where it has not got further since. No I/O. */
    static Optional<Refusal> last(List<Happening> history) {
        for (int at = history.size() - 1; at >= 0; at--) {
            Happening one = history.get(at);
            if (ENDS.contains(one.kind())) {
                return Optional.empty();
            }
            if (FAILURES.contains(one.kind())) {
                String what = one.text().replaceFirst("^(?:not obtained|not renewed|refused): ", "");
                return Optional.of(new Refusal(
                        Who.of(what),
                        "last tried at " + one.at() + ": " + what,
                        Optional.empty(),
                        0,
                        Optional.empty()));
            }
        }
        return Optional.empty();
    }

    private List<String> authorities() {
        return floors.authorities().stream().map(Authority::id).toList();
    }
}
